import { deepEqual } from '../../../base/freeze.ts'
import { checkDnsSubdomain, checkName } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { invalid, required, type Finding } from '../findings.ts'
import type { IPAddress } from '../generated/types.ts'
import { validateCanonicalIp } from '../ip.ts'
import { pathSegmentName } from '../names.ts'
import { IMMUTABLE } from '../validate-metadata.ts'

/** k8s: ValidateIPAddress */
function validateIpAddress({ spec }: Readonly<IPAddress>): Finding[] {
  const parent = spec?.parentRef
  const at = 'spec.parentRef'
  if (!parent) return [required(at)]
  const out: Finding[] = []
  if (parent.group) checkDnsSubdomain(out, parent.group, `${at}.group`)
  for (const field of ['resource', 'name'] as const) {
    if (!parent[field]) out.push(required(`${at}.${field}`))
    else checkName(out, parent[field], pathSegmentName, `${at}.${field}`)
  }
  if (parent.namespace) checkName(out, parent.namespace, pathSegmentName, `${at}.namespace`)
  return out
}

export const ipAddress = defineKind<IPAddress>({
  group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses',
  nameRule: (name) => validateCanonicalIp(name),
  validate: validateIpAddress,
  validateUpdate: (object, old) => (deepEqual(object.spec?.parentRef, old.spec?.parentRef) ? [] : [invalid('spec.parentRef', object.spec?.parentRef, IMMUTABLE)]),
  cells: {
    ParentRef({ spec }) {
      const parent = spec?.parentRef
      if (!parent) return '<none>'
      const resource = `${parent.resource ?? ''}${parent.group ? `.${parent.group}` : ''}`.toLowerCase()
      return `${resource}${parent.namespace ? `/${parent.namespace}` : ''}/${parent.name ?? ''}`
    },
  },
})
