/** Security profiles that old clients write as annotations. k8s: ValidatePodCreate, ValidatePodTemplateSpec, applyAppArmorVersionSkew */
import { deepEqual } from '../../../base/freeze.ts'
import { forbidden, type Finding } from '../findings.ts'
import type { AppArmorProfile, Container, Pod, PodSpec, SeccompProfile } from '../generated/types.ts'
import { checkAppArmorProfile } from './validate-security.ts'

/** Before a container's name. k8s: DeprecatedAppArmorAnnotationKeyPrefix */
export const APP_ARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/'
/** k8s: SeccompPodAnnotationKey */
export const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod'
/** Before a container's name. k8s: SeccompContainerAnnotationKeyPrefix */
export const SECCOMP_CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/'

/** The field that an annotation stands for; undefined for what it can't. k8s: ApparmorFieldForAnnotation */
export function appArmorProfileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' }
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' }
  const localhostProfile = /^localhost\/(.+)$/s.exec(annotation)?.[1]
  return localhostProfile === undefined ? undefined : { type: 'Localhost', localhostProfile }
}

/** What is said of a container's annotation. `prefix`: the path of what has the metadata, with its dot. */
export const appArmorWarning = (container: string, prefix: string): string => `${prefix}metadata.annotations[${APP_ARMOR_ANNOTATION}${container}]: deprecated since v1.30; use the "appArmorProfile" field instead`

/** What names no profile that a field may name becomes none. */
function validProfileOf(annotation: string): AppArmorProfile | undefined {
  const problems: Finding[] = []
  const profile = appArmorProfileOf(annotation)
  checkAppArmorProfile(problems, profile, '')
  return problems.length === 0 ? profile : undefined
}

/** What annotations say of AppArmor becomes fields where there are none, with a warning. k8s: applyAppArmorVersionSkew */
export function adoptAppArmorAnnotations({ metadata, spec }: Pod, warn: (text: string) => void): void {
  if (!metadata.annotations || spec.os?.name === 'windows') return
  for (const container of [...spec.initContainers ?? [], ...spec.containers ?? []]) {
    const annotation = metadata.annotations[APP_ARMOR_ANNOTATION + container.name]
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue
    const profile = validProfileOf(annotation)
    if (profile && deepEqual(profile, spec.securityContext?.appArmorProfile)) continue
    if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile }
    warn(appArmorWarning(container.name, ''))
  }
}

/** Annotations and fields that both name a profile must name the same. `at`: of the spec. */
export function checkProfileAnnotations(out: Finding[], annotations: Readonly<Record<string, string>> | undefined, spec: Readonly<PodSpec>, at: string): void {
  if (!annotations) return
  const containers = (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) => ((spec[list] ?? []) as Container[]).map((container, i) => ({ container, at: `${at}.${list}[${i}].securityContext` })))
  checkMatch(out, 'seccomp', annotations[SECCOMP_POD_ANNOTATION], spec.securityContext?.seccompProfile, `${at}.securityContext.seccompProfile`)
  for (const { container, at } of containers) checkMatch(out, 'seccomp', annotations[SECCOMP_CONTAINER_ANNOTATION + container.name], container.securityContext?.seccompProfile, `${at}.seccompProfile`)
  if (spec.os?.name === 'windows') return
  for (const { container, at } of containers) checkMatch(out, 'apparmor', annotations[APP_ARMOR_ANNOTATION + container.name], container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile, `${at}.appArmorProfile`)
}

/** How annotations spell the types of fields. */
const SPELLINGS: Readonly<Record<'seccomp' | 'apparmor', Readonly<Record<string, readonly string[]>>>> = {
  seccomp: { Unconfined: ['unconfined'], RuntimeDefault: ['runtime/default', 'docker/default'] },
  apparmor: { Unconfined: ['unconfined'], RuntimeDefault: ['runtime/default'] },
}

function checkMatch(out: Finding[], what: 'seccomp' | 'apparmor', annotation: string | undefined, profile: SeccompProfile | AppArmorProfile | undefined, at: string): void {
  if (annotation === undefined || !profile) return
  const isLocal = profile.type === 'Localhost'
  const known = Object.hasOwn(SPELLINGS[what], profile.type) ? SPELLINGS[what][profile.type] : undefined
  if (isLocal ? !annotation.startsWith('localhost/') : known && !known.includes(annotation)) out.push(forbidden(`${at}.type`, `${what} type in annotation and field must match`))
  else if (isLocal && annotation.slice('localhost/'.length) !== profile.localhostProfile) out.push(forbidden(`${at}.localhostProfile`, `${what} profile in annotation and field must match`))
}
