import type { CommandName, CustomCommand, ExecResult, IFileSystem } from 'just-bash'
import { readAll } from '../../base/streams.ts'
import { joinPath, resolvePath } from '../path.ts'
import { UnixError } from '../types.ts'
import type { FileStat, Proc } from '../types.ts'
import type { Utility } from './utility.ts'

/** Utilities that the just-bash library provides. They read all of their input before they write, but for jq: see {@link completeValues}. */
export const JUST_BASH_COMMANDS = [
  'jq', 'yq', 'find', 'md5sum', 'sha1sum', 'sha256sum', 'gzip', 'gunzip', 'zcat', 'column', 'comm', 'join',
  'fold', 'expand', 'unexpand', 'strings', 'split', 'od', 'tree', 'file',
] as const satisfies readonly CommandName[]

/** Commands that don't look at standard input when they are given files. */
const NO_INPUT = new Set<string>(['find', 'tree', 'file', 'comm', 'join'])

/** Commands whose operands are all files, so that those that aren't there are no reason to take input that is somebody else's. */
const ONLY_FILES = new Set<string>(['md5sum', 'sha1sum', 'sha256sum', 'gunzip', 'zcat'])

// Loaded on first use: most machines never run one of these.
let library: Promise<typeof import('just-bash/browser')> | undefined

/** One of {@link JUST_BASH_COMMANDS}, on the process's own files. */
export function justBash(command: CommandName): Utility {
  return async (context) => {
    const { proc } = context
    const { Bash, defineCommand } = await proc.clock.outside(library ??= import('just-bash/browser'))
    const usesInput = !NO_INPUT.has(command) || context.args.includes('-')
    const streams = command === 'jq' && readsValuesOneByOne(proc, context.args)
    const stdin = streams ? '' : usesInput ? latin1Of(await inputOf(proc, context.args, command)) : ''
    const bash = new Bash({
      // It takes its own commands for files where another folder of the path comes first; those of all folders are known to it by name.
      fs: fileSystemFor(proc), cwd: proc.cwd, env: { ...proc.env, PATH: '/usr/bin:/bin' }, commands: [...JUST_BASH_COMMANDS], customCommands: ownCommands(proc, defineCommand),
      defenseInDepth: false, sleep: (ms) => proc.sleep(ms),
    })
    const run = async (input: string): Promise<number> => {
      const result = await proc.clock.outside(bash.exec(command, { args: context.args, stdin: input, stdinKind: 'bytes', cwd: proc.cwd, signal: proc.killed }))
      if (result.stderr) await context.err(result.stderr.replace(/^bash: (?:line \d+: )?/gm, ''))
      if (result.stdout) await context.out(bytesOf(result))
      return result.exitCode
    }
    if (!streams) return run(stdin)
    let status = 0
    let rest = ''
    for (let chunk = await proc.stdin.read(); chunk; chunk = await proc.stdin.read()) {
      rest += latin1Of(chunk)
      const end = completeValues(rest)
      if (end === 0) continue
      status = await run(rest.slice(0, end))
      rest = rest.slice(end)
    }
    return rest.trim() === '' ? status : run(rest)
  }
}

/** Whether jq's program sees one value of standard input after the other, so that it can answer each as it comes. */
function readsValuesOneByOne(proc: Proc, args: readonly string[]): boolean {
  if (args.some((arg) => /^-[a-zA-Z]*[nsRf]|^--(?:slurp|null-input|raw-input|from-file|stream|seq)/.test(arg) || /\binputs?\b/.test(arg))) return false
  return !args.some((arg) => { try { return !arg.startsWith('-') && proc.fs.stat(proc.resolve(arg)).type === 'file' } catch { return false } })
}

/** Where the last complete JSON value of a text ends; 0 when there is none. */
export function completeValues(text: string): number {
  let depth = 0
  let inString = false
  let end = 0
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (inString) {
      if (char === '\\') i += 1
      else if (char === '"') { inString = false; if (depth === 0) end = i + 1 }
    } else if (char === '"') inString = true
    else if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') { depth -= 1; if (depth <= 0) { depth = 0; end = i + 1 } } else if (depth === 0 && /\s/.test(char)) end = i + 1
  }
  return end
}

/** Standard input, unless files are named: then a terminal would be waited for in vain. */
async function inputOf(proc: Proc, args: readonly string[], command: string): Promise<Uint8Array> {
  const scriptArguments = ['awk', 'sed', 'jq', 'yq'].includes(command) ? 1 : 0
  const files = args.filter((arg) => !arg.startsWith('-')).slice(args.some((arg) => arg === '-f' || arg === '-e') ? 1 : scriptArguments)
  const readsFiles = (ONLY_FILES.has(command) && files.length > 0) || files.some((file) => { try { return proc.fs.stat(proc.resolve(file)).type === 'file' } catch { return false } })
  if ((readsFiles && !args.includes('-')) || args.includes('-n') && command === 'jq') return new Uint8Array(0)
  return readAll(proc.stdin)
}

function bytesOf(result: ExecResult): Uint8Array {
  const isBytes = result.stdoutKind === 'bytes' || result.stdoutEncoding === 'binary'
  return isBytes ? fromLatin1(result.stdout) : new TextEncoder().encode(result.stdout)
}

function latin1Of(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode.apply(null, bytes.subarray(i, i + 8192) as unknown as number[])
  return text
}

function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0) & 255)
}

/** Everything else in PATH, so that `find -exec` and `awk` pipes reach the machine's own programs. */
function ownCommands(proc: Proc, defineCommand: typeof import('just-bash/browser')['defineCommand']): CustomCommand[] {
  const names = new Set<string>()
  for (const directory of (proc.env.PATH ?? '/usr/bin:/bin').split(':')) {
    try { for (const name of proc.fs.readdir(resolvePath(proc.cwd, directory))) names.add(name) } catch { /* PATH may name what isn't there. */ }
  }
  for (const name of JUST_BASH_COMMANDS) names.delete(name)
  names.delete('[')
  return [...names].map((name) => defineCommand(name, async (args, ctx) => {
    const out: Uint8Array[] = []
    const err: Uint8Array[] = []
    const into = (list: Uint8Array[]) => ({ write: async (data: Uint8Array | string) => { list.push(typeof data === 'string' ? new TextEncoder().encode(data) : data) }, close() {} })
    let rest: Uint8Array | null = fromLatin1(String(ctx.stdin ?? ''))
    const child = proc.spawn([name, ...args], { cwd: ctx.cwd, stdin: { read: async () => { const data = rest; rest = null; return data && data.length > 0 ? data : null }, cancel() {} }, stdout: into(out), stderr: into(err) })
    const status = await child.wait()
    const text = (list: Uint8Array[]) => latin1Of(Uint8Array.from(list.flatMap((chunk) => [...chunk])))
    return { stdout: text(out), stderr: new TextDecoder('utf-8').decode(fromLatin1(text(err))), exitCode: status.code, stdoutKind: 'bytes' as const }
  }))
}

/** The library's view of a process's files. */
function fileSystemFor(proc: Proc): IFileSystem {
  const { fs } = proc
  const wrap = <T>(path: string, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      // The library recognises failures by the words of Node's messages.
      throw Object.assign(new Error(`${error.code}: ${NODE_WORDS[error.code] ?? error.message.toLowerCase()}, '${path}'`), { code: error.code })
    }
  }
  const statOf = (stat: FileStat) => ({ isFile: stat.type !== 'directory' && stat.type !== 'symlink', isDirectory: stat.type === 'directory', isSymbolicLink: stat.type === 'symlink', mode: stat.mode, size: stat.sizeBytes, mtime: new Date(stat.modifiedMs), ino: stat.inode })
  const copy = (source: string, target: string): void => {
    const stat = fs.lstat(source)
    if (stat.type === 'directory') {
      fs.mkdir(target, { recursive: true })
      for (const name of fs.readdir(source)) copy(joinPath(source, name), joinPath(target, name))
    } else fs.writeFile(target, fs.readFile(source), { mode: stat.mode })
  }
  const encode = (content: string | Uint8Array, options?: unknown) => {
    const encoding = typeof options === 'string' ? options : (options as { encoding?: string } | undefined)?.encoding
    return typeof content === 'string' && (encoding === 'binary' || encoding === 'latin1') ? fromLatin1(content) : content
  }
  return {
    readFile: async (path, options) => wrap(path, () => {
      const encoding = typeof options === 'string' ? options : options?.encoding
      return encoding === 'binary' || encoding === 'latin1' ? latin1Of(fs.readFile(path)) : fs.readText(path)
    }),
    readFileBuffer: async (path) => wrap(path, () => fs.readFile(path)),
    writeFile: async (path, content, options) => wrap(path, () => fs.writeFile(path, encode(content, options))),
    appendFile: async (path, content, options) => wrap(path, () => fs.writeFile(path, encode(content, options), { append: true })),
    exists: async (path) => fs.exists(path),
    stat: async (path) => wrap(path, () => statOf(fs.stat(path))),
    lstat: async (path) => wrap(path, () => statOf(fs.lstat(path))),
    mkdir: async (path, options) => wrap(path, () => fs.mkdir(path, options)),
    readdir: async (path) => wrap(path, () => fs.readdir(path)),
    readdirWithFileTypes: async (path) => wrap(path, () => fs.readdir(path).map((name) => { const s = statOf(fs.lstat(joinPath(path, name))); return { name, isFile: s.isFile, isDirectory: s.isDirectory, isSymbolicLink: s.isSymbolicLink } })),
    rm: async (path, options) => wrap(path, () => fs.remove(path, options)),
    cp: async (source, target) => wrap(source, () => copy(source, target)),
    mv: async (source, target) => wrap(source, () => fs.rename(source, target)),
    resolvePath,
    getAllPaths: () => [],
    chmod: async (path, mode) => wrap(path, () => fs.chmod(path, mode)),
    symlink: async (target, path) => wrap(path, () => fs.symlink(target, path)),
    link: async (existing, path) => wrap(path, () => { if (!fs.link) throw new UnixError('ENOTSUP', undefined, path); fs.link(existing, path) }),
    readlink: async (path) => wrap(path, () => fs.readlink(path)),
    realpath: async (path) => wrap(path, () => fs.realpath(path)),
    utimes: async (path, accessed, modified) => wrap(path, () => fs.utimes(path, accessed.getTime(), modified.getTime())),
  }
}

const NODE_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory', EISDIR: 'illegal operation on a directory', ENOTDIR: 'not a directory', EEXIST: 'file already exists', EACCES: 'permission denied', ENOTEMPTY: 'directory not empty',
}
