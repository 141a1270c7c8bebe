import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import type { Container, Pod, ServiceAccount, VolumeMount } from '../../kinds/generated/types.ts'
import { quoted } from '../../kinds/go-text.ts'
import { commonPart } from '../common-part.ts'
import type { AdmissionAttributes, AdmissionPlugin, Reader } from '../seams.ts'
import { badPathSegment, forbidden, isAbout } from './forbidden.ts'

const MIRROR_POD = 'kubernetes.io/config.mirror'
const VOLUME_PREFIX = 'kube-api-access-'
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const ENFORCE_MOUNTABLE_SECRETS = 'kubernetes.io/enforce-mountable-secrets'
/** The default account of a new namespace is made by a controller: it is waited for, this often and this long, in milliseconds. */
const RETRIES = 9
const RETRY_MS = 100

/** Gives every Pod a service account and its token. k8s: plugin/pkg/admission/serviceaccount */
export function serviceAccount(parts: { random: Random; clock: Clock }): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    mutate(attributes, { reader }) {
      if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'pods') || !attributes.object) return
      const pod = attributes.object as Pod
      if (pod.metadata.annotations?.[MIRROR_POD] !== undefined) return checkMirrorPod(attributes, pod)
      // The deprecated twin of the field is kept in step by the Pod's own defaults; here only one of them can be set.
      pod.spec.serviceAccountName ||= 'default'
      pod.spec.serviceAccount = pod.spec.serviceAccountName
      const account = reader.get<ServiceAccount>('serviceaccounts', attributes.namespace, pod.spec.serviceAccountName)
      if (account) return admit(attributes, pod, account, parts.random)
      return awaitAccount(attributes, pod, reader, parts)
    },
  }
}

async function awaitAccount(attributes: AdmissionAttributes, pod: Pod, reader: Reader, { random, clock }: { random: Random; clock: Clock }): Promise<void> {
  const name = pod.spec.serviceAccountName!
  const retryMs = RETRY_MS + random.int(RETRY_MS)
  for (let i = 0; i < (name === 'default' ? RETRIES : 0); i++) {
    await arrival(reader, clock, attributes.namespace, name, retryMs)
    const account = reader.get<ServiceAccount>('serviceaccounts', attributes.namespace, name)
    if (account) return admit(attributes, pod, account, random)
  }
  throw forbidden(attributes, `error looking up service account ${attributes.namespace}/${name}: ${badPathSegment(name) ?? `serviceaccount ${quoted(name)} not found`}`)
}

/** Resolves when the account appears, at the latest after `delayMs`. */
function arrival(reader: Reader, clock: Clock, namespace: string, name: string, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => { stop(); timer.cancel(); resolve() }
    const timer = clock.after(delayMs, done)
    const stop = reader.onChange('serviceaccounts', ({ object }) => { if (object?.metadata.name === name && object.metadata.namespace === namespace) done() })
  })
}

function admit(attributes: AdmissionAttributes, pod: Pod, account: ServiceAccount, random: Random): void {
  if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod, random)
  if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length) pod.spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => (name ? { name } : {}))
  if (isTrue(account.metadata.annotations?.[ENFORCE_MOUNTABLE_SECRETS])) {
    const problem = unmountableSecret(pod, account)
    if (problem) throw forbidden(attributes, problem)
  }
}

const isTrue = (text: string | undefined) => text !== undefined && ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)

function mountToken(pod: Pod, random: Random): void {
  const existing = pod.spec.volumes?.find((volume) => volume.name.startsWith(VOLUME_PREFIX))
  const name = existing?.name ?? VOLUME_PREFIX + random.suffix()
  const mount: VolumeMount = { name, readOnly: true, mountPath: MOUNT_PATH }
  let needed = false
  for (const container of [...pod.spec.initContainers ?? [], ...pod.spec.containers ?? []] as Container[]) {
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH)) continue
    container.volumeMounts = [...container.volumeMounts ?? [], { ...mount }]
    needed = true
  }
  if (existing || !needed) return
  pod.spec.volumes = [...pod.spec.volumes ?? [], {
    name,
    projected: {
      defaultMode: 0o644,
      sources: TOKEN_SOURCES,
    },
  }]
}

const TOKEN_SOURCES = commonPart([
  { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
])

function checkMirrorPod(attributes: AdmissionAttributes, pod: Pod): void {
  if (pod.spec.serviceAccountName) throw forbidden(attributes, 'a mirror pod may not reference service accounts')
  const containers = [...pod.spec.initContainers ?? [], ...pod.spec.containers ?? []]
  const hasSecrets = pod.spec.imagePullSecrets?.length || pod.spec.volumes?.some((volume) => volume.secret || volume.projected?.sources?.some((source) => source.secret))
    || containers.some((container) => container.env?.some((env) => env.valueFrom?.secretKeyRef) || container.envFrom?.some((source) => source.secretRef))
  if (hasSecrets) throw forbidden(attributes, 'a mirror pod may not reference secrets')
  if (pod.spec.volumes?.some((volume) => volume.projected?.sources?.some((source) => source.serviceAccountToken)))
    throw forbidden(attributes, 'a mirror pod may not use ServiceAccountToken volume projections')
}

function unmountableSecret(pod: Pod, account: ServiceAccount): string | undefined {
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name))
  const because = `is not allowed because service account ${account.metadata.name} does not reference that secret`
  for (const { secret } of pod.spec.volumes ?? []) if (secret && !mountable.has(secret.secretName)) return `volume with secret.secretName="${secret.secretName}" ${because}`
  const kinds = [['init container', pod.spec.initContainers ?? []], ['container', pod.spec.containers ?? []]] as const
  for (const [what, containers] of kinds) {
    for (const container of containers) {
      for (const { name, valueFrom } of container.env ?? []) {
        const secret = valueFrom?.secretKeyRef?.name
        if (valueFrom?.secretKeyRef && !mountable.has(secret)) return `${what} ${container.name} with envVar ${name} referencing secret.secretName="${secret}" ${because}`
      }
      for (const { secretRef } of container.envFrom ?? []) if (secretRef && !mountable.has(secretRef.name)) return `${what} ${container.name} with envFrom referencing secret.secretName="${secretRef.name}" ${because}`
    }
  }
  const pullable = new Set((account.imagePullSecrets ?? []).map(({ name }) => name))
  for (const [i, { name }] of (pod.spec.imagePullSecrets ?? []).entries())
    if (!pullable.has(name)) return `imagePullSecrets[${i}].name="${name}" is not allowed because service account ${account.metadata.name} does not reference that imagePullSecret`
  return undefined
}
