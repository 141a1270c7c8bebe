import { celTypeOfSchema, namedType } from '../../kinds/apiextensions/cel-schema-types.ts'
import type { SentSchema } from '../../kinds/apiextensions/internal-form.ts'
import type { CelType } from '../../kinds/cel/cel-checker.ts'
import type { CustomResourceDefinition } from '../../kinds/generated/types.ts'
import { builtInKinds } from '../../kinds/index.ts'
import { refOf, schemas, type Schema } from '../../kinds/schema-table.ts'

export interface GroupVersionKind {
  group: string
  version: string
  kind: string
}

/** What the API has: built-in kinds and those of definitions. k8s: apiserver/pkg/cel/openapi/resolver, client-go/restmapper */
export class ObjectTypes {
  readonly #definitions: readonly CustomResourceDefinition[]

  constructor(definitions: readonly CustomResourceDefinition[]) {
    this.#definitions = definitions
  }

  /** The kinds that a rule's resource may mean, by its plural or singular name. Without a group the resource of any group is meant. */
  kindsFor(group: string, version: string, resource: string): GroupVersionKind[] {
    const meant = (own: string, ...names: string[]) => (group === '' || own === group) && names.includes(resource)
    const builtIn = builtInKinds.filter((kind) => kind.version === version && meant(kind.group, kind.resource, kind.singular))
    const custom = this.#definitions.filter(({ spec, status }) => spec.versions.some((served) => served.name === version && served.served) && meant(spec.group, spec.names.plural, status?.acceptedNames?.singular ?? ''))
    return [...builtIn.map(({ group: own, kind }) => ({ group: own, version, kind })), ...custom.map(({ spec }) => ({ group: spec.group, version, kind: spec.names.kind }))]
  }

  /** What expressions see of a kind's objects, called `name` in messages; undefined if nobody knows. */
  typeOf({ group, version, kind }: GroupVersionKind, name: string): CelType | undefined {
    const builtIn = builtInKinds.find((one) => one.group === group && one.version === version && one.kind === kind)
    const schema = builtIn ? resolved(schemas[builtIn.schema]!, new Set([builtIn.schema])) : this.#customSchema(group, version, kind)
    const type = schema && celTypeOfSchema(schema)
    return type && namedType(type, name)
  }

  #customSchema(group: string, version: string, kind: string): SentSchema | undefined {
    const definition = this.#definitions.find(({ spec }) => spec.group === group && spec.names.kind === kind)
    const served = definition?.spec.versions.find((one) => one.name === version && one.served)
    const schema = served?.schema?.openAPIV3Schema as SentSchema | undefined
    return schema && withObjectMeta(published(schema))
  }
}

/** A definition's schema as the API shows it: what every resource has is said of those inside too. k8s: apiextensions-apiserver/pkg/controller/openapi/builder */
function published(schema: SentSchema): SentSchema {
  const { properties, items, additionalProperties } = schema
  const own: SentSchema = {
    ...schema, ...(properties ? { properties: Object.fromEntries(Object.entries(properties).map(([field, of]) => [field, published(of)])) } : {}),
    ...(items && !Array.isArray(items) ? { items: published(items as SentSchema) } : {}), ...(typeof additionalProperties === 'object' ? { additionalProperties: published(additionalProperties) } : {}),
  }
  return schema['x-kubernetes-embedded-resource'] ? withObjectMeta(own) : own
}

function withObjectMeta(schema: SentSchema): SentSchema {
  const text: SentSchema = { type: 'string' }
  return { ...schema, properties: { ...schema.properties, apiVersion: text, kind: text, metadata: resolved(schemas[OBJECT_META]!, new Set([OBJECT_META])) } }
}

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/** The schema with those it refers to in their places; one that is inside itself is an object without fields. k8s: resolver.PopulateRefs */
function resolved(schema: Schema, inside: ReadonlySet<string>): SentSchema {
  const name = refOf(schema)
  if (name !== undefined) return inside.has(name) ? { type: 'object' } : resolved(schemas[name]!, new Set([...inside, name]))
  const { type, format, required, enum: values, properties, items, additionalProperties } = schema
  return {
    ...(type === undefined ? {} : { type }), ...(format === undefined ? {} : { format }), ...(required ? { required } : {}), ...(values ? { enum: values } : {}),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    // Built-in types have the format, definitions the extension.
    ...(format === 'int-or-string' ? { 'x-kubernetes-int-or-string': true } : {}),
    ...(properties ? { properties: Object.fromEntries(Object.entries(properties).map(([field, of]) => [field, resolved(of, inside)])) } : {}),
    ...(items ? { items: resolved(items, inside) } : {}), ...(additionalProperties ? { additionalProperties: resolved(additionalProperties, inside) } : {}),
  } as SentSchema
}
