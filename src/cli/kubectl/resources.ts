import type { UnixError } from '../../unix/types.ts'
import type { KubeObject } from '../../cluster/kinds/object.ts'
import { StatusError } from '../../cluster/kinds/status-error.ts'
import { decodeValue } from '../../cluster/kinds/decode.ts'
import { parseYaml, YamlSyntaxError } from '../yaml.ts'
import { manifestProblem } from './client-validation.ts'
import { groupResource, groupVersion, parseGroupVersion, resourcePath } from './discovery.ts'
import type { ApiResource } from './discovery.ts'
import { documentTexts, isCutJson } from './document-texts.ts'
import { aggregate, AggregateErrors, FileErrors, isNotFound, NoKindMatch } from './errors.ts'
import type { Factory } from './factory.ts'
import { expandFilenames, readInput } from './file-inputs.ts'
import type { FileInput } from './file-inputs.ts'
import { notRegistered, schemaNameOf } from './gvk-schema.ts'
import { parseLabelSelector } from '../../cluster/kinds/label-selector.ts'

/** An object that a command was pointed at, with where it came from. k8s: cli-runtime resource.Info */
export interface Info {
  /** Undefined only for local work without a server. */
  mapping: ApiResource
  namespace: string
  name: string
  object: KubeObject | undefined
  /** File, URL or `STDIN`; empty for objects of the server. */
  source: string
}

/** What to look for. k8s: cli-runtime resource.Builder */
export interface ResourceQuery {
  args?: readonly string[]
  filenames?: readonly string[]
  kustomize?: string
  /** A text to read objects from, with the name that errors give it. */
  text?: { source: string; text: string }
  recursive?: boolean
  namespace: string
  /** Objects in files must not be of another namespace. */
  enforceNamespace?: boolean
  allNamespaces?: boolean
  /** Undefined: none was given. */
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
  /** A type without names means all of them. */
  allowEmptySelector?: boolean
  all?: boolean
  subresource?: string
  /** Items per request of a list. */
  chunkSize?: number
  continueOnError?: boolean
  /** Fetch what files name from the server. */
  latest?: boolean
  /** Break lists up into their items. */
  flatten?: boolean
  singleResourceType?: boolean
  /** Without: infos named by arguments are not fetched. Default true. */
  requireObject?: boolean
  /** Don't ask the server about files' kinds. */
  local?: boolean
  /** Check documents before anything else is done with them. Undefined: don't. */
  validate?: 'Strict' | 'Warn' | 'Ignore'
  /** Accept header and parameters of GET and LIST. */
  accept?: string
  query?: Record<string, string>
}

export interface ResourceResult {
  /** Only one object can be meant, so a single answer isn't wrapped in a list. */
  singleItemImplied: boolean
  /** False for lists by selector. */
  targetsSingleItems: boolean
  /** The resource of a list or single object that a watch follows. */
  sources: readonly WatchSource[]
  /**
   * Calls back for every object. With continueOnError all failures are gathered.
   * @throws the failure, or AggregateErrors
   */
  visit(fn: (info: Info) => void | Promise<void>): Promise<void>
  /** All of them; the error, if any, beside what could be had. */
  infos(): Promise<{ infos: Info[]; error: Error | undefined }>
}

export interface WatchSource {
  mapping: ApiResource
  namespace: string
  name?: string
}

export const MISSING_RESOURCE = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`

const unique = (arg: string) => [...new Set(arg.split(','))]

/** `a,b c d` means a/c a/d b/c b/d. */
function normalizeMultipleResources(args: readonly string[]): string[] {
  if (args.length >= 2) {
    const resources = unique(args[0]!)
    if (resources.length > 1) return resources.flatMap((r) => args.slice(1).map((n) => `${r}/${n}`))
  }
  return [...args]
}

interface Named { resource: string; name: string }

/** Splits `type/name` arguments. @throws Error when only some have the form. */
function combinedArgs(args: readonly string[]): Named[] | undefined {
  const withSlash = args.filter((a) => a.includes('/')).length
  if (withSlash === 0) return undefined
  if (withSlash !== args.length)
    throw new Error("there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'")
  return args.map((arg) => {
    const parts = arg.split('/')
    if (parts.length !== 2) throw new Error('arguments in resource/name form may not have more than one slash')
    if (!parts[0] || !parts[1] || unique(parts[0]).length !== 1) throw new Error('arguments in resource/name form must have a single resource and name')
    return { resource: parts[0], name: parts[1] }
  })
}

export function hasFiles(query: { filenames?: readonly string[]; kustomize?: string }): boolean {
  return (query.filenames?.length ?? 0) > 0 || Boolean(query.kustomize)
}

/**
 * Resolves a query. What can be wrong with the words alone is thrown here, before anything is fetched.
 * k8s: cli-runtime resource.Builder.Do
 */
export async function findResources(f: Factory, query: ResourceQuery): Promise<ResourceResult> {
  if (query.filenames?.length && query.kustomize) throw new Error('only one of -f or -k can be specified')
  if (query.kustomize && query.recursive) throw new Error("the -k flag can't be used with -f or -R")
  const args = normalizeMultipleResources(query.args ?? [])
  const files = expandFilenames(f, query.filenames ?? [], query.recursive ?? false)
  let labelSelector = query.labelSelector
  let tuples: Named[] = []
  let types: string[] = []
  let names: string[] = []
  const combined = combinedArgs(args)
  if (combined) tuples = combined
  else if (args.length > 0) {
    const expanded: string[] = []
    for (const part of args[0]!.split(',')) {
      const category = await f.mapper(5).then((m) => m.expandCategory(part))
      expanded.push(...(category ? category.map(groupResource) : [part]))
    }
    types = [...new Set(expanded)]
    names = args.slice(1)
    if (args.length === 1 && labelSelector === undefined && query.allowEmptySelector) labelSelector = ''
  }
  if (query.all) labelSelector = ''

  if (query.text) {
    const { source, text } = query.text
    return result(query, false, true, [], () => documentInfos(f, query, source, text), f)
  }
  if (files.length > 0 || query.kustomize) {
    if (types.length > 0) throw new Error('when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well')
    if (names.length > 0) throw new Error('name cannot be provided when a path is specified')
    if (tuples.length > 0) throw new Error('resource/name arguments cannot be provided when a path is specified')
    const selector = labelSelector ? selectorOf(labelSelector) : undefined
    const single = files.length === 1 && files[0]!.kind === 'file' && !files[0]!.fromDirectory
    return result(query, single, true, [], async function* () {
      for (const item of files) yield* readFileInfos(f, query, item)
      if (query.kustomize) yield* kustomizeInfos(f, query, query.kustomize)
    }, f, (info) => selector === undefined || selector.matches(info.object?.metadata?.labels), true)
  }
  if (labelSelector !== undefined || query.fieldSelector !== undefined) {
    if (names.length > 0) throw new Error('name cannot be provided when a selector is specified')
    if (tuples.length > 0) throw new Error('selectors and the all flag cannot be used when passing resource/name arguments')
    if (types.length === 0) throw new Error(query.all || labelSelector !== undefined ? 'at least one resource must be specified to use a selector' : MISSING_RESOURCE)
    if (query.subresource) throw new Error('subresource cannot be used when bulk resources are specified')
    const mappings = await mappingsOf(f, types, query.singleResourceType)
    const sources = mappings.map((mapping) => ({ mapping, namespace: mapping.namespaced && !query.allNamespaces ? query.namespace : '' }))
    return result(query, false, false, sources, async function* () {
      for (const source of sources) yield* listInfos(f, query, source, labelSelector ?? '', query.fieldSelector ?? '')
    }, f)
  }
  if (tuples.length > 0 || names.length > 0) {
    const named = tuples.length > 0 ? tuples : names.map((name) => {
      if (types.length > 1) throw new Error('you must specify only one resource')
      return { resource: types[0]!, name }
    })
    const wanted: Info[] = []
    const kinds = new Set<string>()
    for (const { resource, name } of named) {
      const mapping = await f.resolve((mapper) => mapper.mappingFor(resource), 4)
      kinds.add(groupResource(mapping))
      if (kinds.size > 1 && query.singleResourceType) throw new Error('you may only specify a single resource type')
      if (mapping.namespaced && query.allNamespaces) throw new Error('a resource cannot be retrieved by name across all namespaces')
      wanted.push({ mapping, namespace: mapping.namespaced ? query.namespace : '', name, object: undefined, source: '' })
    }
    return result(query, named.length === 1, true, wanted, async function* () {
      for (const info of wanted) {
        if (query.requireObject === false) { yield info; continue }
        try {
          yield await fetchInfo(f, info, query)
        } catch (error) {
          yield error as Error
        }
      }
    }, f)
  }
  if (types.length > 0) {
    for (const type of types) await f.resolve((mapper) => mapper.mappingFor(type), 4)
    throw new Error('resource(s) were provided, but no name was specified')
  }
  throw new Error(MISSING_RESOURCE)
}

function result(query: ResourceQuery, singleItemImplied: boolean, targetsSingleItems: boolean, sources: readonly WatchSource[],
  produce: () => AsyncGenerator<Info | Error>, f: Factory, keep: (info: Info) => boolean = () => true, fromFiles = false): ResourceResult {
  const visit = async (fn: (info: Info) => void | Promise<void>) => {
    const errors: Error[] = []
    // Whatever is wrong with the files themselves becomes one error, the last. k8s: cli-runtime resource EagerVisitorList
    const inFiles: Error[] = []
    const fail = (error: unknown) => {
      if (!query.continueOnError) throw error
      errors.push(error as Error)
    }
    for await (const made of produce()) {
      if (made instanceof Error) {
        if (fromFiles && query.continueOnError) inFiles.push(made)
        else fail(made)
        continue
      }
      try {
        for await (const info of query.flatten ? flattened(f, made, query) : [made]) {
          if (info instanceof Error) { inFiles.push(info); continue }
          try {
            await settleNamespace(f, query, info)
            if (!keep(info)) continue
            await fn(info)
          } catch (error) { fail(error) }
        }
      } catch (error) { fail(error) }
    }
    if (inFiles.length > 0) errors.push(new FileErrors(inFiles))
    const error = aggregate(errors)
    if (error) throw error
  }
  return {
    singleItemImplied, targetsSingleItems, sources, visit,
    async infos() {
      const infos: Info[] = []
      try {
        await visit((info) => { infos.push(info) })
        return { infos, error: undefined }
      } catch (error) {
        return { infos, error: error as Error }
      }
    },
  }
}

async function settleNamespace(f: Factory, query: ResourceQuery, info: Info): Promise<void> {
  if (!info.source || query.local) return
  if (info.mapping.namespaced) {
    if (!info.namespace) {
      if (!query.namespace) return
      info.namespace = query.namespace
      if (info.object) info.object = { ...info.object, metadata: { ...info.object.metadata, namespace: query.namespace } }
    } else if (query.enforceNamespace && info.namespace !== query.namespace)
      throw new Error(`the namespace from the provided object ${JSON.stringify(info.namespace)} does not match the namespace ${JSON.stringify(query.namespace)}. You must pass '--namespace=${info.namespace}' to perform this operation.`)
  } else info.namespace = ''
  if (query.latest && info.name) {
    const latest = await fetchInfo(f, info, query)
    info.object = latest.object
  }
}

async function mappingsOf(f: Factory, types: readonly string[], single = false): Promise<ApiResource[]> {
  if (types.length > 1 && single) throw new Error('you may only specify a single resource type')
  const out = new Map<string, ApiResource>()
  for (const type of types) {
    const mapping = await f.resolve((mapper) => mapper.mappingFor(type), 4)
    out.set(`${groupVersion(mapping)}/${mapping.kind}`, mapping)
  }
  return [...out.values()]
}

/** GET of the object that an info names. @throws StatusError */
export async function fetchInfo(f: Factory, info: Info, query: { accept?: string; query?: Record<string, string>; subresource?: string } = {}): Promise<Info> {
  if (!info.name) throw new Error('resource name may not be empty')
  try {
    const object = await f.rest().json<KubeObject>('GET', resourcePath(info.mapping, info.namespace, info.name, query.subresource), { accept: query.accept ?? 'application/json', query: query.query ?? {} })
    checkRegistered(f, info.mapping, object.kind)
    return { ...info, object }
  } catch (error) {
    // k8s: cli-runtime resource Info.Get: that the namespace is missing says more.
    if (isNotFound(error) && info.namespace && info.namespace !== 'default') {
      const missing = await f.rest().json('GET', `/api/v1/namespaces/${info.namespace}`).then(() => undefined, (problem: unknown) => problem)
      if (isNotFound(missing)) throw missing
    }
    throw error
  }
}

async function* listInfos(f: Factory, query: ResourceQuery, source: WatchSource, labelSelector: string, fieldSelector: string): AsyncGenerator<Info | Error> {
  const path = resourcePath(source.mapping, source.namespace)
  let continueToken: string | undefined
  for (;;) {
    let list: KubeObject
    try {
      list = await f.rest().json<KubeObject>('GET', path, {
        accept: query.accept ?? 'application/json',
        query: { ...query.query, ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}), ...(query.chunkSize ? { limit: query.chunkSize } : {}), ...(continueToken ? { continue: continueToken } : {}) },
      })
    } catch (error) {
      yield enhanceListError(error, source.mapping, labelSelector, fieldSelector)
      return
    }
    try {
      checkRegistered(f, source.mapping, list.kind)
    } catch (error) {
      yield error as Error
      return
    }
    yield { mapping: source.mapping, namespace: source.namespace, name: '', object: list, source: '' }
    continueToken = (list.metadata as { continue?: string } | undefined)?.continue
    if (!continueToken) return
  }
}

/** k8s: cli-runtime resource EnhanceListError */
export function enhanceListError(error: unknown, mapping: Pick<ApiResource, 'group' | 'version' | 'resource'>, labelSelector: string, fieldSelector: string): Error {
  if (!(error instanceof StatusError) || (error.reason !== 'BadRequest' && error.reason !== 'NotFound')) return error as Error
  const what = JSON.stringify(`${mapping.group ? `${mapping.group}/` : '/'}${mapping.version}, Resource=${mapping.resource}`)
  const message = labelSelector || fieldSelector
    ? `Unable to find ${what} that match label selector ${JSON.stringify(labelSelector)}, field selector ${JSON.stringify(fieldSelector)}: ${error.message}`
    : `Unable to list ${what}: ${error.message}`
  return new StatusError({ ...error.status, message })
}

/** The items of a list as infos of their own, and behind them what kept others from being known; anything else as it is. k8s: cli-runtime resource FlattenListVisitor */
async function* flattened(f: Factory, info: Info, query: ResourceQuery): AsyncGenerator<Info | Error> {
  const object = info.object
  if (!object || !Array.isArray(object['items']) || !object.kind?.endsWith('List')) {
    yield info
    return
  }
  const itemKind = object.kind === 'List' ? '' : object.kind.slice(0, -4)
  const unknown: Error[] = []
  for (const raw of object['items'] as KubeObject[]) {
    const item = raw.kind ? raw : { ...raw, apiVersion: object.apiVersion, kind: itemKind }
    const wrong = info.source ? metadataProblem(item) : undefined
    if (wrong) throw new Error(`unable to decode ${JSON.stringify(info.source)}: ${wrong}`)
    let mapping = info.mapping
    if (info.source && query.local) mapping = localMapping(item)
    else if (info.source && !isList(item)) {
      try {
        mapping = await f.resolve((mapper) => mapper.forKind(item.apiVersion, item.kind))
      } catch (error) {
        unknown.push(new Error(`unable to recognize ${(error as Error).message}`))
        continue
      }
    }
    for await (const inner of flattened(f, { mapping, namespace: item.metadata?.namespace ?? '', name: item.metadata?.name ?? '', object: item, source: info.source }, query)) {
      if (inner instanceof Error) unknown.push(inner)
      else yield inner
    }
  }
  if (unknown.length > 0) yield new AggregateErrors(unknown)
}

const isList = (object: KubeObject) => Array.isArray(object['items']) && object.kind.endsWith('List')

/** @throws Error in the builder's words */
function selectorOf(text: string): ReturnType<typeof parseLabelSelector> {
  try {
    return parseLabelSelector(text)
  } catch (error) {
    throw new Error(`the provided selector ${JSON.stringify(text)} is not valid: ${(error as Error).message}`)
  }
}

async function mappingOfObject(f: Factory, object: KubeObject, source: string): Promise<ApiResource> {
  try {
    // Without a version the kind may be known, but nothing is served where it is looked for.
    return { ...await f.resolve((mapper) => mapper.forKind(object.apiVersion ?? '', object.kind)), ...(object.apiVersion ? {} : { version: '' }) }
  } catch (error) {
    if (!(error instanceof NoKindMatch)) throw new Error(`unable to recognize ${JSON.stringify(source)}: ${(error as Error).message}`)
    throw new Error(`resource mapping not found for name: ${JSON.stringify(object.metadata?.name ?? '')} namespace: ${JSON.stringify(object.metadata?.namespace ?? '')} from ${JSON.stringify(source)}: ${error.message}\nensure CRDs are installed first`)
  }
}

/** A stand-in for discovery in commands that may not ask the server. */
function localMapping(object: KubeObject): ApiResource {
  const at = object.apiVersion.indexOf('/')
  const kind = object.kind
  const lower = kind.toLowerCase()
  const plural = /(s|x|ch|sh)$/.test(lower) ? `${lower}es` : /[^aeiou]y$/.test(lower) ? `${lower.slice(0, -1)}ies` : `${lower}s`
  return {
    group: at < 0 ? '' : object.apiVersion.slice(0, at), version: object.apiVersion.slice(at + 1), kind, resource: plural, singular: lower,
    namespaced: true, shortNames: [], categories: [], verbs: [], subresources: [],
  }
}

async function* readFileInfos(f: Factory, query: ResourceQuery, input: FileInput): AsyncGenerator<Info | Error> {
  const source = input.kind === 'file' ? input.path : input.kind === 'stdin' ? 'STDIN' : input.url
  let text: string
  try {
    text = await readInput(f, input.kind === 'stdin' ? '-' : source)
  } catch (error) {
    yield (error as UnixError).code === 'EISDIR' ? new Error(`error parsing ${source}: read ${source}: is a directory`) : error as Error
    return
  }
  yield* documentInfos(f, query, source, text)
}

/** Commands that read files into Go's types; the others take any object. k8s: resource.Builder WithScheme */
const TYPED = /^kubectl (?:rollout|set|expose|exec|attach|debug|logs|port-forward|taint|drain|create job|auth reconcile)\b/

/** @throws Error for kinds that aren't built in, in commands that need Go's types */
function checkRegistered(f: Factory, of: { group: string; version: string; kind: string }, kind = of.kind): void {
  if (TYPED.test(f.spec.path) && kind !== 'Table' && !schemaNameOf(of.group, of.version, of.kind)) throw notRegistered(groupVersion(of), kind)
}

/** What Go's decoder says of a text or a list in the place of an object. */
function noObject(value: unknown, isTyped: boolean): string {
  const wrong = `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type`
  return isTyped ? `couldn't get version/kind; json parse error: ${wrong} struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }` : `${wrong} unstructured.detector`
}

/** The objects of a text with YAML documents or JSON. */
async function* documentInfos(f: Factory, query: ResourceQuery, source: string, text: string): AsyncGenerator<Info | Error> {
  for (const part of documentTexts(text)) {
    let data: unknown
    try {
      data = parseYaml(part)
    } catch (error) {
      if (isCutJson(part)) {
        yield new Error(`error parsing ${source}: unexpected EOF`)
        return
      }
      yield new Error(`error parsing ${source}: ${error instanceof YamlSyntaxError ? `error converting YAML to JSON: ${error.message}` : (error as Error).message}`)
      return
    }
    if (data === null || data === undefined) continue
    if (query.validate && query.validate !== 'Ignore') {
      const wrong = await manifestProblem(f, data, query.validate)
      if (wrong) {
        yield new Error(`error validating ${JSON.stringify(source)}: error validating data: ${wrong}; if you choose to ignore these errors, turn validation off with --validate=false`)
        return
      }
    }
    const object = data as KubeObject
    if (typeof object !== 'object' || Array.isArray(object) || !object.kind || !object.apiVersion && TYPED.test(f.spec.path)) {
      const missing = typeof object === 'object' && !Array.isArray(object) && object.kind ? 'apiVersion' : 'Kind'
      yield new Error(typeof object === 'object' && !Array.isArray(object)
        ? `unable to decode ${JSON.stringify(source)}: Object '${missing}' is missing in '${JSON.stringify(object)}'`
        : `unable to decode ${JSON.stringify(source)}: ${noObject(object, TYPED.test(f.spec.path))}`)
      continue
    }
    const wrong = metadataProblem(object)
    if (wrong) { yield new Error(`unable to decode ${JSON.stringify(source)}: ${wrong}`); continue }
    if (object.kind !== 'List') {
      try {
        checkRegistered(f, { ...parseGroupVersion(object.apiVersion ?? ''), kind: isList(object) ? object.kind.slice(0, -4) : object.kind }, object.kind)
      } catch (error) {
        yield new Error(`unable to decode ${JSON.stringify(source)}: ${(error as Error).message}`)
        continue
      }
    }
    try {
      const mapping = query.local ? localMapping(object) : isList(object) ? LIST_MAPPING : await mappingOfObject(f, object, source)
      yield { mapping, namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '', object, source }
    } catch (error) {
      yield error as Error
    }
  }
}

const LIST_MAPPING: ApiResource = { group: '', version: 'v1', kind: 'List', resource: 'lists', singular: 'list', namespaced: false, shortNames: [], categories: [], verbs: [], subresources: [] }

/** Why the metadata isn't metadata, before anyone reads a name from it. k8s: cli-runtime metadataValidatingDecoder */
function metadataProblem(object: KubeObject): string | undefined {
  try {
    decodeValue('io.k8s.api.core.v1.ConfigMap', { apiVersion: object.apiVersion, kind: object.kind, ...(object.metadata === undefined ? {} : { metadata: object.metadata }) })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

async function* kustomizeInfos(f: Factory, query: ResourceQuery, directory: string): AsyncGenerator<Info | Error> {
  const { buildKustomization } = await f.proc.clock.outside(import('./kustomize/build.ts'))
  let text: string
  try {
    text = await buildKustomization(f, directory, { reorder: 'legacy', anyPath: false })
  } catch (error) {
    yield error as Error
    return
  }
  yield* documentInfos(f, query, directory, text)
}
