/** Rules for what schedulers and drivers tell of claims. k8s: pkg/apis/resource/validation ValidateResourceClaimStatusUpdate */
import { deepEqual } from '../../../base/freeze.ts'
import { checkDnsLabel } from '../checks.ts'
import { internalValue } from '../core/spec-diff.ts'
import { validateNodeSelector } from '../core/validate-scheduling.ts'
import { checkDriverName } from '../core/validate-volume.ts'
import { forbidden, invalid, notSupported, required, tooLong, tooMany, type Finding } from '../findings.ts'
import type { AllocatedDeviceStatus, AllocationResult, ResourceResourceClaim } from '../generated/types.ts'
import type { Condition } from '../object.ts'
import { validateInterfaceAddress } from '../ip.ts'
import { byteLength, conditionReasonProblems } from '../names.ts'
import { IMMUTABLE, validateConditions } from '../validate-metadata.ts'
import { checkConfiguration, checkEach, checkRawObject, checkRequestRef, checkSet, requestNamesOf, type RequestNames } from './validate-devices.ts'
import { checkBinding, checkPoolName } from './validate-slice.ts'

const MAX_CONSUMERS = 256
const MAX_RESULTS = 32
const MAX_CONFIGS = 64
const MAX_CONDITIONS = 8
const MAX_DATA_BYTES = 10 * 1024
const MAX_INTERFACE_NAME = 256
const MAX_HARDWARE_ADDRESS = 128
const MAX_IPS = 16
const SOURCES = ['FromClaim', 'FromClass']

export function validateClaimStatusUpdate(claim: Readonly<ResourceResourceClaim>, old: Readonly<ResourceResourceClaim>): Finding[] {
  const out: Finding[] = []
  const { allocation, devices, reservedFor } = claim.status ?? {}
  checkSet(out, reservedFor, MAX_CONSUMERS, 'status.reservedFor', ({ uid }) => uid, (consumer, at) => {
    for (const field of ['resource', 'name', 'uid'] as const) if (!consumer[field]) out.push(required(`${at}.${field}`))
  })
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceKey))
  checkSet(out, devices, -1, 'status.devices', deviceKey, (device, at) => checkDeviceStatus(out, device, allocated, at), shownDevice)
  if (reservedFor?.length) {
    const before = old.status?.reservedFor ?? []
    if (!allocation) out.push(forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'))
    else if (claim.metadata.deletionTimestamp && reservedFor.some((consumer) => !before.some((known) => deepEqual(known, consumer)))) {
      out.push(forbidden('status.reservedFor', 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'))
    }
  }
  const known = old.status?.allocation
  if (!allocation) return out
  if (!known) checkAllocation(out, allocation, requestNamesOf(claim.spec.devices), 'status.allocation')
  else if (!deepEqual(allocation, known)) out.push(invalid('status.allocation', internalValue('AllocationResult', allocation), IMMUTABLE))
  return out
}

interface DeviceName {
  driver: string
  pool: string
  device: string
  shareID?: string
}

const deviceKey = ({ driver, pool, device, shareID }: Readonly<DeviceName>) => [driver, pool, device, shareID ?? ''].join('/')
const shownDevice = ({ driver, pool, device, shareID }: Readonly<DeviceName>) => ({ Driver: driver, Pool: pool, Device: device, ShareID: shareID ?? '' })

function checkDeviceStatus(out: Finding[], device: Readonly<AllocatedDeviceStatus>, allocated: ReadonlySet<string>, at: string): void {
  checkDeviceName(out, device, at)
  if (!allocated.has(deviceKey(device))) out.push(invalid(at, shownDevice(device), 'must be an allocated device in the claim'))
  const { conditions, data, networkData } = device
  if (conditions && conditions.length > MAX_CONDITIONS) out.push(tooMany(`${at}.conditions`, conditions.length, MAX_CONDITIONS))
  out.push(...validateConditions(conditions as Condition[] | undefined, `${at}.conditions`, conditionReasonProblems))
  if (data !== undefined && data !== null) checkRawObject(out, data, MAX_DATA_BYTES, `${at}.data`)
  if (networkData) checkNetworkData(out, networkData, `${at}.networkData`)
}

/** k8s: validateNetworkDeviceData */
function checkNetworkData(out: Finding[], { interfaceName = '', hardwareAddress = '', ips }: Readonly<NonNullable<AllocatedDeviceStatus['networkData']>>, at: string): void {
  if (byteLength(interfaceName) > MAX_INTERFACE_NAME) out.push(tooLong(`${at}.interfaceName`, MAX_INTERFACE_NAME))
  if (byteLength(hardwareAddress) > MAX_HARDWARE_ADDRESS) out.push(tooLong(`${at}.hardwareAddress`, MAX_HARDWARE_ADDRESS))
  checkSet(out, ips, MAX_IPS, `${at}.ips`, (ip) => ip, (ip, here) => out.push(...validateInterfaceAddress(ip, here)))
}

function checkDeviceName(out: Finding[], { driver, pool, device, shareID }: Readonly<DeviceName>, at: string): void {
  checkDriverName(out, driver, `${at}.driver`)
  checkPoolName(out, pool, `${at}.pool`)
  checkDnsLabel(out, device, `${at}.device`)
  if (shareID !== undefined) checkUid(out, shareID, `${at}.shareID`)
}

/** k8s: validateUID */
function checkUid(out: Finding[], uid: string, at: string): void {
  if (![36, 32, 38, 45].includes(uid.length)) out.push(invalid(at, uid, `error validating uid: invalid UUID length: ${uid.length}`))
  else if (!/^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/.test(uid)) out.push(invalid(at, uid, 'error validating uid: invalid UUID format'))
  else if (uid !== uid.toLowerCase()) out.push(invalid(at, uid, 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters'))
}

function checkAllocation(out: Finding[], { devices, nodeSelector }: Readonly<AllocationResult>, names: RequestNames, at: string): void {
  checkEach(out, devices?.results, MAX_RESULTS, `${at}.devices.results`, (result, here) => {
    checkRequestRef(out, result.request, names, `${here}.request`)
    checkDriverName(out, result.driver, `${here}.driver`)
    checkPoolName(out, result.pool, `${here}.pool`)
    checkDnsLabel(out, result.device, `${here}.device`)
    checkBinding(out, result, here)
    if (result.shareID !== undefined) checkUid(out, result.shareID, `${here}.shareID`)
  })
  checkEach(out, devices?.config, MAX_CONFIGS, `${at}.devices.config`, ({ source, requests, opaque }, here) => {
    if (!source) out.push(required(`${here}.source`))
    else if (!SOURCES.includes(source)) out.push(notSupported(`${here}.source`, source, SOURCES))
    checkSet(out, requests, MAX_RESULTS, `${here}.requests`, (name) => name, (name, where) => checkRequestRef(out, name, names, where))
    checkConfiguration(out, opaque, here)
  })
  if (nodeSelector) validateNodeSelector(out, nodeSelector, `${at}.nodeSelector`)
}
