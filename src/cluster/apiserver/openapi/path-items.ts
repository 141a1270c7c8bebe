import { QUERY_TYPES, type HttpMethod, type Operation } from './operations.ts'
import { sharedParameterName } from './shared-parameters.ts'

/** What parameters mean, by `scope:name` of an operation. */
export type ParameterTexts = Readonly<Record<string, string>>

interface Parameter {
  name: string
  in: 'path' | 'query'
  type: 'string' | 'boolean' | 'integer'
  description?: string
}

const METHODS: readonly HttpMethod[] = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch']
const DESCRIPTIONS = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' } as const
/** Actions whose body may be left out. */
const MAY_BE_EMPTY = new Set(['delete', 'deletecollection'])

/** The parameters of an operation, sorted by name. */
function parametersOf(path: string, { query, scope, gvk }: Operation, texts: ParameterTexts): Parameter[] {
  const meaning = (name: string): Pick<Parameter, 'description'> => {
    // Reading one object takes a version for custom resources alone: it means what it does for lists.
    const description = texts[`${scope}:${name}`] ?? (name === 'resourceVersion' ? texts['list:resourceVersion'] : undefined)
    return description === undefined ? {} : { description }
  }
  const out: Parameter[] = query.map((name) => ({ name, in: 'query', type: QUERY_TYPES[name] ?? 'string', ...meaning(name) }))
  for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
    const description = name === 'name' ? `name of the ${gvk?.kind}` : texts[name === 'path' ? 'proxy:path' : `read:${name}`]
    out.push({ name: name!, in: 'path', type: 'string', ...(description === undefined ? {} : { description }) })
  }
  return out.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.in < b.in ? -1 : 1))
}

/** Parameters that every operation has are said once, for the path. k8s: kube-openapi/pkg/builder3 findCommonParameters */
function divided(path: string, operations: readonly Operation[], texts: ParameterTexts): { common: Parameter[]; own: Map<Operation, Parameter[]> } {
  const all = new Map(operations.map((operation) => [operation, parametersOf(path, operation, texts)]))
  const keyOf = ({ name, in: place }: Parameter) => `${place}:${name}`
  const counts = new Map<string, Parameter[]>()
  for (const parameters of all.values()) for (const parameter of parameters) counts.set(keyOf(parameter), [...counts.get(keyOf(parameter)) ?? [], parameter])
  const isCommon = (parameter: Parameter) => counts.get(keyOf(parameter))!.length === operations.length
  // Of several descriptions the last operation's counts.
  const common = (all.get(operations.at(-1)!) ?? []).filter(isCommon)
  return { common, own: new Map([...all].map(([operation, parameters]) => [operation, parameters.filter((parameter) => !isCommon(parameter))])) }
}

const byMethod = (operations: readonly Operation[]) => METHODS.flatMap((method) => operations.filter((operation) => operation.method === method))

/** A path of an OpenAPI v3 document. */
export function pathItemV3(path: string, operations: readonly Operation[], texts: ParameterTexts): unknown {
  const { common, own } = divided(path, operations, texts)
  const parameter = ({ name, in: place, description, type }: Parameter) => ({ name, in: place, ...(description === undefined ? {} : { description }), ...(place === 'path' ? { required: true } : {}), schema: { type, uniqueItems: true } })
  const content = (types: readonly string[], schema: unknown) => Object.fromEntries([...types].sort().map((type) => [type, { schema }]))
  const ref = (schema: string | undefined) => schema === undefined ? { type: 'string' } : { $ref: `#/components/schemas/${schema}` }
  const out: Record<string, unknown> = {}
  for (const operation of byMethod(operations)) {
    const { action, gvk, body, response, tag, description, operationId, codes, produces, consumes } = operation
    const parameters = own.get(operation)!
    out[operation.method] = {
      tags: [tag], description, operationId,
      ...(parameters.length > 0 ? { parameters: parameters.map(parameter) } : {}),
      ...(body ? { requestBody: { content: content(consumes, ref(body)), ...(MAY_BE_EMPTY.has(action!) ? {} : { required: true }) } } : {}),
      responses: { ...Object.fromEntries(codes.map((code) => [code, { description: DESCRIPTIONS[code], content: content(produces, ref(response)) }])), 401: { description: DESCRIPTIONS[401] } },
      ...(action ? { 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': gvk } : {}),
    }
  }
  if (common.length > 0) out['parameters'] = common.map(parameter)
  return out
}

/**
 * A path of an OpenAPI v2 document. Parameters that are alike everywhere are said once, for the whole document.
 * @param shared takes those parameters, by their names in the document
 */
export function pathItemV2(path: string, operations: readonly Operation[], texts: ParameterTexts, shared: Map<string, object>): unknown {
  const { common, own } = divided(path, operations, texts)
  const share = (parameter: object): object => {
    const name = sharedParameterName(parameter)
    if (name === undefined) return parameter
    shared.set(name, parameter)
    return { $ref: `#/parameters/${name}` }
  }
  const parameter = ({ name, in: place, description, type }: Parameter) => share({ uniqueItems: true, type, ...(description === undefined ? {} : { description }), name, in: place, ...(place === 'path' ? { required: true } : {}) })
  const ref = (schema: string | undefined) => schema === undefined ? { type: 'string' } : { $ref: `#/definitions/${schema}` }
  const out: Record<string, unknown> = {}
  for (const operation of byMethod(operations)) {
    const { action, gvk, body, response, tag, description, operationId, codes, produces, consumes } = operation
    const parameters = [...(body ? [share({ name: 'body', in: 'body', ...(MAY_BE_EMPTY.has(action!) ? {} : { required: true }), schema: ref(body) })] : []), ...own.get(operation)!.map(parameter)]
    out[operation.method] = {
      description, ...(consumes.length > 0 ? { consumes } : {}), produces, schemes: ['https'], tags: [tag], operationId,
      ...(parameters.length > 0 ? { parameters } : {}),
      responses: { ...Object.fromEntries(codes.map((code) => [code, { description: DESCRIPTIONS[code], schema: ref(response) }])), 401: { description: DESCRIPTIONS[401] } },
      ...(action ? { 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': gvk && { group: gvk.group, kind: gvk.kind, version: gvk.version } } : {}),
    }
  }
  if (common.length > 0) out['parameters'] = common.map(parameter)
  return out
}
