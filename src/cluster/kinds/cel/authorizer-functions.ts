/** What expressions may ask of the authorizer. k8s: apiserver/pkg/cel/library/authz.go */
import type { RuntimeFunction } from './cel-runtime-functions.ts'
import type { CelOpaque } from './cel-values.ts'

/** A question about rights. */
export interface AccessQuestion {
  verb: string
  /** Of non-resource URLs. */
  path?: string
  group?: string
  resource?: string
  subresource?: string
  namespace?: string
  name?: string
  /** Instead of whoever asks: a service account's user name. */
  serviceAccount?: { namespace: string; name: string }
}

/** Its answer. */
export interface AccessAnswer {
  allowed: boolean
  reason: string
  error?: string
}

/** Answers questions about whoever sent the request. */
export type AskAccess = (question: AccessQuestion) => AccessAnswer

class AuthorizerValue implements CelOpaque {
  readonly celType: string
  readonly ask: AskAccess
  readonly question: AccessQuestion
  constructor(celType: string, ask: AskAccess, question: AccessQuestion) {
    this.celType = `kubernetes.authorization.${celType}`
    this.ask = ask
    this.question = question
  }
  with(celType: string, more: Partial<AccessQuestion>): AuthorizerValue {
    return new AuthorizerValue(celType, this.ask, { ...this.question, ...more })
  }
  equals(other: unknown): boolean {
    return this === other
  }
}

class Decision implements CelOpaque {
  readonly celType = 'kubernetes.authorization.Decision'
  readonly answer: AccessAnswer
  constructor(answer: AccessAnswer) {
    this.answer = answer
  }
  equals(other: unknown): boolean {
    return other instanceof Decision && other.answer.allowed === this.answer.allowed
  }
}

/** The variable `authorizer`. */
export const celAuthorizer = (ask: AskAccess): CelOpaque => new AuthorizerValue('Authorizer', ask, { verb: '' })

/** The variable `authorizer.requestResource`. */
export const celResourceCheck = (ask: AskAccess, question: Omit<AccessQuestion, 'verb'>): CelOpaque => new AuthorizerValue('ResourceCheck', ask, { verb: '', ...question })

const fail = (message: string): never => {
  throw new Error(message)
}
const CHECK = 'kubernetes.authorization.ResourceCheck'
const DECISION = 'kubernetes.authorization.Decision'
const AUTHORIZER = 'kubernetes.authorization.Authorizer'
/** A call is as dear as 350000 steps. k8s: apiserver/pkg/cel/library/cost.go */
const CALL_COST = 350_000

const f = (name: string, types: string, run: RuntimeFunction[2]): RuntimeFunction => [name, types.split(' '), run]

export const authorizerFunctions: readonly RuntimeFunction[] = [
  f('path', `${AUTHORIZER} string`, (_c, authorizer: AuthorizerValue, path: string) => path === '' ? fail('path must not be empty') : authorizer.with('PathCheck', { path })),
  f('group', `${AUTHORIZER} string`, (_c, authorizer: AuthorizerValue, group: string) => authorizer.with('GroupCheck', { group })),
  f('serviceAccount', `${AUTHORIZER} string string`, (_c, authorizer: AuthorizerValue, namespace: string, name: string) => {
    if (!/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(namespace)) return fail(`Invalid service account namespace`)
    if (!/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(name)) return fail(`Invalid service account name`)
    return authorizer.with('Authorizer', { serviceAccount: { namespace, name } })
  }),
  f('resource', 'kubernetes.authorization.GroupCheck string', (_c, group: AuthorizerValue, resource: string) => resource === '' ? fail('resource must not be empty') : group.with('ResourceCheck', { resource })),
  ...(['subresource', 'namespace', 'name'] as const).map((name) => f(name, `${CHECK} string`, (_c, check: AuthorizerValue, value: string) => check.with('ResourceCheck', { [name]: value }))),
  ...(['fieldSelector', 'labelSelector'] as const).map((name) => f(name, `${CHECK} string`, (_c, check: AuthorizerValue) => check)),
  ...[CHECK, 'kubernetes.authorization.PathCheck'].map((type) => f('check', `${type} string`, (charge, check: AuthorizerValue, verb: string) => {
    charge(CALL_COST)
    return new Decision(check.ask({ ...check.question, verb }))
  })),
  f('allowed', DECISION, (_c, { answer }: Decision) => answer.allowed),
  f('reason', DECISION, (_c, { answer }: Decision) => answer.reason),
  f('errored', DECISION, (_c, { answer }: Decision) => answer.error !== undefined),
  f('error', DECISION, (_c, { answer }: Decision) => answer.error ?? ''),
]
