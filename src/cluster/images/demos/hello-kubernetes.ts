import { KERNEL_RELEASE } from '../../../unix/kernel.ts'
import type { Program } from '../../../unix/types.ts'
import { goResponse } from '../agnhost/go-server.ts'
import { html } from '../web/html.ts'
import { requestHost } from './request-echo.ts'

const STYLE = 'body { font-family: Ubuntu, sans-serif; font-weight: 300; background: #fff; color: #303030 } .main { text-align: center; margin: 10% auto } #message { font-size: 40px; margin-bottom: 40px } #info table { margin: 0 auto; font-size: 18px } #info th { text-align: right; font-weight: 300; color: #606060; padding-right: 8px } #info td { text-align: left } #footer { margin-top: 40px; color: #909090 }'

/** paulbouwer/hello-kubernetes: a page with a message, and with the pod that answers. From version 1.10 it names namespace, node and image too. */
export function helloKubernetes(version: string): Program {
  const isNew = Number(version.split('.')[1]) >= 10
  return async (proc) => {
    const { env } = proc
    const port = Number(env.PORT || 8080)
    const pod = (isNew ? env.KUBERNETES_POD_NAME : undefined) || proc.machine.hostname
    const node = isNew ? `${env.KUBERNETES_NODE_NAME || '-'} (Linux ${KERNEL_RELEASE})` : `Linux (${KERNEL_RELEASE})`
    const prefix = (name: string) => env[name] ? `/${env[name].replace(/^[\\/]+|[\\/]+$/g, '')}` : ''
    const handled = isNew ? prefix('HANDLER_PATH_PREFIX') : ''
    const log = (level: number, fields: object) => proc.stdout.write(`${JSON.stringify({ level, time: Math.floor(proc.clock.nowMs()), pid: proc.pid, hostname: proc.machine.hostname, ...fields })}\n`)
    const rows: [string, string][] = [...isNew ? [['namespace', env.KUBERNETES_NAMESPACE || '-'] as [string, string]] : [], ['pod', pod], ['node', node]]
    let requests = 0
    await proc.stdout.write(`\n> hello-kubernetes@${version} start\n> node server.js\n\n`)
    proc.net.listenHttp(port, async (request, { remote }) => {
      const { pathname, search } = new URL(request.url)
      if (isNew && pathname === '/health') return goResponse(proc, JSON.stringify({ uptime: (proc.clock.nowMs() - startedMs) / 1000, message: 'Ok', date: new Date(proc.clock.nowMs()).toISOString() }), { headers: { 'x-powered-by': 'Express', 'content-type': 'application/json; charset=utf-8' } })
      const isHere = pathname.startsWith(`${handled}/`) && (request.method === 'GET' || request.method === 'HEAD')
      await log(30, { req: { id: ++requests, method: request.method, url: pathname + search, headers: { host: requestHost(request), ...Object.fromEntries(request.headers) }, remoteAddress: `::ffff:${remote.ip}`, remotePort: remote.port }, res: { statusCode: isHere ? 200 : 404 }, msg: 'request completed' })
      if (!isHere) return goResponse(proc, `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n${html`<pre>Cannot ${request.method} ${pathname}</pre>`}\n</body>\n</html>\n`, { status: 404, headers: { 'x-powered-by': 'Express' } })
      const page = html`<!DOCTYPE html>
<html>
<head>
    <title>Hello Kubernetes!</title>
    <style>${STYLE}</style>
</head>
<body>

  <div class="main">
    <div class="content">
      <div id="message">
  ${env.MESSAGE || 'Hello Kubernetes!'}
</div>
<div id="info">
  <table>
${rows.map(([name, value]) => html`    <tr>
      <th>${name}:</th>
      <td>${value}</td>
    </tr>
`)}  </table>
</div>
${isNew ? html`<div id="footer">
  ${env.CONTAINER_IMAGE || `paulbouwer/hello-kubernetes:${version}`} (linux/amd64)
</div>
` : ''}
    </div>
  </div>

</body>
</html>
`
      return goResponse(proc, String(page), { headers: { 'x-powered-by': 'Express', 'content-type': 'text/html; charset=utf-8' } })
    })
    const startedMs = proc.clock.nowMs()
    await log(30, { msg: `Listening on: http://${pod}:${port}` })
    await new Promise(() => {})
    return 0
  }
}
