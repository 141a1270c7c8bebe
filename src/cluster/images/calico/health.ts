import { httpRequest } from '../../../base/http.ts'
import { createPipe, readAll } from '../../../base/streams.ts'
import { callGrpc } from '../../../unix/net/grpc.ts'
import type { Proc } from '../../../unix/types.ts'
import { BIRD_SOCKET } from './bird.ts'
import type { BirdStatus } from './bird.ts'
import { NODE_NAME_FILE } from './node-client.ts'
import { SERVICES } from './runit.ts'

const ASK_MS = 5_000

/** What is asked for. */
export interface HealthChecks {
  felixLive: boolean
  felixReady: boolean
  birdLive: boolean
  birdReady: boolean
}

/** Asks Felix and BIRD how they are. @returns what is wrong, undefined: nothing. calico: node/pkg/health RunOutput */
export async function checkHealth(proc: Proc, checks: HealthChecks, thresholdMs: number): Promise<string | undefined> {
  const wrong = await Promise.all([
    checks.felixLive ? felix(proc, 'liveness').then((reason) => reason && `calico/node is not ready: Felix is not live: ${reason}`) : undefined,
    checks.birdLive ? birdLive(proc) : undefined,
    checks.felixReady ? felix(proc, 'readiness').then((reason) => reason && `calico/node is not ready: felix is not ready: ${reason}`) : undefined,
    checks.birdReady ? birdReady(proc, thresholdMs).then((reason) => reason && `calico/node is not ready: BIRD is not ready: ${reason}`) : undefined,
  ])
  return wrong.find((reason) => reason !== undefined)
}

async function felix(proc: Proc, kind: 'liveness' | 'readiness'): Promise<string | undefined> {
  const url = `http://${proc.env.FELIX_HEALTHHOST || 'localhost'}:${proc.env.FELIX_HEALTHPORT || '9099'}/${kind}`
  try {
    const { status } = await proc.net.fetch(httpRequest(url), { connectTimeoutMs: ASK_MS })
    return status >= 200 && status < 400 ? undefined : `${kind} probe reporting ${status}`
  } catch (error) {
    return `Get ${JSON.stringify(url)}: dial tcp 127.0.0.1:${proc.env.FELIX_HEALTHPORT || '9099'}: connect: ${(error as Error).message.toLowerCase()}`
  }
}

async function birdLive(proc: Proc): Promise<string | undefined> {
  for (const service of ['confd', 'bird']) {
    const [code, text] = await output(proc, ['sv', 'status', `${SERVICES}/${service}`])
    if (code !== 0) return `calico/node is not ready: bird/confd is not live: exit status ${code}`
    if (!text.startsWith('run')) return `calico/node is not ready: bird/confd is not live: service ${service} is not running. Output << ${text.trim()} >>`
  }
  const [code, text] = await output(proc, ['birdcl', '-s', BIRD_SOCKET, 'show', 'status'])
  if (code !== 0) return `calico/node is not ready: bird is not live: exit status ${code}`
  return text.startsWith('BIRD') ? undefined : `calico/node is not ready: bad response from bird: ${text}`
}

async function output(proc: Proc, argv: readonly string[]): Promise<[code: number, text: string]> {
  const out = createPipe()
  const text = readAll(out.reader)
  const { code } = await proc.spawn(argv, { stdout: out.writer, stderr: out.writer }).wait()
  out.writer.close()
  return [code, new TextDecoder().decode(await text)]
}

/** Right after the start all neighbours must be there, later one of them. calico: checkBIRDReady */
async function birdReady(proc: Proc, thresholdMs: number): Promise<string | undefined> {
  if (!proc.fs.exists(NODE_NAME_FILE)) return `failed to stat() nodename file: stat ${NODE_NAME_FILE}: no such file or directory`
  let peers: BirdStatus['peers']
  try {
    ({ peers } = await callGrpc(proc.fs, BIRD_SOCKET, 'bird/show', {}, { clock: proc.clock, timeoutMs: ASK_MS }) as BirdStatus)
  } catch {
    return `unable to connect to BIRDv4 socket: dial unix ${BIRD_SOCKET}: connect: ${proc.fs.exists(BIRD_SOCKET) ? 'connection refused' : 'no such file or directory'}`
  }
  const missing = peers.filter(({ state }) => state !== 'Established').map(({ ip }) => ip)
  if (missing.length === 0) return undefined
  const isNew = proc.clock.nowMs() - proc.fs.stat(NODE_NAME_FILE).modifiedMs < thresholdMs
  return isNew || missing.length === peers.length ? `BGP not established with ${missing.join(',')}` : undefined
}
