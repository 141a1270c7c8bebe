import type { Cluster } from '../cluster/cluster.ts'

/** A terminal of the learner's machine in this terminal. */
export async function runShell(cluster: Cluster): Promise<number> {
  await cluster.stop()
  process.stderr.write('drydock: the shell is not available yet\n')
  return 1
}
