import { encodeBase64 } from '../factory.ts'
import type { Factory } from '../factory.ts'
import { idSyntax, newResource } from './resource.ts'
import type { KustomizeResource } from './resource.ts'

interface Options { labels?: Record<string, string>; annotations?: Record<string, string>; disableNameSuffixHash?: boolean; immutable?: boolean }
interface GeneratorSpec { name: string; namespace?: string; behavior?: string; literals?: string[]; files?: string[]; envs?: string[]; env?: string; type?: string; options?: Options }

/** A ConfigMap or Secret from literals, files and env files. k8s: kustomize kv.Loader, configmap and secret generators @throws Error */
export function generate(f: Factory, kind: 'ConfigMap' | 'Secret', spec: GeneratorSpec, shared: Options, load: (path: string) => Uint8Array): KustomizeResource {
  if (!spec.name) throw new Error('generator must specify a name')
  const data: Record<string, string> = {}
  const binaryData: Record<string, string> = {}
  const fail = (what: string, why: string) => new Error(`loading KV pairs: ${what}: ${why}`)
  const read = (what: string, path: string) => {
    try {
      return load(path)
    } catch (error) {
      throw fail(what, (error as Error).message)
    }
  }
  const add = (key: string, bytes: Uint8Array) => {
    if (!/^[-._a-zA-Z0-9]+$/.test(key)) throw new Error(`${JSON.stringify(key)} is not a valid key name`)
    if (key in data || key in binaryData) throw new Error(`cannot add key ${key}, another key by that name already exists`)
    const text = utf8(bytes)
    if (kind === 'Secret') data[key] = encodeBase64(bytes)
    else if (text === undefined) binaryData[key] = encodeBase64(bytes)
    else data[key] = text
  }
  const encoder = new TextEncoder()
  for (const path of [...(spec.envs ?? []), ...(spec.env ? [spec.env] : [])]) {
    const lines = new TextDecoder().decode(read(`env source files: [${[...(spec.envs ?? []), ...(spec.env ? [spec.env] : [])].join(' ')}]`, path)).split('\n')
    for (const raw of lines) {
      const line = raw.replace(/\r$/, '').trimStart()
      if (line === '' || line.startsWith('#')) continue
      const at = line.indexOf('=')
      add(at < 0 ? line : line.slice(0, at), encoder.encode(at < 0 ? f.proc.env[line] ?? '' : line.slice(at + 1)))
    }
  }
  for (const literal of spec.literals ?? []) {
    const at = String(literal).indexOf('=')
    if (at <= 0) throw fail(`literal sources ${list(spec.literals!)}`, `invalid literal source ${literal}, expected key=value`)
    add(literal.slice(0, at), encoder.encode(literal.slice(at + 1).replace(/^(['"])(.*)\1$/s, '$2')))
  }
  for (const source of spec.files ?? []) {
    const at = source.indexOf('=')
    const path = at < 0 ? source : source.slice(at + 1)
    add(at < 0 ? path.split('/').at(-1)! : source.slice(0, at), read(`file sources: ${list(spec.files!)}`, path))
  }
  const options = { ...shared, ...spec.options, labels: { ...shared.labels, ...spec.options?.labels }, annotations: { ...shared.annotations, ...spec.options?.annotations } }
  const filled = (map: object) => Object.keys(map).length > 0
  const made = newResource({
    apiVersion: 'v1', kind,
    metadata: { name: spec.name, ...(spec.namespace ? { namespace: spec.namespace } : {}), ...(filled(options.labels) ? { labels: options.labels } : {}), ...(filled(options.annotations) ? { annotations: options.annotations } : {}) },
    ...(filled(data) ? { data } : {}), ...(filled(binaryData) ? { binaryData } : {}), ...(options.immutable ? { immutable: true } : {}), ...(kind === 'Secret' ? { type: spec.type ?? 'Opaque' } : {}),
  }, { kind: `${kind}Generator` })
  made.needsHash = !options.disableNameSuffixHash
  return made
}

const list = (items: readonly string[]) => `[${items.join(' ')}]`

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Puts a generated object beside the others or into the one that it changes. k8s: kustomize resWrangler.AbsorbAll @throws Error */
export function absorb(resources: KustomizeResource[], made: KustomizeResource, behavior: string | undefined): void {
  const { object } = made
  const found = resources.filter((r) => r.object.kind === object.kind && r.previous.some((id) => id.name === object.metadata.name && (id.namespace || 'default') === (object.metadata.namespace || 'default')))
  const fail = (why: string) => new Error(`merging from generator &{0xc000000000 <nil>}: id ${idSyntax(object)} ${why}`)
  const merging = behavior === 'merge' || behavior === 'replace'
  if (found.length === 0) {
    if (merging) throw fail('does not exist; cannot merge or replace')
    resources.push(made)
    return
  }
  if (found.length > 1) throw fail(`matches ${found.length} resources; cannot merge or replace`)
  if (!merging) throw fail(`exists; can not use behavior: '${behavior === 'create' ? 'create' : 'unspecified'}', behavior must be merge or replace`)
  const old = found[0]!
  const before = old.object as Record<string, any>
  const after = object as Record<string, any>
  const both = (field: string) => {
    const merged = behavior === 'merge' ? { ...before[field], ...after[field] } : after[field]
    return merged && Object.keys(merged).length > 0 ? { [field]: merged } : {}
  }
  const { data: _, binaryData: __, ...rest } = before
  const merged = (field: 'labels' | 'annotations') => ({ ...before['metadata'][field], ...after['metadata'][field] })
  old.object = {
    ...rest, ...both('data'), ...both('binaryData'), ...(after['immutable'] ? { immutable: true } : {}),
    metadata: { ...before['metadata'], ...(Object.keys(merged('labels')).length > 0 ? { labels: merged('labels') } : {}), ...(Object.keys(merged('annotations')).length > 0 ? { annotations: merged('annotations') } : {}) },
  } as KustomizeResource['object']
  old.needsHash ||= made.needsHash
}
