import { httpRequest } from '../../base/http.ts'
import { readAll } from '../../base/streams.ts'
import { reasonPhrase } from '../../unix/net/http1.ts'
import { pathPattern } from '../path-pattern.ts'
import { aggregate, ConnectionError } from './errors.ts'
import { dialMessage } from './factory.ts'
import type { Factory } from './factory.ts'

/** One thing that `-f` names. */
export type FileInput = { kind: 'file'; path: string; fromDirectory: boolean } | { kind: 'stdin' } | { kind: 'url'; url: string }

/** What `-f` names, directories as the files in them. k8s: cli-runtime resource.Builder FilenameParam @throws Error when a path doesn't exist */
export function expandFilenames(f: Factory, filenames: readonly string[], recursive: boolean): FileInput[] {
  const out: FileInput[] = []
  const errors: Error[] = []
  const fs = f.proc.fs
  for (const name of filenames) {
    if (name === '-') {
      if (out.some((o) => o.kind === 'stdin')) errors.push(new Error('standard input cannot be used for multiple arguments'))
      else out.push({ kind: 'stdin' })
    } else if (/^https?:\/\//.test(name)) out.push({ kind: 'url', url: name })
    else {
      const paths = fs.exists(f.proc.resolve(name)) ? [name] : globPaths(f, name)
      if (paths.length === 0) errors.push(new Error(`the path ${JSON.stringify(name)} does not exist`))
      for (const path of paths) {
        // A link to a directory is only followed where its name ends in a slash.
        if ((path.endsWith('/') ? fs.stat(f.proc.resolve(path)) : fs.lstat(f.proc.resolve(path))).type !== 'directory') { out.push({ kind: 'file', path, fromDirectory: false }); continue }
        for (const file of directoryFiles(f, path.replace(/\/+$/, ''), recursive)) out.push({ kind: 'file', path: file, fromDirectory: true })
      }
      if (errors.length === 0 && !out.some((input) => input.kind === 'file')) errors.push(new Error(`error reading [${paths.join(' ')}]: recognized file extensions are [.json .yaml .yml]`))
    }
  }
  const failure = aggregate(errors)
  if (failure) throw failure
  return out
}

/** What kubectl takes of a directory; links to directories aren't followed. k8s: cli-runtime/pkg/resource ExpandPathsToFileVisitors */
function directoryFiles(f: Factory, directory: string, recursive: boolean): string[] {
  const out: string[] = []
  for (const name of f.proc.fs.readdir(f.proc.resolve(directory))) {
    const path = directory === '.' ? name : `${directory}/${name}`
    const { type } = f.proc.fs.lstat(f.proc.resolve(path))
    if (type === 'directory') { if (recursive) out.push(...directoryFiles(f, path, true)) } else if (/\.(json|ya?ml)$/.test(name)) out.push(path)
  }
  return out
}

/** Go's filepath.Glob for the last part of a path. */
function globPaths(f: Factory, pattern: string): string[] {
  if (!/[*?[]/.test(pattern)) return []
  const at = pattern.lastIndexOf('/')
  const directory = at < 0 ? '.' : pattern.slice(0, at) || '/'
  const regex = pathPattern(pattern.slice(at + 1))
  if (!regex) throw new Error(`pattern ${JSON.stringify(pattern)} is not valid: syntax error in pattern`)
  if (!f.proc.fs.exists(f.proc.resolve(directory))) return []
  return f.proc.fs.readdir(f.proc.resolve(directory)).filter((n) => regex.test(n)).map((n) => at < 0 ? n : `${directory === '/' ? '' : directory}/${n}`)
}

/** Reads a file, URL or standard input as text. @throws UnixError, ConnectionError, Error for an answer that isn't 200 */
export async function readInput(f: Factory, name: string): Promise<string> {
  if (name === '-') return new TextDecoder().decode(await readAll(f.proc.stdin))
  if (/^https?:\/\//.test(name)) {
    const response = await f.proc.net.fetch(httpRequest(name), {}).catch((error: Error) => { throw new ConnectionError('GET', name, dialMessage(name, error)) })
    if (response.status !== 200) throw new Error(`unable to read URL ${JSON.stringify(name)}, server reported ${response.status} ${reasonPhrase(response.status)}, status code=${response.status}`)
    return response.text()
  }
  return f.proc.fs.readText(f.proc.resolve(name))
}
