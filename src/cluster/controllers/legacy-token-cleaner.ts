import type { Controller } from '../client/controller-runner.ts'
import { rfc3339 } from '../../base/clock.ts'
import { secretNamesOf } from '../kinds/core/pod-secrets.ts'
import type { ConfigMap, Pod, Secret, ServiceAccount } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'

const DAY_MS = 24 * 3_600_000
/** k8s: LegacySATokenCleaner.CleanUpPeriod, a year */
const CLEAN_UP_MS = 365 * DAY_MS
const TRACKING = 'kube-apiserver-legacy-service-account-token-tracking'
const LAST_USED = 'kubernetes.io/legacy-token-last-used'
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'
/** The one key: all Secrets are looked at once a day. */
const ALL = 'all'

const isDay = (text: string | undefined): text is string => /^\d{4}-\d\d-\d\d$/.test(text ?? '') && !Number.isNaN(Date.parse(text!))

/**
 * Marks generated tokens of service accounts that nobody has used for a long time as invalid, and deletes them when nobody has missed them for as
 * long again. k8s: pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go
 */
export function legacyTokenCleaner(cleanUpMs = CLEAN_UP_MS): Controller {
  return {
    name: 'legacy-service-account-token-cleaner', for: 'secrets', wants: () => false, reads: ['serviceaccounts', 'pods'],
    start: ({ enqueue }) => enqueue(ALL),
    async reconcile(_key, { api, cache, clock, log }) {
      const nowMs = clock.nowMs()
      const again = { requeueAfterMs: DAY_MS }
      const since = (await api.get<ConfigMap>('configmaps', TRACKING, 'kube-system').catch(nothingIfNotFound))?.data?.['since']
      // Uses are known from the day after that on which the API server began to note them.
      if (!isDay(since) || nowMs < Date.parse(since) + DAY_MS + cleanUpMs) return again
      const preserveMs = nowMs - cleanUpMs
      const preserveDay = rfc3339(preserveMs).slice(0, 10)
      const mounted = new Map<string, ReadonlySet<string>>()
      const mountedIn = (namespace: string) => {
        let names = mounted.get(namespace)
        if (!names) mounted.set(namespace, names = new Set(cache.list<Pod>('pods', namespace).flatMap(secretNamesOf)))
        return names
      }
      for (const secret of cache.list<Secret>('secrets')) {
        const { name, namespace, labels, annotations, uid, creationTimestamp, deletionTimestamp, resourceVersion } = secret.metadata
        if (secret.type !== 'kubernetes.io/service-account-token' || Date.parse(creationTimestamp!) >= preserveMs || deletionTimestamp) continue
        const lastUsed = labels?.[LAST_USED]
        if (lastUsed !== undefined && (!isDay(lastUsed) || lastUsed >= preserveDay)) continue
        const account = cache.get<ServiceAccount>('serviceaccounts', `${namespace}/${annotations?.['kubernetes.io/service-account.name'] ?? ''}`)
        const accountUid = annotations?.['kubernetes.io/service-account.uid']
        // Only what the account lists was made for it; others made theirs themselves.
        if (!account || (accountUid && accountUid !== account.metadata.uid) || !account.secrets?.some((ref) => ref.name === name)) continue
        if (mountedIn(namespace!).has(name!)) continue
        const invalidSince = labels?.[INVALID_SINCE]
        if (!isDay(invalidSince)) {
          const today = rfc3339(nowMs).slice(0, 10)
          log.info('Mark the auto-generated service account token as invalid', { invalidSince: today, secret: `${namespace}/${name}` })
          await api.patch('secrets', name!, namespace, 'application/merge-patch+json', { metadata: { uid, labels: { [INVALID_SINCE]: today } } }).catch((error: unknown) => log.error('Failed to label legacy service account token secret with invalid since date', { error: String(error) }))
        } else if (invalidSince < preserveDay) {
          log.info('Delete auto-generated service account token', { secret: `${namespace}/${name}`, creationTime: creationTimestamp, lastUsed, invalidSince })
          await api.delete('secrets', name!, namespace, { preconditions: { resourceVersion: resourceVersion! } })
            .catch((error: unknown) => { if (!isStatusError(error, 'NotFound', 'Conflict')) log.error('Deleting legacy service account token', { secret: `${namespace}/${name}`, error: String(error) }) })
        }
      }
      return again
    },
  }
}

function nothingIfNotFound(error: unknown): undefined {
  if (!isStatusError(error, 'NotFound')) throw error
}
