/** Field selectors: `metadata.name=web,status.phase!=Running`. k8s: apimachinery/pkg/fields */
import type { Kind } from './kind.ts'
import type { KubeObject } from './object.ts'
import { SelectorError } from './label-selector.ts'

/** One term. */
export interface FieldTerm {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** Something that picks objects by fields. */
export interface FieldSelector {
  readonly terms: readonly FieldTerm[]
  readonly empty: boolean
  readonly text: string
  /** Against a map of field labels. */
  matchesFields(fields: Readonly<Record<string, string>>): boolean
  /** The value that a field must have, if the selector demands one. */
  exact(field: string): string | undefined
}

/** Parses a `fieldSelector`. @throws SelectorError in upstream's words */
export function parseFieldSelector(text: string): FieldSelector {
  const terms: FieldTerm[] = []
  for (const part of splitTerms(text).sort()) {
    if (part === '') continue
    const match = /^(.*?)(!=|==|=)([^]*)$/s.exec(part)
    if (!match) throw new SelectorError(`invalid selector: '${text}'; can't understand '${part}'`)
    const value = unescape(match[3]!)
    // Nothing compared with nothing is no term at all.
    if (match[1] !== '' || value !== '') terms.push({ field: match[1]!, operator: match[2] === '!=' ? '!=' : '=', value })
  }
  return fieldSelectorOf(terms)
}

/** A selector of given terms. */
export function fieldSelectorOf(terms: readonly FieldTerm[]): FieldSelector {
  return {
    terms,
    empty: terms.length === 0,
    get text() {
      return terms.map(({ field, operator, value }) => `${field}${operator}${value.replace(/[\\,=]/g, (c) => `\\${c}`)}`).join(',')
    },
    matchesFields: (fields) => terms.every(({ field, operator, value }) => ((fields[field] ?? '') === value) === (operator === '=')),
    exact: (field) => terms.find((term) => term.field === field && term.operator === '=')?.value,
  }
}

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ',') {
      terms.push(text.slice(start, i))
      start = i + 1
    }
  }
  terms.push(text.slice(start))
  return terms
}

function unescape(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === '\\') {
      const next = text[++i]
      if (next === undefined) throw new SelectorError('invalid field selector: invalid escape sequence: \\')
      if (!'\\,='.includes(next)) throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next}`)
      out += next
    } else if (c === ',' || c === '=') throw new SelectorError(`invalid field selector: unescaped character in value: ${c.charCodeAt(0)}`)
    else out += c
  }
  return out
}

/**
 * The selector as a kind understands it: unknown fields are refused. @throws SelectorError in upstream's words
 * k8s: field label conversion functions of each API group
 */
export function fieldSelectorFor(kind: Kind, selector: FieldSelector): FieldSelector {
  let renamed = false
  const terms = selector.terms.map((term) => {
    if (kind.kind === 'Pod' && term.field === 'spec.host') {
      renamed = true
      return { ...term, field: 'spec.nodeName' }
    }
    if (!kind.selectableFieldNames.includes(term.field)) throw new SelectorError(unknownField(kind, term.field))
    return term
  })
  return renamed ? fieldSelectorOf(terms) : selector
}

function unknownField(kind: Kind, field: string): string {
  const own = kind.selectableFields !== undefined
  if (kind.group === 'batch' && kind.kind === 'Job') return `field label ${JSON.stringify(field)} not supported for Job`
  if (kind.group === 'resource.k8s.io' && kind.kind === 'ResourceSlice') return `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${field}`
  if (own) return `field label not supported: ${field}`
  return `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
}

/** The field labels of an object with their values. */
export function fieldsOf(kind: Kind, object: Readonly<KubeObject>): Record<string, string> {
  const fields: Record<string, string> = kind.selectableFields ? { ...kind.selectableFields(object) } : {}
  fields['metadata.name'] = object.metadata.name ?? ''
  if (kind.namespaced) fields['metadata.namespace'] = object.metadata.namespace ?? ''
  return fields
}
