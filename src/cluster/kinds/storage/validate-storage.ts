/** Rules for the storage group. k8s: pkg/apis/storage/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { checkDnsSubdomain, checkNotNegative, checkNotNegativeQuantity, checkQualifiedName } from '../checks.ts'
import { validateVolumeSpec } from '../core/validate-persistent-volume.ts'
import { checkDriverName } from '../core/validate-volume.ts'
import { givenEmpty } from '../decode.ts'
import { duplicate, forbidden, invalid, notSupported, required, tooLong, type Finding } from '../findings.ts'
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, TopologySelectorTerm, VolumeAttachment, VolumeAttributesClass } from '../generated/types.ts'
import { byteLength } from '../names.ts'
import { IMMUTABLE, validateLabelSelector, validateObjectMeta } from '../validate-metadata.ts'

const MAX_PARAMETERS = 512
const MAX_PARAMETER_BYTES = 256 * 1024
const MAX_ERROR_BYTES = 1024
const MAX_NODE_ID = 256
const SHORTEST_TOKEN_SECONDS = 600

function checkUnchanged(out: Finding[], value: unknown, old: unknown, at: string, shown = value): void {
  if (!deepEqual(value ?? null, old ?? null)) out.push(invalid(at, shown, IMMUTABLE))
}

function checkProvisioner(out: Finding[], name: string, at: string): void {
  if (!name) out.push(required(at))
  else checkQualifiedName(out, name.toLowerCase(), at)
}

function checkParameters(out: Finding[], parameters: Readonly<Record<string, string>> | undefined, mayBeEmpty: boolean): void {
  const entries = Object.entries(parameters ?? {})
  if (entries.length > MAX_PARAMETERS) {
    out.push(tooLong('parameters', MAX_PARAMETERS))
    return
  }
  let size = 0
  for (const [key, value] of entries) {
    if (!key) out.push(invalid('parameters', key, 'field can not be empty.'))
    size += byteLength(key) + byteLength(value)
  }
  if (size > MAX_PARAMETER_BYTES) out.push(tooLong('parameters', MAX_PARAMETER_BYTES))
  if (!mayBeEmpty && entries.length === 0) out.push(required('parameters', 'must contain at least one key/value pair'))
}

export function validateStorageClass(storageClass: Readonly<StorageClass>): Finding[] {
  const out: Finding[] = []
  checkProvisioner(out, storageClass.provisioner, 'provisioner')
  checkParameters(out, storageClass.parameters, true)
  const { reclaimPolicy, volumeBindingMode } = storageClass
  if (reclaimPolicy && reclaimPolicy !== 'Delete' && reclaimPolicy !== 'Retain') out.push(notSupported('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']))
  if (volumeBindingMode === undefined) out.push(required('volumeBindingMode'))
  else if (volumeBindingMode !== 'Immediate' && volumeBindingMode !== 'WaitForFirstConsumer') out.push(notSupported('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']))
  storageClass.allowedTopologies?.forEach((term, i, all) => {
    const seen = new Set<string>()
    term.matchLabelExpressions?.forEach((expression, j) => {
      const at = `allowedTopologies[${i}].matchLabelExpressions[${j}]`
      if (!expression.values?.length) out.push(required(`${at}.values`))
      expression.values?.forEach((value, k, values) => values.indexOf(value) < k && out.push(duplicate(`${at}.values[${k}]`, value)))
      checkQualifiedName(out, expression.key, `${at}.key`)
      if (seen.has(expression.key)) out.push(duplicate(`${at}.key`, expression.key))
      seen.add(expression.key)
    })
    // Upstream compares with one empty term for every term there is, and with those before.
    const text = topologyText(term)
    const same = all.slice(0, i).filter((other) => topologyText(other) === text).length + (text === '' ? all.length : 0)
    for (let n = 0; n < same; n++) out.push(duplicate(`allowedTopologies[${i}].matchLabelExpressions`, ''))
  })
  return out
}

/** A term's keys and values in an order of their own. */
function topologyText({ matchLabelExpressions = [] }: Readonly<TopologySelectorTerm>): string {
  return (matchLabelExpressions ?? []).map(({ key, values }) => `${key}=${[...(values ?? [])].sort().join(',')}`).sort().join(';')
}

export function validateStorageClassUpdate(storageClass: Readonly<StorageClass>, old: Readonly<StorageClass>): Finding[] {
  const out: Finding[] = []
  checkUnchanged(out, storageClass.parameters, old.parameters, 'parameters', storageClass.parameters ?? (givenEmpty(storageClass, 'parameters') ? {} : undefined))
  for (const field of ['provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const) checkUnchanged(out, storageClass[field], old[field], field)
  return out
}

export function validateVolumeAttachment({ spec, status }: Readonly<VolumeAttachment>): Finding[] {
  const out: Finding[] = []
  checkDriverName(out, spec.attacher, 'spec.attacher')
  const name = spec.source.persistentVolumeName
  const inline = spec.source.inlineVolumeSpec
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (!inline && name === undefined) out.push(required('spec.source', one))
  else if (inline && name !== undefined) out.push(forbidden('spec.source', one))
  else if (name === '') out.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'))
  else if (inline) validateVolumeSpec(out, inline, 'spec.source.inlineVolumeSpec', '', true)
  checkDnsSubdomain(out, spec.nodeName, 'spec.nodeName')
  for (const field of ['attachError', 'detachError'] as const) if (byteLength(status?.[field]?.message ?? '') > MAX_ERROR_BYTES) out.push(tooLong(`status.${field}.message`, MAX_PARAMETER_BYTES))
  if (name !== undefined) checkDnsSubdomain(out, name, 'spec.source.persistentVolumeName')
  return out
}

export function validateVolumeAttachmentUpdate(attachment: Readonly<VolumeAttachment>, old: Readonly<VolumeAttachment>): Finding[] {
  const out = [...validateObjectMeta({ namespaced: false }, attachment.metadata), ...validateVolumeAttachment(attachment)]
  checkUnchanged(out, attachment.spec, old.spec, 'spec')
  return out
}

export function validateCsiNode({ spec }: Readonly<CSINode>): Finding[] {
  const out: Finding[] = []
  const names = new Set<string>()
  spec.drivers?.forEach((driver, i) => {
    const at = `spec.drivers[${i}]`
    checkDriverName(out, driver.name, `${at}.name`)
    if (!driver.nodeID) out.push(required(`${at}.nodeID`))
    else if (byteLength(driver.nodeID) > MAX_NODE_ID) out.push(invalid(`${at}.nodeID`, driver.nodeID, `must be ${MAX_NODE_ID} characters or less`))
    checkNotNegative(out, driver.allocatable?.count, `${at}.allocatable.count`)
    if (names.has(driver.name)) out.push(duplicate(`${at}.name`, driver.name))
    names.add(driver.name)
    const keys = new Set<string>()
    for (const key of driver.topologyKeys ?? []) {
      if (!key) out.push(required(at))
      if (keys.has(key)) out.push(duplicate(at, key))
      keys.add(key)
      checkQualifiedName(out, key, at)
    }
  })
  return out
}

export function validateCsiNodeUpdate(node: Readonly<CSINode>, old: Readonly<CSINode>): Finding[] {
  const out = [...validateObjectMeta({ namespaced: false }, node.metadata), ...validateCsiNode(node)]
  for (const driver of node.spec.drivers ?? []) {
    const before = old.spec.drivers?.find((known) => known.name === driver.name)
    if (before) checkUnchanged(out, { ...driver, allocatable: undefined }, { ...before, allocatable: undefined }, 'spec.drivers')
  }
  return out
}

export function validateCsiDriver({ spec }: Readonly<CSIDriver>): Finding[] {
  const out: Finding[] = []
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType']
  if (spec.fsGroupPolicy !== undefined && !policies.includes(spec.fsGroupPolicy)) out.push(notSupported('spec.fsGroupPolicy', spec.fsGroupPolicy, policies))
  const audiences = new Set<string>()
  spec.tokenRequests?.forEach((request, i) => {
    const at = `spec.tokenRequests[${i}]`
    if (audiences.has(request.audience)) {
      out.push(duplicate(`${at}.audience`, request.audience))
      return
    }
    audiences.add(request.audience)
    const seconds = request.expirationSeconds
    if (seconds !== undefined && seconds < SHORTEST_TOKEN_SECONDS) out.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
    if (seconds !== undefined && seconds > 2 ** 32) out.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
  })
  for (const mode of (spec.volumeLifecycleModes ?? []) as readonly string[]) if (mode !== 'Persistent' && mode !== 'Ephemeral') out.push(notSupported('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']))
  const period = spec.nodeAllocatableUpdatePeriodSeconds
  if (period !== undefined && period < 10) out.push(invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds'))
  if (spec.serviceAccountTokenInSecrets !== undefined && !spec.tokenRequests?.length) out.push(invalid('spec.serviceAccountTokenInSecrets', spec.serviceAccountTokenInSecrets, 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'))
  return out
}

export function validateCsiDriverUpdate(driver: Readonly<CSIDriver>, old: Readonly<CSIDriver>): Finding[] {
  const out = validateCsiDriver(driver)
  checkUnchanged(out, driver.spec.attachRequired, old.spec.attachRequired, 'spec.attachedRequired')
  checkUnchanged(out, driver.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, 'spec.volumeLifecycleModes')
  return out
}

export function validateCsiStorageCapacity(object: Readonly<CSIStorageCapacity>): Finding[] {
  const out = validateLabelSelector(object.nodeTopology, 'nodeTopology')
  checkDnsSubdomain(out, object.storageClassName, 'storageClassName')
  checkNotNegativeQuantity(out, object.capacity, 'capacity')
  return out
}

export function validateCsiStorageCapacityUpdate(object: Readonly<CSIStorageCapacity>, old: Readonly<CSIStorageCapacity>): Finding[] {
  const out: Finding[] = []
  checkUnchanged(out, object.nodeTopology, old.nodeTopology, 'nodeTopology')
  checkUnchanged(out, object.storageClassName, old.storageClassName, 'storageClassName')
  return out
}

export function validateVolumeAttributesClass(object: Readonly<VolumeAttributesClass>): Finding[] {
  const out: Finding[] = []
  checkProvisioner(out, object.driverName, 'driverName')
  checkParameters(out, object.parameters, false)
  return out
}

export function validateVolumeAttributesClassUpdate(object: Readonly<VolumeAttributesClass>, old: Readonly<VolumeAttributesClass>): Finding[] {
  const out: Finding[] = []
  for (const field of ['driverName', 'parameters'] as const) if (!deepEqual(object[field] ?? null, old[field] ?? null)) out.push(forbidden(field, `updates to ${field} are forbidden.`))
  return [...out, ...validateObjectMeta({ namespaced: false }, object.metadata), ...validateVolumeAttributesClass(object)]
}
