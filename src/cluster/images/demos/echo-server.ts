import type { Program } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { goProgram, goResponse, untilKilled } from '../agnhost/go-server.ts'
import { goHeaders, requestHost, requestUri } from './request-echo.ts'

const encoder = new TextEncoder()

/** jmalloc/echo-server: writes back what it was asked, and who answers. */
// @k8s part: echo-server image: WebSockets and their page (`/.ws`) are missing
export const echoServer: Program = (proc) => goProgram(proc, async () => {
  const port = proc.env.PORT || '8080'
  await proc.stdout.write(`Echo server listening on port ${port}.\n`)
  proc.net.listenHttp(Number(port), async (request, { remote }) => {
    const who = `${remote.ip}:${remote.port}`
    const { pathname } = new URL(request.url)
    const logsHeaders = Boolean(proc.env.LOG_HTTP_HEADERS)
    const logsBody = Boolean(proc.env.LOG_HTTP_BODY)
    const headerLines = goHeaders(request).map(([name, value]) => `${name}: ${value}\n`).join('')
    const body = await request.text()
    await proc.stdout.write(`${logsHeaders || logsBody ? '--------  ' : ''}${who} | ${request.method} ${requestUri(request)}\n${logsHeaders ? `Headers\n${headerLines}` : ''}${logsBody ? hexDump(body) : ''}`)
    const isNamed = (request.headers.get('x-send-server-hostname') || proc.env.SEND_SERVER_HOSTNAME || '').toLowerCase() !== 'false'
    const own = Object.fromEntries(Object.entries(proc.env).flatMap(([name, value]) => name.startsWith('SEND_HEADER_') && value !== undefined ? [[name.slice(12).replaceAll('_', '-'), value]] : []))
    const echo = `${request.method} ${requestUri(request)} HTTP/1.1\n\nHost: ${requestHost(request)}\n${headerLines}${body === '' ? '' : `\n${body}`}`
    if (pathname === '/.ws') return goResponse(proc, 'this page needs WebSockets, which this server lacks here\n', { status: 501, headers: own })
    if (pathname !== '/.sse') return goResponse(proc, `${isNamed ? `Request served by ${proc.machine.hostname}\n\n` : ''}${echo}`, { headers: { ...own, 'content-type': 'text/plain' } })
    let id = 0
    const event = async (name: string, data: string): Promise<Uint8Array> => {
      const lines = [`event: ${name}`, ...data.split('\n').map((line) => `data: ${line}`), `id: ${++id}`]
      await proc.stdout.write(lines.map((line) => `${who} | sse | ${line}\n`).join(''))
      return encoder.encode(`${lines.join('\n')}\n\n`)
    }
    let isOver = false
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        if (isNamed) controller.enqueue(await event('server', proc.machine.hostname))
        controller.enqueue(await event('request', echo))
      },
      async pull(controller) {
        await proc.sleep(1000)
        if (!isOver) controller.enqueue(await event('time', formatDate('%Y-%m-%dT%H:%M:%SZ', proc.clock.nowMs())))
      },
      cancel() { isOver = true },
    })
    return new Response(stream, { headers: { ...own, 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'access-control-allow-origin': '*', date: new Date(proc.clock.nowMs()).toUTCString() } })
  })
  return untilKilled(proc)
})

/** `hexdump -C` as Go's encoding/hex makes it. */
function hexDump(text: string): string {
  const bytes = encoder.encode(text)
  let out = ''
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    const hex = (from: number, to: number) => row.slice(from, to).map((byte) => byte.toString(16).padStart(2, '0')).join(' ').padEnd(23)
    out += `${at.toString(16).padStart(8, '0')}  ${hex(0, 8)}  ${hex(8, 16)}  |${row.map((byte) => byte >= 32 && byte <= 126 ? String.fromCharCode(byte) : '.').join('')}|\n`
  }
  return out
}
