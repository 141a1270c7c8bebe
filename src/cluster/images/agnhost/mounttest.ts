import { errorText } from '../../../unix/errno.ts'
import { MemoryFileSystem } from '../../../unix/file-system.ts'
import { UnixError } from '../../../unix/types.ts'
import type { FileStat, Proc } from '../../../unix/types.ts'
import { goFlags } from './go-server.ts'

const INITIAL_CONTENT = 'mount-tester new file\n'
const RETRY_INTERVAL_MS = 2_000

/** Tells about files of volumes. The order of the checks is part of what tests rely on. k8s: test/images/agnhost/mounttest */
export async function mounttest(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const print = (text: string) => proc.stdout.write(`${text}\n`)
  const { fs } = proc
  fs.umask = 0
  let failed = false
  /** Runs a check on a flag's path; a failure is told in Go's words. */
  const check = async (flag: string, describe: (path: string, error: string) => string, work: (path: string) => Promise<void> | void): Promise<void> => {
    const path = flags.get(flag)
    if (!path) return
    try { await work(path) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      failed = true
      await print(describe(path, errorText(error).toLowerCase()))
    }
  }
  const readBack = async (path: string) => {
    try { await print(`content of file "${path}": ${fs.readText(path)}`) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      failed = true
      await print(`error reading file content for "${path}": open ${path}: ${errorText(error).toLowerCase()}`)
    }
  }
  await check('fs_type', (path, error) => `error from statfs("${path}"): ${error}`, async (path) => print(`mount type of "${path}": ${mountType(proc, path)}`))
  for (const mode of [0o644, 0o666, 0o660, 0o777])
    await check(`new_file_0${mode.toString(8)}`, (path, error) => `error writing new file "${path}": open ${path}: ${error}`, async (path) => { fs.writeFile(path, INITIAL_CONTENT, { mode }); await readBack(path) })
  await check('file_mode', (path, error) => `error from Stat("${path}"): stat ${path}: ${error}`, (path) => print(`mode of file "${path}": ${goMode(fs.stat(path))}`))
  await check('file_perm', (path, error) => `error from Stat("${path}"): stat ${path}: ${error}`, (path) => print(`perms of file "${path}": -${permissions(fs.stat(path))}`))
  await check('file_owner', (path, error) => `error from stat("${path}"): ${error}`, async (path) => { const stat = fs.stat(path); await print(`owner UID of "${path}": ${stat.uid}\nowner GID of "${path}": ${stat.gid}`) })
  if (flags.get('file_content')) await readBack(flags.get('file_content')!)
  const looped = flags.get('file_content_in_loop')
  if (looped) failed = !await readInLoop(proc, looped, Number(flags.get('retry_time') ?? 180) * 1000, flags.get('break_on_expected_content') !== 'false') || failed
  return failed ? 1 : 0
}

async function readInLoop(proc: Proc, path: string, retryMs: number, breaks: boolean): Promise<boolean> {
  let ok = true
  for (const end = proc.clock.nowMs() + retryMs; proc.clock.nowMs() < end; await proc.sleep(RETRY_INTERVAL_MS)) {
    let content: string
    try { content = proc.fs.readText(path); ok = true } catch (error) {
      ok = false
      await proc.stdout.write(`Error reading file ${path}: open ${path}: ${errorText(error).toLowerCase()}, retrying\n`)
      continue
    }
    await proc.stdout.write(`content of file "${path}": ${content}\n`)
    if (!breaks) continue
    if (content === INITIAL_CONTENT) break
    await proc.stdout.write(`Unexpected content. Expected: ${INITIAL_CONTENT}. Retrying\n`)
  }
  return ok
}

function mountType(proc: Proc, path: string): string {
  proc.fs.stat(path)
  if (!(proc.fs instanceof MemoryFileSystem)) return 'tmpfs'
  const covering = proc.fs.mounts().filter((mount) => mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`)).sort((a, b) => b.path.length - a.path.length)[0]!
  return covering.type
}

/** rwx three times. */
function permissions({ mode }: Pick<FileStat, 'mode'>): string {
  return [...'rwxrwxrwx'].map((letter, i) => mode & (1 << (8 - i)) ? letter : '-').join('')
}

/** How Go prints a file's mode: letters for type and special bits, then permissions. */
function goMode(stat: FileStat): string {
  const letters = `${stat.type === 'directory' ? 'd' : stat.type === 'symlink' ? 'L' : stat.type === 'fifo' ? 'p' : stat.type === 'block' ? 'D' : stat.type === 'character' ? 'Dc' : ''}${stat.mode & 0o4000 ? 'u' : ''}${stat.mode & 0o2000 ? 'g' : ''}${stat.mode & 0o1000 ? 't' : ''}`
  return (letters || '-') + permissions(stat)
}
