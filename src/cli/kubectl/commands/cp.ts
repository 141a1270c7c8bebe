import { createPipe, readerOf } from '../../../base/streams.ts'
import { resourcePath } from '../discovery.ts'
import { CommandExit } from '../errors.ts'
import type { Factory } from '../factory.ts'
import { asPod, containerNames, containerOrDefault, findContainer, POD_MAPPING } from '../pods.ts'
import type { PodObject } from '../pods.ts'
import { readTar, writeTar } from '../tar.ts'
import type { TarEntry } from '../tar.ts'
import { runSession } from './exec.ts'
import type { CommandHandler } from './handler.ts'

/** A file here (no pod) or in a container, and the namespace if the word named one. */
interface FileSpec { pod: string; namespace: string; path: string; named?: string }

function fileSpec(text: string, namespace: string): FileSpec {
  const at = text.indexOf(':')
  if (at < 0) return { pod: '', namespace: '', path: text }
  const malformed = () => new Error('filespec must match the canonical format: [[namespace/]pod:]file/path')
  const parts = text.slice(0, at).split('/')
  if (at === 0 || parts.length > 2) throw malformed()
  return parts.length === 2 ? { namespace: parts[0]! || namespace, named: parts[0]!, pod: parts[1]!, path: text.slice(at + 1) } : { namespace, pod: parts[0]!, path: text.slice(at + 1) }
}

const baseOf = (path: string) => path.replace(/\/+$/, '').split('/').at(-1) || '/'
const parentOf = (path: string) => {
  const clean = path.replace(/\/+$/, '')
  const at = clean.lastIndexOf('/')
  return at < 0 ? '.' : at === 0 ? '/' : clean.slice(0, at)
}

const withoutSlash = (path: string) => path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path

/** Go's path.Clean. */
function clean(path: string): string {
  const absolute = path.startsWith('/')
  const out: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (out.length > 0 && out.at(-1) !== '..') out.pop()
      else if (!absolute) out.push('..')
    } else out.push(part)
  }
  return (absolute ? '/' : '') + out.join('/') || (absolute ? '/' : '.')
}

/** @param say where the choice of a container is told */
async function podOf(f: Factory, spec: FileSpec, container: string, say = f.io.err): Promise<{ pod: PodObject; container: string }> {
  const pod = asPod(await f.rest().json('GET', resourcePath(POD_MAPPING, spec.namespace, spec.pod)))
  if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') throw new Error(`cannot exec into a container in a completed pod; current phase is ${pod.status.phase}`)
  if (!container) return { pod, container: containerOrDefault(f, pod, '', false, say).name }
  if (!findContainer(pod, container)) throw new Error(`container ${container} is not valid for pod ${pod.metadata.name} out of: ${containerNames(pod)}`)
  return { pod, container }
}

// k8s: kubectl/pkg/cmd/cp
export const cp: CommandHandler = async ({ f, flags, args }) => {
  if (args.length !== 2) throw new Error('source and destination are required')
  const { namespace } = f.namespace()
  const source = fileSpec(args[0]!, namespace)
  const target = fileSpec(args[1]!, namespace)
  if (source.pod && target.pod) throw new Error('one of src or dest must be a local file specification')
  if (!source.path || !target.path) throw new Error('filepath can not be empty')
  if (source.pod) return copyFrom(f, source, target.path, flags.str('container'))
  if (target.pod) return copyTo(f, source.path, target, flags.str('container'), flags.bool('no-preserve'))
  throw new Error('one of src or dest must be a remote file specification')
}

async function copyTo(f: Factory, source: string, target: FileSpec, containerName: string, noPreserve: boolean): Promise<void> {
  const { fs } = f.proc
  if (!fs.exists(f.proc.resolve(source))) throw new Error(`${source} doesn't exist in local filesystem`)
  const { pod, container } = await podOf(f, target, containerName)
  let destination = target.path
  try {
    await runSession(f, pod, { subresource: 'exec', container, command: ['test', '-d', destination], stdin: false, tty: false, stdout: () => {}, stderr: () => {} })
    destination = `${destination.replace(/\/+$/, '')}/${baseOf(source)}`
  } catch (error) {
    if (!(error instanceof CommandExit)) throw error
  }
  const collect = function* (path: string, name: string): Generator<TarEntry> {
    const stat = fs.lstat(path)
    const common = { name, mode: stat.mode, modifiedMs: stat.modifiedMs, data: new Uint8Array(0) }
    if (stat.type === 'symlink') { yield { ...common, type: 'symlink', linkName: fs.readlink(path) }; return }
    if (stat.type !== 'directory') { yield { ...common, type: 'file', data: fs.readFile(path) }; return }
    const children = fs.readdir(path)
    if (children.length === 0) yield { ...common, type: 'directory' }
    for (const child of children) yield* collect(`${path}/${child}`, `${name}/${child}`)
  }
  const archive = writeTar(collect(f.proc.resolve(source), baseOf(clean(destination))))
  const directory = parentOf(clean(destination))
  await runSession(f, pod, {
    subresource: 'exec', container, command: ['tar', ...(noPreserve ? ['--no-same-permissions', '--no-same-owner'] : []), '-xmf', '-', ...(directory ? ['-C', directory] : [])],
    stdin: true, tty: false, stdinFrom: readerOf(archive),
  })
}

async function copyFrom(f: Factory, source: FileSpec, target: string, containerName: string): Promise<void> {
  const { fs } = f.proc
  // What tar says of the other side goes to standard output, and with it what kubectl says of it.
  const { pod, container } = await podOf(f, source, containerName, (text) => f.io.out(text))
  const pipe = createPipe(Infinity)
  let failure: unknown
  const session = runSession(f, pod, {
    subresource: 'exec', container, command: ['tar', 'cf', '-', source.path], stdin: false, tty: false,
    stdout: (data) => pipe.writer.write(data.slice()), stderr: (data) => f.io.out(data),
  }).catch((error: unknown) => { failure = error }).finally(() => pipe.writer.close())
  const prefix = clean(source.path.replace(/^\/+|\/+$/g, '')).replace(/^(\.\.\/)+/, '')
  let warned = false
  const root = f.proc.resolve(target)
  for await (const entry of readTar(pipe.reader)) {
    if (!entry.name.startsWith(prefix === '.' ? '' : prefix)) throw new Error('tar contents corrupted')
    const rest = prefix === '.' ? entry.name : entry.name.slice(prefix.length)
    const path = clean(`${root}/${rest}`)
    if (path !== clean(root) && !path.startsWith(`${clean(root)}/`)) {
      void f.io.err(`warning: file ${JSON.stringify(path)} is outside target destination, skipping\n`)
      continue
    }
    fs.mkdir(parentOf(path), { recursive: true })
    if (entry.type === 'directory') { fs.mkdir(path, { recursive: true }); continue }
    if (entry.type === 'symlink') {
      const hint = warned ? '' : ` (consider using "kubectl exec -n ${JSON.stringify(source.named ?? '')} ${JSON.stringify(source.pod)} -- tar cf - ${JSON.stringify(withoutSlash(source.path))} | tar xf -")`
      warned = true
      void f.io.err(`warning: skipping symlink: ${JSON.stringify(clean(`${target}/${rest}`))} -> ${JSON.stringify(entry.linkName)}${hint}\n`)
      continue
    }
    if (fs.exists(path) && fs.stat(path).type === 'directory') throw new Error(`open ${clean(`${target}/${rest}`)}: is a directory`)
    fs.writeFile(path, entry.data)
  }
  await session
  // A tar that found nothing has said so itself; the copy just ends.
  if (failure instanceof CommandExit) void f.io.err(`${failure.message}\n`)
  else if (failure) throw failure
}
