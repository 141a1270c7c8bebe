/** Rules for resource lists. k8s: pkg/apis/core/validation, pkg/apis/core/helper */
import { checkDnsLabel, checkNotNegativeQuantity } from '../checks.ts'
import { duplicate, forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import { labelKeyProblems } from '../names.ts'
import { compareQuantities, parseQuantity } from '../quantity.ts'
import type { ResourceRequirements } from '../generated/types.ts'

const STANDARD = new Set([
  'cpu', 'memory', 'ephemeral-storage', 'requests.cpu', 'requests.memory', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage', 'pods', 'services',
  'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims', 'storage', 'requests.storage', 'services.nodeports', 'services.loadbalancers', 'resourcequotas',
])
const STANDARD_QUOTA = new Set([
  'cpu', 'memory', 'ephemeral-storage', 'requests.cpu', 'requests.memory', 'requests.storage', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage', 'pods',
  'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'persistentvolumeclaims', 'configmaps', 'services.nodeports', 'services.loadbalancers',
])
/** k8s: IsStandardQuotaResourceName */
export const isStandardQuotaResource = (name: string) => STANDARD_QUOTA.has(name) || isQuotaHugePage(name)
const CONTAINER = new Set(['cpu', 'memory', 'ephemeral-storage'])
const INTEGER = new Set(['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers'])

export const isHugePage = (name: string) => name.startsWith('hugepages-')
const isQuotaHugePage = (name: string) => isHugePage(name) || name.startsWith('requests.hugepages-')
const isNative = (name: string) => !name.includes('/') || name.includes('kubernetes.io/')
/** k8s: IsExtendedResourceName */
export function isExtendedResource(name: string): boolean {
  if (isNative(name) || name.startsWith('requests.')) return false
  return labelKeyProblems(`requests.${name}`).length === 0
}
const overcommits = (name: string) => isNative(name) && !isHugePage(name)
const isInteger = (name: string) => INTEGER.has(name) || isExtendedResource(name)

/** k8s: validateResourceName */
export function checkResourceName(out: Finding[], name: string, at: string): boolean {
  const problems = labelKeyProblems(name)
  for (const problem of problems) out.push(invalid(at, name, problem))
  if (problems.length > 0) return false
  if (!name.includes('/') && !STANDARD.has(name) && !isQuotaHugePage(name)) {
    out.push(invalid(at, name, 'must be a standard resource type or fully qualified'))
    return false
  }
  return true
}

/** k8s: validateContainerResourceName */
export function checkContainerResourceName(out: Finding[], name: string, at: string): void {
  if (CONTAINER.has(name)) return
  checkResourceName(out, name, at)
  if (!name.includes('/')) {
    if (!isHugePage(name)) out.push(invalid(at, name, 'must be a standard resource for containers'))
  } else if (!isNative(name) && !isExtendedResource(name)) out.push(invalid(at, name, "doesn't follow extended resource name standard"))
}

function checkPodResourceName(out: Finding[], name: string, at: string): void {
  if (checkResourceName(out, name, at) && name !== 'cpu' && name !== 'memory' && !isHugePage(name)) out.push(notSupported(at, name, ['cpu', 'hugepages-', 'memory']))
}

/** k8s: ValidateResourceQuotaResourceName */
export function checkQuotaResourceName(out: Finding[], name: string, at: string): void {
  checkResourceName(out, name, at)
  if (!name.includes('/') && !STANDARD_QUOTA.has(name) && !isQuotaHugePage(name)) out.push(invalid(at, name, 'must be a standard resource for quota'))
}

/** k8s: ValidateResourceQuantityValue */
export function checkResourceValue(out: Finding[], name: string, value: string, at: string): void {
  checkNotNegativeQuantity(out, value, at)
  if (!CONTAINER.has(name) && isInteger(name) && parseQuantity(value).nanos % 1_000_000_000n !== 0n) out.push(invalid(at, value, 'must be an integer'))
}

function checkHugePageValue(out: Finding[], name: string, value: string, at: string): void {
  const size = parseQuantity(name.slice('hugepages-'.length)).nanos
  const quantity = parseQuantity(value).nanos
  if (size <= 0n || quantity % size !== 0n) out.push(invalid(at, value, `${value} is not positive integer multiple of ${name}`))
}

/** k8s: ValidateContainerResourceRequirements, validatePodResourceRequirements */
export function validateResourceRequirements(out: Finding[], resources: Readonly<ResourceRequirements> | undefined, claimNames: readonly string[], at: string, level: 'container' | 'pod' = 'container'): void {
  if (!resources) return
  const { limits, requests, claims } = resources
  if (!limits && !requests && !claims) return
  const checkResource = level === 'pod' ? checkPodResourceName : checkContainerResourceName
  let usesComputing = false
  let usesHugePages = false
  for (const name in limits) {
    const here = `${at}.limits[${name}]`
    checkResource(out, name, here)
    checkResourceValue(out, name, limits[name]!, here)
    if (isHugePage(name)) {
      usesHugePages = true
      checkHugePageValue(out, name, limits[name]!, here)
    }
    if (name === 'cpu' || name === 'memory') usesComputing = true
  }
  for (const name in requests) {
    const here = `${at}.requests[${name}]`
    const value = requests[name]!
    checkResource(out, name, here)
    checkResourceValue(out, name, value, here)
    const limit = limits && Object.hasOwn(limits, name) ? limits[name] : undefined
    if (limit !== undefined) {
      const order = limit === value ? 0 : compareQuantities(value, limit)
      if (order !== 0 && !overcommits(name)) out.push(invalid(`${at}.requests`, value, `must be equal to ${name} limit of ${limit}`))
      else if (order > 0) out.push(invalid(`${at}.requests`, value, `must be less than or equal to ${name} limit of ${limit}`))
    } else if (!overcommits(name)) out.push(required(`${at}.limits`, 'Limit must be set for non overcommitable resources'))
    if (isHugePage(name)) {
      usesHugePages = true
      checkHugePageValue(out, name, value, here)
    }
    if (name === 'cpu' || name === 'memory') usesComputing = true
  }
  if (usesHugePages && !usesComputing) out.push(forbidden(at, 'HugePages require cpu or memory'))
  const seen = new Set<string>()
  ;(claims ?? []).forEach(({ name, request }, i) => {
    const here = `${at}.claims[${i}]`
    if (!name) {
      out.push(required(here))
      return
    }
    const key = request ? `${name}/${request}` : name
    if (request) checkDnsLabel(out, request, `${here}.request`)
    if (seen.has(key) || seen.has(name) || (!request && [...seen].some((known) => known.startsWith(`${name}/`)))) out.push(duplicate(here, key))
    seen.add(key)
    if (!claimNames.includes(name)) {
      const hint = `must be one of the names in pod.spec.resourceClaims${claimNames.length === 0 ? ' which is empty' : `: ${[...claimNames].sort().join(', ')}`}`
      const body = `Not found: ${JSON.stringify(name)}: ${hint}`
      out.push({ type: 'FieldValueNotFound', field: here, body, message: `${here}: ${body}` })
    }
  })
}

