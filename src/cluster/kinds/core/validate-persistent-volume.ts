/** Rules for what a volume is, as an object or inline in a VolumeAttachment. k8s: pkg/apis/core/validation ValidatePersistentVolumeSpec */
import { checkName, checkOneOf } from '../checks.ts'
import { givenEmpty } from '../decode.ts'
import { forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import type { PersistentVolume } from '../generated/types.ts'
import { subdomainName } from '../names.ts'
import { compareQuantities, quantityValue } from '../quantity.ts'
import { checkAccessModes } from './validate-claim.ts'
import { checkVolumeSource } from './validate-persistent-volume-source.ts'
import { validateNodeSelector } from './validate-scheduling.ts'

type Spec = Readonly<PersistentVolume['spec']>

const NOT_INLINE = 'may not be specified in the context of inline volumes'

export function validateVolumeSpec(out: Finding[], spec: Spec, at: string, volumeName: string, inline = false): void {
  if (inline) {
    for (const field of ['claimRef', 'capacity'] as const) if (spec[field] && Object.keys(spec[field]).length + (field === 'claimRef' ? 1 : 0) > 0) out.push(forbidden(`${at}.${field}`, NOT_INLINE))
    if (!spec.csi) out.push(required(`${at}.csi`, 'has to be specified in the context of inline volumes'))
  }
  const modes = spec.accessModes ?? []
  if (modes.length === 0) out.push(required(`${at}.accessModes`))
  checkAccessModes(out, modes, `${at}.accessModes`)
  if (!inline) {
    checkCapacity(out, spec.capacity ?? (givenEmpty(spec, 'capacity') ? {} : undefined), `${at}.capacity`)
    checkOneOf(out, spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain'], `${at}.persistentVolumeReclaimPolicy`, false)
  } else if (spec.persistentVolumeReclaimPolicy && spec.persistentVolumeReclaimPolicy !== 'Retain') out.push(forbidden(`${at}.persistentVolumeReclaimPolicy`, 'may only be Retain in the context of inline volumes'))
  if (spec.nodeAffinity) {
    const constraints = spec.nodeAffinity.required
    if (inline) out.push(forbidden(`${at}.nodeAffinity`, NOT_INLINE))
    else if (!constraints) out.push(required(`${at}.nodeAffinity.required`, 'must specify required node constraints'))
    else validateNodeSelector(out, constraints, `${at}.nodeAffinity.required`)
  }
  checkVolumeSource(out, spec, volumeName, at)
  if (spec.hostPath?.path && /^\/+(\.?\/)*\.?$/.test(spec.hostPath.path) && spec.persistentVolumeReclaimPolicy === 'Recycle') out.push(forbidden(`${at}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'"))
  if (spec.storageClassName) {
    if (inline) out.push(forbidden(`${at}.storageClassName`, NOT_INLINE))
    else checkName(out, spec.storageClassName, subdomainName, `${at}.storageClassName`)
  }
  if (spec.volumeMode !== undefined) {
    if (!inline && !['Block', 'Filesystem'].includes(spec.volumeMode)) out.push(notSupported(`${at}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']))
    if (inline && spec.volumeMode !== 'Filesystem') out.push(forbidden(`${at}.volumeMode`, 'may not specify volumeMode other than Filesystem in the context of inline volumes'))
  }
  // Inline volumes are looked at without the option that knows of attribute classes.
  if (!inline) checkAttributesClass(out, spec, at)
}

function checkCapacity(out: Finding[], capacity: Spec['capacity'], at: string): void {
  const names = Object.keys(capacity ?? {})
  if (names.length === 0) out.push(required(at))
  if (capacity?.storage === undefined || names.length > 1) out.push(notSupported(at, capacity, ['storage']))
  for (const name of names) {
    const value = capacity![name]!
    const here = `${at}[${name}]`
    if (compareQuantities(value, '0') < 0) out.push(invalid(here, quantityValue(value), 'must be a valid resource quantity'))
    if (compareQuantities(value, '0') <= 0) out.push(invalid(here, value, 'must be greater than zero'))
  }
}

function checkAttributesClass(out: Finding[], { volumeAttributesClassName: name, csi }: Spec, at: string): void {
  if (name === undefined) return
  if (name === '') out.push(required(`${at}.volumeAttributesClassName`, 'an empty string is disallowed'))
  else checkName(out, name, subdomainName, `${at}.volumeAttributesClassName`)
  if (!csi) out.push(required(`${at}.csi`, 'has to be specified when using volumeAttributesClassName'))
}
