import { defineKind } from '../define-kind.ts'
import type { ResourceQuota } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'
import { roundUpToMillis } from './pod-defaults.ts'

/** Used of hard, for the resources that `pick` takes. k8s: printResourceQuota */
function usage({ status }: Readonly<ResourceQuota>, pick: (name: string) => boolean): string {
  return Object.keys(status?.hard ?? {}).filter(pick).sort().map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status!.hard![name]}`).join(', ')
}

const isLimit = (name: string) => name.startsWith('limits.')

export const resourceQuota = defineKind<ResourceQuota>({
  group: '', version: 'v1', resource: 'resourcequotas',
  defaults({ spec, status }) {
    for (const list of [spec.hard, status?.hard, status?.used]) if (list) roundUpToMillis(list)
  },
  strategy: specAndStatus<ResourceQuota>('io.k8s.api.core.v1.ResourceQuotaStatus', { generation: false }),
  cells: { Request: (object) => usage(object, (name) => !isLimit(name)), Limit: (object) => usage(object, isLimit) },
})
