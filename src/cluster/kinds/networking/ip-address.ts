import { defineKind } from '../define-kind.ts'
import type { IPAddress } from '../generated/types.ts'

export const ipAddress = defineKind<IPAddress>({
  group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses',
  cells: {
    ParentRef({ spec }) {
      const parent = spec?.parentRef
      if (!parent) return '<none>'
      const resource = `${parent.resource ?? ''}${parent.group ? `.${parent.group}` : ''}`.toLowerCase()
      return `${resource}${parent.namespace ? `/${parent.namespace}` : ''}/${parent.name ?? ''}`
    },
  },
})
