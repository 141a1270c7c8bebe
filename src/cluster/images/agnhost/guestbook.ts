import { hostPort } from '../../../unix/net/addresses.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { goError, goFlags, goGet, agnhostLog, goResponse, untilKilled } from './go-server.ts'

const REGISTER_FOR_MS = 15_000
const RETRY_MS = 1_000
const DIAL_TIMEOUT_MS = 5_000

/**
 * The guestbook: a store whose primary hands every change to its replicas, and a front end that asks the Services agnhost-primary and
 * agnhost-replica. k8s: test/images/agnhost/guestbook
 */
export async function guestbook(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const backendPort = Number(flags.get('backend-port') ?? 6379)
  const primary = flags.get('replicaof') ?? ''
  const replicas: string[] = []
  let store = new Map<string, unknown>()
  const json = (value: unknown) => goResponse(proc, JSON.stringify(value))
  const unavailable = (text: string) => goError(proc, text, 417)

  proc.net.listenHttp(Number(flags.get('http-port') ?? 80), async (request) => {
    const url = new URL(request.url)
    const value = (name: string) => url.searchParams.get(name) ?? ''
    const key = value('key')
    switch (url.pathname) {
      case '/register': {
        const ip = value('host')
        agnhostLog(proc, `GET /register?host=${ip}`)
        replicas.push(ip)
        agnhostLog(proc, `Node '${ip}' registered.`)
        return json({ data: Object.fromEntries(store) })
      }
      case '/get':
        agnhostLog(proc, `GET /get?key=${key}`)
        return json({ data: key === '' ? Object.fromEntries(store) : store.get(key) ?? '' })
      case '/set':
        agnhostLog(proc, `GET /set?key=${key}&value=${value('value')}`)
        if (key === '') return goError(proc, 'cannot set with empty key.', 400)
        store.set(key, value('value'))
        for (const replica of replicas) {
          try {
            await goGet(proc, `http://${hostPort(replica, backendPort)}/set?key=${key}&value=${value('value')}`, DIAL_TIMEOUT_MS)
          } catch (error) {
            if (!(error instanceof UnixError)) throw error
            return unavailable(`encountered error while propagating to replica '${replica}': ${error.message}`)
          }
        }
        return json({ message: 'Updated' })
      case '/guestbook': {
        const command = value('cmd').toLowerCase()
        agnhostLog(proc, `GET /guestbook?cmd=${command}&key=${key}&value=${value('value')}`)
        if (command !== 'get' && command !== 'set') return goError(proc, `unsupported cmd: '${command}'`, 400)
        if (command === 'set' && key === '') return goError(proc, 'cannot set with empty key.', 400)
        const host = command === 'get' ? 'agnhost-replica' : 'agnhost-primary'
        try { await proc.net.lookup(host) } catch { return goError(proc, `host and/or port param are invalid. lookup ${host}: no such host`, 400) }
        try {
          return goResponse(proc, await goGet(proc, `http://${hostPort(host, backendPort)}/${command}?key=${key}&value=${value('value')}`, DIAL_TIMEOUT_MS))
        } catch (error) {
          if (!(error instanceof UnixError)) throw error
          return unavailable(`encountered error: ${error.message}`)
        }
      }
      default: return goError(proc, '404 page not found', 404)
    }
  })
  if (primary !== '') {
    const known = await register(proc, primary, backendPort)
    if (!known) return 1
    store = known
  }
  return untilKilled(proc)
}

/** Subscribes to a primary; resolves with its store, or with nothing when that failed for too long. */
async function register(proc: Proc, primary: string, port: number): Promise<Map<string, unknown> | undefined> {
  const untilMs = proc.clock.nowMs() + REGISTER_FOR_MS
  const at = hostPort(primary, port)
  while (proc.clock.nowMs() < untilMs) {
    const request = `register?host=${proc.net.addresses[0]}`
    try {
      await proc.net.lookup(primary)
    } catch {
      agnhostLog(proc, `unable to get IP ${at}: dial udp: lookup ${primary}: no such host. Retrying in 1s.`)
      await proc.sleep(RETRY_MS)
      continue
    }
    agnhostLog(proc, `Registering to primary: ${at}/${request}`)
    try {
      const answer = JSON.parse(await goGet(proc, `http://${at}/${request}`, DIAL_TIMEOUT_MS)) as { data: Record<string, unknown> }
      agnhostLog(proc, `Registered to node: ${primary}`)
      return new Map(Object.entries(answer.data))
    } catch (error) {
      if (error instanceof SyntaxError) { agnhostLog(proc, `Error while unmarshaling primary's response: ${error.message}`); return undefined }
      if (!(error instanceof UnixError)) throw error
      agnhostLog(proc, `encountered error while registering to primary: ${error.message}. Retrying in 1s.`)
      await proc.sleep(RETRY_MS)
    }
  }
  agnhostLog(proc, 'Timed out while registering to primary.')
  return undefined
}
