/** Formats in schemas that the server doesn't check. k8s: apiextensions-apiserver/pkg/registry/customresourcedefinition getUnrecognizedFormatsInCRD */
import type { CustomResourceDefinitionSpec } from '../generated/types.ts'
import { effectiveFormat } from '../structural/formats.ts'
import type { SentSchema } from './internal-form.ts'

/** Each format once, in the order in which the schemas of a definition's versions have them. */
export function unrecognizedFormats(spec: Readonly<CustomResourceDefinitionSpec>): string[] {
  const found = new Set<string>()
  for (const { schema } of spec.versions ?? []) if (schema?.openAPIV3Schema) collect(found, schema.openAPIV3Schema as SentSchema)
  return [...found]
}

function collect(found: Set<string>, schema: SentSchema): void {
  const { format, type, items, not, additionalProperties, additionalItems } = schema
  if (format && effectiveFormat(format, type) === undefined) found.add(format)
  if (Array.isArray(items)) for (const item of items as readonly SentSchema[]) collect(found, item)
  else if (items) collect(found, items as SentSchema)
  for (const parts of [schema.allOf, schema.oneOf, schema.anyOf]) for (const part of parts ?? []) collect(found, part)
  if (not) collect(found, not)
  for (const named of [schema.properties, schema.patternProperties, schema.definitions]) for (const name in named) collect(found, named[name]!)
  for (const name in schema.dependencies) {
    const dependency = schema.dependencies[name]!
    if (!Array.isArray(dependency)) collect(found, dependency as SentSchema)
  }
  for (const part of [additionalProperties, additionalItems]) if (typeof part === 'object') collect(found, part)
}
