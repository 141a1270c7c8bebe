import type { Clock } from '../../base/clock.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { ContainerLog } from './container-log.ts'
import type { KeptLog, LogLine } from './container-log.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Files that a container's log may take up, the one that is written to included. k8s: kubelet containerLogMaxFiles */
const MAX_FILES = 5
/** Bytes of a log that are read before others get a turn. */
const TURN_BYTES = 128 * 1024
const LINKS = '/var/log/containers'

/** Go's RFC3339Nano: no zeros at the end of the fraction. */
function nanoText(ms: number): string {
  const whole = Math.floor(ms)
  const fraction = `${String(whole % 1000).padStart(3, '0')}${String(Math.floor((ms - whole) * 1e6)).padStart(6, '0')}`.replace(/0+$/, '')
  return `${new Date(whole).toISOString().slice(0, 19)}${fraction ? `.${fraction}` : ''}Z`
}

/** The other way; NaN for anything else. */
function timeOfNanoText(text: string): number {
  const [, seconds, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text) ?? []
  if (seconds === undefined) return NaN
  const nanos = Number(fraction.padEnd(9, '0'))
  const rest = nanos % 1e6
  // Half a nanosecond more, so that the number that was written is the nearest one.
  return Date.parse(`${seconds}Z`) + Math.floor(nanos / 1e6) + (rest === 0 ? 0 : (rest + 0.5) / 1e6)
}

/** A line of a CRI log file: time, stream, F for a full line or P for a part, text. */
function criLine({ timeMs, stream, partial, data }: LogLine): Uint8Array {
  const head = encoder.encode(`${nanoText(timeMs)} ${stream} ${partial ? 'P' : 'F'} `)
  const line = new Uint8Array(head.length + data.length + 1)
  line.set(head)
  line.set(data, head.length)
  line[line.length - 1] = 10
  return line
}

/** Undefined for what isn't such a line: the kubelet passes over it. k8s: pkg/kubelet/kuberuntime/logs parseCRILog */
function parseCriLine(line: Uint8Array): LogLine | undefined {
  const ends: number[] = []
  for (let i = 0, from = 0; i < 3; i++) {
    const end = line.indexOf(32, from)
    // A line without text may lack the last blank.
    if (end < 0) {
      if (i < 2) return undefined
      ends.push(line.length)
      break
    }
    ends.push(end)
    from = end + 1
  }
  const [time, stream, tag] = decoder.decode(line.subarray(0, ends[2])).split(' ')
  const timeMs = timeOfNanoText(time!)
  if (Number.isNaN(timeMs) || (stream !== 'stdout' && stream !== 'stderr')) return undefined
  return { timeMs, stream, partial: tag!.split(':')[0] === 'P', data: line.subarray(Math.min(ends[2]! + 1, line.length)) }
}

/** Where a line begins that ends before `end` (its newline not counted). */
const lineStart = (bytes: Uint8Array, end: number) => end === 0 ? 0 : bytes.lastIndexOf(10, end - 1) + 1

/** What a container printed that ended before this process began, as the node's disk has it. Nothing where the file is gone. */
export function keptLog(files: MountableFileSystem, path: string, clock: Pick<Clock, 'breathe'>): ContainerLog {
  return ContainerLog.ofEnded(logFile(files, path, clock))
}

/** The file of a log, to be read when somebody asks. */
export function logFile(files: MountableFileSystem, path: string, clock: Pick<Clock, 'breathe'>): KeptLog {
  const read = () => {
    try {
      return files.readFile(path)
    } catch {
      return new Uint8Array(0)
    }
  }
  return {
    async lines() {
      const bytes = read()
      const lines: LogLine[] = []
      let turnEnds = TURN_BYTES
      for (let at = 0; at < bytes.length;) {
        const newline = bytes.indexOf(10, at)
        const end = newline < 0 ? bytes.length : newline
        const line = parseCriLine(bytes.subarray(at, end))
        if (line) lines.push(line)
        at = end + 1
        if (at < turnEnds) continue
        turnEnds = at + TURN_BYTES
        await clock.breathe()
      }
      return lines
    },
    tail(maxLines) {
      const bytes = read()
      const lines: LogLine[] = []
      for (let end = bytes[bytes.length - 1] === 10 ? bytes.length - 1 : bytes.length; end > 0 && lines.length < maxLines;) {
        const start = lineStart(bytes, end)
        const line = parseCriLine(bytes.subarray(start, end))
        if (line) lines.unshift(line)
        end = start - 1
      }
      return lines
    },
  }
}

/**
 * Keeps a container's log in a file of the node too, for those who mount /var/log, and for `kubectl logs` after a reload: made with the
 * first line, rotated with the log.
 */
export function writeLogFile(log: ContainerLog, files: MountableFileSystem, path: string, link: string, clock: Clock): void {
  let made = false
  log.onLine = (line) => {
    try {
      if (!made) {
        made = true
        files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
        linkLogFile(files, path, link)
      }
      files.writeFile(path, criLine(line), { append: true, mode: 0o640 })
    } catch { /* the node's disk is full or was changed by hand: the log itself goes on */ }
  }
  log.onRotate = () => {
    try {
      rotate(files, path, clock)
    } catch { /* see above */ }
  }
}

/** Links in /var/log/containers carry names that log collectors take apart. */
export function linkLogFile(files: MountableFileSystem, path: string, link: string): void {
  files.mkdir(LINKS, { recursive: true })
  try {
    files.symlink(path, link)
  } catch { /* it is there */ }
}

/** k8s: pkg/kubelet/logs container_log_manager.go rotateLog */
function rotate(files: MountableFileSystem, path: string, clock: Clock): void {
  const slash = path.lastIndexOf('/')
  const rotated = files.readdir(path.slice(0, slash)).filter((name) => name.startsWith(`${path.slice(slash + 1)}.`)).sort().map((name) => path.slice(0, slash + 1) + name)
  for (const old of rotated.splice(0, Math.max(0, rotated.length - (MAX_FILES - 2)))) files.remove(old)
  for (const each of rotated) if (!each.endsWith('.gz')) void compress(files, each, clock)
  const stamp = new Date(clock.nowMs()).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  files.rename(path, `${path}.${stamp}`)
}

async function compress(files: MountableFileSystem, path: string, clock: Clock): Promise<void> {
  const packed = await clock.outside(gzip(files.readFile(path)))
  // The pod may be gone by now.
  if (!files.exists(path)) return
  files.writeFile(`${path}.gz`, packed)
  files.remove(path)
}

async function gzip(data: Uint8Array): Promise<Uint8Array> {
  let at = 0
  const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (at >= data.length) return controller.close()
      controller.enqueue(data.slice(at, at += TURN_BYTES))
    },
  })
  return new Uint8Array(await new Response(pieces.pipeThrough(new CompressionStream('gzip'))).arrayBuffer())
}

/** How often a container of a pod was started before, by the files it left; 0 if there are none. k8s: kuberuntime calcRestartCountByLogDir */
export function startsByLogFiles(files: MountableFileSystem, directory: string): number {
  if (!files.exists(directory)) return 0
  return Math.max(0, ...files.readdir(directory).map((name) => Number(/^(\d+)\.log(\..*)?$/.exec(name)?.[1] ?? -1) + 1))
}

/** Takes the files of one container away. k8s: kuberuntime removeContainerLog */
export function removeLogFile(files: MountableFileSystem, path: string, link: string): void {
  try {
    files.remove(link, { force: true })
    if (!files.exists(path)) return
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    for (const each of files.readdir(path.slice(0, slash))) if (each === name || each.startsWith(`${name}.`)) files.remove(path.slice(0, slash + 1) + each)
  } catch { /* somebody changed the folder by hand */ }
}

/** Takes the files of a pod away. */
export function removeLogFiles(files: MountableFileSystem, directory: string): void {
  if (!files.exists(directory)) return
  files.remove(directory, { recursive: true, force: true })
  if (!files.exists(LINKS)) return
  for (const name of files.readdir(LINKS)) {
    const link = `${LINKS}/${name}`
    if (files.lstat(link).type === 'symlink' && files.readlink(link).startsWith(`${directory}/`)) files.remove(link)
  }
}
