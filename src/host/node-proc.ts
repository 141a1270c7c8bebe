import { spawn } from 'node:child_process'
import { setMaxListeners } from 'node:events'
import os from 'node:os'
import path from 'node:path'
import { ClusterClock } from '../base/clock.ts'
import { Random } from '../base/random.ts'
import { BrokenPipeError } from '../base/streams.ts'
import type { ByteReader, ByteWriter } from '../base/streams.ts'
import { ProcessExit, ProcessKilled, UnixError } from '../unix/types.ts'
import type { ExitStatus, Machine, Proc, Process, Program, Signal, SpawnOptions, Tty, User } from '../unix/types.ts'
import { nodeFileSystem } from './node-fs.ts'
import { createNodeNet } from './node-net.ts'
import { nodePlatform } from './platform-node.ts'

/**
 * Runs a program of the small Unix as this Node process: with its arguments, environment, files, terminal and sockets.
 * @returns the exit code.
 */
export async function runOnHost(program: Program, argv: readonly string[]): Promise<number> {
  const killed = new AbortController()
  // A program may wait for dozens of things at once, as a drain does for pods; Node would warn of a leak.
  setMaxListeners(0, killed.signal)
  const proc = createNodeProc(argv, killed)
  try {
    return await program(proc)
  } catch (error) {
    if (error instanceof ProcessExit) return error.code
    if (error instanceof ProcessKilled) return 130
    // A reader that went away (`| head`) ends a program quietly, as SIGPIPE does.
    if (error instanceof BrokenPipeError) return 141
    throw error
  }
}

function createNodeProc(argv: readonly string[], killed: AbortController): Proc {
  const random = new Random(Buffer.from(nodePlatform.randomBytes(16)).toString('hex'))
  const clock = new ClusterClock(nodePlatform)
  const info = os.userInfo()
  const user: User = { uid: info.uid, gid: info.gid, groups: [], name: info.username, home: os.homedir() }
  const net = createNodeNet()
  const handlers = new Map<Signal, Set<() => void>>()
  const machine = { hostname: os.hostname(), net, fs: nodeFileSystem, clock, random, limits: {}, processes: () => [], process: () => undefined, usage: () => ({ memoryBytes: 0, cpuNanoseconds: 0 }) } as unknown as Machine
  const onSignal = (signal: Signal, handler: (() => void) | 'ignore') => {
    const run = handler === 'ignore' ? () => {} : handler
    let set = handlers.get(signal)
    if (!set) handlers.set(signal, set = new Set())
    set.add(run)
    process.on(signal as NodeJS.Signals, run)
    return () => { set.delete(run); process.off(signal as NodeJS.Signals, run) }
  }
  return {
    pid: process.pid,
    ppid: process.ppid,
    argv,
    env: Object.fromEntries(Object.entries(process.env).filter((e): e is [string, string] => e[1] !== undefined)),
    cwd: process.cwd(),
    user,
    stdin: standardInput(),
    stdout: standardOutput(process.stdout),
    stderr: standardOutput(process.stderr),
    tty: process.stdin.isTTY ? nodeTty() : undefined,
    isTty: (fd) => Boolean([process.stdin, process.stdout, process.stderr][fd].isTTY),
    fs: nodeFileSystem,
    net,
    clock,
    random,
    machine,
    killed: killed.signal,
    onSignal,
    signal: (...signals) => new Promise((resolve) => {
      const undo = signals.map((signal) => onSignal(signal, () => { for (const u of undo) u(); resolve(signal) }))
    }),
    sleep: (ms) => clock.sleep(ms, killed.signal),
    resolve(p) { return path.resolve(this.cwd, p) },
    spawn(childArgv, options = {}) { return spawnOnHost(childArgv, { cwd: this.cwd, env: this.env, ...options }, user) },
    exit(code) { throw new ProcessExit(code) },
    useMemory() {},
    useCpu() {},
    useCpuSteadily() {},
  }
}

function standardInput(): ByteReader {
  let chunks: AsyncIterator<Buffer> | undefined
  return {
    async read() {
      chunks ??= process.stdin.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
      const { value, done } = await chunks.next()
      return done ? null : new Uint8Array(value)
    },
    cancel() { process.stdin.pause() },
  }
}

function standardOutput(stream: NodeJS.WriteStream): ByteWriter {
  stream.on('error', () => {})
  return {
    write: (data) => new Promise((resolve, reject) => stream.write(data, (error) => error ? reject(new BrokenPipeError()) : resolve())),
    close() {},
  }
}

function nodeTty(): Tty {
  let raw = false
  return {
    stdin: standardInput(),
    stdout: standardOutput(process.stdout),
    get columns() { return process.stdout.columns || 80 },
    get rows() { return process.stdout.rows || 24 },
    onResize(listener) {
      process.stdout.on('resize', listener)
      return () => { process.stdout.off('resize', listener) }
    },
    setRaw(next) {
      raw = next
      process.stdin.setRawMode(next)
    },
    get raw() { return raw },
  }
}

/** Starts a real child that shares this process's terminal: an editor, a pager, a diff program. */
function spawnOnHost(argv: readonly string[], options: SpawnOptions, user: User): Process {
  const child = spawn(argv[0]!, argv.slice(1), {
    cwd: options.cwd, env: options.env, stdio: ['inherit', options.stdout ? 'pipe' : 'inherit', options.stderr ? 'pipe' : 'inherit'],
  })
  child.stdout?.on('data', (data: Buffer) => { void options.stdout!.write(new Uint8Array(data)) })
  child.stderr?.on('data', (data: Buffer) => { void options.stderr!.write(new Uint8Array(data)) })
  let status: ExitStatus | undefined
  const done = new Promise<ExitStatus>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(new UnixError(error.code ?? 'EIO', error.message)))
    child.once('close', (code, signal) => { resolve(status = { code: code ?? 128 + (os.constants.signals[signal!] ?? 0), ...(signal ? { signal: signal as Signal } : {}) }) })
  })
  done.catch(() => {})
  return {
    pid: child.pid ?? 0, ppid: process.pid, group: 0, argv, user, startedMs: nodePlatform.wallMs(),
    get status() { return status },
    kill: (signal) => { child.kill(signal as NodeJS.Signals) },
    wait: () => done,
  }
}
