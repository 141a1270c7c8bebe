import { apiError, StatusError } from '../kinds/status-error.ts'
import type { AuthorizationAttributes, Authorizer } from './seams.ts'

/** @throws StatusError 403 in upstream's words. k8s: endpoints/filters WithAuthorization, responsewriters Forbidden */
export function checkAccess(authorizer: Authorizer, attributes: AuthorizationAttributes): void {
  const decision = authorizer.authorize(attributes)
  if (!decision.allowed) throw forbiddenError(attributes, decision.reason)
}

export function forbiddenError(attributes: AuthorizationAttributes, reason?: string): StatusError {
  const text = forbiddenText(attributes)
  const resource = attributes.resourceRequest ? attributes.resource : ''
  const error = apiError.forbidden({ group: attributes.resourceRequest ? attributes.group : '', resource }, attributes.resourceRequest ? attributes.name : '', reason ? `${text}: ${reason}` : text)
  denials.add(error)
  return error
}

const denials = new WeakSet<StatusError>()

/** Whether an error says that the authorizer said no, and not an admission plugin. */
export function isDenial(error: StatusError): boolean {
  return denials.has(error)
}

function forbiddenText({ user, verb, path, resource, subresource, group, namespace, resourceRequest }: AuthorizationAttributes): string {
  const name = JSON.stringify(user.name)
  if (!resourceRequest) return `User ${name} cannot ${verb} path ${JSON.stringify(path)}`
  const full = subresource ? `${resource}/${subresource}` : resource
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope'
  return `User ${name} cannot ${verb} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}`
}
