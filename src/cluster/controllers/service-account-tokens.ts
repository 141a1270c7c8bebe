import { base64Of } from '../../base/base64.ts'
import type { Api } from '../client/api.ts'
import type { Controller, ControllerContext } from '../client/controller-runner.ts'
import type { Secret, ServiceAccount } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'

const TYPE = 'kubernetes.io/service-account-token'
const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
const ACCOUNT_UID = 'kubernetes.io/service-account.uid'

export interface ServiceAccountTokensOptions {
  /** PEM of the CA that signs the API server's certificate. */
  caCertificatePem: string
  /** Makes the token of a service account in a Secret, one that doesn't run out. */
  issueToken: (account: ServiceAccount, secretName: string) => Promise<string>
}

/**
 * Fills Secrets of type kubernetes.io/service-account-token, and takes them away with their service account; service accounts forget Secrets
 * that are gone. k8s: pkg/controller/serviceaccount tokens_controller.go
 */
export function serviceAccountTokensController({ caCertificatePem, issueToken }: ServiceAccountTokensOptions): Controller {
  const base64 = (text: string) => base64Of(new TextEncoder().encode(text))
  const ca = base64(caCertificatePem)
  return {
    name: 'tokens-controller', for: 'secrets', retry: { times: 10 }, wants: ({ object }) => object.type === TYPE, reads: ['serviceaccounts'],
    watches: [{
      resource: 'serviceaccounts',
      keys: ({ type, object }, { cache }) => type === 'update' ? [] : cache.list<Secret>('secrets', object.metadata.namespace).filter((secret) => secret.type === TYPE && secret.metadata.annotations?.[ACCOUNT_NAME] === object.metadata.name).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    }],
    async reconcile(key, { api, cache }) {
      const secret = cache.get<Secret>('secrets', key)
      if (!secret) return forgetSecret(key, api, cache)
      if (secret.metadata.deletionTimestamp) return
      const { name, namespace, annotations = {}, uid } = secret.metadata
      const account = cache.get<ServiceAccount>('serviceaccounts', `${namespace}/${annotations[ACCOUNT_NAME]}`)
        // A Secret can be seen before its account.
        ?? await api.get<ServiceAccount>('serviceaccounts', annotations[ACCOUNT_NAME] ?? '', namespace).catch(nothingIfNotFound)
      if (!account || (annotations[ACCOUNT_UID] && annotations[ACCOUNT_UID] !== account.metadata.uid)) {
        await api.delete('secrets', name!, namespace, { preconditions: { uid: uid! } }).catch(unlessOver)
        return
      }
      const { data } = secret
      if (data?.token && data.namespace && data['ca.crt'] === ca) return
      const token = data?.token || base64(await issueToken(account, name!))
      await api.update('secrets', {
        ...secret, metadata: { ...secret.metadata, annotations: { ...annotations, [ACCOUNT_NAME]: account.metadata.name!, [ACCOUNT_UID]: account.metadata.uid! } },
        data: { ...data, 'ca.crt': ca, namespace: data?.namespace || base64(namespace!), token },
      }).catch(unlessOver)
    },
  }
}

/** Takes a Secret that is gone out of the list of its service account. */
async function forgetSecret(key: string, api: Api, cache: ControllerContext['cache']): Promise<void> {
  const [namespace, name] = key.split('/')
  for (const account of cache.list<ServiceAccount>('serviceaccounts', namespace)) {
    if (!account.secrets?.some((secret) => secret.name === name)) continue
    await api.update('serviceaccounts', { ...account, secrets: account.secrets.filter((secret) => secret.name !== name) }).catch(unlessOver)
  }
}

function nothingIfNotFound(error: unknown): undefined {
  if (!isStatusError(error, 'NotFound')) throw error
}

/** Somebody else was faster; the change will be seen. */
function unlessOver(error: unknown): void {
  if (!isStatusError(error, 'NotFound', 'Conflict')) throw error
}
