import type { Clock } from '../../base/clock.ts'
import { MemoryFileSystem } from '../file-system.ts'
import { UnixError } from '../types.ts'
import type { FileSystem, Proc } from '../types.ts'
import { strerror } from '../errno.ts'

/** Names of gRPC's codes. */
export type GrpcCode = 'Canceled' | 'Unknown' | 'InvalidArgument' | 'DeadlineExceeded' | 'NotFound' | 'AlreadyExists' | 'PermissionDenied' | 'ResourceExhausted' | 'FailedPrecondition' | 'Aborted' | 'OutOfRange' | 'Unimplemented' | 'Internal' | 'Unavailable'

/** A call that failed, in the words of Go's library. */
export class GrpcError extends Error {
  readonly code: GrpcCode
  readonly description: string
  constructor(code: GrpcCode, description: string) {
    super(`rpc error: code = ${code} desc = ${description}`)
    this.code = code
    this.description = description
  }
}

/** One method: messages are plain objects, as their bytes are of no use inside one process. */
export type GrpcMethod = (request: any) => Promise<object> | object

/** Methods by full name, as in `csi.v1.Node/NodeGetInfo`. */
export type GrpcService = Readonly<Record<string, GrpcMethod>>

/** Methods that answer with any number of messages, by full name; the signal tells that nobody wants more. */
export type GrpcStreams = Readonly<Record<string, (request: any, stopped: AbortSignal) => AsyncIterable<object>>>

interface Endpoint {
  service: GrpcService
  streams: GrpcStreams
  /** What is to be told that the server has gone. */
  pending: Set<(error: Error) => void>
  closed: boolean
}

/** Serves at a Unix socket until the process ends or the returned function is called; the file stays, as it does when a process dies. @throws UnixError EADDRINUSE */
export function serveGrpc(proc: Proc, path: string, service: GrpcService, streams: GrpcStreams = {}): () => void {
  const endpoint: Endpoint = { service, streams, pending: new Set(), closed: false };
  (proc.fs as MemoryFileSystem).bindSocket(path, endpoint)
  const close = () => {
    endpoint.closed = true
    const told = [...endpoint.pending]
    endpoint.pending.clear()
    for (const reject of told) reject(new GrpcError('Unavailable', 'error reading from server: EOF'))
  }
  proc.killed.addEventListener('abort', close, { once: true })
  return close
}

/** Calls a method of whoever serves at a socket. @throws GrpcError */
export async function callGrpc(fs: FileSystem, path: string, method: string, request: object, { clock, timeoutMs }: { clock: Clock; timeoutMs: number }): Promise<any> {
  const endpoint = endpointAt(fs, path)
  const handler = endpoint.service[method]
  if (!handler) throw unimplemented(endpoint, method)
  let fail!: (error: Error) => void
  const failed = new Promise<never>((_resolve, reject) => { fail = reject })
  endpoint.pending.add(fail)
  const timer = clock.after(timeoutMs, () => fail(new GrpcError('DeadlineExceeded', 'context deadline exceeded')))
  try {
    return await Promise.race([Promise.resolve(handler(request)).catch((error: unknown) => { throw error instanceof GrpcError ? error : new GrpcError('Unknown', (error as Error).message) }), failed])
  } finally {
    timer.cancel()
    endpoint.pending.delete(fail)
  }
}

function unimplemented({ service, streams }: Endpoint, method: string): GrpcError {
  const [wanted, name] = method.split('/')
  return new GrpcError('Unimplemented', [...Object.keys(service), ...Object.keys(streams)].some((each) => each.startsWith(`${wanted}/`)) ? `method ${name} not implemented` : `unknown service ${wanted}`)
}

/** The messages with which whoever serves at a socket answers a call, until it has no more or `stopped` aborts. @throws GrpcError */
export async function* streamGrpc(fs: FileSystem, path: string, method: string, request: object, stopped: AbortSignal): AsyncGenerator<any> {
  const endpoint = endpointAt(fs, path)
  const handler = endpoint.streams[method]
  if (!handler) throw unimplemented(endpoint, method)
  const ended = new AbortController()
  let failure: Error | undefined
  /** Tells whoever waits for the next message. A promise for all of them would keep what each of them was until the end. */
  let interrupt: ((error: Error) => void) | undefined
  const fail = (error: Error) => {
    failure ??= error
    interrupt?.(failure)
  }
  const cancel = () => fail(new GrpcError('Canceled', 'context canceled'))
  endpoint.pending.add(fail)
  stopped.addEventListener('abort', cancel, { once: true })
  if (stopped.aborted) cancel()
  let messages: AsyncIterator<object> | undefined
  try {
    const answers = messages = handler(request, ended.signal)[Symbol.asyncIterator]()
    for (;;) {
      if (failure) throw failure
      const { done, value } = await new Promise<IteratorResult<object>>((resolve, reject) => {
        interrupt = reject
        answers.next().then(resolve, reject)
      })
      if (done) return
      yield value
    }
  } catch (error) {
    throw error instanceof GrpcError ? error : new GrpcError('Unknown', (error as Error).message)
  } finally {
    ended.abort()
    messages?.return?.().catch(() => { /* nobody is left to be told */ })
    stopped.removeEventListener('abort', cancel)
    endpoint.pending.delete(fail)
  }
}

/** Tells once when whoever serves at a socket no longer does, as a client sees its connection end. @returns what ends the watch. @throws GrpcError when nobody serves there */
export function onGrpcGone(fs: FileSystem, path: string, gone: () => void): () => void {
  const { pending } = endpointAt(fs, path)
  pending.add(gone)
  return () => { pending.delete(gone) }
}

/** Whether somebody serves at a socket. */
export function isServed(fs: FileSystem, path: string): boolean {
  try {
    return Boolean(endpointAt(fs, path))
  } catch {
    return false
  }
}

function endpointAt(fs: FileSystem, path: string): Endpoint {
  const refused = (code: string) => new GrpcError('Unavailable', `connection error: desc = "transport: Error while dialing: dial unix ${path}: connect: ${strerror(code).toLowerCase()}"`)
  let endpoint: Endpoint | undefined
  try {
    endpoint = (fs as MemoryFileSystem).socketServer(path) as Endpoint | undefined
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw refused(error.code)
  }
  if (!endpoint || endpoint.closed) throw refused('ECONNREFUSED')
  return endpoint
}
