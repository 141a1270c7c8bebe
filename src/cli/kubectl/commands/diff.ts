import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { isStatusError } from '../../../cluster/kinds/status-error.ts'
import { printYaml } from '../../yaml.ts'
import { UnixError } from '../../../unix/types.ts'
import { usageError } from '../command.ts'
import { resourcePath } from '../discovery.ts'
import { isNotFound, SilentExit } from '../errors.ts'
import type { Factory } from '../factory.ts'
import { klogLine } from '../klog.ts'
import { LAST_APPLIED } from '../last-applied.ts'
import { withoutManagedFields } from '../print.ts'
import { findPrunable, parsePruneAllowlist } from '../prune.ts'
import { fetchInfo, findResources } from '../resources.ts'
import type { Info } from '../resources.ts'
import { unifiedDiff } from '../unified-diff.ts'
import { makePatch } from './apply.ts'
import { warn } from './delete.ts'
import { withoutResourceVersion } from './create/submit.ts'
import type { CommandHandler, Invocation } from './handler.ts'

/** Values of Secrets are hidden, but whether they differ stays visible; one that isn't there becomes a null. k8s: diff Masker */
function masked(live: KubeObject | undefined, merged: KubeObject): [KubeObject | undefined, KubeObject] {
  if (merged.kind !== 'Secret') return [live, merged]
  const before = (live?.['data'] ?? {}) as Record<string, string>
  const after = (merged['data'] ?? {}) as Record<string, string>
  const mask = (data: Record<string, string>, other: Record<string, string>, word: string) => Object.fromEntries(Object.keys(data).map((k) => [k, other[k] !== undefined && other[k] !== data[k] ? `*** (${word})` : '***']))
  return [live && { ...live, ...(live['data'] ? { data: mask(before, after, 'before') } : {}) }, { ...merged, ...(merged['data'] ? { data: mask(after, before, 'after') } : {}) }]
}

/** @param force without a look at whether the live object is still the one that was read */
async function mergedOf(inv: Invocation, info: Info, live: KubeObject | undefined, force: boolean): Promise<KubeObject> {
  const { f, flags } = inv
  const path = resourcePath(info.mapping, info.namespace, info.name)
  const local = info.object!
  if (flags.bool('server-side')) return f.rest().json<KubeObject>('PATCH', path, {
    body: local, contentType: 'application/apply-patch+yaml', query: { dryRun: 'All', force: flags.bool('force-conflicts'), fieldManager: flags.changed('field-manager') ? flags.str('field-manager') : 'kubectl' },
  })
  const manager = flags.str('field-manager') || 'kubectl-client-side-apply'
  if (!live) return f.rest().json<KubeObject>('POST', resourcePath(info.mapping, info.namespace), { body: withoutResourceVersion(local), query: { dryRun: 'All', fieldManager: manager } })
  // The annotation of the last application isn't compared.
  const { [LAST_APPLIED]: _, ...annotations } = local.metadata.annotations ?? {}
  const { patch, type } = makePatch(info.mapping, live, { ...local, metadata: { ...local.metadata, annotations } }, true)
  if (Object.keys(patch).length === 0) return live
  return f.rest().json<KubeObject>('PATCH', path, { body: { ...patch, ...(force ? {} : { metadata: { ...patch['metadata'] as object, resourceVersion: live.metadata.resourceVersion } }) }, contentType: type, query: { dryRun: 'All', fieldManager: manager } })
}

/** How often an object that changes meanwhile is looked at. */
const MAX_TRIES = 4

// k8s: kubectl/pkg/cmd/diff
export const diff: CommandHandler = async (inv) => {
  const { f, flags, args, spec } = inv
  if (args.length > 0) throw usageError(spec, `Unexpected args: [${args.join(' ')}]`)
  if (flags.list('filename').length === 0 && !flags.str('kustomize')) throw new Error('must specify one of -f and -k')
  if (flags.bool('force-conflicts') && !flags.bool('server-side')) throw new Error('--force-conflicts only works with --server-side')
  const allowlist = flags.bool('prune') && flags.list('prune-allowlist').length > 0 ? parsePruneAllowlist(await f.mapper(), flags.list('prune-allowlist')) : []
  f.rest()
  const { namespace, explicit } = f.namespace()
  const result = await findResources(f, {
    filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, labelSelector: flags.str('selector') || undefined, flatten: true,
  })
  const stamp = Math.floor(f.nowMs()) % 10_000_000_000
  const directory = (which: string) => `${f.proc.env['TMPDIR'] || '/tmp'}/${which}-${stamp}`
  const fs = f.proc.fs
  const [from, to] = [directory('LIVE'), directory('MERGED')]
  fs.mkdir(from, { recursive: true })
  fs.mkdir(to, { recursive: true })
  const visited = { namespaces: new Set<string>(), uids: new Set<string>() }
  const fileName = ({ group, version, kind }: Info['mapping'], namespace: string, name: string) => `${group ? `${group}.` : ''}${version}.${kind}.${namespace}.${name}`
  try {
    await result.visit(async (info) => {
      let live: KubeObject | undefined
      let merged: KubeObject
      for (let tries = 1; ; tries++) {
        try {
          live = (await fetchInfo(f, info)).object
        } catch (error) {
          if (!isNotFound(error)) throw error
          live = undefined
        }
        if (info.mapping.namespaced) visited.namespaces.add(info.namespace)
        if (live?.metadata.uid) visited.uids.add(live.metadata.uid)
        try {
          if (tries === MAX_TRIES) void f.io.err(klogLine(f.proc, 'W', 'diff.go:723', `Object (${info.object!.apiVersion}, Kind=${info.object!.kind}: ${info.name}) keeps changing, diffing without lock`))
          merged = await mergedOf(inv, info, live, tries === MAX_TRIES)
          break
        } catch (error) {
          if (!isStatusError(error, 'Conflict') || tries >= MAX_TRIES) throw error
        }
      }
      const strip = (o: KubeObject) => flags.bool('show-managed-fields') ? o : withoutManagedFields(o)
      const [a, b] = flags.bool('show-secrets') ? [live, merged] : masked(live, merged)
      const name = fileName(info.mapping, info.namespace, info.name)
      fs.writeFile(`${from}/${name}`, a ? printYaml(strip(a)) : b.kind === 'Secret' && !flags.bool('show-secrets') ? 'null\n' : '')
      fs.writeFile(`${to}/${name}`, printYaml(strip(b)))
      if (live?.metadata.deletionTimestamp) warn(f, `Detected changes to resource ${info.name} which is currently being deleted.`)
    })
    if (flags.bool('prune')) for await (const { mapping, object } of findPrunable(f, allowlist, visited.namespaces, visited.uids, flags.str('selector')))
      fs.writeFile(`${from}/${fileName(mapping, object.metadata.namespace ?? '', object.metadata.name!)}`, printYaml(object))
    await f.io.flush()
    const code = await compare(f, from, to)
    if (code === 1) throw new SilentExit(1)
    if (code > 1) throw new Error(`exit status ${code}`)
  } finally {
    fs.remove(from, { recursive: true, force: true })
    fs.remove(to, { recursive: true, force: true })
  }
}

/** Runs the program that compares two folders; our own comparison where there is none that can. */
async function compare(f: Factory, from: string, to: string): Promise<number> {
  const external = f.proc.env['KUBECTL_EXTERNAL_DIFF']
  if (external) {
    const words = external.split(' ').filter((w, i) => i === 0 || /^[a-zA-Z0-9-=]+$/.test(w))
    try {
      return (await f.proc.spawn([words[0]!, from, to, ...words.slice(1)]).wait()).code
    } catch (error) {
      throw new Error(`failed to run ${JSON.stringify(words[0])}: ${(error as UnixError).code === 'ENOENT' ? 'executable file not found in $PATH' : (error as Error).message}`)
    }
  }
  try {
    return (await f.proc.spawn(['diff', '-u', '-N', from, to]).wait()).code
  } catch (error) {
    if (!(error instanceof UnixError) || error.code !== 'ENOENT') throw error
    // No diff here, as in many containers.
  }
  const text = compareFolders(f, from, to)
  await f.io.out(text)
  return text ? 1 : 0
}

function compareFolders(f: Factory, from: string, to: string): string {
  const { fs } = f.proc
  let text = ''
  for (const name of [...new Set([...fs.readdir(from), ...fs.readdir(to)])].sort()) {
    const read = (path: string) => fs.exists(path) ? fs.readText(path) : ''
    const [a, b] = [`${from}/${name}`, `${to}/${name}`]
    const time = `${new Date(f.nowMs()).toISOString().replace('T', ' ').slice(0, 23)}000000 +0000`
    const body = unifiedDiff(read(a), read(b))
    if (body) text += `diff -u -N ${a} ${b}\n--- ${a}\t${time}\n+++ ${b}\t${time}\n${body}`
  }
  return text
}
