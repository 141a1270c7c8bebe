import { listWithMore } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { Endpoints } from '../generated/types.ts'

export const endpoints = defineKind<Endpoints>({
  group: '', version: 'v1', resource: 'endpoints',
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  defaults(draft) {
    for (const subset of draft.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ??= 'TCP'
  },
  strategy: { allowCreateOnUpdate: true },
  cells: {
    Endpoints({ subsets }) {
      if (!subsets?.length) return '<none>'
      const hosts = subsets.flatMap(({ addresses = [], ports = [] }) =>
        ports.length === 0 ? addresses.map((address) => address.ip) : ports.flatMap((port) => addresses.map((address) => `${address.ip.includes(':') ? `[${address.ip}]` : address.ip}:${port.port}`)))
      return listWithMore(hosts)
    },
  },
})
