/** Pod Security Standards by namespace labels. k8s: plugin/pkg/admission/security/podsecurity, pod-security-admission/admission */
import type { Container, Namespace, ObjectMeta, Pod, PodSpec } from '../../kinds/generated/types.ts'
import { type Finding, invalid } from '../../kinds/findings.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { AdmissionAttributes, AdmissionPlugin, Reader } from '../seams.ts'
import { forbidden } from './forbidden.ts'
import { podSecurityViolations, type Violation } from './pod-security-checks.ts'

type Level = 'privileged' | 'baseline' | 'restricted'

interface LevelVersion {
  level: Level
  /** Infinity: latest. */
  minor: number
}

interface Policy {
  enforce: LevelVersion
  audit: LevelVersion
  warn: LevelVersion
}

/** What holds where a namespace's labels say nothing, and for whom nothing holds. k8s: pod-security-admission/admission/api PodSecurityConfiguration */
export interface PodSecuritySettings {
  /** By mode and `MODE-version`. */
  defaults: Readonly<Record<string, string>>
  exemptions: { usernames: readonly string[]; namespaces: readonly string[]; runtimeClasses: readonly string[] }
}

const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted']
const PREFIX = 'pod-security.kubernetes.io/'
/** Pods of a namespace that a stricter label is held against at most. */
const MAX_PODS_TO_CHECK = 3000
const IGNORED_SUBRESOURCES = ['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']

/** @param settings nothing holds by default, for nobody an exception */
export function podSecurityOf(settings?: PodSecuritySettings): AdmissionPlugin {
  const basics = settings ? policyOf(Object.fromEntries(Object.entries(settings.defaults).map(([mode, value]) => [PREFIX + mode, value]))).policy : NO_POLICY.policy
  const isExempt = ({ user, namespace }: AdmissionAttributes) => settings !== undefined && (settings.exemptions.usernames.includes(user.name) || settings.exemptions.namespaces.includes(namespace))
  const isExemptSpec = (spec: PodSpec | undefined) => settings !== undefined && spec?.runtimeClassName !== undefined && settings.exemptions.runtimeClasses.includes(spec.runtimeClassName)
  return {
    name: 'PodSecurity',
    validate(attributes, { reader }) {
      const { operation, kind, object } = attributes
      if ((operation !== 'CREATE' && operation !== 'UPDATE') || !object) return
      const resource = kind.group ? `${kind.resource}.${kind.group}` : kind.resource
      if (resource === 'namespaces') return checkNamespace(attributes, reader, basics)
      if (isExempt(attributes)) return
      if (resource === 'pods') return isExemptSpec((object as Pod).spec) ? undefined : checkPod(attributes, reader, basics)
      const template = TEMPLATES[resource]
      if (template && attributes.subresource === '' && !isExemptSpec(template(object)?.spec)) checkController(attributes, reader, template, basics)
    },
  }
}

type Template = { metadata?: ObjectMeta; spec?: PodSpec } | undefined

const templateOf = (object: KubeObject): Template => (object.spec as { template?: Template } | undefined)?.template
const TEMPLATES: Readonly<Record<string, (object: KubeObject) => Template>> = {
  'replicationcontrollers': templateOf, 'podtemplates': (object) => object.template as Template, 'replicasets.apps': templateOf, 'deployments.apps': templateOf, 'statefulsets.apps': templateOf,
  'daemonsets.apps': templateOf, 'jobs.batch': templateOf, 'cronjobs.batch': (object) => (object.spec as { jobTemplate?: { spec?: { template?: Template } } } | undefined)?.jobTemplate?.spec?.template,
}

function checkNamespace(attributes: AdmissionAttributes, reader: Reader, basics: Policy): void {
  if (attributes.subresource !== '') return
  const namespace = attributes.object!
  const next = policyOf(namespace.metadata.labels, basics)
  const name = namespace.metadata.name ?? attributes.name
  const old = attributes.oldObject && policyOf(attributes.oldObject.metadata.labels, basics)
  if (next.findings.length > 0 && (!old || JSON.stringify(next.findings) !== JSON.stringify(old.findings))) throw apiError.invalid({ group: '', kind: 'Namespace' }, name, next.findings)
  if (!old) return
  const { enforce } = next.policy
  const before = old.policy.enforce
  if (enforce.level === 'privileged' || (enforce.minor === before.minor && LEVELS.indexOf(enforce.level) <= LEVELS.indexOf(before.level))) return
  for (const warning of existingViolations(reader, name, enforce)) attributes.warn(warning)
}

function checkPod(attributes: AdmissionAttributes, reader: Reader, basics: Policy): void {
  if (IGNORED_SUBRESOURCES.includes(attributes.subresource)) return
  const { policy, findings } = namespacePolicy(reader, attributes.namespace, basics)
  if (findings.length === 0 && isPrivileged(policy)) return
  const pod = attributes.object as Pod
  if (attributes.operation === 'UPDATE' && !isSignificantUpdate(pod, attributes.oldObject as Pod)) return
  evaluate(attributes, policy, findings, pod.metadata, pod.spec, true)
}

function checkController(attributes: AdmissionAttributes, reader: Reader, template: (object: KubeObject) => Template, basics: Policy): void {
  const { policy, findings } = namespacePolicy(reader, attributes.namespace, basics)
  if (findings.length === 0 && policy.warn.level === 'privileged' && policy.audit.level === 'privileged') return
  const found = template(attributes.object!)
  if (found?.spec) evaluate(attributes, policy, findings, found.metadata ?? {}, found.spec, false)
}

function evaluate(attributes: AdmissionAttributes, policy: Policy, findings: readonly Finding[], metadata: ObjectMeta, spec: PodSpec, enforces: boolean): void {
  if (findings.length > 0) attributes.annotate(`${PREFIX}error`, `Failed to parse policy: ${findings.map((f) => f.message).join(', ')}`)
  const violations = ({ level, minor }: LevelVersion) => podSecurityViolations(level, minor, metadata, spec)
  const audited = violations(policy.audit)
  if (audited.length > 0) attributes.annotate(`${PREFIX}audit-violations`, `would violate PodSecurity ${JSON.stringify(textOf(policy.audit))}: ${detailsOf(audited)}`)
  if (enforces) {
    attributes.annotate(`${PREFIX}enforce-policy`, textOf(policy.enforce))
    const enforced = violations(policy.enforce)
    if (enforced.length > 0) throw forbidden(attributes, `violates PodSecurity ${JSON.stringify(textOf(policy.enforce))}: ${detailsOf(enforced)}`)
  }
  const warned = violations(policy.warn)
  if (warned.length > 0) attributes.warn(`would violate PodSecurity ${JSON.stringify(textOf(policy.warn))}: ${detailsOf(warned)}`)
}

const textOf = ({ level, minor }: LevelVersion) => `${level}:${minor === Infinity ? 'latest' : `v1.${minor}`}`
const detailsOf = (violations: readonly Violation[]) => violations.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ')
const isPrivileged = ({ enforce, audit, warn }: Policy) => enforce.level === 'privileged' && audit.level === 'privileged' && warn.level === 'privileged'

function namespacePolicy(reader: Reader, namespace: string, basics: Policy): { policy: Policy; findings: Finding[] } {
  const found = reader.get<Namespace>('namespaces', undefined, namespace)
  if (!found) throw apiError.internal(`failed to lookup namespace ${JSON.stringify(namespace)}`)
  return policyOf(found.metadata.labels, basics)
}

const NO_POLICY: { policy: Policy; findings: Finding[] } = {
  policy: { enforce: { level: 'privileged', minor: Infinity }, audit: { level: 'privileged', minor: Infinity }, warn: { level: 'privileged', minor: Infinity } }, findings: [],
}

/** k8s: pod-security-admission/api PolicyToEvaluate */
function policyOf(labels: Readonly<Record<string, string>> | undefined, basics = NO_POLICY.policy): { policy: Policy; findings: Finding[] } {
  let has = false
  for (const key in labels) if (key.startsWith(PREFIX)) { has = true; break }
  if (!labels || !has) return basics === NO_POLICY.policy ? NO_POLICY : { policy: basics, findings: [] }
  const findings: Finding[] = []
  const read = (mode: 'enforce' | 'audit' | 'warn', onError: Level): LevelVersion => {
    const out: LevelVersion = { ...basics[mode] }
    const level = labels[PREFIX + mode]
    if (level !== undefined) {
      if ((LEVELS as readonly string[]).includes(level)) out.level = level as Level
      else {
        out.level = onError
        findings.push(invalid(`metadata.labels[${PREFIX}${mode}]`, level, `must be one of ${LEVELS.join(', ')}`))
      }
    }
    const version = labels[`${PREFIX}${mode}-version`]
    if (version !== undefined && version !== 'latest') {
      const match = /^v1\.(\d|[1-9]\d*)$/.exec(version)
      if (match) out.minor = Number(match[1])
      else findings.push(invalid(`metadata.labels[${PREFIX}${mode}-version]`, version, 'must be "latest" or "v1.x"'))
    }
    return out
  }
  const enforce = read('enforce', 'restricted')
  const audit = read('audit', 'privileged')
  const warn = read('warn', 'privileged')
  // Whoever enforces is also warned, where controllers make the Pods.
  const validEnforce = (LEVELS as readonly string[]).includes(labels[`${PREFIX}enforce`] ?? '')
  if (labels[`${PREFIX}warn`] === undefined && validEnforce && LEVELS.indexOf(enforce.level) > LEVELS.indexOf(warn.level)) {
    warn.level = enforce.level
    if (labels[`${PREFIX}warn-version`] === undefined) warn.minor = enforce.minor
  }
  return { policy: { enforce, audit, warn }, findings }
}

function isSignificantUpdate(pod: Pod, old: Pod): boolean {
  const differs = (a: readonly Container[] = [], b: readonly Container[] = []) => a.length !== b.length || a.some((container, i) => container.image !== b[i]!.image)
  if (differs(pod.spec.containers, old.spec.containers) || differs(pod.spec.initContainers, old.spec.initContainers)) return true
  return (pod.spec.ephemeralContainers ?? []).some((container) => old.spec.ephemeralContainers?.find((other) => other.name === container.name)?.image !== container.image)
}

/** Warnings for Pods that a stricter level would not let in again. */
function existingViolations(reader: Reader, namespace: string, enforce: LevelVersion): string[] {
  const pods = oneOfEachControllerFirst(reader.list<Pod>('pods', namespace))
  const found = new Map<string, { podName: string; count: number }>()
  for (const pod of pods.slice(0, MAX_PODS_TO_CHECK)) {
    const violations = podSecurityViolations(enforce.level, enforce.minor, pod.metadata, pod.spec)
    if (violations.length === 0) continue
    const reasons = violations.map(({ reason }) => reason).join(', ')
    const known = found.get(reasons)
    if (known) {
      known.count++
      if (pod.metadata.name! < known.podName) known.podName = pod.metadata.name!
    } else found.set(reasons, { podName: pod.metadata.name!, count: 1 })
  }
  const warnings: string[] = []
  if (pods.length > MAX_PODS_TO_CHECK) warnings.push(`new PodSecurity enforce level only checked against the first ${MAX_PODS_TO_CHECK} of ${pods.length} existing pods`)
  if (found.size > 0) warnings.push(`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(textOf(enforce))}`)
  const lines = [...found].map(([reasons, { podName, count }]) => `${podName}${count === 1 ? '' : count === 2 ? ' (and 1 other pod)' : ` (and ${count - 1} other pods)`}: ${reasons}`)
  return [...warnings, ...lines.sort()]
}

function oneOfEachControllerFirst(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>()
  const first: Pod[] = []
  const rest: Pod[] = []
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find((ref) => ref.controller)?.uid
    if (owner !== undefined && seen.has(owner)) rest.push(pod)
    else first.push(pod)
    if (owner !== undefined) seen.add(owner)
  }
  return [...first, ...rest]
}

export const podSecurity = podSecurityOf()
