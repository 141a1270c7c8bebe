import type { KubeObject } from '../kinds/object.ts'
import type { Kind } from '../kinds/kind.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin, UserInfo } from './seams.ts'

/** Who makes a request, and where its side notes go. */
export interface Caller {
  user: UserInfo
  /** Adds a Warning header. */
  warn(text: string): void
  /** Adds an annotation to the audit event. */
  annotate(key: string, value: string): void
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
  options: Readonly<Record<string, unknown>>
  dryRun: boolean
}

/** Asks the plugins in order; the first refusal counts. k8s: apiserver/pkg/admission chain */
export class AdmissionChain {
  readonly #mutating: readonly AdmissionPlugin[]
  readonly #validating: readonly AdmissionPlugin[]
  readonly context: AdmissionContext

  constructor(plugins: readonly AdmissionPlugin[], context: AdmissionContext) {
    this.#mutating = plugins.filter((plugin) => plugin.mutate)
    this.#validating = plugins.filter((plugin) => plugin.validate)
    this.context = context
  }

  /** Lets plugins change `object` (a draft). */
  async mutate(request: AdmissionRequest, caller: Caller, object?: KubeObject, oldObject?: KubeObject): Promise<void> {
    if (this.#mutating.length === 0) return
    const attributes = attributesOf(request, caller, object, oldObject)
    for (const plugin of this.#mutating) {
      const pending = plugin.mutate!(attributes, this.context)
      // Most plugins decide at once; awaiting them all would cost every write a dozen turns.
      if (pending) await pending
    }
  }

  async validate(request: AdmissionRequest, caller: Caller, object?: KubeObject, oldObject?: KubeObject): Promise<void> {
    if (this.#validating.length === 0) return
    const attributes = attributesOf(request, caller, object, oldObject)
    for (const plugin of this.#validating) {
      const pending = plugin.validate!(attributes, this.context)
      if (pending) await pending
    }
  }
}

function attributesOf(request: AdmissionRequest, caller: Caller, object: KubeObject | undefined, oldObject: KubeObject | undefined): AdmissionAttributes {
  return {
    operation: request.operation, kind: request.kind, resource: request.kind.resource, subresource: request.subresource,
    namespace: request.namespace, name: request.name, object, oldObject, options: request.options, dryRun: request.dryRun, user: caller.user,
    warn: caller.warn, annotate: caller.annotate,
  }
}
