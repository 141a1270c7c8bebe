import type { Pod } from '../generated/types.ts'

/** Names of the Secrets that a Pod's own fields speak of, some of them more than once. k8s: pkg/api/v1/pod VisitPodSecretNames */
export function secretNamesOf({ spec }: Readonly<Pod>): string[] {
  const out: (string | undefined)[] = (spec.imagePullSecrets ?? []).map((ref) => ref.name)
  for (const container of [...spec.initContainers ?? [], ...spec.containers, ...spec.ephemeralContainers ?? []]) {
    for (const env of container.env ?? []) out.push(env.valueFrom?.secretKeyRef?.name)
    for (const source of container.envFrom ?? []) out.push(source.secretRef?.name)
  }
  for (const volume of spec.volumes ?? []) {
    out.push(volume.secret?.secretName, volume.azureFile?.secretName, volume.csi?.nodePublishSecretRef?.name)
    for (const source of [volume.cephfs, volume.cinder, volume.flexVolume, volume.rbd, volume.scaleIO, volume.iscsi, volume.storageos]) out.push(source?.secretRef?.name)
    for (const source of volume.projected?.sources ?? []) out.push(source.secret?.name)
  }
  return out.filter((name): name is string => Boolean(name))
}
