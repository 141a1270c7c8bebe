import type { AuthorizationAttributes, Authorizer, Decision } from '../seams.ts'

const MASTERS = 'system:masters'
const ALLOWED: Decision = Object.freeze({ allowed: true })

/** Members of system:masters may do anything; for others the authorizers are asked in turn. k8s: apiserver/pkg/authorization/union */
export function unionAuthorizer(...authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(attributes: AuthorizationAttributes): Decision {
      if (attributes.user.groups.includes(MASTERS)) return ALLOWED
      let reasons = ''
      for (const authorizer of authorizers) {
        const decision = authorizer.authorize(attributes)
        if (decision.allowed || decision.denied) return decision
        if (decision.reason) reasons = reasons ? `${reasons}\n${decision.reason}` : decision.reason
      }
      return reasons ? { allowed: false, reason: reasons } : { allowed: false }
    },
  }
}
