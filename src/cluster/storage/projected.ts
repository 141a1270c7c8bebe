import type { Pod, Volume } from '../kinds/generated/types.ts'
import { AtomicWriter, payloadText } from './atomic-writer.ts'
import { configMapPayload, secretPayload } from './config-payload.ts'
import { fieldValue, resourceValue } from './field-path.ts'
import { isNotFound } from './volume.ts'
import type { Payload, VolumeContext, VolumePlugin } from './volume.ts'

interface Collected {
  payload: Payload
  /** When a token in it must be renewed. */
  refreshMs?: number
}

type DownwardItem = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number]

function downwardPayload(items: readonly DownwardItem[] | undefined, defaultMode: number, pod: Pod, context: VolumeContext): Payload {
  const payload: Payload = new Map()
  const fields = { hostIps: context.hostIps, podIps: context.podIps(), nodeAllocatable: context.nodeAllocatable }
  for (const item of items ?? []) {
    let text = ''
    if (item.fieldRef) text = fieldValue(pod, item.fieldRef, fields)
    else if (item.resourceFieldRef) {
      const name = item.resourceFieldRef.containerName
      const container = [...pod.spec.containers, ...pod.spec.initContainers ?? []].find((c) => c.name === name)
      if (!container) throw new Error(`container ${name} not found`)
      text = resourceValue(pod, container, item.resourceFieldRef, fields)
    }
    payload.set(item.path, { data: payloadText(text), mode: item.mode ?? defaultMode })
  }
  return payload
}

async function optionally<T>(optional: boolean | undefined, read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (optional && isNotFound(error)) return undefined
    throw error
  }
}

/** All data of a volume. k8s: pkg/volume/projected collectData */
async function collect(volume: Volume, pod: Pod, context: VolumeContext, held: TokenHold): Promise<Collected> {
  const namespace = pod.metadata.namespace!
  if (volume.configMap) {
    const { name = '', items, optional, defaultMode = 0o644 } = volume.configMap
    return { payload: configMapPayload(await optionally(optional, context.objects.configMap(namespace, name)), items, defaultMode, optional ?? false) }
  }
  if (volume.secret) {
    const { secretName = '', items, optional, defaultMode = 0o644 } = volume.secret
    return { payload: secretPayload(await optionally(optional, context.objects.secret(namespace, secretName)), items, defaultMode, optional ?? false) }
  }
  if (volume.downwardAPI) return { payload: downwardPayload(volume.downwardAPI.items, volume.downwardAPI.defaultMode ?? 0o644, pod, context) }
  const { sources, defaultMode = 0o644 } = volume.projected!
  const payload: Payload = new Map()
  let refreshMs: number | undefined
  const partOf = async (source: NonNullable<typeof sources>[number]): Promise<Payload | undefined> => {
    if (source.configMap) {
      const { name = '', items, optional } = source.configMap
      return configMapPayload(await optionally(optional, context.objects.configMap(namespace, name)), items, defaultMode, optional ?? false)
    }
    if (source.secret) {
      const { name = '', items, optional } = source.secret
      return secretPayload(await optionally(optional, context.objects.secret(namespace, name)), items, defaultMode, optional ?? false)
    }
    if (source.downwardAPI) return downwardPayload(source.downwardAPI.items, defaultMode, pod, context)
    if (source.serviceAccountToken) {
      const { path, audience, expirationSeconds = 3600 } = source.serviceAccountToken
      const { token, renewMs } = await held.token(pod, audience, expirationSeconds, context)
      const uid = soleUser(pod)
      refreshMs = Math.min(refreshMs ?? Infinity, renewMs)
      return new Map([[path, { data: payloadText(token), mode: pod.spec.securityContext?.fsGroup !== undefined || uid !== undefined ? 0o600 : defaultMode, ...(uid !== undefined ? { uid } : {}) }]])
    }
    if (source.clusterTrustBundle || source.podCertificate) throw new Error('the feature for this kind of projected source is not enabled on this node')
    return undefined
  }
  // All sources are looked at, so that all that is wrong is told at once. k8s: utilerrors.NewAggregate
  const problems = new Map<string, Error>()
  for (const source of sources ?? []) {
    try {
      for (const [path, file] of await partOf(source) ?? []) payload.set(path, file)
    } catch (error) {
      problems.set((error as Error).message, error as Error)
    }
  }
  if (problems.size === 1) throw [...problems.values()][0]!
  if (problems.size > 1) throw new Error(`[${[...problems.keys()].join(', ')}]`)
  return { payload, ...(refreshMs !== undefined ? { refreshMs } : {}) }
}

/** The one user that all containers of a pod run as, if there is one. k8s: pkg/volume/util FsUserFrom */
function soleUser(pod: Pod): number | undefined {
  let user: number | undefined
  for (const container of [...pod.spec.initContainers ?? [], ...pod.spec.containers]) {
    const own = container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser
    if (own === undefined || (user !== undefined && user !== own)) return undefined
    user = own
  }
  return user
}

/** Tokens are kept until 80 % of their life, or a day, is over. k8s: pkg/kubelet/token requiresRefresh */
class TokenHold {
  #held = new Map<string, { token: string; renewMs: number }>()

  async token(pod: Pod, audience: string | undefined, expirationSeconds: number, context: VolumeContext): Promise<{ token: string; renewMs: number }> {
    const key = `${audience ?? ''}/${expirationSeconds}`
    const nowMs = context.clock.nowMs()
    const old = this.#held.get(key)
    if (old && nowMs < old.renewMs) return old
    const { token, expirationMs } = await context.objects.token(pod, audience, expirationSeconds)
    const fresh = { token, renewMs: nowMs + Math.min((expirationMs - nowMs) * 0.8, 24 * 3_600_000) }
    this.#held.set(key, fresh)
    return fresh
  }
}

function dataPlugin(name: string, supports: VolumePlugin['supports'], { inMemory = true } = {}): VolumePlugin {
  return {
    name,
    supports,
    async setUp(volume, pod, context) {
      const held = new TokenHold()
      const first = await collect(volume, pod, context, held)
      const tree = context.createFileSystem()
      const gid = pod.spec.securityContext?.fsGroup
      tree.chmod('/', 0o777)
      if (gid !== undefined) {
        tree.chown('/', 0, gid)
        tree.chmod('/', 0o2777)
      }
      const writer = new AtomicWriter(tree, () => context.clock.nowMs())
      writer.write(first.payload, gid)
      let refreshMs = first.refreshMs
      return {
        plugin: name, tree, root: '/', readOnly: true, inMemory,
        async update(latest) {
          const next = await collect(volume, latest, context, held)
          writer.write(next.payload, gid)
          refreshMs = next.refreshMs
        },
        get refreshMs() { return refreshMs },
        usedBytes: () => tree.usedBytes(),
      }
    },
  }
}

export const configMapPlugin = dataPlugin('kubernetes.io/configmap', (volume) => volume.configMap !== undefined, { inMemory: false })
export const secretPlugin = dataPlugin('kubernetes.io/secret', (volume) => volume.secret !== undefined)
export const downwardApiPlugin = dataPlugin('kubernetes.io/downward-api', (volume) => volume.downwardAPI !== undefined)
export const projectedPlugin = dataPlugin('kubernetes.io/projected', (volume) => volume.projected !== undefined)
