import type { Comparison, Goal, ObjectTarget, OneClusterCondition, PathStep, SelectionTarget } from './goal.ts'

/** Asks the API server. */
export type Ask = (method: string, path: string, body?: unknown) => Promise<{ status: number; body: string }>

/** Clusters besides the learner's first one, by maker and name: undefined where there is none, without `ask` where it doesn't run. */
export type FurtherClusters = (cluster: string) => { ask?: Ask } | undefined

export interface GoalResult {
  met: boolean
  /** What was found instead, for people. */
  found?: string
}

/** Whether the cluster, or a further one, is as a goal says. Only looks; never changes anything. */
export async function checkGoal({ condition }: Goal, ask: Ask, further: FurtherClusters = () => undefined): Promise<GoalResult> {
  if (condition.type === 'cluster') return { met: (further(condition.cluster) === undefined) === condition.absent, ...(condition.absent ? {} : { found: 'absent' }) }
  if (condition.type !== 'in') return checkCondition(condition, ask)
  const other = further(condition.cluster)
  if (!other?.ask) return { met: false, found: other ? 'off' : 'absent' }
  // Such a cluster may be being made, or be broken on purpose.
  return checkCondition(condition.condition, other.ask).catch((error: unknown) => ({ met: false, found: (error as Error).message }))
}

async function checkCondition(condition: OneClusterCondition, ask: Ask): Promise<GoalResult> {
  switch (condition.type) {
    case 'exists': {
      const { object } = await readObject(condition.object, ask)
      return { met: (object !== undefined) !== condition.absent, ...(condition.absent ? {} : { found: 'absent' }) }
    }
    case 'field': return checkField(condition, ask)
    case 'condition': {
      const { object } = await readObject(condition.object, ask)
      if (!object) return { met: false, found: 'absent' }
      const conditions: { type?: string; status?: string }[] = object.status?.conditions ?? []
      const status = conditions.find((each) => each.type === condition.condition)?.status ?? 'Unknown'
      return { met: status === condition.status, found: status }
    }
    case 'log': {
      const { object: pod } = await readObject(condition.object, ask)
      if (!pod) return { met: false, found: 'absent' }
      const query = new URLSearchParams({ tailLines: '2000', ...(condition.container ? { container: condition.container } : {}), ...(condition.previous ? { previous: 'true' } : {}) })
      const answer = await ask('GET', `${objectPath(condition.object)}/log?${query}`)
      return { met: answer.status === 200 && compare(answer.body, condition.comparison) }
    }
    case 'count': {
      const items = await readSelection(condition.selection, ask)
      return { met: compare(items.length, condition.comparison), found: String(items.length) }
    }
    case 'every': case 'some': case 'none': {
      const items = await readSelection(condition.selection, ask)
      const matching = items.filter((item) => valuesAt(item, condition.path).some((value) => compare(value, condition.comparison))).length
      return { met: condition.type === 'some' ? matching > 0 : condition.type === 'none' ? matching === 0 : items.length > 0 && matching === items.length, found: `${matching}/${items.length}` }
    }
    case 'access': {
      const { allowed, user, userGroup, verb, group, resource, subresource, name, namespace } = condition
      const answer = await ask('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview',
        spec: { user, groups: [...(userGroup ? [userGroup] : []), ...groupsOf(user)], resourceAttributes: { verb, group, resource, ...(subresource ? { subresource } : {}), ...(name ? { name } : {}), ...(namespace ? { namespace } : {}) } },
      })
      if (answer.status !== 201) return { met: false, found: `HTTP ${answer.status}` }
      return { met: Boolean(JSON.parse(answer.body).status?.allowed) === allowed }
    }
    case 'answer': {
      if (condition.comparison === 'fails') {
        const status = await ask('GET', condition.path).then((answer) => answer.status, () => undefined)
        return { met: status === undefined || status >= 500, ...(status === undefined ? {} : { found: `HTTP ${status}` }) }
      }
      const answer = await ask('GET', condition.path)
      if (condition.comparison === 'absent') return { met: answer.status === 404, ...(answer.status === 404 ? {} : { found: `HTTP ${answer.status}` }) }
      return { met: answer.status < 300 && compare(answer.body, condition.comparison), ...(answer.status < 300 ? {} : { found: `HTTP ${answer.status}` }) }
    }
  }
}

async function checkField(condition: Extract<OneClusterCondition, { type: 'field' }>, ask: Ask): Promise<GoalResult> {
  const { object } = await readObject(condition.object, ask)
  if (!object) return { met: false, found: 'absent' }
  const values = valuesAt(object, condition.path)
  if (condition.comparison === 'exists') return { met: values.length > 0 }
  if (condition.comparison === 'absent') return { met: values.length === 0, ...(values.length > 0 ? { found: textOf(values[0]) } : {}) }
  const { comparison } = condition
  // A field that isn't there is different from everything.
  const met = comparison.operator === '!=' ? values.every((value) => compare(value, comparison)) : values.some((value) => compare(value, comparison))
  return { met, found: values.length === 0 ? 'absent' : textOf(values[0]) }
}

async function readObject(target: ObjectTarget, ask: Ask): Promise<{ object?: any }> {
  const answer = await ask('GET', objectPath(target))
  if (answer.status === 404) return {}
  if (answer.status !== 200) throw new Error(`GET ${objectPath(target)} answers ${answer.status}`)
  return { object: JSON.parse(answer.body) }
}

async function readSelection(target: SelectionTarget, ask: Ask): Promise<any[]> {
  const query = new URLSearchParams({ ...(target.labelSelector ? { labelSelector: target.labelSelector } : {}), ...(target.fieldSelector ? { fieldSelector: target.fieldSelector } : {}) })
  const path = `${target.base}${target.namespaced && target.namespace ? `/namespaces/${encodeURIComponent(target.namespace)}` : ''}/${target.resource}${query.size > 0 ? `?${query}` : ''}`
  const answer = await ask('GET', path)
  if (answer.status !== 200) throw new Error(`GET ${path} answers ${answer.status}`)
  return JSON.parse(answer.body).items ?? []
}

function objectPath(target: ObjectTarget): string {
  return `${target.base}${target.namespaced ? `/namespaces/${encodeURIComponent(target.namespace ?? 'default')}` : ''}/${target.resource}/${encodeURIComponent(target.name)}`
}

/** All values a path leads to; none when a part of the way is missing. */
export function valuesAt(object: unknown, path: readonly PathStep[]): unknown[] {
  let here: unknown[] = [object]
  for (const step of path) {
    here = here.flatMap((value) => {
      if (value === null || typeof value !== 'object') return []
      if (step === '*') return Object.values(value)
      if (typeof step === 'object') return Array.isArray(value) ? value.filter((each) => String(each?.[step.key]) === step.equals) : []
      return Object.hasOwn(value, step) ? [(value as Record<string | number, unknown>)[step]] : []
    }).filter((value) => value !== undefined && value !== null)
  }
  return here
}

export function compare(value: unknown, { operator, operand }: Comparison): boolean {
  const text = textOf(value)
  switch (operator) {
    case '==': return equal(text, operand)
    case '!=': return !equal(text, operand)
    case '=~': return new RegExp(operand, 'm').test(text)
    case 'contains': return Array.isArray(value) ? value.some((each) => textOf(each) === operand) : text.includes(operand)
  }
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number)) return false
  switch (operator) {
    case '>=': return number >= Number(operand)
    case '<=': return number <= Number(operand)
    case '>': return number > Number(operand)
    case '<': return number < Number(operand)
  }
}

function equal(a: string, b: string): boolean {
  return a === b || (a.trim() !== '' && b.trim() !== '' && Number(a) === Number(b))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value) ?? ''
}

/** Groups that the API server gives such a user. */
function groupsOf(user: string): string[] {
  const account = /^system:serviceaccount:([^:]+):/.exec(user)
  return [...(account ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : []), 'system:authenticated']
}
