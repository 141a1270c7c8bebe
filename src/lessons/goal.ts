import discoveryFacts from '../cluster/kinds/discovery-facts.json' with { type: 'json' }

/** A resource as goals address it, resolved when the lesson is built. */
export interface GoalResource {
  /** `/api/v1`, `/apis/apps/v1`. */
  base: string
  resource: string
  namespaced: boolean
}

export type Operator = '==' | '!=' | '>=' | '<=' | '>' | '<' | '=~' | 'contains'

export interface Comparison {
  operator: Operator
  operand: string
}

/** A step into an object: a key, an index, any element, or the element whose key has a value. */
export type PathStep = string | number | '*' | { key: string; equals: string }

export interface ObjectTarget extends GoalResource {
  name: string
  namespace?: string
}

export interface SelectionTarget extends GoalResource {
  /** Undefined: all namespaces. */
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
}

/** About what one cluster has. */
export type OneClusterCondition =
  | { type: 'exists'; object: ObjectTarget; absent: boolean }
  | { type: 'field'; object: ObjectTarget; path: PathStep[]; comparison: Comparison | 'exists' | 'absent' }
  | { type: 'condition'; object: ObjectTarget; condition: string; status: string }
  | { type: 'log'; object: ObjectTarget; container?: string; previous: boolean; comparison: Comparison }
  | { type: 'count'; selection: SelectionTarget; comparison: Comparison }
  | { type: 'every' | 'some' | 'none'; selection: SelectionTarget; path: PathStep[]; comparison: Comparison }
  | { type: 'access'; allowed: boolean; user: string; userGroup?: string; verb: string; group: string; resource: string; subresource?: string; name?: string; namespace?: string }
  | { type: 'answer'; path: string; comparison: Comparison | 'absent' | 'fails' }

export type GoalCondition =
  | OneClusterCondition
  /** Of a cluster besides the learner's first one, by its maker and name: `kind/east`. */
  | { type: 'in'; cluster: string; condition: OneClusterCondition }
  | { type: 'cluster'; cluster: string; absent: boolean }

/** Something about the cluster that must be so. */
export interface Goal {
  /** What people read. */
  text: string
  /** The line it was written as. */
  source: string
  condition: GoalCondition
}

/** A goal that can't be understood. */
export class GoalError extends Error {}

const OPERATORS: readonly Operator[] = ['==', '!=', '>=', '<=', '>', '<', '=~', 'contains']

/**
 * Reads one goal. See docs/LESSONS.md for the forms:
 *
 *     deployment/web -n shop .status.readyReplicas == 3
 *     pods -l app=web count >= 2
 *     can list pods -n shop as system:serviceaccount:shop:robot
 *     get /api/v1/namespaces/default/services/web:80/proxy/ contains Welcome
 *     in kind/east deployment/web .status.readyReplicas == 3
 *
 * @throws GoalError
 */
export function parseGoalCondition(line: string): GoalCondition {
  const words = splitWords(line)
  if (words[0] !== 'in' && words[0] !== 'cluster') return parseInCluster(words)
  const [first] = words.splice(0, 1)
  const cluster = takeCluster(words)
  if (first === 'in') return { type: 'in', cluster, condition: parseInCluster(words) }
  const word = words.shift()
  if (word !== 'exists' && word !== 'absent') throw new GoalError(`after the cluster exists or absent must follow${word ? `, not "${word}"` : ''}`)
  noMore(words)
  return { type: 'cluster', cluster, absent: word === 'absent' }
}

function parseInCluster(words: string[]): OneClusterCondition {
  const first = words.shift()
  if (first === undefined) throw new GoalError('is empty')
  if (first === 'can' || first === 'cannot') return parseAccess(first === 'can', words)
  if (first === 'get') {
    const path = words.shift()
    if (!path?.startsWith('/')) throw new GoalError('"get" needs a path that begins with /')
    if (words[0] === 'absent' || words[0] === 'fails') {
      noMore(words.slice(1))
      return { type: 'answer', path, comparison: words[0] }
    }
    return { type: 'answer', path, comparison: parseComparison(words) }
  }
  return first.includes('/') ? parseObjectGoal(first, words) : parseSelectionGoal(first, words)
}

/** `kind/east` */
function takeCluster(words: string[]): string {
  const cluster = words.shift()
  if (!cluster || !/^[a-z]+\/[^/]+$/.test(cluster)) throw new GoalError(`a cluster is written as its maker and its name, as in kind/east${cluster ? `, not "${cluster}"` : ''}`)
  return cluster
}

function parseObjectGoal(address: string, words: string[]): OneClusterCondition {
  const slash = address.indexOf('/')
  const resource = findResource(address.slice(0, slash))
  const name = address.slice(slash + 1)
  if (!name) throw new GoalError(`"${address}" names no object`)
  const namespace = takeFlag(words, '-n') ?? (resource.namespaced ? 'default' : undefined)
  const object: ObjectTarget = { ...resource, name, ...(resource.namespaced && namespace ? { namespace } : {}) }
  const word = words.shift()
  switch (word) {
    case 'exists': case 'absent':
      noMore(words)
      return { type: 'exists', object, absent: word === 'absent' }
    case 'condition': {
      const condition = words.shift()
      if (!condition) throw new GoalError('"condition" needs a type, as in: condition Ready')
      if (words.length > 0 && words.shift() !== '==') throw new GoalError('after the condition\'s type only == may follow')
      const status = words.shift() ?? 'True'
      noMore(words)
      return { type: 'condition', object, condition, status }
    }
    case 'log': {
      if (object.resource !== 'pods') throw new GoalError('only pods have a log')
      const container = takeFlag(words, '-c')
      const previous = takeSwitch(words, '-p')
      return { type: 'log', object, ...(container ? { container } : {}), previous, comparison: parseComparison(words) }
    }
    case undefined: throw new GoalError('says nothing about the object; add exists, absent, condition, log, or a field')
  }
  if (!word.startsWith('.')) throw new GoalError(`"${word}" is none of exists, absent, condition, log, and no field (fields begin with a dot)`)
  const path = parsePath(word)
  if (words[0] === 'exists' || words[0] === 'absent') {
    const comparison = words.shift() as 'exists' | 'absent'
    noMore(words)
    return { type: 'field', object, path, comparison }
  }
  return { type: 'field', object, path, comparison: parseComparison(words) }
}

function parseSelectionGoal(kind: string, words: string[]): OneClusterCondition {
  const resource = findResource(kind)
  const everywhere = takeSwitch(words, '-A')
  const namespace = takeFlag(words, '-n') ?? (resource.namespaced && !everywhere ? 'default' : undefined)
  const labelSelector = takeFlag(words, '-l')
  const fieldSelector = takeFlag(words, '--field-selector')
  const selection: SelectionTarget = { ...resource, ...(namespace ? { namespace } : {}), ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) }
  const word = words.shift()
  if (word === 'count') return { type: 'count', selection, comparison: parseComparison(words, true) }
  if (word === 'every' || word === 'some' || word === 'none') {
    const path = words.shift()
    if (!path?.startsWith('.')) throw new GoalError(`"${word}" needs a field that begins with a dot`)
    return { type: word, selection, path: parsePath(path), comparison: parseComparison(words) }
  }
  throw new GoalError(`a selection of ${kind} needs count, every, some or none${word ? `, not "${word}"` : ''}`)
}

function parseAccess(allowed: boolean, words: string[]): OneClusterCondition {
  const user = takeFlag(words, 'as')
  if (!user) throw new GoalError('needs "as USER" at its end')
  const userGroup = takeFlag(words, 'group')
  const namespace = takeFlag(words, '-n')
  const [verb, what, ...rest] = words
  if (!verb || !what) throw new GoalError('needs a verb and a resource')
  noMore(rest)
  const [target, name] = what.includes('.') || !what.includes('/') ? [what, undefined] : what.split('/', 2)
  const fact = factOf(target!.split(':')[0]!)
  const subresource = target!.split(':')[1]
  return { type: 'access', allowed, user, ...(userGroup ? { userGroup } : {}), verb, group: fact.group, resource: fact.resource, ...(subresource ? { subresource } : {}), ...(name ? { name } : {}), ...(namespace ? { namespace } : {}) }
}

function parseComparison(words: string[], numeric = false): Comparison {
  const operator = words.shift() as Operator | undefined
  if (operator === undefined || !OPERATORS.includes(operator)) throw new GoalError(`needs one of ${OPERATORS.join(' ')}${operator ? `, not "${operator}"` : ''}`)
  const operand = words.shift()
  if (operand === undefined) throw new GoalError(`nothing follows ${operator}`)
  noMore(words)
  if (operator === '=~') {
    try {
      new RegExp(operand)
    } catch (error) {
      throw new GoalError((error as Error).message)
    }
  }
  if ((numeric || ['>=', '<=', '>', '<'].includes(operator)) && !Number.isFinite(Number(operand))) throw new GoalError(`${operator} needs a number, not "${operand}"`)
  return { operator, operand }
}

/** `.metadata.labels["app"]`, `.spec.containers[0].image`, `.status.conditions[type=Ready].status`, `.spec.containers[*].name`. */
function parsePath(text: string): PathStep[] {
  const steps: PathStep[] = []
  const pattern = /\.([A-Za-z0-9_-]+)|\[(\d+)\]|\[(\*)\]|\["([^"]*)"\]|\[([A-Za-z0-9_-]+)=([^\]]*)\]/y
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const match = pattern.exec(text)
    if (!match) throw new GoalError(`can't read the field "${text}" from "${text.slice(at)}" on`)
    if (match[1] !== undefined) steps.push(match[1])
    else if (match[2] !== undefined) steps.push(Number(match[2]))
    else if (match[3] !== undefined) steps.push('*')
    else if (match[4] !== undefined) steps.push(match[4])
    else steps.push({ key: match[5]!, equals: match[6]! })
  }
  return steps
}

type Fact = (typeof discoveryFacts)[number]
type ResourceFact = Pick<Fact, 'group' | 'version' | 'resource' | 'namespaced'>

function factOf(name: string): ResourceFact {
  const [plural, ...group] = name.split('.')
  const wanted = plural!.toLowerCase()
  const found = (discoveryFacts as Fact[]).filter((fact) => (fact.resource === wanted || fact.singular === wanted || ('shortNames' in fact && fact.shortNames?.includes(wanted)))
    && (group.length === 0 || fact.group === group.join('.')))
  // Core first, then stable versions, as kubectl chooses.
  const best = found.find((fact) => fact.group === '') ?? found.find((fact) => /^v\d+$/.test(fact.version)) ?? found[0]
  const fact = best ?? customFactOf(name)
  if (!fact) throw new GoalError(`"${name}" is no resource of Kubernetes (custom ones are written with version and group, as in boats.v1.harbour.example)`)
  return fact
}

/** What a name like `boats.v1.harbour.example` says of a custom resource. Its definition comes with the lesson, so it is taken for a namespaced one. */
function customFactOf(name: string): ResourceFact | undefined {
  const [, resource, version, group] = /^([a-z][a-z0-9]*)\.(v\d+(?:(?:alpha|beta)\d+)?)\.([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/.exec(name) ?? []
  if (!resource || !version || !group || (discoveryFacts as Fact[]).some((fact) => fact.group === group)) return undefined
  return { group, version, resource, namespaced: true }
}

function findResource(name: string): GoalResource {
  const fact = factOf(name)
  return { base: fact.group ? `/apis/${fact.group}/${fact.version}` : `/api/${fact.version}`, resource: fact.resource, namespaced: fact.namespaced }
}

function takeFlag(words: string[], flag: string): string | undefined {
  const at = words.indexOf(flag)
  if (at < 0) return undefined
  const [, value] = words.splice(at, 2)
  if (value === undefined) throw new GoalError(`${flag} needs a value`)
  return value
}

function takeSwitch(words: string[], flag: string): boolean {
  const at = words.indexOf(flag)
  if (at < 0) return false
  words.splice(at, 1)
  return true
}

function noMore(words: readonly string[]): void {
  if (words.length > 0) throw new GoalError(`"${words.join(' ')}" at the end is too much (quote values that have spaces)`)
}

/** Splits at spaces; quotes group, also inside brackets of a field, where they are kept. */
function splitWords(line: string): string[] {
  const words: string[] = []
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:\[[^\]]*\]|[^\s])+))(?=\s|$)/y
  const text = line.trim()
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text)
    if (!match) throw new GoalError('a quote is not closed')
    words.push(match[1] !== undefined ? match[1].replace(/\\(["\\])/g, '$1') : match[2] ?? match[3]!)
  }
  return words
}
