import type { Clock } from '../../base/clock.ts'
import type { PacketFilter } from '../../unix/types.ts'

/** By whose rules they are: what makes a filter of them. */
const MAKERS: Readonly<Record<string, () => Promise<(rules: unknown) => PacketFilter>>> = {
  calico: async () => (await import('../calico/policy/policy-filter.ts')).recallPolicyFilter,
}

/** A filter of rules that an agent left before this process began. What makes it is loaded now; until then, and of rules that nobody can read, it lets nothing through. */
export function recallFilter(owner: string, rules: unknown, clock: Clock): PacketFilter {
  let filter: PacketFilter | undefined
  const load = async () => { filter = (await MAKERS[owner]?.())?.(rules) }
  void clock.outside(load()).catch(() => {})
  return {
    owner, coversOwnNode: true, keep: () => rules,
    allowsEgress: (packet) => filter?.allowsEgress(packet) ?? false, allowsIngress: (packet) => filter?.allowsIngress(packet) ?? false,
  }
}
