import { givenEmpty } from '../decode.ts'
import { defineKind } from '../define-kind.ts'
import { invalid, required, type Finding } from '../findings.ts'
import type { ServiceCIDR } from '../generated/types.ts'
import { parseSloppyCidr, plainIp, validateCidr } from '../ip.ts'
import { keepMetadata, specAndStatus } from '../strategies.ts'
import { IMMUTABLE } from '../validate-metadata.ts'

/** k8s: validateServiceCIDRSpec */
function validateServiceCidr({ spec }: Readonly<ServiceCIDR>): Finding[] {
  const ranges = spec?.cidrs ?? []
  const at = 'spec.cidrs'
  if (ranges.length === 0) return [required(at, 'at least one CIDR required')]
  if (ranges.length > 2) return [invalid(at, { CIDRs: ranges }, 'may only hold up to 2 values')]
  const out = ranges.flatMap((range, i) => validateCidr(range, `${at}[${i}]`, { canonical: true }))
  const families = ranges.map(parseSloppyCidr).map((range) => range && plainIp(range.ip).family)
  if (families.length === 2 && families[0] && families[0] === families[1]) out.push(invalid(at, ranges, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'))
  return out
}

/** k8s: ValidateServiceCIDRUpdate: a second range may be added, nothing else changed */
function validateServiceCidrUpdate(object: Readonly<ServiceCIDR>, old: Readonly<ServiceCIDR>): Finding[] {
  const ranges = object.spec?.cidrs ?? []
  const before = old.spec?.cidrs ?? []
  if (before.length !== ranges.length && !(before.length === 1 && ranges.length === 2)) return [invalid('spec.cidrs', object.spec?.cidrs ?? (givenEmpty(object.spec, 'cidrs') ? [] : null), IMMUTABLE)]
  const out = before.flatMap((range, i) => (range === ranges[i] ? [] : [invalid(`spec.cidrs[${i}]`, ranges[i], IMMUTABLE)]))
  return before.length === ranges.length ? out : out.concat(validateServiceCidr(object))
}

const STATUS_STRATEGY = specAndStatus<ServiceCIDR>('io.k8s.api.networking.v1.ServiceCIDRStatus', { generation: false })

export const serviceCIDR = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs',
  validate: validateServiceCidr,
  validateUpdate: validateServiceCidrUpdate,
  strategy: {
    ...STATUS_STRATEGY,
    beforeStatusUpdate(draft, old, context) {
      STATUS_STRATEGY.beforeStatusUpdate(draft, old, context)
      keepMetadata(draft, old)
    },
  },
  cells: { CIDRs: ({ spec }) => (spec?.cidrs ?? []).join(',') },
})
