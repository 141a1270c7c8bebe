import { httpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { hostPort } from '../../../unix/net/addresses.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { goError, goFlags, agnhostLog, goResponse, untilKilled } from './go-server.ts'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const MAX_LOG = 500
const ROUNDS = 15
const SLEEP_MS = 5_000
const TIMEOUT_MS = 5 * 60_000

/** Writes to every pod of a Service and tells who wrote to it. k8s: test/images/agnhost/nettest */
export async function nettest(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const peers = Number(flags.get('peers') ?? 8)
  const service = flags.get('service') ?? 'nettest'
  const namespace = flags.get('namespace') ?? 'default'
  const state = {
    Hostname: proc.machine.hostname, Sent: null as Record<string, number> | null, Received: null as Record<string, number> | null,
    Errors: null as string[] | null, Log: null as string[] | null, StillContactingPeers: true,
  }
  const note = (text: string) => { state.Log = [...state.Log ?? [], text].slice(-MAX_LOG) }
  const size = (counts: object | null) => Object.keys(counts ?? {}).length
  const quit = new Promise<number>((resolve) => {
    proc.net.listenHttp(Number(flags.get('port') ?? 8080), async (request) => {
      switch (new URL(request.url).pathname) {
        case '/read': return goResponse(proc, JSON.stringify(state, null, '\t'))
        case '/write': {
          let source = ''
          try {
            source = String((JSON.parse(await request.text()) as { Source?: string }).Source ?? '')
          } catch (error) {
            state.Errors = [...state.Errors ?? [], (error as Error).message]
          }
          if (source === '') state.Errors = [...state.Errors ?? [], `${state.Hostname}: Got request with no source`]
          else state.Received = { ...state.Received, [source]: (state.Received?.[source] ?? 0) + 1 }
          return goResponse(proc, `${JSON.stringify({ Hostname: state.Hostname })}\n`)
        }
        case '/status': {
          if (size(state.Sent) >= peers && size(state.Received) >= peers) return goResponse(proc, 'pass')
          if (state.StillContactingPeers) return goResponse(proc, 'running')
          note(`Declaring failure for ${namespace}/${service} with ${size(state.Sent)} sent and ${size(state.Received)} received and ${peers} peers`)
          return goResponse(proc, 'fail')
        }
        case '/quit': resolve(0); return new Promise(() => {})
        default: return goError(proc, '404 page not found', 404)
      }
    })
  })
  const contact = async (): Promise<never> => {
    const addresses = async () => {
      const found = await endpoints(proc, namespace, service)
      if (typeof found !== 'string') return found
      note(`Unable to read the endpoints for ${namespace}/${service}: ${found}.`)
      return []
    }
    for (const untilMs = proc.clock.nowMs() + TIMEOUT_MS; proc.clock.nowMs() < untilMs; await proc.sleep(SLEEP_MS)) {
      const found = await addresses()
      if (found.length >= peers) break
      note(`${namespace}/${service} has ${found.length} endpoints ([${found.join(' ')}]), which is less than ${peers} as expected. Waiting for all endpoints to come up.`)
    }
    for (let round = 0; round < ROUNDS; round++, await proc.sleep(SLEEP_MS)) {
      for (const address of await addresses()) {
        note(`Attempting to contact ${address}`)
        try {
          const response = await proc.net.fetch(httpRequest(`${address}/write`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ Source: state.Hostname, Dest: address }) }))
          const { Hostname } = await response.json() as { Hostname: string }
          state.Sent = { ...state.Sent, [Hostname]: (state.Sent?.[Hostname] ?? 0) + 1 }
        } catch (error) {
          note(`Warning: unable to contact the endpoint ${JSON.stringify(address)}: ${errorText(error)}`)
        }
      }
    }
    state.StillContactingPeers = false
    return new Promise(() => {})
  }
  contact().catch((error: unknown) => { if (!(error instanceof UnixError)) agnhostLog(proc, errorText(error)) })
  return Promise.race([quit, untilKilled(proc)])
}

/** Addresses of a Service's endpoints, or why they can't be read. */
async function endpoints(proc: Proc, namespace: string, service: string): Promise<string[] | string> {
  try {
    const url = `https://${hostPort(proc.env.KUBERNETES_SERVICE_HOST ?? 'kubernetes.default.svc', Number(proc.env.KUBERNETES_SERVICE_PORT ?? 443))}/api/v1/namespaces/${namespace}/endpoints/${service}`
    const response = await proc.net.fetch(httpRequest(url, { headers: { authorization: `Bearer ${proc.fs.readText(`${ACCOUNT}/token`)}` } }), { caPem: proc.fs.readText(`${ACCOUNT}/ca.crt`) })
    const answer = await response.json() as { message?: string; subsets?: { addresses?: { ip: string }[]; ports?: { port: number }[] }[] }
    if (response.status !== 200) return answer.message ?? String(response.status)
    return (answer.subsets ?? []).flatMap(({ addresses = [], ports = [] }) => addresses.flatMap(({ ip }) => ports.map(({ port }) => `http://${hostPort(ip, port)}`)))
  } catch (error) {
    return errorText(error)
  }
}
