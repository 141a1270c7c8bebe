import { expect, test } from 'vitest'
import type { Pod } from '../generated/types.ts'
import { adoptAppArmorAnnotations, APP_ARMOR_ANNOTATION } from './profile-annotations.ts'
import { validatePod } from './validate-pod.ts'

const pod = (annotations: Record<string, string>, securityContext: object, ofPod: object = {}): Pod =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'd', annotations }, spec: { containers: [{ name: 'a', image: 'i', securityContext }], securityContext: ofPod } }) as unknown as Pod
const findings = (of: Pod) => validatePod(of).map(({ message }) => message).filter((message) => message.includes('annotation'))

// What kube-apiserver v1.36 says of each.
test('a profile in an annotation and one in a field must be the same', () => {
  const seccomp = { 'container.seccomp.security.alpha.kubernetes.io/a': 'unconfined', 'seccomp.security.alpha.kubernetes.io/pod': 'localhost/x' }
  expect(findings(pod(seccomp, { seccompProfile: { type: 'RuntimeDefault' } }, { seccompProfile: { type: 'Localhost', localhostProfile: 'y' } }))).toEqual([
    'spec.securityContext.seccompProfile.localhostProfile: Forbidden: seccomp profile in annotation and field must match', 'spec.containers[0].securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match',
  ])
  expect(findings(pod({ [`${APP_ARMOR_ANNOTATION}a`]: 'unconfined' }, {}, { appArmorProfile: { type: 'RuntimeDefault' } }))).toEqual(['spec.containers[0].securityContext.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match'])
  expect(findings(pod({ [`${APP_ARMOR_ANNOTATION}a`]: 'runtime/default' }, { appArmorProfile: { type: 'RuntimeDefault' }, seccompProfile: { type: 'Unconfined' } }))).toEqual([])
  expect(findings(pod(seccomp, { seccompProfile: { type: 'constructor' } }))).toEqual([])
})

test('an annotation becomes a field, with a warning; where the field is given there is none', () => {
  const warned = (of: Pod) => { const out: string[] = []; adoptAppArmorAnnotations(of, (text) => out.push(text)); return out.length }
  const annotations = { [`${APP_ARMOR_ANNOTATION}a`]: 'localhost/x' }
  const adopted = pod(annotations, {})
  expect(warned(adopted)).toBe(1)
  expect(adopted.spec.containers[0]!.securityContext!.appArmorProfile).toEqual({ type: 'Localhost', localhostProfile: 'x' })
  expect(warned(pod(annotations, { appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } }))).toBe(0)
  const padded = pod({ [`${APP_ARMOR_ANNOTATION}a`]: 'localhost/ x' }, {})
  expect(warned(padded)).toBe(1)
  expect(padded.spec.containers[0]!.securityContext).toEqual({})
  expect(warned(pod(annotations, {}, { appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } }))).toBe(0)
})
