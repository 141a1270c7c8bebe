import type { MountableFileSystem } from '../../unix/types.ts'
import type { ContainerLog, LogLine } from './container-log.ts'

const decoder = new TextDecoder()

/** Go's RFC3339Nano: no zeros at the end of the fraction. */
function nanoText(ms: number): string {
  const whole = Math.floor(ms)
  const fraction = `${String(whole % 1000).padStart(3, '0')}${String(Math.floor((ms - whole) * 1e6)).padStart(6, '0')}`.replace(/0+$/, '')
  return `${new Date(whole).toISOString().slice(0, 19)}${fraction ? `.${fraction}` : ''}Z`
}

/** A line of a CRI log file: time, stream, F for a full line or P for a part, text. */
function criLine({ timeMs, stream, partial, data }: LogLine): string {
  return `${nanoText(timeMs)} ${stream} ${partial ? 'P' : 'F'} ${decoder.decode(data)}\n`
}

/**
 * Keeps a container's log in a file of the node too, for those who mount /var/log: made with the first line, rotated with the log.
 * Links in /var/log/containers carry names that log collectors take apart.
 */
export function writeLogFile(log: ContainerLog, files: MountableFileSystem, path: string, link: string): void {
  let made = false
  let rotated = 0
  log.onLine = (line) => {
    try {
      if (!made) {
        made = true
        files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
        files.mkdir('/var/log/containers', { recursive: true })
        files.symlink(path, link)
      }
      files.writeFile(path, criLine(line), { append: true })
    } catch { /* the node's disk is full or was changed by hand: the log itself goes on */ }
  }
  log.onRotate = () => {
    try {
      files.rename(path, `${path}.${++rotated}`)
      files.remove(`${path}.${rotated - 1}`, { force: true })
    } catch { /* see above */ }
  }
}

/** Takes the files of a pod away. */
export function removeLogFiles(files: MountableFileSystem, directory: string): void {
  if (!files.exists(directory)) return
  files.remove(directory, { recursive: true, force: true })
  for (const name of files.readdir('/var/log/containers')) {
    const link = `/var/log/containers/${name}`
    if (files.readlink(link).startsWith(`${directory}/`)) files.remove(link)
  }
}
