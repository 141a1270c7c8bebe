/** Rules for what claims ask for. k8s: pkg/apis/core/validation ValidatePersistentVolumeClaimSpec */
import { checkName } from '../checks.ts'
import { givenEmpty } from '../decode.ts'
import { forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import { labelName, subdomainName, type NameRule } from '../names.ts'
import { compareQuantities } from '../quantity.ts'
import type { ObjectMeta } from '../object.ts'
import type { PersistentVolumeClaimSpec, TypedObjectReference } from '../generated/types.ts'
import { validateAnnotations, validateLabels, validateLabelSelector } from '../validate-metadata.ts'
import { checkResourceValue } from './validate-resources.ts'

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']

/** k8s: checks of spec.accessModes in claims and volumes */
export function checkAccessModes(out: Finding[], modes: readonly string[], at: string): void {
  for (const mode of modes) if (!ACCESS_MODES.includes(mode)) out.push(notSupported(at, mode, ACCESS_MODES))
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode))) out.push(forbidden(at, 'may not use ReadWriteOncePod with other access modes'))
}

/** `anyGroup`: groups of sources are not looked at. */
export function validateClaimSpec(out: Finding[], spec: Readonly<PersistentVolumeClaimSpec>, at: string, { anyGroup = false } = {}): void {
  const modes = spec.accessModes ?? []
  if (modes.length === 0) out.push(required(`${at}.accessModes`, 'at least 1 access mode is required'))
  out.push(...validateLabelSelector(spec.selector, `${at}.selector`))
  checkAccessModes(out, modes, `${at}.accessModes`)
  const storage = spec.resources?.requests?.storage
  const here = `${at}.resources[storage]`
  if (storage === undefined) out.push(required(here))
  else if (compareQuantities(storage, '0') <= 0) out.push(invalid(here, storage, 'must be greater than zero'))
  else checkResourceValue(out, 'storage', storage, here)
  if (spec.storageClassName) checkName(out, spec.storageClassName, subdomainName, `${at}.storageClassName`)
  if (spec.volumeMode !== undefined && !['Block', 'Filesystem'].includes(spec.volumeMode)) out.push(notSupported(`${at}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']))
  if (spec.dataSource) checkDataSource(out, spec.dataSource, `${at}.dataSource`, anyGroup)
  if (spec.dataSourceRef) {
    checkDataSource(out, spec.dataSourceRef, `${at}.dataSourceRef`, anyGroup)
    if (spec.dataSourceRef.namespace) checkName(out, spec.dataSourceRef.namespace, labelName, `${at}.dataSourceRef.namespace`)
  }
  // The value shown is a field path, whose JSON form is empty.
  if (spec.dataSourceRef?.namespace) {
    if (spec.dataSource) out.push(invalid(at, {}, 'may not be specified when dataSourceRef.namespace is specified'))
  } else if (spec.dataSource && spec.dataSourceRef) {
    const [a, b] = [spec.dataSource, spec.dataSourceRef]
    if (a.apiGroup !== b.apiGroup || a.kind !== b.kind || a.name !== b.name) out.push(invalid(at, {}, 'must match dataSourceRef'))
  }
  if (spec.volumeAttributesClassName) checkName(out, spec.volumeAttributesClassName, subdomainName, `${at}.volumeAttributesClassName`)
}

function checkDataSource(out: Finding[], source: Readonly<TypedObjectReference>, at: string, anyGroup: boolean): void {
  if (!source.name) out.push(required(`${at}.name`))
  if (!source.kind) out.push(required(`${at}.kind`))
  if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim') out.push(invalid(at, source.kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
  if (source.apiGroup && !anyGroup) checkName(out, source.apiGroup, subdomainName as NameRule, `${at}.apiGroup`)
}

/** k8s: ValidatePersistentVolumeClaimTemplate */
export function validateClaimTemplate(out: Finding[], template: Readonly<{ metadata?: ObjectMeta; spec: PersistentVolumeClaimSpec }>, at: string): void {
  checkTemplateMeta(out, template.metadata ?? {}, `${at}.metadata`)
  validateClaimSpec(out, template.spec, `${at}.spec`)
}

/** Templates of objects may give labels and annotations only. k8s: ValidateTemplateObjectMeta */
export function checkTemplateMeta(out: Finding[], meta: Readonly<ObjectMeta>, at: string): void {
  out.push(...validateAnnotations(meta.annotations ?? {}, `${at}.annotations`), ...validateLabels(meta.labels ?? {}, `${at}.labels`))
  for (const field of Object.keys(meta)) if (field !== 'labels' && field !== 'annotations') out.push(forbidden(`${at}.${field === 'uid' ? 'uID' : field}`, 'cannot be set'))
  for (const field of ['ownerReferences', 'finalizers', 'managedFields']) if (givenEmpty(meta, field)) out.push(forbidden(`${at}.${field}`, 'cannot be set'))
}
