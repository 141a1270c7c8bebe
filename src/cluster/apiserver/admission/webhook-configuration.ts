/** The webhooks that are configured, and which requests each is for. k8s: apiserver/pkg/admission/{configuration,plugin/webhook/generic} */
import type { Kind } from '../../kinds/kind.ts'
import { CelError } from '../../kinds/cel/cel-environment.ts'
import type { LabelSelectorSpec } from '../../kinds/label-selector.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { AdmissionAttributes, AdmissionContext, Reader } from '../seams.ts'
import type { WebhookClientConfig } from '../webhook-client.ts'
import { meetsConditions, requestVariables } from './policy-evaluation.ts'
import { type MatchRule, isNamespaceKnown, matchedVersion, matchesNamespace, matchesObject } from './policy-matching.ts'

/** A webhook of a configuration. k8s: admissionregistration/v1 MutatingWebhook, ValidatingWebhook */
export interface Webhook {
  name: string
  clientConfig: WebhookClientConfig
  rules?: readonly MatchRule[]
  failurePolicy?: string
  matchPolicy?: string
  namespaceSelector?: LabelSelectorSpec
  objectSelector?: LabelSelectorSpec
  sideEffects?: string
  timeoutSeconds?: number
  admissionReviewVersions?: readonly string[]
  matchConditions?: { name: string; expression: string }[]
  reinvocationPolicy?: string
}

export interface ConfiguredWebhook {
  /** Tells webhooks of equal names apart. */
  id: string
  configuration: string
  hook: Webhook
}

const GROUP = 'admissionregistration.k8s.io'
const NONE: readonly ConfiguredWebhook[] = []
/** Objects of this group that no webhook is asked about: it could make them unchangeable. k8s: rules.IsExemptAdmissionConfigurationResource */
const EXEMPT = new Set(['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding', 'MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding'])
const known = new WeakMap<KubeObject, readonly ConfiguredWebhook[]>()

/** All webhooks that may be asked about a request, in the order of their configurations' names. */
export function configuredWebhooks(type: 'mutating' | 'validating', { kind }: AdmissionAttributes, reader: Reader): readonly ConfiguredWebhook[] {
  const configurations = reader.list(`${type}webhookconfigurations.${GROUP}`)
  if (configurations.length === 0 || (kind.group === GROUP && EXEMPT.has(kind.kind))) return NONE
  return [...configurations].sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1)).flatMap(webhooksOf)
}

function webhooksOf(configuration: KubeObject): readonly ConfiguredWebhook[] {
  let webhooks = known.get(configuration)
  if (!webhooks) {
    const name = configuration.metadata.name!
    const names = new Map<string, number>()
    webhooks = ((configuration['webhooks'] ?? []) as Webhook[]).map((hook) => {
      const before = names.get(hook.name) ?? 0
      names.set(hook.name, before + 1)
      return { id: `${name}/${hook.name}/${before}`, configuration: name, hook }
    })
    known.set(configuration, webhooks)
  }
  return webhooks
}

/** What a webhook is to be asked. */
export interface Invocation extends ConfiguredWebhook {
  /** In which version it wants to see the request. */
  version: Kind
}

/**
 * What a webhook is to be asked; undefined when it isn't to be asked. `current`: the request as the webhooks before this one left it, in whatever
 * version. @throws StatusError when nobody can tell
 */
export async function invocationOf(webhook: ConfiguredWebhook, current: AdmissionAttributes, attributes: AdmissionAttributes, context: AdmissionContext, inVersion: (version: Kind) => Promise<AdmissionAttributes>): Promise<Invocation | undefined> {
  const { hook } = webhook
  const { reader } = context
  if (!matchesObject(hook.objectSelector, current)) return undefined
  const isKnown = isNamespaceKnown(hook.namespaceSelector, current, reader)
  if (isKnown && !matchesNamespace(hook.namespaceSelector, current, reader)) return undefined
  const version = matchedVersion(hook.rules ?? [], hook.matchPolicy, attributes, reader)
  if (!version) return undefined
  if (!isKnown) throw apiError.notFound({ group: '', resource: 'namespaces' }, attributes.namespace)
  if (hook.matchConditions?.length && !await meets(hook, await inVersion(version), version, attributes, context)) return undefined
  return { ...webhook, version }
}

async function meets(hook: Webhook, seen: AdmissionAttributes, version: Kind, { kind, name }: AdmissionAttributes, context: AdmissionContext): Promise<boolean> {
  try {
    return meetsConditions(hook.matchConditions!, requestVariables(seen, version, context))
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    if (hook.failurePolicy === 'Ignore') return false
    throw apiError.forbidden({ group: kind.group, resource: kind.resource }, name, error.message)
  }
}
