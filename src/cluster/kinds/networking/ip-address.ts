import { deepEqual } from '../../../base/freeze.ts'
import { checkDnsSubdomain, checkName } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { invalid, required, type Finding } from '../findings.ts'
import type { IPAddress, IPAddressSpec } from '../generated/types.ts'
import { validateCanonicalIp } from '../ip.ts'
import { pathSegmentName } from '../names.ts'
import type { Kind } from '../kind.ts'
import { IMMUTABLE, validateKindMetaUpdate, validateObjectMeta } from '../validate-metadata.ts'

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

const shownParent = (parent: IPAddressSpec['parentRef'] | undefined) => parent ? { Group: parent.group ?? '', Resource: parent.resource ?? '', Namespace: parent.namespace ?? '', Name: parent.name ?? '' } : null

export const ipAddress: Kind<IPAddress> = defineKind<IPAddress>({
  group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses',
  nameRule: (name) => validateCanonicalIp(name),
  validate: validateIpAddress,
  updatesWithoutMeta: true,
  validateUpdate: (object, old) => [
    ...validateObjectMeta(ipAddress, object.metadata), ...validateIpAddress(object), ...validateKindMetaUpdate(ipAddress, object.metadata, old.metadata),
    ...(deepEqual(object.spec?.parentRef ?? null, old.spec?.parentRef ?? null) ? [] : [invalid('spec.parentRef', shownParent(object.spec?.parentRef), IMMUTABLE)]),
  ],
  cells: {
    ParentRef({ spec }) {
      const parent = spec?.parentRef
      if (!parent) return '<none>'
      const resource = `${parent.resource ?? ''}${parent.group ? `.${parent.group}` : ''}`.toLowerCase()
      return `${resource}${parent.namespace ? `/${parent.namespace}` : ''}/${parent.name ?? ''}`
    },
  },
})
