import { podFromTemplate } from '../pod-control.ts'
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from '../../kinds/generated/types.ts'
import { REVISION_HASH } from '../controller-revisions.ts'

const POD_NAME = 'statefulset.kubernetes.io/pod-name'
const POD_INDEX = 'apps.kubernetes.io/pod-index'

export const firstOrdinal = (set: Readonly<StatefulSet>) => set.spec!.ordinals?.start ?? 0

/** The number at the end of the pod's name; undefined when it isn't one of the set's names. */
export function ordinalOf(set: Readonly<StatefulSet>, pod: Pod): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(pod.metadata.name!)
  return match && match[1] === set.metadata.name ? Number(match[2]) : undefined
}

/** Claims of one pod, by the name of their template. k8s: getPersistentVolumeClaims */
export function claimsOf(set: Readonly<StatefulSet>, ordinal: number): Map<string, PersistentVolumeClaim> {
  return new Map((set.spec!.volumeClaimTemplates ?? []).map((template) => {
    const name = template.metadata.name!
    const { labels, annotations, finalizers } = template.metadata
    return [name, {
      apiVersion: 'v1', kind: 'PersistentVolumeClaim',
      metadata: {
        name: `${name}-${set.metadata.name}-${ordinal}`, namespace: set.metadata.namespace!, labels: { ...labels, ...set.spec!.selector.matchLabels },
        ...(annotations ? { annotations } : {}), ...(finalizers ? { finalizers } : {}),
      },
      spec: template.spec!,
    } as unknown as PersistentVolumeClaim]
  }))
}

function volumesWithClaims(set: Readonly<StatefulSet>, ordinal: number, volumes: Pod['spec']['volumes']): Pod['spec']['volumes'] {
  const claims = claimsOf(set, ordinal)
  const out = [...claims].map(([name, claim]) => ({ name, persistentVolumeClaim: { claimName: claim.metadata.name! } }))
  const all = [...out, ...(volumes ?? []).filter((volume) => !claims.has(volume.name))]
  return all.length > 0 ? all : undefined
}

/** Labels that tell who the pod is. */
function identity(set: Readonly<StatefulSet>, ordinal: number): Record<string, string> {
  return { [POD_NAME]: `${set.metadata.name}-${ordinal}`, [POD_INDEX]: String(ordinal) }
}

/** k8s: newStatefulSetPod */
export function newStatefulPod(set: Readonly<StatefulSet>, template: Readonly<PodTemplateSpec>, ordinal: number, revisionName: string): Pod {
  const pod = podFromTemplate(template, set as StatefulSet)
  const name = `${set.metadata.name}-${ordinal}`
  pod.metadata.name = name
  pod.metadata.labels = { ...pod.metadata.labels, ...identity(set, ordinal), [REVISION_HASH]: revisionName }
  const volumes = volumesWithClaims(set, ordinal, pod.spec.volumes)
  pod.spec = { ...pod.spec, hostname: name, ...(set.spec!.serviceName ? { subdomain: set.spec!.serviceName } : {}), ...(volumes ? { volumes } : {}) }
  return pod
}

/** Whether the pod still has its identity and claims. k8s: identityMatches, storageMatches */
export function isIntact(set: Readonly<StatefulSet>, pod: Pod, ordinal: number): boolean {
  const wanted = identity(set, ordinal)
  if (Object.entries(wanted).some(([key, value]) => pod.metadata.labels?.[key] !== value)) return false
  return [...claimsOf(set, ordinal)].every(([name, claim]) => pod.spec.volumes?.some((volume) => volume.name === name && volume.persistentVolumeClaim?.claimName === claim.metadata.name))
}

export function withIdentity(set: Readonly<StatefulSet>, pod: Pod, ordinal: number): Pod {
  const volumes = volumesWithClaims(set, ordinal, pod.spec.volumes)
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...identity(set, ordinal) } }, spec: { ...pod.spec, ...(volumes ? { volumes } : {}) } }
}
