/** Security profiles that old clients write as annotations. k8s: ValidatePodCreate, ValidatePodTemplateSpec, applyAppArmorVersionSkew */
import { deepEqual } from '../../../base/freeze.ts'
import { forbidden, type Finding } from '../findings.ts'
import type { AppArmorProfile, Container, Pod, PodSpec, SeccompProfile } from '../generated/types.ts'

export const APP_ARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/'
const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod'
export const SECCOMP_CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/'

/** The field that an annotation stands for; undefined for what it can't. k8s: ApparmorFieldForAnnotation */
export function appArmorProfileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' }
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' }
  const localhostProfile = /^localhost\/(.+)$/s.exec(annotation)?.[1]
  return localhostProfile === undefined ? undefined : { type: 'Localhost', localhostProfile }
}

export const appArmorWarning = (container: string, prefix: string): string => `${prefix}metadata.annotations[${APP_ARMOR_ANNOTATION}${container}]: deprecated since v1.30; use the "appArmorProfile" field instead`

/** What annotations say of AppArmor becomes fields where there are none, with a warning. k8s: applyAppArmorVersionSkew */
export function adoptAppArmorAnnotations({ metadata, spec }: Pod, warn: (text: string) => void): void {
  if (!metadata.annotations || spec.os?.name === 'windows') return
  for (const container of [...spec.initContainers ?? [], ...spec.containers ?? []]) {
    const annotation = metadata.annotations[APP_ARMOR_ANNOTATION + container.name]
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue
    const profile = appArmorProfileOf(annotation)
    if (profile && deepEqual(profile, spec.securityContext?.appArmorProfile)) continue
    if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile }
    warn(appArmorWarning(container.name, ''))
  }
}

/** Annotations and fields that both name a profile must name the same. `at`: of the spec. */
export function checkProfileAnnotations(out: Finding[], annotations: Readonly<Record<string, string>> | undefined, spec: Readonly<PodSpec>, at: string): void {
  if (!annotations) return
  const containers = (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) => ((spec[list] ?? []) as Container[]).map((container, i) => ({ container, at: `${at}.${list}[${i}].securityContext` })))
  checkSeccomp(out, annotations[SECCOMP_POD_ANNOTATION], spec.securityContext?.seccompProfile, `${at}.securityContext.seccompProfile`)
  for (const { container, at } of containers) checkSeccomp(out, annotations[SECCOMP_CONTAINER_ANNOTATION + container.name], container.securityContext?.seccompProfile, `${at}.seccompProfile`)
  if (spec.os?.name === 'windows') return
  for (const { container, at } of containers) checkAppArmor(out, annotations[APP_ARMOR_ANNOTATION + container.name], container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile, `${at}.appArmorProfile`)
}

function checkSeccomp(out: Finding[], annotation: string | undefined, profile: SeccompProfile | undefined, at: string): void {
  const named: Record<string, readonly string[]> = { Unconfined: ['unconfined'], RuntimeDefault: ['runtime/default', 'docker/default'] }
  checkMatch(out, 'seccomp', annotation, profile, named, at)
}

function checkAppArmor(out: Finding[], annotation: string | undefined, profile: AppArmorProfile | undefined, at: string): void {
  checkMatch(out, 'apparmor', annotation, profile, { Unconfined: ['unconfined'], RuntimeDefault: ['runtime/default'] }, at)
}

function checkMatch(out: Finding[], what: string, annotation: string | undefined, profile: SeccompProfile | AppArmorProfile | undefined, named: Readonly<Record<string, readonly string[]>>, at: string): void {
  if (annotation === undefined || !profile) return
  const isLocal = profile.type === 'Localhost'
  const known = named[profile.type ?? '']
  if (isLocal ? !annotation.startsWith('localhost/') : known && !known.includes(annotation)) out.push(forbidden(`${at}.type`, `${what} type in annotation and field must match`))
  else if (isLocal && annotation.slice('localhost/'.length) !== profile.localhostProfile) out.push(forbidden(`${at}.localhostProfile`, `${what} profile in annotation and field must match`))
}
