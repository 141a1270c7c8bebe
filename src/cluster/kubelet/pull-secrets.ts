import type { EventRecorder } from '../client/event-recorder.ts'
import type { Pod, Secret } from '../kinds/generated/types.ts'
import type { RegistryCredentials } from '../runtime/image-registry.ts'
import type { ObjectSource } from './object-source.ts'
import { podReference } from './pod-spec.ts'

/** What docker's configuration says of one registry. */
interface AuthEntry {
  username?: string
  password?: string
  /** `username:password`, in base64. */
  auth?: string
}

/** Credentials of pods for the registries of their images. k8s: pkg/kubelet getPullSecretsForPod, pkg/credentialprovider */
export class PullSecrets {
  readonly #objects: Pick<ObjectSource, 'secret'>
  readonly #events: EventRecorder

  constructor(objects: Pick<ObjectSource, 'secret'>, events: EventRecorder) {
    this.#objects = objects
    this.#events = events
  }

  /** What a pod's Secrets hold for a registry. Secrets that aren't there are told in an event. */
  async credentialsFor(pod: Pod, registry: string): Promise<RegistryCredentials[]> {
    const found: RegistryCredentials[] = []
    const missing: string[] = []
    for (const { name } of pod.spec.imagePullSecrets ?? []) {
      if (!name) continue
      try {
        const secret = await this.#objects.secret(pod.metadata.uid!, pod.metadata.namespace!, name)
        for (const [host, entry] of Object.entries(entriesOf(secret))) if (hostOf(host) === hostOf(registry)) found.push(credentialsOf(entry))
      } catch {
        missing.push(name)
      }
    }
    if (missing.length > 0) this.#events.event(podReference(pod), 'Warning', 'FailedToRetrieveImagePullSecret', `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`)
    return found
  }
}

/** The registries that a Secret knows; none where it is of another type or can't be read. */
function entriesOf({ type, data = {} }: Secret): Record<string, AuthEntry> {
  try {
    if (type === 'kubernetes.io/dockerconfigjson') return (JSON.parse(atob(data['.dockerconfigjson'] ?? '')) as { auths?: Record<string, AuthEntry> }).auths ?? {}
    if (type === 'kubernetes.io/dockercfg') return JSON.parse(atob(data['.dockercfg'] ?? '')) as Record<string, AuthEntry>
  } catch { /* What can't be read holds nothing. */ }
  return {}
}

function credentialsOf({ username = '', password = '', auth }: AuthEntry): RegistryCredentials {
  if (!auth) return { username, password }
  const text = atob(auth)
  const colon = text.indexOf(':')
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Docker Hub has several names. */
function hostOf(registry: string): string {
  const host = registry.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host
}
