import { checkQualifiedName } from '../checks.ts'
import type { Kind } from '../kind.ts'
import { defineKind } from '../define-kind.ts'
import { duplicate, forbidden, internalFinding, invalid, type Finding } from '../findings.ts'
import { cidrWarnings, parseCidr, validateCidr } from '../ip.ts'
import { labelValueProblems } from '../names.ts'
import type { Node } from '../generated/types.ts'
import { keep } from '../strategies.ts'
import { validateKindMetaUpdate, validateObjectMeta } from '../validate-metadata.ts'
import { roundUpToMillis } from './pod-defaults.ts'
import { checkResourceValue } from './validate-resources.ts'
import { checkTaintEffect } from './validate-scheduling.ts'

const ROLE_PREFIX = 'node-role.kubernetes.io/'

const address = (object: Readonly<Node>, type: string) => object.status?.addresses?.find((found) => found.type === type)?.address ?? '<none>'

export const node: Kind<Node> = defineKind<Node>({
  group: '', version: 'v1', resource: 'nodes',
  defaults(draft) {
    // One range and many are two views of one field inside the server, and the one wins. k8s: Convert_v1_NodeSpec_To_core_NodeSpec
    const { spec, status } = draft
    if (spec.podCIDR) {
      if (spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR]
    } else if (spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0]
    if (!status) return
    if (status.capacity) roundUpToMillis(status.capacity)
    if (status.allocatable) roundUpToMillis(status.allocatable)
    else if (status.capacity) status.allocatable = { ...status.capacity }
  },
  validate: validateNode,
  updatesWithoutMeta: true,
  validateUpdate: (object, old) => [
    ...validateObjectMeta({ namespaced: false }, object.metadata), ...validateNode(object), ...validateKindMetaUpdate(node, object.metadata, old.metadata), ...validateNodeUpdate(object, old),
  ],
  validateStatusUpdate: validateNodeUpdate,
  strategy: {
    beforeCreate(draft) {
      delete draft.spec?.configSource
      delete draft.status?.config
    },
    warningsOnCreate: nodeWarnings,
    warningsOnUpdate: nodeWarnings,
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      if (!old.spec?.configSource) delete draft.spec?.configSource
    },
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
      if (!old.status?.config) delete draft.status?.config
    },
    allowCreateOnUpdate: false,
  },
  cells: {
    Status(object) {
      const ready = object.status?.conditions?.find((condition) => condition.type === 'Ready')
      const status = !ready ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
      return object.spec.unschedulable ? `${status},SchedulingDisabled` : status
    },
    Roles(object) {
      const roles = new Set<string>()
      for (const [key, value] of Object.entries(object.metadata.labels ?? {})) {
        if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) roles.add(key.slice(ROLE_PREFIX.length))
        else if (key === 'kubernetes.io/role' && value) roles.add(value)
      }
      return [...roles].sort().join(',') || '<none>'
    },
    Version: (object) => object.status?.nodeInfo?.kubeletVersion ?? '',
    'Internal-IP': (object) => address(object, 'InternalIP'),
    'External-IP': (object) => address(object, 'ExternalIP'),
    'OS-Image': (object) => object.status?.nodeInfo?.osImage || '<unknown>',
    'Kernel-Version'(object) {
      const info = object.status?.nodeInfo
      return `${info?.kernelVersion || '<unknown>'}${info?.architecture ? ` (${info.architecture})` : ''}`
    },
    'Container-Runtime': (object) => object.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
  },
  selectableFields: (object) => ({ 'spec.unschedulable': String(object.spec?.unschedulable ?? false) }),
})

/** k8s: validateNodeTaints (whose paths begin with metadata) */
function checkTaints(out: Finding[], { spec }: Readonly<Node>): void {
  const seen = new Set<string>()
  ;(spec.taints ?? []).forEach((taint, i) => {
    const at = `metadata.taints[${i}]`
    checkQualifiedName(out, taint.key, `${at}.key`)
    const problems = labelValueProblems(taint.value ?? '')
    if (problems.length > 0) out.push(invalid(`${at}.value`, taint.value, problems.join(';')))
    checkTaintEffect(out, taint.effect, false, `${at}.effect`)
    const key = `${taint.effect}/${taint.key}`
    if (seen.has(key)) {
      const finding = duplicate(at, { Key: taint.key, Value: taint.value ?? '', Effect: taint.effect, TimeAdded: taint.timeAdded ?? null })
      const body = `${finding.body}: taints must be unique by key and effect pair`
      out.push({ ...finding, body, message: `${at}: ${body}` })
    }
    seen.add(key)
  })
}

function checkResources(out: Finding[], { status }: Readonly<Node>): void {
  for (const list of ['capacity', 'allocatable'] as const) for (const name in status?.[list]) checkResourceValue(out, name, status[list]![name]!, `status.${list}.${name}`)
}

/** k8s: validateNodeDeclaredFeatures */
function checkDeclaredFeatures(out: Finding[], { status }: Readonly<Node>): void {
  ;(status?.declaredFeatures ?? []).forEach((name, i) => {
    if (name.length > 253) out.push(invalid(`status.declaredFeatures[${i}]`, name, `invalid feature name ${JSON.stringify(name)}: must be no more than 253 characters`))
    else if (!/^[A-Z][A-Za-z0-9]*(?:\/[A-Za-z0-9]+)*$/.test(name)) {
      out.push(invalid(`status.declaredFeatures[${i}]`, name, `invalid feature name ${JSON.stringify(name)}: must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes`))
    }
    const next = status!.declaredFeatures![i + 1]
    if (next === name) out.push(duplicate(`status.declaredFeatures[${i + 1}]`, next))
    else if (next !== undefined && name > next) out.push(invalid(`status.declaredFeatures[${i + 1}]`, next, 'list must be sorted alphabetically'))
  })
}

/** k8s: ValidateNode */
function validateNode(node: Readonly<Node>): Finding[] {
  const out: Finding[] = []
  checkTaints(out, node)
  checkResources(out, node)
  const swap = node.status?.nodeInfo?.swap?.capacity
  // The path is upstream's.
  if (swap !== undefined && swap <= 0) out.push(invalid('metadata.nodeSwapStatus.capacity', swap, 'must be greater than zero'))
  checkDeclaredFeatures(out, node)
  const ranges = node.spec?.podCIDRs ?? []
  ranges.forEach((range, i) => out.push(...validateCidr(range, `spec.podCIDRs[${i}]`)))
  const bad = ranges.findIndex((range) => !parseCidr(range))
  if (ranges.length > 1 && bad >= 0) out.push(internalFinding('spec.podCIDRs', `invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[${bad}]: <nil> (invalid CIDR address: ${ranges[bad]})`))
  if (ranges.length > 1 && (ranges.length > 2 || bad >= 0 || new Set(ranges.map((range) => parseCidr(range)?.ip.family)).size < 2)) out.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'))
  return out
}

/** k8s: ValidateNodeUpdate, after ObjectMeta */
function validateNodeUpdate(node: Readonly<Node>, old: Readonly<Node>): Finding[] {
  const out: Finding[] = []
  checkResources(out, node)
  checkDeclaredFeatures(out, node)
  const addresses = new Set<string>()
  ;(node.status?.addresses ?? []).forEach((found, i) => {
    const key = `${found.type}/${found.address}`
    if (addresses.has(key)) out.push(duplicate(`status.addresses[${i}]`, { Type: found.type, Address: found.address }))
    addresses.add(key)
  })
  const before = old.spec?.podCIDRs ?? []
  const now = node.spec?.podCIDRs ?? []
  if (before.length > 0 && (before.length !== now.length || before.some((range, i) => range !== now[i]))) out.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
  if (old.spec?.providerID && old.spec.providerID !== node.spec?.providerID) out.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
  checkTaints(out, node)
  if ((node.spec?.externalID ?? '') !== (old.spec?.externalID ?? '')) out.push(forbidden('spec.externalID', 'may not be updated'))
  return out
}

/** k8s: pkg/registry/core/node fieldIsDeprecatedWarnings */
function nodeWarnings({ spec }: Readonly<Node>): string[] {
  const warnings: string[] = []
  if (spec?.configSource) warnings.push('spec.configSource: the feature is removed')
  if (spec?.externalID) warnings.push('spec.externalID: this field is deprecated, and is unused by Kubernetes')
  spec?.podCIDRs?.forEach((range, i) => warnings.push(...cidrWarnings(range, `spec.podCIDRs[${i}]`)))
  return warnings
}
