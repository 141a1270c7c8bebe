/** Defaults of webhooks and policies. k8s: pkg/apis/admissionregistration/v1/defaults.go */

interface Webhook {
  failurePolicy?: string
  matchPolicy?: string
  namespaceSelector?: object
  objectSelector?: object
  timeoutSeconds?: number
  reinvocationPolicy?: string
  clientConfig?: { service?: { port?: number } }
  rules?: { scope?: string }[]
}

export function defaultWebhook(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail'
  webhook.timeoutSeconds ??= 10
  defaultMatch(webhook)
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443
  for (const rule of webhook.rules ?? []) rule.scope ??= '*'
}

interface MatchResources {
  matchPolicy?: string
  namespaceSelector?: object
  objectSelector?: object
  resourceRules?: { scope?: string }[]
  excludeResourceRules?: { scope?: string }[]
}

/** SetDefaults_MatchResources, also for webhooks. */
export function defaultMatch(match: MatchResources | undefined): void {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*'
}

/** `v1/ConfigMap`. */
export function paramKindText(kind: { apiVersion?: string; kind?: string } | undefined): string {
  return kind ? `${kind.apiVersion ?? ''}/${kind.kind ?? ''}` : '<unset>'
}

/** k8s: printValidatingAdmissionPolicyBinding */
export function paramRefText(ref: { name?: string; namespace?: string; selector?: unknown } | undefined): string {
  if (!ref) return '<unset>'
  if (ref.name) return `${ref.namespace || '*'}/${ref.name}`
  return ref.selector ? JSON.stringify(ref.selector) : '<unset>'
}
