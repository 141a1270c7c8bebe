import { deepEqual } from '../../../base/freeze.ts'
import { resourceRef } from '../../../cluster/kinds/object.ts'
import { groupVersion, parseGroupVersion } from '../discovery.ts'
import type { CommandHandler } from './handler.ts'

interface GroupVersionKind { group: string; version: string; kind: string }

interface Context { document: any; recursive: boolean }

const refOf = (schema: any): string => schema?.$ref ?? ''
function resolve(schema: any, document: any): any {
  const ref = refOf(schema)
  return ref ? document.components?.schemas?.[ref.split('/').at(-1)!] ?? schema : schema
}

/** A short name for what a schema allows. k8s: explain typeGuess */
function typeGuess(schema: any, document: any): string {
  if (schema.items) return `[]${typeGuess(schema.items, document)}`
  if (schema.additionalProperties && typeof schema.additionalProperties === 'object') return `map[string]${typeGuess(schema.additionalProperties, document)}`
  if (schema.allOf?.length === 1 && !schema.properties) return typeGuess(schema.allOf[0], document)
  const ref = refOf(schema)
  if (ref) {
    const target = resolve(schema, document)
    if (!target?.type || target.type === 'object') return ref.split('/').at(-1)!.split('.').at(-1) || 'Object'
    return target.type
  }
  return !schema.type || schema.type === 'object' ? 'Object' : schema.type
}

/** Breaks lines between words. */
function wrap(width: number, text: string): string {
  return text.split('\n').map((line) => {
    const out: string[] = []
    let current = ''
    for (const word of line.match(/\s*\S+/g) ?? []) {
      if (current && current.length + word.length > width) { out.push(current); current = word.trimStart() } else current += word
    }
    out.push(current)
    return out.join('\n')
  }).join('\n')
}

const indent = (amount: number, text: string) => ' '.repeat(amount) + text.replaceAll('\n', `\n${' '.repeat(amount)}`)

function description(schema: any, document: any): string {
  const s = resolve(schema, document)
  let text = s.description ? `${s.description}\n` : ''
  for (const part of s.allOf ?? []) text += description(part, document)
  if (s.items) text += description(s.items, document)
  if (s.additionalProperties && typeof s.additionalProperties === 'object') text += description(s.additionalProperties, document)
  return text
}

const enumText = (value: unknown) => value === '' ? '""' : String(value)

function fieldDetail(name: string, parent: any, level: number, { document, recursive }: Context): string {
  const schema = parent.properties[name]
  const amount = level * 2
  let text = `${indent(amount, name)}\t<${typeGuess(schema, document)}>${(parent.required ?? []).includes(name) ? ' -required-' : ''}`
  if (schema.enum) {
    const shown = (schema.enum as unknown[]).slice(0, 4).map(enumText).join(', ')
    text += `\n${' '.repeat(amount)}enum: ${shown}${schema.enum.length > 4 ? ', ....' : ''}`
  }
  text += '\n'
  if (!recursive) text += `${indent(amount + 2, wrap(78 - amount, schema.description || '<no description>'))}\n\n`
  return text
}

function fieldList(schema: any, level: number, context: Context, history: ReadonlySet<string>): string {
  const ref = refOf(schema)
  if (ref && history.has(ref)) return ''
  const seen = new Set([...history, ref])
  const s = resolve(schema, context.document)
  let text = ''
  for (const name of Object.keys(s.properties ?? {}).sort()) {
    text += fieldDetail(name, s, level, context)
    if (context.recursive) text += fieldList(s.properties[name], level + 1, context, seen)
  }
  for (const part of s.allOf ?? []) text += fieldList(part, level, context, seen)
  if (s.items) text += fieldList(s.items, level, context, seen)
  if (s.additionalProperties && typeof s.additionalProperties === 'object') text += fieldList(s.additionalProperties, level, context, seen)
  return text
}

/** The section about a field, or empty when there is no such field. */
function output(schema: any, path: readonly string[], context: Context, history: ReadonlySet<string>): string {
  const { document } = context
  const ref = refOf(schema)
  const s = resolve(schema, document)
  if (path.length === 0) {
    const fields = fieldList(s, 1, context, new Set())
    return `DESCRIPTION:\n${indent(4, wrap(76, description(s, document) || '<empty>'))}\n${fields ? `FIELDS:\n${fields}` : ''}`
  }
  if (ref && history.has(ref)) return ''
  const seen = new Set([...history, ref])
  const child = s.properties?.[path[0]!]
  if (child) {
    let head = ''
    if (path.length === 1) {
      head = `FIELD: ${path[0]} <${typeGuess(child, document)}>\n`
      if (child.enum) head += `ENUM:${(child.enum as unknown[]).map((e) => `\n    ${enumText(e)}`).join('')}\n`
      head += child.enum ? '\n' : '\n\n'
    }
    const rest = output(child, path.slice(1), context, new Set())
    return rest ? head + rest : ''
  }
  if (s.items) return output(s.items, path, context, seen)
  if (s.additionalProperties && typeof s.additionalProperties === 'object') return output(s.additionalProperties, path, context, seen)
  for (const part of s.allOf ?? []) {
    const text = output(part, path, context, seen)
    if (text) return text
  }
  return ''
}

const isOfKind = ({ group, version, kind }: GroupVersionKind) => (schema: any) => (schema['x-kubernetes-group-version-kind'] ?? []).some((other: any) => deepEqual(other, { group, version, kind }))

/** The kind that the paths of a resource speak of. k8s: kubectl/pkg/explain/v2/templates/plaintext.tmpl */
function kindAt(paths: any, { group, version, resource }: { group: string; version: string; resource: string }): GroupVersionKind | undefined {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`
  for (const collection of [`${root}/${resource}`, `${root}/namespaces/{namespace}/${resource}`]) {
    for (const path of [collection, `${collection}/{name}`]) {
      for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
        const gvk = paths[path]?.[method]?.['x-kubernetes-group-version-kind']
        if (gvk) return gvk as GroupVersionKind
      }
    }
  }
  return undefined
}

// k8s: kubectl/pkg/cmd/explain, kubectl/pkg/explain/v2
export const explain: CommandHandler = async ({ f, flags, args, out }) => {
  if (args.length === 0) throw new Error('You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.\n')
  if (args.length > 1) throw new Error(`We accept only this format: explain RESOURCE\n`)
  const format = flags.str('output') || 'plaintext'
  if (format !== 'plaintext' && format !== 'plaintext-openapiv2') throw new Error(`unrecognized format: ${format}`)
  if (/^\.|\[/.test(args[0]!)) throw new Error('invalid jsonpath syntax, first node must be field node')
  const parts = args[0]!.replace(/\.$/, '').split('.')
  const wanted = flags.str('api-version')
  let { mapping, path } = await f.resolve((mapper) => {
    // The first resource of that name wins whose whole name the text begins with, so that `events` never leaves the core group. With --api-version
    // what comes after the first dot is a field. k8s: kubectl/pkg/explain SplitAndParseResourceRequestWithMatchingPrefix, SplitAndParseResourceRequest
    for (const r of wanted ? [] : mapper.resources()) {
      const whole = resourceRef(r.resource, r.group)
      if ((r.resource === parts[0] || r.singular === parts[0]) && parts.join('.').startsWith(whole)) return { mapping: r, path: parts.slice(whole.split('.').length) }
    }
    return { mapping: mapper.requireResource(parts[0]!), path: parts.slice(1) }
  }, 2)
  // Only names and single dots make a path of fields.
  if (/\.\.|\*/.test(args[0]!)) throw new Error('invalid jsonpath syntax, first node must be field node')
  if (wanted) {
    if (wanted.split('/').length > 2) throw new Error(`unexpected GroupVersion string: ${wanted}`)
    mapping = { ...mapping, ...parseGroupVersion(wanted) }
  }
  if (format === 'plaintext-openapiv2') {
    const { definitions } = await f.rest().json('GET', '/openapi/v2')
    const root = Object.values<any>(definitions ?? {}).find(isOfKind(mapping))
    if (!root) throw new Error(`couldn't find resource for "${mapping.group}/${mapping.version}, Kind=${mapping.kind}"`)
    const { explainOpenApiV2 } = await f.proc.clock.outside(import('./explain-openapiv2.ts'))
    void out(explainOpenApiV2({ definitions, root, path, recursive: flags.bool('recursive'), kind: mapping.kind, groupVersion: groupVersion(mapping) }))
    return
  }
  const index = await f.rest().json('GET', '/openapi/v3')
  const entry = index['paths']?.[mapping.group ? `apis/${groupVersion(mapping)}` : `api/${mapping.version}`]
  const asked = `${mapping.group}/${mapping.version}, Resource=${mapping.resource}`
  if (!entry) throw new Error(`couldn't find resource for "${asked}"`)
  const document = await f.rest().json('GET', entry.serverRelativeURL)
  const gvk = kindAt(document['paths'] ?? {}, mapping)
  if (!gvk) throw new Error(`GVR (${asked}) not found in OpenAPI schema`)
  const schema = Object.values<any>(document['components']?.schemas ?? {}).find(isOfKind(gvk))
  void out(`${gvk.group ? `GROUP:      ${gvk.group}\n` : ''}KIND:       ${gvk.kind}\nVERSION:    ${gvk.version}\n\n`)
  if (!schema) throw new Error(`GVK ${JSON.stringify(gvk)} not found in OpenAPI schema`)
  const text = output(schema, path, { document, recursive: flags.bool('recursive') }, new Set())
  if (!text) throw new Error(`field ${JSON.stringify(path.at(-1))} does not exist`)
  void out(`${text}\n`)
}
