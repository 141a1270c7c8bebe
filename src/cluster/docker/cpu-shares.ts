/** What a container asks of the processors. */
export interface CpuDemand {
  id: string
  /** In per cent of one processor. */
  percent: number
  /** 1024 for one whole. */
  weight: number
  /** The processors that it may use (`0-2,4`); empty: all. */
  cpuset: string
}

/** The processors of a list such as `0-2,4`; none for an empty one, undefined for what is no list. */
export function cpusetOf(text: string): number[] | undefined {
  if (text === '') return []
  if (!/^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/.test(text)) return undefined
  return text.split(',').flatMap((part) => { const [first, last] = part.split('-').map(Number); return Array.from({ length: (last ?? first!) - first! + 1 }, (_, i) => first! + i) })
}

/**
 * What each container gets of the processors, in per cent of one: as much as it wants as long as there is enough, otherwise what its weight says.
 * Those that are bound to the same processors share these; the others share what is left.
 */
export function sharedCpu(demands: readonly CpuDemand[], cpus: number): Map<string, number> {
  const got = new Map<string, number>()
  const bound = new Map<string, CpuDemand[]>()
  for (const demand of demands) if (demand.cpuset !== '') bound.set(demand.cpuset, [...bound.get(demand.cpuset) ?? [], demand])
  for (const [cpuset, group] of bound) share(group, cpusetOf(cpuset)!.length * 100, got)
  const used = [...got.values()].reduce((sum, percent) => sum + percent, 0)
  share(demands.filter(({ cpuset }) => cpuset === ''), Math.max(0, cpus * 100 - used), got)
  return got
}

function share(demands: readonly CpuDemand[], available: number, got: Map<string, number>): void {
  let left = available
  let open = demands
  while (open.length > 0) {
    const weights = open.reduce((sum, { weight }) => sum + weight, 0)
    const content = open.filter(({ percent, weight }) => percent <= left * weight / weights)
    if (content.length === 0) { for (const { id, weight } of open) got.set(id, left * weight / weights); return }
    for (const { id, percent } of content) { got.set(id, percent); left -= percent }
    open = open.filter((each) => !content.includes(each))
  }
}
