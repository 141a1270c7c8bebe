import { deepEqual } from '../../../base/freeze.ts'
import { resourceRef } from '../../../cluster/kinds/object.ts'
import { groupVersion, parseGroupVersion } from '../discovery.ts'
import type { CommandHandler } from './handler.ts'

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

// k8s: kubectl/pkg/cmd/explain, kubectl/pkg/explain/v2
export const explain: CommandHandler = async ({ f, flags, args, out }) => {
  if (args.length === 0) throw new Error('You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.\n')
  if (args.length > 1) throw new Error(`We accept only this format: explain RESOURCE\n`)
  const format = flags.str('output') || 'plaintext'
  if (format !== 'plaintext' && format !== 'plaintext-openapiv2') throw new Error(`unrecognized format: ${format}`)
  if (/^\.|\[/.test(args[0]!)) throw new Error('invalid jsonpath syntax, first node must be field node')
  const parts = args[0]!.replace(/\.$/, '').split('.')
  let { mapping, path } = await f.resolve((mapper) => {
    // The first resource of that name wins whose whole name the text begins with, so that `events` never leaves the core group.
    // k8s: kubectl/pkg/explain SplitAndParseResourceRequestWithMatchingPrefix
    for (const r of mapper.resources()) {
      const whole = resourceRef(r.resource, r.group)
      if ((r.resource === parts[0] || r.singular === parts[0]) && parts.join('.').startsWith(whole)) return { mapping: r, path: parts.slice(whole.split('.').length) }
    }
    return { mapping: mapper.requireResource(parts[0]!), path: parts.slice(1) }
  }, 2)
  const mapper = await f.mapper()
  const wanted = flags.str('api-version')
  if (wanted) {
    const gv = parseGroupVersion(wanted)
    const found = [...mapper.resources()].find((r) => r.group === gv.group && r.version === gv.version && r.resource === mapping!.resource)
    if (!found) throw new Error(`couldn't find resource for "${wanted}, Resource=${mapping.resource}"`)
    mapping = found
  }
  const gvk = { group: mapping.group, version: mapping.version, kind: mapping.kind }
  const isOfKind = (s: any) => (s['x-kubernetes-group-version-kind'] ?? []).some((k: any) => deepEqual(k, gvk))
  if (format === 'plaintext-openapiv2') {
    const { definitions } = await f.rest().json('GET', '/openapi/v2')
    const root = Object.values<any>(definitions ?? {}).find(isOfKind)
    if (!root) throw new Error(`couldn't find resource for "${groupVersion(mapping)}, Kind=${mapping.kind}"`)
    const { explainOpenApiV2 } = await f.proc.clock.outside(import('./explain-openapiv2.ts'))
    void out(explainOpenApiV2({ definitions, root, path, recursive: flags.bool('recursive'), kind: mapping.kind, groupVersion: groupVersion(mapping) }))
    return
  }
  const index = await f.rest().json('GET', '/openapi/v3')
  const entry = index['paths']?.[mapping.group ? `apis/${groupVersion(mapping)}` : `api/${mapping.version}`]
  if (!entry) throw new Error(`couldn't find resource for "${groupVersion(mapping)}, Resource=${mapping.resource}"`)
  const document = await f.rest().json('GET', entry.serverRelativeURL)
  const schema = Object.values<any>(document['components']?.schemas ?? {}).find(isOfKind)
  void out(`${gvk.group ? `GROUP:      ${gvk.group}\n` : ''}KIND:       ${gvk.kind}\nVERSION:    ${gvk.version}\n\n`)
  if (!schema) throw new Error(`GVK ${JSON.stringify(gvk)} not found in OpenAPI schema`)
  const text = output(schema, path, { document, recursive: flags.bool('recursive') }, new Set())
  if (!text) throw new Error(`field ${JSON.stringify(path.at(-1))} does not exist`)
  void out(`${text}\n`)
}
