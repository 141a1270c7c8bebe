import { thaw } from '../../base/freeze.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { Kind } from '../kinds/kind.ts'
import { managedFieldsProblem } from '../kinds/patch/managed-fields-problem.ts'
import { objectKindOf } from './admission/admission-version.ts'
import { dropDuplicateOwners } from './duplicate-owners.ts'
import type { AdmissionMetrics, AdmissionStep } from './metrics/admission-metrics.ts'
import type { RequestTrace } from './tracing/request-tracer.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin, UserInfo } from './seams.ts'

/** Who makes a request, and where its side notes go. */
export interface Caller {
  user: UserInfo
  /** Adds a Warning header. */
  warn(text: string): void
  /** Adds an annotation to the audit event; one for the level Request is left out below it. */
  annotate(key: string, value: string, level?: 'Request'): void
  /** When the request's time is over, in cluster time. */
  deadlineMs?: number
  /** Where admission's times are counted; absent for callers inside the process. */
  admissionMetrics?: AdmissionMetrics
  /** Where each step is noted, while somebody looks. */
  trace?: RequestTrace
}

/** The `warn` of callers that hear no warnings, for whom none need to be found. */
export const ignoreWarning = (): void => {}

/** One write or connection that admission judges. */
export interface AdmissionRequest {
  operation: AdmissionAttributes['operation']
  kind: Kind
  subresource: string
  namespace: string
  name: string
  /** Empty for connections, that take none. */
  options: Readonly<Record<string, unknown>>
  dryRun: boolean
}

/** Asks the plugins in order; the first refusal counts. k8s: apiserver/pkg/admission chain */
export class AdmissionChain {
  #mutating!: readonly AdmissionPlugin[]
  #validating!: readonly AdmissionPlugin[]
  readonly context: AdmissionContext

  constructor(plugins: readonly AdmissionPlugin[], context: AdmissionContext) {
    this.context = context
    this.use(plugins)
  }

  /** From now on these are asked. */
  use(plugins: readonly AdmissionPlugin[]): void {
    this.#mutating = plugins.filter((plugin) => plugin.mutate)
    this.#validating = plugins.filter((plugin) => plugin.validate)
  }

  /**
   * Lets plugins change `object` (a draft). Where a webhook or policy did, all are asked once more; webhooks and policies only where they want that.
   * k8s: apiserver/pkg/admission/reinvocation.go
   */
  async mutate(request: AdmissionRequest, caller: Caller, object?: KubeObject, oldObject?: KubeObject): Promise<void> {
    if (this.#mutating.length === 0) return
    const attributes = attributesOf(request, caller, object, oldObject)
    const managedFields = object?.metadata?.managedFields
    await this.#ask('admit', this.#mutating, attributes)
    const { reinvocation } = attributes
    if (!reinvocation?.needed) return
    reinvocation.again = true
    await this.#ask('admit', this.#mutating, attributes)
    if (!object?.metadata) return
    const problem = managedFieldsProblem(object.metadata.managedFields)
    if (problem !== undefined) {
      if (managedFields) object.metadata.managedFields = managedFields
      else delete object.metadata.managedFields
      caller.warn(`.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${problem}`)
    }
    dropDuplicateOwners(object, caller.warn, true)
  }

  async validate(request: AdmissionRequest, caller: Caller, object?: KubeObject, oldObject?: KubeObject): Promise<void> {
    if (this.#validating.length === 0) return
    await this.#ask('validate', this.#validating, attributesOf(request, caller, object, oldObject))
  }

  async #ask(step: AdmissionStep, plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes): Promise<void> {
    const { metrics, operation, trace, object } = attributes
    // Most plugins decide at once; awaiting them all would cost every write a dozen turns.
    const decide = (plugin: AdmissionPlugin) => step === 'admit' ? plugin.mutate!(attributes, this.context) : plugin.validate!(attributes, this.context)
    // Components inside the process: nobody counts or looks.
    if (!metrics && !trace) {
      for (const plugin of plugins) {
        const pending = decide(plugin)
        if (pending) await pending
      }
      return
    }
    const stage = step === 'admit' ? 'mutation' : 'validation'
    const beganMs = metrics ? this.context.nowMs() : 0
    let atMs = beganMs
    for (const plugin of plugins) {
      let rejected = true
      const before = trace && step === 'admit' ? thaw(object) : undefined
      try {
        const pending = decide(plugin)
        if (pending) await pending
        rejected = false
        trace?.admission(stage, plugin.name, before, object)
      } finally {
        if (rejected) trace?.step(stage, plugin.name, 'refused')
        if (metrics) {
          const nowMs = this.context.nowMs()
          metrics.observe('controller', plugin.name, step, operation, rejected, nowMs - atMs)
          if (rejected) metrics.observe('step', '', step, operation, true, nowMs - beganMs)
          atMs = nowMs
        }
      }
    }
    metrics?.observe('step', '', step, operation, false, atMs - beganMs)
  }
}

function attributesOf(request: AdmissionRequest, caller: Caller, object: KubeObject | undefined, oldObject: KubeObject | undefined): AdmissionAttributes {
  return {
    operation: request.operation, kind: request.kind, objectKind: objectKindOf(request.kind, request.subresource), resource: request.kind.resource, subresource: request.subresource,
    namespace: request.namespace, name: request.name, object, oldObject, options: request.options, dryRun: request.dryRun, user: caller.user,
    warn: caller.warn, annotate: caller.annotate, deadlineMs: caller.deadlineMs, metrics: caller.admissionMetrics, trace: caller.trace,
  }
}
