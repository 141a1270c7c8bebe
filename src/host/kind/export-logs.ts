import { CobraError } from '../../cli/cobra/cobra.ts'
import type { CobraRun } from '../../cli/cobra/cobra.ts'
import { createPipe, readAll } from '../../base/streams.ts'
import { ROOT_USER } from '../../unix/machine.ts'
import type { FileSystem, Machine, Proc } from '../../unix/types.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { clusterName, runningCluster } from './clusters.ts'
import { KIND_VERSION } from './version.ts'

/** What is asked of each node, by the file that keeps the answer. kind: provider.CollectLogs */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes-version.txt': ['cat', '/kind/version'],
  'journal.log': ['journalctl', '--no-pager'],
  'kubelet.log': ['journalctl', '--no-pager', '-u', 'kubelet.service'],
  'containerd.log': ['journalctl', '--no-pager', '-u', 'containerd.service'],
  'images.log': ['crictl', 'images'],
}

/** `kind export logs`: what nodes know of themselves, and their /var/log. @throws CobraError */
export async function exportKindLogs(run: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const { proc, args, flags, out } = run
  const name = clusterName(run)
  const found = fleet.get('kind', name)
  if (!found) throw new CobraError(`unknown cluster ${JSON.stringify(name)}`)
  const cluster = runningCluster(found)
  const directory = args[0] ?? `/tmp/${proc.random.int(1e9)}`
  if (!flags.bool('quiet')) await proc.stderr.write(`Exporting logs for cluster ${JSON.stringify(name)} to:\n`)
  await out(`${directory}\n`)
  const root = proc.resolve(directory)
  proc.fs.mkdir(root, { recursive: true })
  proc.fs.writeFile(`${root}/kind-version.txt`, `${KIND_VERSION}\n`)
  for (const { name: node } of cluster.topology.nodes) {
    const machine = await cluster.nodeMachine(node)
    if (!machine) continue
    const folder = `${root}/${node}`
    proc.fs.mkdir(folder, { recursive: true })
    for (const [file, argv] of Object.entries(COMMANDS)) proc.fs.writeFile(`${folder}/${file}`, await outputOf(machine, argv))
    if (machine.fs.exists('/var/log')) await copyFiles(machine.fs, '/var/log', proc, folder)
  }
  return 0
}

/** Folders and files, with links followed, as the caller's own. kind: logs.DumpDir */
async function copyFiles(from: FileSystem, source: string, proc: Proc, target: string): Promise<void> {
  proc.fs.mkdir(target, { recursive: true })
  for (const name of from.readdir(source)) {
    await proc.clock.breathe()
    const path = `${source}/${name}`
    if (!from.exists(path)) continue
    const { type } = from.stat(path)
    if (type === 'directory') await copyFiles(from, path, proc, `${target}/${name}`)
    else if (type === 'file') proc.fs.writeFile(`${target}/${name}`, from.readFile(path))
  }
}

async function outputOf(machine: Machine, argv: readonly string[]): Promise<Uint8Array> {
  const pipe = createPipe(1 << 26)
  const text = readAll(pipe.reader)
  const process = machine.start(argv, { env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }, cwd: '/', user: ROOT_USER, stdout: pipe.writer, stderr: pipe.writer })
  await process.wait()
  pipe.writer.close()
  return text
}
