/** Label selectors: the text form of queries and the structured form of specs. k8s: apimachinery/pkg/labels, metav1.LabelSelector */
import { invalid } from './findings.ts'
import { labelKeyProblems, labelValueProblems } from './names.ts'

export type Labels = Readonly<Record<string, string>> | undefined

/** Something that picks objects by their labels. */
export interface LabelSelector {
  matches(labels: Labels): boolean
  /** The selector in canonical form: sorted by key. */
  readonly text: string
  readonly empty: boolean
  readonly requirements: readonly Requirement[]
}

export type Operator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

/** One condition. */
export interface Requirement {
  readonly key: string
  readonly operator: Operator
  readonly values: readonly string[]
}

/** A text that is no selector, in upstream's words. */
export class SelectorError extends Error {}

/** The structured form, as in spec.selector. */
export interface LabelSelectorSpec {
  matchLabels?: Readonly<Record<string, string>>
  matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[]
}

function lookup(labels: Labels, key: string): string | undefined {
  return labels !== undefined && labels !== null && Object.hasOwn(labels, key) ? labels[key] : undefined
}

function requirementMatches(requirement: Requirement, labels: Labels): boolean {
  const value = lookup(labels, requirement.key)
  switch (requirement.operator) {
    case '=': case '==': case 'in': return value !== undefined && requirement.values.includes(value)
    case '!=': case 'notin': return value === undefined || !requirement.values.includes(value)
    case 'exists': return value !== undefined
    case '!': return value === undefined
    case 'gt': case 'lt': {
      if (value === undefined || !/^[-+]?\d+$/.test(value)) return false
      const left = BigInt(value)
      const right = BigInt(requirement.values[0]!)
      return requirement.operator === 'gt' ? left > right : left < right
    }
  }
}

function requirementText({ key, operator, values }: Requirement): string {
  switch (operator) {
    case '!': return `!${key}`
    case 'exists': return key
    case 'gt': return `${key}>${values[0]}`
    case 'lt': return `${key}<${values[0]}`
    case 'in': case 'notin': return `${key} ${operator} (${[...values].sort().join(',')})`
    default: return `${key}${operator}${values[0]}`
  }
}

/** A selector of requirements that are known to be valid. */
export function selectorOf(requirements: readonly Requirement[]): LabelSelector {
  const sorted = requirements.length > 1 ? [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)) : requirements
  return {
    requirements: sorted,
    empty: sorted.length === 0,
    matches(labels) {
      for (const requirement of sorted) if (!requirementMatches(requirement, labels)) return false
      return true
    },
    get text() {
      return sorted.map(requirementText).join(',')
    },
  }
}

/** Of labels that nobody checked. k8s: labels.Set AsSelector */
export function selectorOfLabels(labels: Readonly<Record<string, string>> | null | undefined): LabelSelector {
  return selectorOf(Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })))
}

/** Matches everything. */
export const everything: LabelSelector = selectorOf([])
/** Matches nothing. k8s: labels.Nothing */
export const nothing: LabelSelector = { requirements: [], empty: false, text: '', matches: () => false }

/** Parses the text of a `labelSelector` query. @throws SelectorError */
export function parseLabelSelector(text: string): LabelSelector {
  if (text === '') return everything
  return selectorOf(new SelectorParser(text).parse())
}

/** @throws SelectorError in upstream's words. k8s: NewRequirement */
function checkedRequirement(key: string, operator: Operator, values: readonly string[]): Requirement {
  const findings = []
  const keyProblems = labelKeyProblems(key)
  if (keyProblems.length > 0) findings.push(invalid('key', key, keyProblems.join('; ')))
  switch (operator) {
    case 'in': case 'notin':
      if (values.length === 0) findings.push(invalid('values', values, "for 'in', 'notin' operators, values set can't be empty"))
      break
    case '=': case '==': case '!=':
      if (values.length !== 1) findings.push(invalid('values', values, 'exact-match compatibility requires one single value'))
      break
    case 'exists': case '!':
      if (values.length !== 0) findings.push(invalid('values', values, 'values set must be empty for exists and does not exist'))
      break
    case 'gt': case 'lt':
      if (values.length !== 1) findings.push(invalid('values', values, "for 'Gt', 'Lt' operators, exactly one value is required"))
      values.forEach((value, i) => {
        if (!/^[-+]?\d+$/.test(value)) findings.push(invalid(`values[${i}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"))
      })
  }
  values.forEach((value, i) => {
    const problems = labelValueProblems(value)
    if (problems.length > 0) findings.push(invalid(`values[${i}][${key}]`, value, problems.join('; ')))
  })
  if (findings.length > 0) {
    const texts = [...new Set(findings.map((finding) => finding.message))]
    throw new SelectorError(texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`)
  }
  return { key, operator, values }
}

type TokenKind = 'error' | 'end' | 'identifier' | ')' | ',' | '!' | '==' | '=' | '>' | 'in' | '<' | '!=' | 'notin' | '('
interface Token {
  kind: TokenKind
  literal: string
}

const SYMBOLS = new Set<string>([')', ',', '!', '==', '=', '>', '<', '!=', '('])
const BINARY_OPERATORS = 'in, notin, =, ==, !=, gt, lt'

class SelectorParser {
  readonly #tokens: Token[]
  #at = 0

  constructor(text: string) {
    this.#tokens = tokens(text)
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = []
    for (;;) {
      const { kind, literal } = this.#look()
      if (kind === 'end') return requirements
      if (kind !== 'identifier' && kind !== '!') throw new SelectorError(`found '${literal}', expected: !, identifier, or 'end of string'`)
      try {
        requirements.push(this.#requirement())
      } catch (error) {
        throw new SelectorError(`unable to parse requirement: ${(error as Error).message}`)
      }
      const next = this.#take()
      if (next.kind === 'end') return requirements
      if (next.kind !== ',') throw new SelectorError(`found '${next.literal}', expected: ',' or 'end of string'`)
      const after = this.#look()
      if (after.kind !== 'identifier' && after.kind !== '!') throw new SelectorError(`found '${after.literal}', expected: identifier after ','`)
    }
  }

  /** `in` and `notin` are operators only where one can stand. */
  #look(operator = false): Token {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!
    return !operator && (token.kind === 'in' || token.kind === 'notin') ? { kind: 'identifier', literal: token.literal } : token
  }

  #take(operator = false): Token {
    const token = this.#look(operator)
    this.#at++
    return token
  }

  #requirement(): Requirement {
    let token = this.#take()
    const negated = token.kind === '!'
    if (negated) token = this.#take()
    if (token.kind !== 'identifier') throw new SelectorError(`found '${token.literal}', expected: identifier`)
    const key = token.literal
    const problems = labelKeyProblems(key)
    if (problems.length > 0) throw new SelectorError(invalid('<nil>', key, problems.join('; ')).message)
    const next = this.#look().kind
    if (negated) return checkedRequirement(key, '!', [])
    if (next === 'end' || next === ',') return checkedRequirement(key, 'exists', [])
    const operator = this.#operator()
    const values = operator === 'in' || operator === 'notin' ? this.#values() : this.#exactValue()
    return checkedRequirement(key, operator, [...new Set(values)].sort())
  }

  #operator(): Operator {
    const { kind, literal } = this.#take(true)
    switch (kind) {
      case 'in': case 'notin': case '=': case '==': case '!=': return kind
      case '>': return 'gt'
      case '<': return 'lt'
      default: throw new SelectorError(`found '${literal}', expected: ${BINARY_OPERATORS}`)
    }
  }

  #values(): string[] {
    const open = this.#take()
    if (open.kind !== '(') throw new SelectorError(`found '${open.literal}' expected: '('`)
    const first = this.#look()
    if (first.kind === ')') {
      this.#take()
      return ['']
    }
    if (first.kind !== 'identifier' && first.kind !== ',') throw new SelectorError(`found '${first.literal}', expected: ',', ')' or identifier`)
    const values = this.#identifiers()
    if (this.#take().kind !== ')') throw new SelectorError(`found '${first.literal}', expected: ')'`)
    return values
  }

  #identifiers(): string[] {
    const values: string[] = []
    for (;;) {
      const { kind, literal } = this.#take()
      if (kind === 'identifier') {
        values.push(literal)
        const next = this.#look()
        if (next.kind === ',') continue
        if (next.kind === ')') return values
        throw new SelectorError(`found '${next.literal}', expected: ',' or ')'`)
      }
      if (kind !== ',') throw new SelectorError(`found '${literal}', expected: ',', or identifier`)
      if (values.length === 0) values.push('')
      const next = this.#look().kind
      if (next === ')') {
        values.push('')
        return values
      }
      if (next === ',') {
        this.#take()
        values.push('')
      }
    }
  }

  #exactValue(): string[] {
    const next = this.#look()
    if (next.kind === 'end' || next.kind === ',') return ['']
    const { kind, literal } = this.#take()
    if (kind === 'identifier') return [literal]
    throw new SelectorError(`found '${literal}', expected: identifier`)
  }
}

function tokens(text: string): Token[] {
  const out: Token[] = []
  let at = 0
  const isSpace = (c: string) => c === ' ' || c === '\t' || c === '\r' || c === '\n'
  const isSymbol = (c: string) => '=!(),><'.includes(c)
  for (;;) {
    while (at < text.length && isSpace(text[at]!)) at++
    if (at >= text.length) {
      out.push({ kind: 'end', literal: '' })
      return out
    }
    let literal = ''
    if (isSymbol(text[at]!)) {
      let known = ''
      while (at < text.length && isSymbol(text[at]!)) {
        const longer = literal + text[at]!
        if (SYMBOLS.has(longer)) known = longer
        else if (known !== '') break
        literal = longer
        at++
      }
      out.push(known === '' ? { kind: 'error', literal: `error expected: keyword found '${literal}'` } : { kind: known as TokenKind, literal: known })
    } else {
      while (at < text.length && !isSymbol(text[at]!) && !isSpace(text[at]!)) literal += text[at++]
      out.push({ kind: literal === 'in' || literal === 'notin' ? literal : 'identifier', literal })
    }
  }
}

const SPEC_OPERATORS: Record<string, Operator> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/** The selector of a spec; none matches nothing, an empty one everything. @throws SelectorError. k8s: LabelSelectorAsSelector */
export function labelSelectorOf(spec: LabelSelectorSpec | null | undefined): LabelSelector {
  if (spec === null || spec === undefined) return nothing
  const requirements: Requirement[] = []
  for (const [key, value] of Object.entries(spec.matchLabels ?? {})) requirements.push(checkedRequirement(key, '=', [value]))
  for (const { key, operator, values } of spec.matchExpressions ?? []) {
    const known = Object.hasOwn(SPEC_OPERATORS, operator) ? SPEC_OPERATORS[operator] : undefined
    if (!known) throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`)
    requirements.push(checkedRequirement(key, known, values ?? []))
  }
  return selectorOf(requirements)
}

/** Whether a spec's selector picks these labels. Invalid selectors pick nothing. */
export function matchesLabelSelector(spec: LabelSelectorSpec | null | undefined, labels: Labels): boolean {
  if (spec === null || spec === undefined) return false
  for (const key in spec.matchLabels) if (lookup(labels, key) !== spec.matchLabels[key]) return false
  for (const { key, operator, values } of spec.matchExpressions ?? []) {
    const known = Object.hasOwn(SPEC_OPERATORS, operator) ? SPEC_OPERATORS[operator] : undefined
    if (!known || !requirementMatches({ key, operator: known, values: values ?? [] }, labels)) return false
  }
  return true
}

/** A spec's selector as people see it: `<none>`, `app=web,tier in (a,b)`. k8s: FormatLabelSelector */
export function labelSelectorText(spec: LabelSelectorSpec | null | undefined): string {
  try {
    return labelSelectorOf(spec).text || '<none>'
  } catch {
    return '<error>'
  }
}

/** Labels as text: `a=1,b=2`; `<none>` for none. k8s: labels.FormatLabels */
export function labelsText(labels: Labels): string {
  const text = Object.keys(labels ?? {}).sort().map((key) => `${key}=${labels![key]}`).join(',')
  return text === '' ? '<none>' : text
}

/** A spec's selector as Go's %v prints it, for upstream's messages that do. k8s: metav1.LabelSelector String */
export function goLabelSelector(spec: LabelSelectorSpec | null | undefined): string {
  if (!spec) return 'nil'
  const labels = Object.entries(spec.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}: ${value},`).join('')
  const expressions = (spec.matchExpressions ?? []).map(({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`).join('')
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`
}
