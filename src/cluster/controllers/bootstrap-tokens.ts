/** The controllers of kubeadm's bootstrap tokens. k8s: pkg/controller/bootstrap */
import type { Controller } from '../client/controller-runner.ts'
import type { ConfigMap, Secret } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { detachedSignature } from '../../base/detached-signature.ts'

const TYPE = 'bootstrap.kubernetes.io/token'
const NAMESPACE = 'kube-system'
const CLUSTER_INFO = 'kube-public/cluster-info'
const SIGNATURE = 'jws-kubeconfig-'

const isToken = (secret: Secret) => secret.type === TYPE && secret.metadata.namespace === NAMESPACE
const field = (secret: Secret, key: string) => atob(secret.data?.[key] ?? '')
const expiryMs = (secret: Secret) => field(secret, 'expiration') ? Date.parse(field(secret, 'expiration')) : Infinity

/** Keeps cluster-info signed with each token that may sign it, so that joining nodes know whom they meet. k8s: bootstrapsigner.go */
export const bootstrapSigner: Controller = {
  name: 'bootstrap-signer-controller', for: 'configmaps',
  wants: ({ object }) => `${object.metadata.namespace}/${object.metadata.name}` === CLUSTER_INFO,
  watches: [{ resource: 'secrets', keys: ({ object }) => isToken(object as Secret) ? [CLUSTER_INFO] : [] }],
  async reconcile(key, { api, cache, clock }) {
    const info = cache.get<ConfigMap>('configmaps', key)
    const content = info?.data?.['kubeconfig']
    if (!info || content === undefined) return
    const data = Object.fromEntries(Object.entries(info.data ?? {}).filter(([name]) => !name.startsWith(SIGNATURE)))
    for (const secret of cache.list<Secret>('secrets')) {
      if (!isToken(secret) || field(secret, 'usage-bootstrap-signing') !== 'true' || expiryMs(secret) <= clock.nowMs()) continue
      const id = field(secret, 'token-id')
      if (secret.metadata.name === `bootstrap-token-${id}`) data[`${SIGNATURE}${id}`] = detachedSignature(content, id, field(secret, 'token-secret'))
    }
    const names = Object.keys(data)
    if (names.length === Object.keys(info.data ?? {}).length && names.every((name) => data[name] === info.data![name])) return
    await api.update('configmaps', { ...info, data })
  },
}

/** Removes tokens whose time is over. k8s: tokencleaner.go */
export const tokenCleaner: Controller = {
  name: 'token-cleaner-controller', for: 'secrets',
  wants: ({ object }) => isToken(object as Secret),
  async reconcile(key, { api, cache, clock }) {
    const secret = cache.get<Secret>('secrets', key)
    if (!secret || !isToken(secret)) return
    const leftMs = expiryMs(secret) - clock.nowMs()
    if (leftMs === Infinity) return
    if (leftMs > 0) return { requeueAfterMs: leftMs }
    await api.delete('secrets', secret.metadata.name!, NAMESPACE, { preconditions: { uid: secret.metadata.uid! } }).catch((error: unknown) => { if (!isStatusError(error, 'NotFound', 'Conflict')) throw error })
    return
  },
}
