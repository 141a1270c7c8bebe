import { defineKind } from '../define-kind.ts'
import type { Node } from '../generated/types.ts'
import { keep } from '../strategies.ts'
import { roundUpToMillis } from './pod-defaults.ts'

const ROLE_PREFIX = 'node-role.kubernetes.io/'

const address = (object: Readonly<Node>, type: string) => object.status?.addresses?.find((found) => found.type === type)?.address ?? '<none>'

export const node = defineKind<Node>({
  group: '', version: 'v1', resource: 'nodes',
  defaults(draft) {
    const status = draft.status
    if (!status) return
    if (status.capacity) roundUpToMillis(status.capacity)
    if (status.allocatable) roundUpToMillis(status.allocatable)
    else if (status.capacity) status.allocatable = { ...status.capacity }
    // One range and many are two views of one field inside the server.
    const { spec } = draft
    if (spec.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR]
    else if (!spec.podCIDR && spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0]
  },
  strategy: {
    beforeUpdate: (draft, old) => keep(draft, old, 'status'),
    beforeStatusUpdate: (draft, old) => keep(draft, old, 'spec'),
    allowCreateOnUpdate: false,
  },
  cells: {
    Status(object) {
      const ready = object.status?.conditions?.find((condition) => condition.type === 'Ready')
      const status = !ready ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
      return object.spec.unschedulable ? `${status},SchedulingDisabled` : status
    },
    Roles(object) {
      const roles = new Set<string>()
      for (const [key, value] of Object.entries(object.metadata.labels ?? {})) {
        if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) roles.add(key.slice(ROLE_PREFIX.length))
        else if (key === 'kubernetes.io/role' && value) roles.add(value)
      }
      return [...roles].sort().join(',') || '<none>'
    },
    Version: (object) => object.status?.nodeInfo?.kubeletVersion ?? '',
    'Internal-IP': (object) => address(object, 'InternalIP'),
    'External-IP': (object) => address(object, 'ExternalIP'),
    'OS-Image': (object) => object.status?.nodeInfo?.osImage || '<unknown>',
    'Kernel-Version'(object) {
      const info = object.status?.nodeInfo
      return `${info?.kernelVersion || '<unknown>'}${info?.architecture ? ` (${info.architecture})` : ''}`
    },
    'Container-Runtime': (object) => object.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
  },
  selectableFields: (object) => ({ 'spec.unschedulable': String(object.spec?.unschedulable ?? false) }),
})
