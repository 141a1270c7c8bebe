/**
 * What kubectl checks of a manifest by itself, because the server is never asked: a `List` is only for kubectl, and kinds that can't be patched
 * don't take the parameter fieldValidation. k8s: kubectl/pkg/validation, cli-runtime/pkg/resource queryParamVerifierV3
 */
import type { KubeObject } from '../../cluster/kinds/object.ts'
import { refOf, schemas } from '../../cluster/kinds/schema-table.ts'
import type { Schema } from '../../cluster/kinds/schema-table.ts'
import { parseGroupVersion } from './discovery.ts'
import type { ApiResource } from './discovery.ts'
import { aggregateMessage } from './errors.ts'
import type { Factory } from './factory.ts'
import { schemaNameOf } from './gvk-schema.ts'
import { klogLine } from './klog.ts'

/** What is wrong with a document, as it stands behind `error validating data: `; undefined: nothing that kubectl would see. */
export async function manifestProblem(f: Factory, data: unknown, directive: 'Strict' | 'Warn'): Promise<string | undefined> {
  const identity = identityOf(data)
  if (identity.problems.length > 0) return summary(identity.problems)
  const failure = await f.schemaFailure()
  if (failure) return failure
  if (await serverValidates(f, identity)) return undefined
  if (directive === 'Warn') {
    void f.io.err(klogLine(f.proc, 'W', 'schema.go:145', 'cannot perform warn validation if server-side field validation is unsupported, skipping validation'))
    return undefined
  }
  const object = data as Record<string, unknown>
  if (identity.group !== '' || identity.version !== 'v1' || identity.kind !== 'List') return summary(await modelProblems(f, object, identity))
  if (!Array.isArray(object['items'])) return 'invalid object to validate'
  const problems: string[] = []
  for (const item of object['items'] as unknown[]) {
    const of = identityOf(item)
    problems.push(...(of.problems.length > 0 ? of.problems : await modelProblems(f, item, of)))
  }
  return summary(problems)
}

interface Identity { group: string; version: string; kind: string; problems: string[] }

function identityOf(data: unknown): Identity {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return { group: '', version: '', kind: '', problems: ['invalid object to validate'] }
  const { apiVersion, kind } = data as Record<string, unknown>
  const problems = Object.entries({ apiVersion, kind }).flatMap(([key, value]) => value === undefined || value === null ? [`${key} not set`] : typeof value !== 'string' ? [`${key} isn't string type`] : [])
  if (typeof apiVersion === 'string' && apiVersion.split('/').length > 2) problems.unshift(`unexpected GroupVersion string: ${apiVersion}`)
  return { ...parseGroupVersion(problems.length === 0 ? apiVersion as string : ''), kind: String(kind), problems }
}

const summary = (problems: readonly string[]) => problems.length > 0 ? aggregateMessage(problems) : undefined

/** Whether the server can be trusted with finding unknown fields: it does so for whatever it can patch, and for what a definition describes, in any version. */
async function serverValidates(f: Factory, { group, version, kind }: Identity): Promise<boolean> {
  if (group === '' && version === 'v1' && kind === 'List') return false
  if ((await served(f, group, version, kind))?.verbs.includes('patch')) return true
  return hasDefinition(f, group, kind)
}

/** Whether a CustomResourceDefinition is there for a kind. k8s: cli-runtime/pkg/resource CRDFinder */
async function hasDefinition(f: Factory, group: string, kind: string): Promise<boolean> {
  // Who may not list them finds none.
  const { items } = await f.rest().list<CustomResourceDefinition>('/apis/apiextensions.k8s.io/v1/customresourcedefinitions').catch(() => ({ items: [] }))
  return items.some(({ spec }) => spec.group === group && spec.names.kind === kind)
}

type CustomResourceDefinition = KubeObject & { spec: { group: string; names: { kind: string } } }

/** The resource of a kind, if the server has it. */
async function served(f: Factory, group: string, version: string, kind: string): Promise<ApiResource | undefined> {
  return f.resolve((mapper) => {
    try {
      return mapper.forKind(group ? `${group}/${version}` : version, kind)
    } catch {
      return undefined
    }
  })
}

async function modelProblems(f: Factory, object: unknown, { group, version, kind }: Identity): Promise<string[]> {
  const builtIn = schemaNameOf(group, version, kind)
  if (builtIn) return new Model((name) => schemas[name]).problems(object, builtIn, kind)
  if (!await served(f, group, version, kind.replace(/List$/, ''))) return []
  // The real client has read this document for every kind; here it is made only for kinds that aren't built in.
  const { definitions } = await f.rest().json<{ definitions: Record<string, Schema> }>('GET', '/openapi/v2', { accept: 'application/json' })
  const name = Object.keys(definitions).find((d) => definitions[d]!['x-kubernetes-group-version-kind']?.some((g) => g.group === group && g.version === version && g.kind === kind))
  return name === undefined ? [] : new Model((d) => definitions[d]).problems(object, name, kind)
}

/** Types that are texts in the second version of OpenAPI, whatever they may be written as. */
const TEXTS = /\.(?:resource\.Quantity|meta\.v1\.Time|meta\.v1\.MicroTime|util\.intstr\.IntOrString)$/

/** k8s: kube-openapi/pkg/util/proto/validation */
class Model {
  readonly #find: (name: string) => Schema | undefined

  constructor(find: (name: string) => Schema | undefined) { this.#find = find }

  /** @param name of the definition @param at where the object is, for the messages */
  problems(value: unknown, name: string, at: string): string[] {
    const out: string[] = []
    if (value === null || value === undefined) return [`unknown object type "nil" in ${at}`]
    this.#visit(value, { $ref: `#/${name}` }, '', at, out)
    return out
  }

  #visit(value: unknown, schema: Schema, typePath: string, at: string, out: string[]): void {
    const reference = refOf(schema) ?? schema.$ref
    if (reference !== undefined) {
      const name = reference.slice(reference.lastIndexOf('/') + 1)
      this.#visit(value, TEXTS.test(name) ? { type: 'string' } : this.#find(name) ?? {}, name, at, out)
      return
    }
    const is = kindOf(value)
    const mismatch = (expected: string) => void out.push(`ValidationError(${at}): invalid type for ${typePath}: got ${JSON.stringify(is)}, expected ${JSON.stringify(expected)}`)
    if (schema.type === 'array') {
      if (is !== 'array') return mismatch('array')
      for (const [i, item] of (value as unknown[]).entries()) {
        if (item === null) out.push(`ValidationError(${at}): unknown object type "nil" in ${at}[${i}]`)
        else this.#visit(item, schema.items ?? {}, typePath, `${at}[${i}]`, out)
      }
    } else if (schema.properties) {
      if (is !== 'map') return mismatch('map')
      const map = value as Record<string, unknown>
      for (const key of Object.keys(map).sort()) {
        if (map[key] === null || map[key] === undefined) continue
        const field = Object.hasOwn(schema.properties, key) ? schema.properties[key]! : undefined
        if (!field) out.push(`ValidationError(${at}): unknown field ${JSON.stringify(key)} in ${typePath}`)
        else this.#visit(map[key], field, `${typePath}.${key}`, `${at}.${key}`, out)
      }
      for (const key of schema.required ?? []) if (map[key] === null || map[key] === undefined) out.push(`ValidationError(${at}): missing required field ${JSON.stringify(key)} in ${typePath}`)
    } else if (schema.type === 'object') {
      if (is !== 'map') return mismatch('map')
      const map = value as Record<string, unknown>
      for (const key of Object.keys(map).sort()) {
        if (map[key] === null) out.push(`unknown object type "nil" in ${at}.${key}`)
        else this.#visit(map[key], typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}, typePath, `${at}.${key}`, out)
      }
    } else if (schema.type !== undefined) {
      const fits = is !== 'map' && is !== 'array' && (schema.type === 'string' || schema.type === is || NUMBERS.has(schema.type) && NUMBERS.has(is))
      if (!fits) mismatch(schema.type)
    }
  }
}

const NUMBERS: ReadonlySet<string> = new Set(['integer', 'number'])

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'object') return 'map'
  return typeof value === 'bigint' || Number.isInteger(value) ? 'integer' : typeof value
}
