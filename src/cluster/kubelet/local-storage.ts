import type { Pod } from '../kinds/generated/types.ts'
import { quantityValue } from '../kinds/quantity.ts'
import type { ContainerStats } from '../runtime/cri.ts'
import type { MountedVolume } from '../storage/volume.ts'
import { podLimits } from './pod-resources.ts'

const STORAGE = 'ephemeral-storage'

/** Whether a pod can be evicted for the local storage it uses. */
export function hasStorageLimits(pod: Pod): boolean {
  return (pod.spec.volumes ?? []).some((v) => v.emptyDir?.sizeLimit !== undefined) || pod.spec.containers.some((c) => c.resources?.limits?.[STORAGE] !== undefined)
}

/** What the pod uses too much of, as its eviction says; undefined: nothing. k8s: emptyDirLimitEviction, podEphemeralStorageLimitEviction, containerEphemeralStorageLimitEviction */
export function storageExcess(pod: Pod, volumes: ReadonlyMap<string, MountedVolume>, stats: readonly ContainerStats[]): string | undefined {
  for (const volume of pod.spec.volumes ?? []) {
    const limit = volume.emptyDir?.sizeLimit
    if (limit !== undefined && (volumes.get(volume.name)?.usedBytes() ?? 0) > quantityValue(limit)) return `Usage of EmptyDir volume ${JSON.stringify(volume.name)} exceeds the limit ${JSON.stringify(limit)}. `
  }
  const used = (s: ContainerStats) => s.rootfsBytes + s.logBytes
  const podLimit = pod.spec.containers.every((c) => c.resources?.limits?.[STORAGE] !== undefined) ? podLimits(pod)[STORAGE] : undefined
  if (podLimit !== undefined) {
    let total = stats.reduce((sum, s) => sum + used(s), 0)
    for (const [name, volume] of volumes) if (pod.spec.volumes?.some((v) => v.name === name && v.emptyDir && v.emptyDir.medium !== 'Memory')) total += volume.usedBytes()
    if (total > quantityValue(podLimit)) return `Pod ephemeral local storage usage exceeds the total limit of containers ${podLimit}. `
  }
  for (const container of pod.spec.containers) {
    const limit = container.resources?.limits?.[STORAGE]
    const own = stats.find((s) => s.name === container.name)
    if (limit !== undefined && own && used(own) > quantityValue(limit)) return `Container ${container.name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `
  }
  return undefined
}
