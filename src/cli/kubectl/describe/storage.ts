import { canonicalQuantity } from '../../../cluster/kinds/quantity.ts'
import { ageOf } from '../duration.ts'
import { formatLabels } from '../selectors.ts'
import { printLabelsAndAnnotations, printTitle } from './describer.ts'
import type { Describer } from './describer.ts'
import { accessModesText, claimClass } from './storage-texts.ts'
import { describeClaim, describePersistentSource } from './volumes.ts'
import { goList, rfc1123 } from './writer.ts'

export const persistentVolume: Describer = (o, w, context) => {
  const { spec, status = {} } = o
  printTitle(w, o, false)
  printLabelsAndAnnotations(w, o)
  w.line(0, `Finalizers:\t${goList(o.metadata.finalizers)}`)
  w.line(0, `StorageClass:\t${claimClass(o)}`)
  w.line(0, `Status:\t${o.metadata.deletionTimestamp ? `Terminating (lasts ${ageOf(o.metadata.deletionTimestamp, context.nowMs)})` : status.phase ?? ''}`)
  w.line(0, `Claim:\t${spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : ''}`)
  w.line(0, `Reclaim Policy:\t${spec.persistentVolumeReclaimPolicy ?? ''}`)
  w.line(0, `Access Modes:\t${accessModesText(spec.accessModes)}`)
  if (spec.volumeMode) w.line(0, `VolumeMode:\t${spec.volumeMode}`)
  w.line(0, `Capacity:\t${canonicalQuantity(spec.capacity?.storage ?? '0')}`)
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms
  w.write(0, 'Node Affinity:\t')
  if (!spec.nodeAffinity?.required) w.write(0, '<none>\n')
  else {
    w.write(0, '\n')
    w.write(1, 'Required Terms:\t')
    if (!terms?.length) w.write(0, '<none>\n')
    else {
      w.write(0, '\n')
      terms.forEach((term: any, i: number) => {
        w.write(2, `Term ${i}:\t`)
        if (!term.matchExpressions?.length) w.write(0, '<none>\n')
        ;(term.matchExpressions ?? []).forEach((r: any, k: number) => {
          if (k > 0) w.write(2, '\t')
          w.write(0, `${r.key} ${r.operator.toLowerCase()}${r.values?.length ? ` [${r.values.join(', ')}]` : ''}\n`)
        })
      })
    }
  }
  w.line(0, `Message:\t${status.message ?? ''}`)
  w.line(0, 'Source:')
  describePersistentSource(spec, w)
}

export const persistentVolumeClaim: Describer = async (o, w, context) => {
  const { status = {} } = o
  printTitle(w, o)
  describeClaim(o, w, {
    status: o.metadata.deletionTimestamp ? `Terminating (lasts ${ageOf(o.metadata.deletionTimestamp, context.nowMs)})` : status.phase ?? '',
    capacity: canonicalQuantity(status.capacity?.storage ?? '0'),
    accessModes: accessModesText(status.accessModes),
  })
  const { items } = await context.f.rest().list(`/api/v1/namespaces/${o.metadata.namespace}/pods`, { limit: 500 })
  // Once per volume, as kubectl counts; pods that own the claim use it too.
  const users = (items as any[]).flatMap((p) => (p.spec.volumes ?? []).filter((v: any) => v.persistentVolumeClaim?.claimName === o.metadata.name).map(() => p))
  for (const owner of o.metadata.ownerReferences ?? []) {
    const pod = owner.kind === 'Pod' ? (items as any[]).find((p) => p.metadata.uid === owner.uid) : undefined
    if (pod && !users.includes(pod)) users.push(pod)
  }
  const pods = users.map((p) => p.metadata.name as string).sort()
  w.write(0, 'Used By:\t')
  if (pods.length === 0) w.write(0, '<none>\n')
  pods.forEach((p, i) => w.write(0, `${i > 0 ? '\t' : ''}${p}\n`))
  if (status.conditions?.length) {
    w.line(0, 'Conditions:')
    w.line(1, 'Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage')
    w.line(1, '----\t------\t-----------------\t------------------\t------\t-------')
    for (const c of status.conditions) w.line(1, `${c.type} \t${c.status} \t${rfc1123(c.lastProbeTime)} \t${rfc1123(c.lastTransitionTime)} \t${c.reason ?? ''} \t${c.message ?? ''}`)
  }
}

const boolText = (value: boolean | undefined) => value === undefined ? '<unset>' : value ? 'True' : 'False'

export const storageClass: Describer = (o, w) => {
  printTitle(w, o, false)
  const isDefault = o.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' || o.metadata.annotations?.['storageclass.beta.kubernetes.io/is-default-class'] === 'true'
  w.line(0, `IsDefaultClass:\t${isDefault ? 'Yes' : 'No'}`)
  w.line(0, `Annotations:\t${formatLabels(o.metadata.annotations)}`)
  w.line(0, `Provisioner:\t${o.provisioner}`)
  w.line(0, `Parameters:\t${formatLabels(o.parameters)}`)
  w.line(0, `AllowVolumeExpansion:\t${boolText(o.allowVolumeExpansion)}`)
  if (!o.mountOptions?.length) w.line(0, 'MountOptions:\t<none>')
  else {
    w.line(0, 'MountOptions:')
    for (const option of o.mountOptions) w.line(1, option)
  }
  if (o.reclaimPolicy) w.line(0, `ReclaimPolicy:\t${o.reclaimPolicy}`)
  if (o.volumeBindingMode) w.line(0, `VolumeBindingMode:\t${o.volumeBindingMode}`)
  if (o.allowedTopologies) {
    w.write(0, 'AllowedTopologies:\t')
    if (o.allowedTopologies.length === 0) w.write(0, '<none>\n')
    else {
      w.write(0, '\n')
      o.allowedTopologies.forEach((t: any, i: number) => {
        w.write(1, `Term ${i}:\t`)
        if (!t.matchLabelExpressions?.length) w.write(0, '<none>\n')
        ;(t.matchLabelExpressions ?? []).forEach((r: any, k: number) => w.write(k > 0 ? 1 : 0, `${k > 0 ? '\t' : ''}${r.key} in${r.values?.length ? ` [${r.values.join(', ')}]` : ''}\n`))
      })
    }
  }
}

/** k8s: kubectl/pkg/describe describeVolumeAttributesClass */
export const volumeAttributesClass: Describer = (o, w) => {
  printTitle(w, o, false)
  w.line(0, `Annotations:\t${formatLabels(o.metadata.annotations)}`)
  w.line(0, `DriverName:\t${o.driverName}`)
  w.line(0, `Parameters:\t${formatLabels(o.parameters)}`)
}

/** k8s: kubectl/pkg/describe describeCSINode */
export const csiNode: Describer = (o, w) => {
  printTitle(w, o, false)
  printLabelsAndAnnotations(w, o)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  w.line(0, 'Spec:')
  if (!o.spec.drivers?.length) return
  w.line(1, 'Drivers:')
  for (const driver of o.spec.drivers) {
    w.line(2, `${driver.name}:`)
    w.line(3, `Node ID:\t${driver.nodeID}`)
    if (driver.allocatable?.count !== undefined) {
      w.line(3, 'Allocatables:')
      w.line(4, `Count:\t${driver.allocatable.count}`)
    }
    if (driver.topologyKeys?.length) w.line(3, `Topology Keys:\t${goList(driver.topologyKeys)}`)
  }
}
