import type { Cluster } from '../cluster/cluster.ts'
import { BrokenPipeError } from '../base/streams.ts'
import type { ByteWriter } from '../base/streams.ts'
import { createTty } from '../unix/tty.ts'
import { utilityPrograms } from '../unix/utilities/list.ts'
import { fetchFromWeb } from './fetch-from-web.ts'
import { Fleet } from './fleet/fleet.ts'
import { MemoryFleetStorage } from './fleet/memory-fleet-storage.ts'
import { imagePrograms, nodePrograms } from './node-programs.ts'
import { nodePlatform } from './platform-node.ts'
import { createHome, createLearnersLaptop, furnishHome, learnerEnvironment, LEARNER, startShell } from './laptop.ts'

/**
 * A terminal of the learner's machine in this terminal; without one, a script from standard input.
 * @returns the shell's exit code.
 */
export async function runShell(cluster: Cluster): Promise<number> {
  const home = createHome(cluster.clock)
  furnishHome(home, cluster)
  const fleet = new Fleet({ platform: nodePlatform, clock: cluster.clock, seed: cluster.seed, storage: new MemoryFleetStorage(), nodePrograms, imagePrograms })
  const laptop = createLearnersLaptop({ cluster, fleet, home, utilities: utilityPrograms('gnu'), outside: fetchFromWeb })
  const output = (stream: NodeJS.WriteStream): ByteWriter => ({
    write: (data) => new Promise((resolve, reject) => stream.write(data, (error) => error ? reject(new BrokenPipeError()) : resolve())),
    close() {},
  })
  try {
    if (!process.stdin.isTTY) {
      let script = ''
      for await (const chunk of process.stdin) script += String(chunk)
      const shell = laptop.start(['bash', '-c', script], { env: learnerEnvironment(), cwd: LEARNER.home, user: LEARNER, stdout: output(process.stdout), stderr: output(process.stderr) })
      return (await shell.wait()).code
    }
    // Terminals that don't know their size say 0.
    const size = () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 })
    const tty = createTty({ ...size(), output: output(process.stdout) })
    process.stdout.on('resize', () => tty.resize(size().columns, size().rows))
    // Keys go to the machine's own line discipline as they are typed.
    process.stdin.setRawMode(true)
    process.stdin.on('data', (data: Buffer) => { tty.type(data.toString('utf8')) })
    const shell = startShell(laptop, { tty, stdin: tty.stdin, stdout: tty.stdout })
    return (await shell.wait()).code
  } finally {
    if (process.stdin.isTTY) process.stdin.setRawMode(false)
    process.stdin.pause()
    await fleet.close()
    await cluster.stop()
  }
}
