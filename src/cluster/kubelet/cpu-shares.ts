/** What a container would use of the CPU if it had the node for itself, and what counts when it hasn't. */
export interface CpuDemand {
  /** Cores. */
  wanted: number
  /** Thousandths of a core that it requests. */
  requestMillis: number
}

/** Weight in cgroups; without a request the least there is. k8s: pkg/kubelet/cm MilliCPUToShares */
const sharesOf = (requestMillis: number) => Math.max(2, Math.floor(requestMillis * 1024 / 1000))

/** Who gets how much of the node's cores: by weight, and nobody more than they want. Pure. */
export function shareCpu(demands: readonly CpuDemand[], cores: number): number[] {
  const given = demands.map(() => 0)
  let open = demands.map((_, i) => i)
  let left = cores
  while (open.length > 0) {
    const weights = open.reduce((sum, i) => sum + sharesOf(demands[i]!.requestMillis), 0)
    const satisfied = open.filter((i) => demands[i]!.wanted <= left * sharesOf(demands[i]!.requestMillis) / weights)
    if (satisfied.length === 0) {
      for (const i of open) given[i] = left * sharesOf(demands[i]!.requestMillis) / weights
      break
    }
    for (const i of satisfied) {
      given[i] = demands[i]!.wanted
      left -= given[i]!
    }
    open = open.filter((i) => !satisfied.includes(i))
  }
  return given
}
