/** Objects inside custom resources that are Kubernetes objects themselves. k8s: apiextensions-apiserver/pkg/apiserver/schema/objectmeta */
import { decodeValue, DecodeError } from '../decode.ts'
import { invalid, required, type Finding } from '../findings.ts'
import { sortKeys } from '../go-text.ts'
import { dns1035LabelProblems, pathSegmentName } from '../names.ts'
import type { ObjectMeta } from '../object.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import { childPath, isJsonObject, keyPath, propertySchema, shownPath, valuesSchema, type JsonObject, type JsonSchema } from './json-schema.ts'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/**
 * Reads an ObjectMeta as Go does. What doesn't fit is told in the order of the keys: the server writes the metadata as JSON again before it reads it.
 * @throws DecodeError k8s: apiextensions-apiserver/pkg/apiserver/schema/objectmeta/coerce.go GetObjectMetaWithOptions
 */
export function decodeObjectMeta(metadata: unknown): { metadata: ObjectMeta; unknownFields: string[] } {
  try {
    const { value, unknownFields } = decodeValue(OBJECT_META, metadata)
    return { metadata: value as ObjectMeta, unknownFields: unknownFields.length > 1 ? decodeValue(OBJECT_META, sortKeys(metadata)).unknownFields : unknownFields }
  } catch (error) {
    if (error instanceof DecodeError) decodeValue(OBJECT_META, sortKeys(metadata))
    throw error
  }
}

/** What can't be read inside of an embedded resource. */
export class EmbeddedResourceError extends DecodeError {
  readonly finding: Finding

  constructor(finding: Finding) {
    super(finding.message)
    this.finding = finding
  }
}

const embeds = new WeakMap<JsonSchema, boolean>()

/** Whether there is an embedded resource anywhere in the schema. */
function hasEmbedded(schema: JsonSchema): boolean {
  const before = embeds.get(schema)
  if (before !== undefined) return before
  const values = valuesSchema(schema)
  const found = schema['x-kubernetes-embedded-resource'] === true || Object.values(schema.properties ?? {}).some(hasEmbedded)
    || (schema.items !== undefined && hasEmbedded(schema.items)) || (values !== undefined && hasEmbedded(values))
  embeds.set(schema, found)
  return found
}

/**
 * Brings the metadata of embedded resources into its form, in place. Answers with the paths of unknown fields, sorted.
 * @throws EmbeddedResourceError
 */
export function coerceEmbedded(value: unknown, schema: JsonSchema | undefined, path = ''): string[] {
  const unknown: string[] = []
  coerce(value, schema, path, unknown)
  return unknown.sort()
}

function coerce(value: unknown, schema: JsonSchema | undefined, path: string, unknown: string[]): void {
  if (!schema || !hasEmbedded(schema)) return
  if (Array.isArray(value)) {
    value.forEach((item, i) => coerce(item, schema.items, `${path}[${i}]`, unknown))
    return
  }
  if (!isJsonObject(value)) return
  if (schema['x-kubernetes-embedded-resource']) coerceResource(value, path, unknown)
  for (const key of Object.keys(value)) {
    const property = propertySchema(schema, key)
    if (property) coerce(value[key], property, childPath(path, key), unknown)
    else coerce(value[key], valuesSchema(schema), keyPath(path, key), unknown)
  }
}

function coerceResource(value: JsonObject, path: string, unknown: string[]): void {
  for (const key of ['apiVersion', 'kind']) {
    if (Object.hasOwn(value, key) && typeof value[key] !== 'string') throw new EmbeddedResourceError(invalid(childPath(path, key), sortKeys(value[key]), 'must be a string'))
  }
  if (!Object.hasOwn(value, 'metadata')) return
  const at = childPath(path, 'metadata')
  try {
    const { metadata, unknownFields } = decodeObjectMeta(value['metadata'])
    unknown.push(...unknownFields.map((field) => `${at}.${field}`))
    if (!metadata.creationTimestamp) delete metadata.creationTimestamp
    value['metadata'] = metadata
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new EmbeddedResourceError(invalid(at, sortKeys(value['metadata']), error.message))
  }
}

/** What is wrong with embedded resources. */
export function validateEmbedded(value: unknown, schema: JsonSchema | undefined, path = ''): Finding[] {
  if (!schema || !hasEmbedded(schema)) return []
  if (Array.isArray(value)) return value.flatMap((item, i) => validateEmbedded(item, schema.items, `${path}[${i}]`))
  if (!isJsonObject(value)) return []
  const findings = schema['x-kubernetes-embedded-resource'] ? validateResource(value, path) : []
  for (const key of Object.keys(value).sort()) {
    const property = propertySchema(schema, key)
    findings.push(...property ? validateEmbedded(value[key], property, childPath(path, key)) : validateEmbedded(value[key], valuesSchema(schema), keyPath(path, key)))
  }
  return findings
}

function validateResource(value: JsonObject, path: string): Finding[] {
  const findings: Finding[] = []
  const at = (name: string) => childPath(path, name)
  const { apiVersion, kind } = value
  if (apiVersion === undefined) findings.push(required(at('apiVersion')))
  if (kind === undefined) findings.push(required(at('kind')))
  if (apiVersion !== undefined) {
    if (typeof apiVersion !== 'string') findings.push(invalid(at('apiVersion'), sortKeys(apiVersion), 'must be a string'))
    else if (apiVersion === '') findings.push(invalid(at('apiVersion'), apiVersion, 'must not be empty'))
    else if (apiVersion.split('/').length > 2) findings.push(invalid(at('apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  }
  if (kind !== undefined) {
    if (typeof kind !== 'string') findings.push(invalid(at('kind'), sortKeys(kind), 'must be a string'))
    else if (kind === '') findings.push(invalid(at('kind'), kind, 'must not be empty'))
    else {
      const problems = dns1035LabelProblems(kind.toLowerCase())
      if (problems.length > 0) findings.push(invalid(at('kind'), kind, `may have mixed case, but should otherwise match: ${problems.join(',')}`))
    }
  }
  if (Object.hasOwn(value, 'metadata')) {
    try {
      const { metadata } = decodeObjectMeta(value['metadata'])
      findings.push(...validateObjectMeta({ namespaced: Boolean(metadata.namespace), nameRule: pathSegmentName, schema: '' }, { ...metadata, name: metadata.name || 'fakename' }, at('metadata')))
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      findings.push(invalid(shownPath(at('metadata')), sortKeys(value['metadata']), error.message))
    }
  }
  return findings
}
