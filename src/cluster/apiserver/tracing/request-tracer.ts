import type { Clock } from '../../../base/clock.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { UserInfo } from '../seams.ts'
import { changesBetween } from './changes.ts'

/** Where a request is on its way through the server, in this order. */
export type TraceStage = 'authentication' | 'impersonation' | 'flow' | 'authorization' | 'aggregation' | 'mutation' | 'schema' | 'validation' | 'storage'

/** One thing that was done with a request. */
export interface TraceStep {
  stage: TraceStage
  /** The admission plugin, webhook, user, level or key that it is about; empty for who isn't known. */
  name: string
  outcome: 'passed' | 'changed' | 'refused'
  /** Why, in the words of whoever decided. */
  detail?: string
  /** What it changed, as `path: value`; a removed field has no value. */
  changes?: string[]
}

/** A request as it went through the server. */
export interface TracedRequest {
  /** Counts up. */
  number: number
  method: string
  /** Path and query as they came. */
  uri: string
  userAgent: string
  /** When it came, in cluster time, and how long it took; undefined while it is under way. */
  beganMs: number
  tookMs?: number
  code?: number
  /** The message of a refusal. */
  problem?: string
  steps: TraceStep[]
}

/** Notes what becomes of one request. */
export class RequestTrace {
  readonly request: TracedRequest

  constructor(request: TracedRequest) {
    this.request = request
  }

  step(stage: TraceStage, name: string, outcome: TraceStep['outcome'] = 'passed', detail = ''): void {
    this.request.steps.push({ stage, name, outcome, ...(detail ? { detail } : {}) })
  }

  user(stage: 'authentication' | 'impersonation', { name, groups }: UserInfo): void {
    this.step(stage, name, 'passed', groups.join(', '))
  }

  /** What was written of an object, or would have been. */
  stored(key: string, isDryRun: boolean, what: string): void {
    this.step('storage', key, 'passed', isDryRun ? 'dry run' : what)
  }

  /** Says what a plugin made of an object. */
  admission(stage: 'mutation' | 'validation', name: string, before: unknown, after: unknown): void {
    const changes = stage === 'mutation' ? changesBetween(before, after) : []
    this.request.steps.push({ stage, name, outcome: changes.length > 0 ? 'changed' : 'passed', ...(changes.length > 0 ? { changes } : {}) })
  }
}

/** Does what may refuse a request, at once or later, and notes it when it does. */
export function notingRefusal<T>(trace: RequestTrace | undefined, stage: TraceStage, name: string, decide: () => T): T {
  if (!trace) return decide()
  const refuse = (error: unknown): never => {
    trace.step(stage, name, 'refused')
    throw error
  }
  try {
    const decision = decide()
    return decision instanceof Promise ? decision.catch(refuse) as T : decision
  } catch (error) {
    return refuse(error)
  }
}

/**
 * Follows requests that come over HTTP, while somebody looks: each step of the handler chain with its outcome. Costs nothing otherwise.
 * k8s: server/config.go DefaultBuildHandlerChain has the same order
 */
export class RequestTracer {
  readonly #clock: Clock
  readonly #limit: number
  #requests: TracedRequest[] = []
  #count = 0
  #isOn = false
  #unseenAgent = ''

  /** @param limit how many requests are kept */
  constructor(clock: Clock, limit = 200) {
    this.#clock = clock
    this.#limit = limit
  }

  /** Follows what comes from now on. @param unseenAgent the user agent of requests that aren't worth a look: those of whoever looks */
  on(unseenAgent = ''): void {
    this.#isOn = true
    this.#unseenAgent = unseenAgent
  }

  /** Nobody looks any more: what was seen is forgotten. */
  off(): void {
    this.#isOn = false
    this.#requests = []
  }

  /** Begins to follow a request; undefined while nobody looks. */
  begin(request: HttpRequest, uri: string): RequestTrace | undefined {
    if (!this.#isOn) return undefined
    const userAgent = request.headers.get('user-agent') ?? ''
    if (userAgent !== '' && userAgent === this.#unseenAgent) return undefined
    const traced: TracedRequest = { number: ++this.#count, method: request.method, uri, userAgent, beganMs: this.#clock.nowMs(), steps: [] }
    this.#requests.push(traced)
    if (this.#requests.length > this.#limit) this.#requests.shift()
    return new RequestTrace(traced)
  }

  /** Says how a request ended. */
  end({ request }: RequestTrace, code: number, problem?: string): void {
    request.tookMs = this.#clock.nowMs() - request.beganMs
    request.code = code
    if (problem !== undefined) request.problem = problem
  }

  /** What was traced, oldest first. */
  requests(): readonly TracedRequest[] {
    return this.#requests
  }
}
