import { httpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { readResolverConfig } from '../../../unix/net/names.ts'
import { goError, goFlags, goLog, goProgram, goResponse, untilKilled } from '../agnhost/go-server.ts'
import { BAD_REQUEST, CONSUMPTIONS, UNKNOWN_FUNCTION, consumptionOf } from './consumer-api.ts'

/** Serves requests to use processor time or memory for a while, and a metric that can be raised. k8s: test/images/resource-consumer */
export const resourceConsumer: Program = async (proc) => {
  const { flags } = goFlags(proc.argv.slice(1))
  const metrics = new Map<string, number>()
  const bump = (name: string, delta: number) => { metrics.set(name, (metrics.get(name) ?? 0) + delta) }
  const child = async (what: string, argv: readonly string[]) => {
    const failed = (why: string) => goLog(proc, `Error while consuming ${what}: ${why}`)
    const nowhere = { write: async () => {}, close() {} }
    try {
      const status = await proc.spawn(argv, { stdout: nowhere, stderr: nowhere }).wait()
      if (status.signal === 'SIGKILL') failed('signal: killed')
      else if (status.code !== 0) failed(`exit status ${status.code}`)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      failed(errorText(error))
    }
  }
  const start = (work: Promise<void>) => { work.catch(() => {}) }
  return goProgram(proc, async () => {
    proc.net.listenHttp(Number(flags.get('port') ?? 8080), async (request) => {
      const path = new URL(request.url).pathname
      if (path === '/metrics') return goResponse(proc, [...metrics].map(([name, value]) => `# HELP ${name} info message.\n# TYPE ${name} gauge\n${name} ${value.toFixed(6)}\n`).join(''))
      if (request.method !== 'POST') return goError(proc, BAD_REQUEST, 400)
      if (path === '/GetCurrentStatus') {
        goLog(proc, 'GetCurrentStatus')
        return goResponse(proc, 'Warning: not implemented!\nGetCurrentStatus')
      }
      if (!isConsumption(path)) return goError(proc, `${UNKNOWN_FUNCTION}: ${path}`, 404)
      const asked = await consumptionOf(proc, request, path, path === '/BumpMetric' ? { needed: ['metric'] } : { whole: [CONSUMPTIONS[path]] })
      if (asked instanceof Response) return asked
      const { amount, durationSeconds, metric } = asked
      if (path === '/ConsumeCPU') {
        goLog(proc, `ConsumeCPU millicores: ${amount}, durationSec: ${durationSeconds}`)
        start(child('CPU', ['./consume-cpu/consume-cpu', `-millicores=${amount}`, `-duration-sec=${durationSeconds}`]))
      } else if (path === '/ConsumeMem') {
        goLog(proc, `ConsumeMem megabytes: ${amount}, durationSec: ${durationSeconds}`)
        start(child('memory', ['stress', '-m', '1', '--vm-bytes', `${amount}M`, '--vm-hang', '0', '-t', String(durationSeconds)]))
      } else {
        bump(metric, amount)
        start(proc.sleep(durationSeconds * 1000).then(() => bump(metric, -amount)))
      }
      const named = path === '/BumpMetric' ? `${metric} metric\n` : ''
      return goResponse(proc, `${path.slice(1)}\n${named}${amount} ${CONSUMPTIONS[path]}\n${durationSeconds} durationSec\n`)
    })
    return untilKilled(proc)
  })
}

/** What one request of the controller to a consumer is about, by path: the parameter with its size, and the words for it. */
const PORTIONS = {
  '/ConsumeCPU': { size: 'requestSizeMillicores', plan: (count: number, size: number, rest: number) => `sending ${count} requests to consume ${size} millicores each and 1 request to consume ${rest} millicores`, done: (amount: number) => `Consumed ${amount} millicores` },
  '/ConsumeMem': { size: 'requestSizeMegabytes', plan: (count: number, size: number, rest: number) => `sending ${count} requests to consume ${size} MB each and 1 request to consume ${rest} MB`, done: (amount: number) => `Consumed ${amount} megabytes` },
  '/BumpMetric': { size: 'requestSizeMetrics', plan: (count: number, size: number, rest: number) => `sending ${count} requests to bump custom metric by ${size} each and 1 request to bump by ${rest}`, done: (amount: number, metric: string) => `Bumped metric ${metric} by ${amount}` },
} as const

/** agnhost's resource-consumer-controller: cuts a request into portions and sends them to the consumers' Service. k8s: test/images/agnhost/resource-consumer-controller */
export async function resourceConsumerController(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const domain = readResolverConfig(proc.fs).search.find((suffix) => suffix.startsWith('svc.'))?.slice('svc.'.length) ?? ''
  const consumers = `http://${flags.get('consumer-service-name') ?? 'resource-consumer'}.${flags.get('consumer-service-namespace') ?? 'default'}.svc.${domain}:${flags.get('consumer-port') ?? 8080}`
  proc.net.listenHttp(Number(flags.get('port') ?? 8080), async (request) => {
    if (request.method !== 'POST') return goError(proc, BAD_REQUEST, 400)
    const path = new URL(request.url).pathname
    if (!isConsumption(path)) return goError(proc, UNKNOWN_FUNCTION, 404)
    const { size: sizeName, plan, done } = PORTIONS[path]
    const amountName = CONSUMPTIONS[path]
    const asked = await consumptionOf(proc, request, path, { whole: [amountName, sizeName], needed: [sizeName, ...path === '/BumpMetric' ? ['metric'] : []] })
    if (asked instanceof Response) return asked
    const { amount: total, durationSeconds, metric, values } = asked
    const size = Number(values.get(sizeName))
    if (size <= 0) return goError(proc, 'incorrect function argument', 400)
    const count = Math.max(0, Math.trunc(total / size))
    const rest = total - Math.trunc(total / size) * size
    const lines = [`RC manager: ${plan(Math.trunc(total / size), size, rest)}`]
    await Promise.all([...Array.from({ length: count }, () => size), ...rest > 0 ? [rest] : []].map(async (amount) => {
      const body = new URLSearchParams({ ...metric ? { metric } : {}, durationSec: String(durationSeconds), [amountName]: String(amount) }).toString()
      try {
        const response = await proc.net.fetch(httpRequest(`${consumers}${path}`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }))
        await response.body?.cancel()
        lines.push(done(amount, metric))
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        lines.push(`Failed to connect to consumer: Post "${consumers}${path}": ${errorText(error)}`)
      }
    }))
    return goResponse(proc, `${lines.join('\n')}\n`)
  })
  return untilKilled(proc)
}

function isConsumption(path: string): path is keyof typeof CONSUMPTIONS {
  return path in CONSUMPTIONS
}
