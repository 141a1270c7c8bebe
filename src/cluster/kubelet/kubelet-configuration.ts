import { deepFreeze } from '../../base/freeze.ts'
import type { FileSystem } from '../../unix/types.ts'
import { parseGoDuration } from '../kinds/duration.ts'
import { addQuantities, parseQuantity, quantityValue, subQuantities } from '../kinds/quantity.ts'
import { parseYaml } from '../kinds/yaml-text.ts'

// @k8s part: KubeletConfiguration: maxPods, reserved resources, evictionHard (memory.available, nodefs.available), shutdownGracePeriod, clusterDNS, clusterDomain, staticPodPath, authentication, authorization, readOnlyPort and clientCAFile take effect when the kubelet starts; other fields change nothing

/** How much of something has to be left: bytes, or a part of all there is. */
export type EvictionThreshold = { bytes: number; text: string } | { percent: number }

/** What a kubelet's configuration file says. k8s: kubelet/config/v1beta1 KubeletConfiguration */
export interface KubeletConfiguration {
  maxPods: number
  /** What isn't for pods, as quantities by resource. */
  reserved: Readonly<Record<string, string>>
  /** Below which pods are evicted, by signal; none where pods may take all. */
  evictionHard: Readonly<Partial<Record<'memory.available' | 'nodefs.available', EvictionThreshold>>>
  /** How long a condition of pressure stays at least, in milliseconds. */
  pressureTransitionMs: number
  /** What pods have before the machine ends, in milliseconds, and the part of it that is for critical ones. */
  shutdownMs: number
  shutdownCriticalMs: number
  clusterDns: readonly string[]
  clusterDomain: string
  staticPodPath: string | undefined
  /** Whether port 10250 answers who shows nothing, and whether it answers everybody everything. */
  allowsAnonymous: boolean
  allowsAll: boolean
  /** A port without TLS or questions; 0: none. */
  readOnlyPort: number
}

interface Fields {
  kind?: unknown
  apiVersion?: unknown
  maxPods?: unknown
  systemReserved?: Record<string, string> | null
  kubeReserved?: Record<string, string> | null
  evictionHard?: Record<string, string> | null
  evictionPressureTransitionPeriod?: unknown
  shutdownGracePeriod?: unknown
  shutdownGracePeriodCriticalPods?: unknown
  clusterDNS?: string[] | null
  clusterDomain?: string
  staticPodPath?: string
  authentication?: { x509?: { clientCAFile?: string } | null; anonymous?: { enabled?: boolean } | null } | null
  authorization?: { mode?: string } | null
  readOnlyPort?: unknown
}

const SIGNALS = ['memory.available', 'nodefs.available'] as const
const KNOWN_SIGNALS = [...SIGNALS, 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree', 'containerfs.available', 'containerfs.inodesFree', 'allocatableMemory.available', 'pid.available']
/** k8s: pkg/kubelet/apis/config/v1beta1/defaults.go */
const MAX_PODS = 110
const TRANSITION_MS = 5 * 60_000

/** Reads a kubelet's configuration file. @throws Error with what the kubelet says before it ends. k8s: cmd/kubelet/app server.go, config/validation */
export function readKubeletConfiguration(fs: FileSystem, path: string): KubeletConfiguration {
  const loading = (why: string) => new Error(`failed to load kubelet config file, path: ${path}, error: failed to load Kubelet config file ${path}, error ${why}`)
  if (!fs.exists(path)) throw loading(`failed to read kubelet config file ${JSON.stringify(path)}, error: open ${path}: no such file or directory`)
  let fields: Fields
  try {
    fields = parsed(fs.readText(path))
  } catch (error) {
    throw loading(`failed to decode: couldn't get version/kind; json parse error: ${(error as Error).message}`)
  }
  if (typeof fields !== 'object' || !fields.kind) throw loading("failed to decode: Object 'Kind' is missing in 'unknown'")
  if (fields.kind !== 'KubeletConfiguration' || fields.apiVersion !== 'kubelet.config.k8s.io/v1beta1') throw loading(`failed to decode: no kind ${JSON.stringify(fields.kind)} is registered for version ${JSON.stringify(fields.apiVersion ?? '')} in scheme "pkg/kubelet/apis/config/scheme/scheme.go:33"`)
  const decoding = (field: string, value: unknown, type: string) => loading(`failed to decode: json: cannot unmarshal ${typeof value === 'string' ? 'string' : typeof value} into Go struct field KubeletConfiguration.${field} of type ${type}`)
  const duration = (field: string, value: unknown, byDefault: number): number => {
    if (value === undefined || value === null || value === 0) return byDefault
    const ms = typeof value === 'string' ? parseGoDuration(value) : undefined
    if (ms === undefined) throw typeof value === 'string' ? loading(`failed to decode: time: invalid duration ${JSON.stringify(value)}`) : decoding(field, value, 'string')
    return ms === 0 ? byDefault : ms
  }
  if (fields.maxPods !== undefined && typeof fields.maxPods !== 'number') throw decoding('maxPods', fields.maxPods, 'int32')
  const maxPods = (fields.maxPods as number | undefined) ?? MAX_PODS
  const shutdownMs = duration('shutdownGracePeriod', fields.shutdownGracePeriod, 0)
  const shutdownCriticalMs = duration('shutdownGracePeriodCriticalPods', fields.shutdownGracePeriodCriticalPods, 0)
  const problems: string[] = []
  if (maxPods < 0) problems.push(`invalid configuration: maxPods (--max-pods) ${maxPods} must not be a negative number`)
  if (shutdownCriticalMs > shutdownMs) problems.push(`invalid configuration: shutdownGracePeriodCriticalPods {${shutdownCriticalMs / 1000}s} must be <= shutdownGracePeriod {${shutdownMs / 1000}s}`)
  if (problems.length > 0) throw new Error(`failed to validate kubelet configuration, error: ${problems.join(', ')}, path: ${path}`)
  const mode = fields.authorization?.mode ?? 'Webhook'
  if (mode !== 'Webhook' && mode !== 'AlwaysAllow') throw new Error(`failed to run Kubelet: unable to create authorizer: unknown authorization mode ${mode}`)
  if (fields.readOnlyPort !== undefined && typeof fields.readOnlyPort !== 'number') throw decoding('readOnlyPort', fields.readOnlyPort, 'int32')
  const clientCa = fields.authentication?.x509?.clientCAFile
  if (clientCa && !fs.exists(clientCa)) throw new Error(`failed to construct kubelet dependencies: unable to load client CA file ${clientCa}: open ${clientCa}: no such file or directory`)
  return {
    maxPods, reserved: reservedOf(fields), evictionHard: thresholdsOf(fields.evictionHard ?? {}), pressureTransitionMs: duration('evictionPressureTransitionPeriod', fields.evictionPressureTransitionPeriod, TRANSITION_MS), shutdownMs, shutdownCriticalMs,
    clusterDns: fields.clusterDNS ?? [], clusterDomain: fields.clusterDomain ?? '', staticPodPath: fields.staticPodPath,
    allowsAnonymous: fields.authentication?.anonymous?.enabled === true, allowsAll: mode === 'AlwaysAllow', readOnlyPort: (fields.readOnlyPort as number | undefined) ?? 0,
  }
}

/** The text that was read last: nodes of a cluster have the same. */
let last: { text: string; fields: Fields } | undefined

function parsed(text: string): Fields {
  if (last?.text !== text) last = { text, fields: deepFreeze((parseYaml(text).value ?? {}) as Fields) }
  return last.fields
}

function reservedOf({ systemReserved, kubeReserved }: Fields): Record<string, string> {
  const sum: Record<string, string> = {}
  for (const list of [systemReserved, kubeReserved]) {
    for (const [resource, quantity] of Object.entries(list ?? {})) {
      if (!isQuantity(quantity)) throw new Error(`failed to run Kubelet: failed to parse quantity ${JSON.stringify(quantity)} for ${JSON.stringify(resource)} resource: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`)
      sum[resource] = sum[resource] === undefined ? String(quantity) : addQuantities(sum[resource]!, quantity)
    }
  }
  return sum
}

function thresholdsOf(given: Readonly<Record<string, string>>): KubeletConfiguration['evictionHard'] {
  const thresholds: Partial<Record<(typeof SIGNALS)[number], EvictionThreshold>> = {}
  for (const [signal, value] of Object.entries(given)) {
    if (!KNOWN_SIGNALS.includes(signal)) throw new Error(`failed to run Kubelet: failed to create kubelet: unknown eviction signal "${signal}"`)
    const text = String(value)
    const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)
    if (!percent && !isQuantity(text)) throw new Error(`failed to run Kubelet: failed to create kubelet: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`)
    const known = SIGNALS.find((each) => each === signal)
    if (known === undefined) continue
    if (percent ? Number(percent[1]) > 0 : quantityValue(text) > 0) thresholds[known] = percent ? { percent: Number(percent[1]) } : { bytes: quantityValue(text), text }
  }
  return thresholds
}

function isQuantity(text: unknown): boolean {
  try {
    parseQuantity(text as string)
    return true
  } catch {
    return false
  }
}

/** What pods may have of a machine. k8s: pkg/kubelet/cm node_container_manager GetNodeAllocatableReservation */
export function allocatableOf(capacity: Readonly<Record<string, string>>, { reserved, evictionHard }: Pick<KubeletConfiguration, 'reserved' | 'evictionHard'>): Record<string, string> {
  const left: Record<string, string> = { ...capacity }
  const take = (resource: string, quantity: string) => {
    if (left[resource] === undefined) return
    const rest = subQuantities(left[resource]!, quantity)
    left[resource] = rest.startsWith('-') ? '0' : rest
  }
  for (const [resource, quantity] of Object.entries(reserved)) take(resource, quantity)
  for (const [signal, resource] of [['memory.available', 'memory'], ['nodefs.available', 'ephemeral-storage']] as const) {
    const threshold = evictionHard[signal]
    if (threshold) take(resource, String(thresholdBytes(threshold, quantityValue(capacity[resource] ?? '0'))))
  }
  return left
}

/** Bytes that have to be left of so many. */
export function thresholdBytes(threshold: EvictionThreshold, capacityBytes: number): number {
  return 'bytes' in threshold ? threshold.bytes : Math.floor(capacityBytes * threshold.percent / 100)
}
