import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, TcpSocket } from '../../../unix/types.ts'
import { agnhostLog, goError, goFlags, goResponse, untilKilled } from './go-server.ts'

/** What a runner has to say, and how it went. */
interface Outcome {
  output: string
  error: string | undefined
}
type Options = Record<string, unknown>
type Runner = (proc: Proc, options: Options, log: (text: string) => void) => Promise<string | undefined>

/** Host and port of `host:port`; an empty host is any. */
function addressOf(text: unknown): { host: string; port: number } | undefined {
  const match = /^\[?(.*?)\]?:(\d+)$/.exec(String(text ?? ''))
  return match ? { host: match[1]!, port: Number(match[2]) } : undefined
}
const seconds = (value: unknown): number => Number(value ?? 0) * 1000

/** Lets one client in, closes its own direction at once, and waits. k8s: test/images/agnhost/net/nat closeWaitServer */
const closeWaitServer: Runner = async (proc, options, log) => {
  const address = addressOf(options['LocalAddr'])
  if (!address) return `address ${String(options['LocalAddr'] ?? '')}: missing port in address`
  log(`Server listening on ${address.host}:${address.port}`)
  const socket = await new Promise<TcpSocket>((resolve) => { const listener = proc.net.listenTcp(address.port, (accepted) => { listener.close(); resolve(accepted) }, address.host ? { ip: address.host } : {}) })
  log('Client connected')
  socket.writer.close()
  log(`Server sent FIN, waiting ${String(options['PostFinTimeoutSeconds'] ?? 0)} seconds`)
  await proc.sleep(seconds(options['PostFinTimeoutSeconds']))
  log('Done')
  socket.destroy()
  return undefined
}

/** Connects, reads until the server has closed its direction, and keeps its own open. k8s: closeWaitClient */
const closeWaitClient: Runner = async (proc, options, log) => {
  const address = addressOf(options['RemoteAddr'])
  if (!address) return `address ${String(options['RemoteAddr'] ?? '')}: missing port in address`
  let socket: TcpSocket
  try {
    socket = await proc.net.connectTcp(address.host, address.port)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return `dial tcp ${String(options['RemoteAddr'])}: connect: ${errorText(error).toLowerCase()}`
  }
  log('Connected to server')
  const timeoutMs = seconds(options['TimeoutSeconds'])
  const read = socket.reader.read().then((chunk) => chunk === null || chunk === undefined ? undefined : 'Got data but expected EOF')
  const problem = await (timeoutMs > 0 ? Promise.race([read, proc.sleep(timeoutMs).then(() => `read tcp ${String(options['RemoteAddr'])}: i/o timeout`)]) : read)
  if (problem !== undefined) { socket.destroy(); return problem }
  log(`Server has half-closed the connection, waiting ${String(options['PostFinTimeoutSeconds'] ?? 0)} seconds`)
  if (options['LeakConnection'] === true) log('Leaking client connection (assigning to global variable)')
  await proc.sleep(seconds(options['PostFinTimeoutSeconds']))
  log('Done')
  if (options['LeakConnection'] !== true) socket.destroy()
  return undefined
}

const RUNNERS: Readonly<Record<string, Runner>> = { 'nat-closewait-client': closeWaitClient, 'nat-closewait-server': closeWaitServer }

async function run(proc: Proc, name: string, rawOptions: string): Promise<Outcome> {
  const runner = RUNNERS[name]
  if (!runner) return { output: '', error: `Invalid runner: '<nil>', see --help` }
  let options: Options
  try {
    options = JSON.parse(rawOptions) as Options
  } catch (error) {
    return { output: '', error: `Invalid options JSON: ${(error as Error).message}` }
  }
  agnhostLog(proc, `Options: ${JSON.stringify(options)}`)
  let output = ''
  const error = await runner(proc, options, (text) => { output += `# closewait.go: ${text}\n` })
  return { output, error }
}

/** Runs one of its network tests, or serves them. k8s: test/images/agnhost/net */
export async function netRunners(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const runner = flags.get('runner') ?? ''
  const serve = flags.get('serve') ?? ''
  if (runner === '' && serve === '') { agnhostLog(proc, 'Must set either --runner or --serve, see --help'); return 1 }
  if (serve === '') {
    const { output, error } = await run(proc, runner, flags.get('options') ?? '')
    if (error !== undefined) agnhostLog(proc, `Error: ${error}`)
    await proc.stdout.write(`output:\n\n${output}`)
    return error === undefined ? 0 : 1
  }
  const address = addressOf(serve)
  if (!address) { agnhostLog(proc, `listen tcp: address ${serve}: missing port in address`); return 1 }
  agnhostLog(proc, `Running server on ${serve}`)
  proc.net.listenHttp(address.port, async (request) => {
    const parts = new URL(request.url).pathname.split('/')
    if (parts[1] !== 'run') return goError(proc, '404 page not found', 404)
    if (parts.length !== 3) return goError(proc, `invalid request to run: [${parts.join(' ')}]`, 400)
    const body = await request.text()
    if (body === '') return goError(proc, 'Missing request body', 400)
    const { output, error } = await run(proc, parts[2]!, body)
    return error === undefined ? goResponse(proc, `ok\noutput:\n\n${output}`) : goError(proc, `Error from runner: ${error}\noutput:\n\n${output}`, 500)
  }, address.host ? { ip: address.host } : {})
  return untilKilled(proc)
}
