import { readAll, createPipe } from '../src/base/streams.ts'
import { createCluster } from '../src/cluster/cluster.ts'
import type { Cluster, ClusterSnapshot } from '../src/cluster/cluster.ts'
import type { Topology } from '../src/cluster/topology.ts'
import { createHome, createLearnersLaptop, furnishHome, learnerEnvironment, LEARNER } from '../src/host/laptop.ts'
import { lookAtFiles, restoreFiles } from '../src/host/persistence/stored-file.ts'
import type { StoredFile } from '../src/host/persistence/stored-file.ts'
import { Fleet } from '../src/host/fleet/fleet.ts'
import { MemoryFleetStorage } from '../src/host/fleet/memory-fleet-storage.ts'
import { askCluster, furtherClusters } from '../src/host/lesson-clusters.ts'
import { imagePrograms, nodePrograms } from '../src/host/node-programs.ts'
import { nodePlatform } from '../src/host/platform-node.ts'
import { checkGoal } from '../src/lessons/check.ts'
import type { Goal } from '../src/lessons/goal.ts'
import { utilityPrograms } from '../src/unix/utilities/list.ts'
import { withOwnMounts } from '../src/unix/file-system.ts'
import type { Machine, MountableFileSystem } from '../src/unix/types.ts'
import { OrderedClock } from './ordered-clock.ts'

// Parts of kubectl that are loaded when first used: loading takes real time, which a stepped clock would leap over.
import '../src/unix/git/git.ts'
import '../src/unix/openssl/openssl.ts'
import '../src/host/virsh.ts'
import '../src/host/libvirt/libvirt.ts'
import '../src/host/kind/kind.ts'
import '../src/host/minikube/minikube.ts'
import '../src/host/cloud/gcloud.ts'
import '../src/host/cloud/az.ts'
import '../src/host/cloud/eksctl.ts'
import '../src/host/cloud/load-balancers.ts'
import '../src/cli/helm/helm.ts'
import '../src/cli/kubectl/commands/describe.ts'
import '../src/cli/kubectl/commands/explain.ts'
import '../src/cli/kubectl/commands/edit.ts'
import '../src/cli/kubectl/commands/port-forward.ts'
import '../src/cli/kubectl/commands/cp.ts'
import '../src/cli/kubectl/commands/completion.ts'
import '../src/cli/kubectl/commands/diff.ts'
import '../src/cli/kubectl/commands/kustomize.ts'
import '../src/cli/kubectl/commands/dump.ts'
import '../src/cli/kubectl/commands/top.ts'
import '../src/cli/kubectl/commands/auth.ts'
import '../src/cli/kubectl/commands/options.ts'
import '../src/cli/kubectl/help.ts'
import '../src/cli/kubectl/completion.ts'
import '../src/cli/kubectl/kustomize/build.ts'
import '../src/cli/kubectl/describe/certificate-request.ts'
import '../src/cli/kubectl/describe/pod-template.ts'

/** What a command printed and how it ended. */
export interface CommandResult {
  stdout: string
  stderr: string
  code: number
}

/** A fresh cluster with the learner's machine in front of it. Time moves only while something runs. */
export interface Lab {
  readonly cluster: Cluster
  readonly laptop: Machine
  /** Clusters besides it. */
  readonly fleet: Fleet
  /** Writes a file below the learner's home directory, as its owner. */
  writeFile(path: string, text: string): void
  /** Runs a script with bash on the laptop, as the learner would type it. */
  run(script: string, options?: { withinMs?: number; env?: Record<string, string> }): Promise<CommandResult>
  /** What a script prints that nothing may be wrong with. @throws Error for an exit code or a complaint */
  out(script: string): Promise<string>
  /** Whether a goal of a lesson is met. */
  met(goal: Goal): Promise<boolean>
  /** The lab as a reload of the page leaves it: only what is kept on disk. This one is over. */
  reload(): Promise<Lab>
  stop(): Promise<void>
}

/** When labs begin. */
const START_MS = Date.UTC(2026, 5, 1, 9)
/** How long k3s' charts take to be installed at most, in milliseconds. */
const CHARTS_MS = 20_000

/** What outlives a process. */
interface Kept {
  cluster: ClusterSnapshot
  home: StoredTree
  nodes: Map<string, StoredTree>
  fleet: MemoryFleetStorage
}
type StoredTree = { path: string; file: StoredFile }[]
const treeOf = (files: MountableFileSystem): StoredTree => Array.from(lookAtFiles(withOwnMounts(files), '/'), ([path, file]) => ({ path, file }))

/** Boots a lab, with three nodes unless told otherwise; the same seed gives the same run. */
export function startLab(seed: string, topology?: Topology): Promise<Lab> {
  return labOf(seed, undefined, topology)
}

async function labOf(seed: string, kept?: Kept, topology?: Topology): Promise<Lab> {
  const clock = new OrderedClock({ startMs: kept?.cluster.timeMs ?? START_MS })
  const nodeFiles = new Map<string, MountableFileSystem>()
  const cluster = await createCluster({
    platform: nodePlatform, clock, seed, nodePrograms, imagePrograms, ...(kept ? { restore: kept.cluster } : {}), ...(topology ? { topology } : {}),
    onNodeFiles(node, files) {
      nodeFiles.set(node, files)
      restoreFiles(files, kept?.nodes.get(node) ?? [])
    },
  })
  // As the page's store does it: one snapshot, and what was committed after it over any number of reloads.
  const commits = [...kept?.cluster.commits ?? []]
  if (kept) cluster.etcd.onCommit((commit) => { commits.push(commit) })
  await cluster.start()
  const home = createHome(clock)
  if (kept) restoreFiles(home, kept.home)
  else furnishHome(home, cluster)
  const storage = kept?.fleet ?? new MemoryFleetStorage()
  const fleet = new Fleet({ platform: nodePlatform, clock, seed, storage, nodePrograms, imagePrograms })
  const laptop = createLearnersLaptop({ cluster, fleet, home, utilities: utilityPrograms('gnu') })
  const drive = async <T>(work: Promise<T>, withinMs: number, what: string): Promise<T> => {
    let settled = false
    work.then(() => { settled = true }, () => { settled = true })
    await clock.until(() => settled, { withinMs, what })
    return work
  }
  await drive(fleet.recall(), 60_000, 'the further clusters')
  // k3s installs its charts while it is ready already.
  if (topology?.flavour === 'k3s' && !topology.disabled?.includes('traefik')) await clock.advance(CHARTS_MS)
  const lab: Lab = {
    cluster, laptop, fleet,
    writeFile(path, text) {
      const parts = path.split('/')
      for (let i = 1; i < parts.length; i++) {
        const folder = `${LEARNER.home}/${parts.slice(0, i).join('/')}`
        if (laptop.fs.exists(folder)) continue
        laptop.fs.mkdir(folder)
        laptop.fs.chown(folder, LEARNER.uid, LEARNER.gid)
      }
      laptop.fs.writeFile(`${LEARNER.home}/${path}`, text)
      laptop.fs.chown(`${LEARNER.home}/${path}`, LEARNER.uid, LEARNER.gid)
    },
    async run(script, options = {}) {
      const out = createPipe(1 << 28)
      const err = createPipe(1 << 28)
      const shell = laptop.start(['bash', '-c', script], { env: { ...learnerEnvironment(), TERM: 'dumb', ...options.env }, cwd: LEARNER.home, user: LEARNER, stdout: out.writer, stderr: err.writer })
      const outputs = Promise.all([readAll(out.reader), readAll(err.reader)])
      const status = await drive(shell.wait(), options.withinMs ?? 120_000, `the end of: ${script}`).catch((error: Error) => {
        shell.kill('SIGKILL')
        throw error
      })
      // Nobody types the next command in the same instant; controllers have a moment, as they have on a real cluster.
      await clock.advance(50)
      out.writer.close()
      err.writer.close()
      const [stdout, stderr] = await outputs
      return { stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr), code: status.code }
    },
    async out(script) {
      const { stdout, stderr, code } = await lab.run(script)
      if (code !== 0 || stderr !== '') throw new Error(`${script}\nended with ${code}: ${stderr || stdout}`)
      return stdout
    },
    met: async (goal) => (await drive(checkGoal(goal, askCluster(cluster), furtherClusters(fleet)), 30_000, `an answer about: ${goal.text}`)).met,
    async reload() {
      await drive(fleet.close(), 60_000, 'the end of the further clusters')
      const left = structuredClone({ cluster: { ...cluster.snapshot(), ...(kept ? { etcd: kept.cluster.etcd, commits } : {}) }, home: treeOf(home), nodes: new Map(Array.from(nodeFiles, ([node, files]) => [node, treeOf(files)])) })
      await drive(cluster.stop(), 60_000, 'the cluster\'s end')
      return labOf(seed, { ...left, fleet: storage })
    },
    async stop() {
      await drive(fleet.close(), 60_000, 'the end of the further clusters')
      await drive(cluster.stop(), 60_000, 'the cluster\'s end')
    },
  }
  return lab
}
