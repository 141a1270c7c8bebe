import { apiError, type StatusError } from '../../kinds/status-error.ts'
import { pathSegmentName } from '../../kinds/names.ts'
import type { AdmissionAttributes } from '../seams.ts'

/** The refusal of an admission plugin. Objects that have no name yet go by their generateName. k8s: apiserver/pkg/admission NewForbidden */
export function forbidden(attributes: AdmissionAttributes, why: string): StatusError {
  const { kind, name, object } = attributes
  return apiError.forbidden({ group: kind.group, resource: kind.resource }, name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown', why)
}

/** Whether the request is about this resource itself. */
export function isAbout(attributes: AdmissionAttributes, resource: string, group = ''): boolean {
  return attributes.kind.resource === resource && attributes.kind.group === group && attributes.subresource === ''
}

/** Several errors in one, as Go's aggregate prints them. */
export function aggregated(messages: readonly string[]): string {
  const distinct = [...new Set(messages)]
  return distinct.length === 1 ? distinct[0]! : `[${distinct.join(', ')}]`
}

/** What a client says of a name that can't stand in a path, before it asks anyone. k8s: client-go/rest Request.Name */
export function badPathSegment(name: string): string | undefined {
  if (name === '') return 'resource name may not be empty'
  const problems = pathSegmentName(name, false)
  return problems.length > 0 ? `invalid resource name ${JSON.stringify(name)}: [${problems.join(' ')}]` : undefined
}
