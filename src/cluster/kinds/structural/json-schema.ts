/** The schema of a custom resource, as its definition carries it. k8s: apiextensions/v1 JSONSchemaProps */
export interface JsonSchema {
  type?: string
  format?: string
  title?: string
  description?: string
  default?: unknown
  example?: unknown
  nullable?: boolean
  properties?: Readonly<Record<string, JsonSchema>>
  items?: JsonSchema
  additionalProperties?: JsonSchema | boolean
  required?: readonly string[]
  enum?: readonly unknown[]
  pattern?: string
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  minProperties?: number
  maxProperties?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
  multipleOf?: number
  allOf?: readonly JsonSchema[]
  anyOf?: readonly JsonSchema[]
  oneOf?: readonly JsonSchema[]
  not?: JsonSchema
  /** See {@link asKubeOpenApi}. */
  keepsFormat?: true
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: readonly string[]
  'x-kubernetes-map-type'?: string
  'x-kubernetes-validations'?: readonly ValidationRule[]
}

/** k8s: apiextensions/v1 ValidationRule */
export interface ValidationRule {
  rule: string
  message?: string
  messageExpression?: string
  reason?: string
  fieldPath?: string
  optionalOldSelf?: boolean
}

/** JSON data that isn't a list, null or scalar. */
export type JsonObject = Record<string, unknown>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schema of a map's values, where there is one. */
export function valuesSchema(schema: JsonSchema): JsonSchema | undefined {
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** A schema's own property of that name (never one that objects inherit). */
export function propertySchema(schema: JsonSchema | undefined, name: string): JsonSchema | undefined {
  return schema?.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
}

/** The root of a resource carries kind, apiVersion and metadata whatever its schema says. */
export function asResourceRoot(schema: JsonSchema | undefined): JsonSchema {
  return schema?.['x-kubernetes-embedded-resource'] ? schema : { ...schema, 'x-kubernetes-embedded-resource': true }
}

/** The form in which defaults are held against their schema: formats count whatever the type, integer-or-string says nothing of types. k8s: Structural.ToKubeOpenAPI */
export function asKubeOpenApi(schema: JsonSchema): JsonSchema {
  const { 'x-kubernetes-int-or-string': _, items, properties, additionalProperties, allOf, anyOf, oneOf, not, ...rest } = schema
  const logic = (parts: readonly JsonSchema[]) => parts.map((part) => asKubeOpenApi(part))
  return {
    ...rest, keepsFormat: true,
    ...(items ? { items: asKubeOpenApi(items) } : {}),
    ...(properties ? { properties: Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, asKubeOpenApi(property)])) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: asKubeOpenApi(additionalProperties) } : additionalProperties !== undefined ? { additionalProperties } : {}),
    ...(allOf ? { allOf: logic(allOf) } : {}), ...(anyOf ? { anyOf: logic(anyOf) } : {}), ...(oneOf ? { oneOf: logic(oneOf) } : {}), ...(not ? { not: asKubeOpenApi(not) } : {}),
  }
}

/** `spec.items[2]`, `labels[key]` in the way of field paths. */
export const childPath = (path: string, name: string) => path ? `${path}.${name}` : name
export const keyPath = (path: string, key: string) => `${path}[${key}]`

/** How field.Path prints a path without elements. */
export const shownPath = (path: string) => path || '<nil>'
