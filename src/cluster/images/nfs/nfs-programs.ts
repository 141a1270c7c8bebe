import { MemoryFileSystem } from '../../../unix/file-system.ts'
import { exportLine, parseExports } from '../../../unix/nfs/exports.ts'
import type { NfsExport } from '../../../unix/nfs/exports.ts'
import { serveNfs } from '../../../unix/nfs/server.ts'
import type { Proc, Program } from '../../../unix/types.ts'

/** What is exported now, as exportfs leaves it for the server. */
const TABLE = '/var/lib/nfs/etab'
const SYS_ADMIN = 1n << 21n
const THREAD = '[nfsd]'

/** Whether the process may tell the kernel what to serve: containers may not, unless they are privileged. */
function mayAdministrate(proc: Proc): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)/m.exec(proc.fs.readText('/proc/self/status'))?.[1]
  return mask !== undefined && (BigInt(`0x${mask}`) & SYS_ADMIN) !== 0n
}

function exported(proc: Proc): NfsExport[] {
  try {
    return parseExports(proc.fs.readText(TABLE), TABLE)
  } catch {
    return []
  }
}

/** As a line of /etc/exports. */
const tableLine = ({ path, client, flags, anonymousUid, anonymousGid }: NfsExport) => `${path}\t${client}(${[...flags, `anonuid=${anonymousUid}`, `anongid=${anonymousGid}`].join(',')})\n`

/** Maintains what is exported: `-r` and `-a` take it from /etc/exports, `-u` withdraws, `-v` says more. */
export const exportfs: Program = async (proc) => {
  const flags = proc.argv.slice(1).filter((arg) => arg.startsWith('-')).join('')
  const unknown = /[^-arufv]/.exec(flags)
  if (unknown || proc.argv.slice(1).some((arg) => !arg.startsWith('-'))) {
    await proc.stderr.write(`${unknown ? `exportfs: invalid option -- '${unknown[0]}'\n` : ''}usage: exportfs [-adfhioruvs] [host:/path]\n`)
    return 1
  }
  const verbose = flags.includes('v')
  const write = (all: readonly NfsExport[]) => {
    proc.fs.mkdir('/var/lib/nfs', { recursive: true })
    proc.fs.writeFile(TABLE, all.map(tableLine).join(''))
  }
  if (flags.includes('u')) {
    write([])
    return 0
  }
  if (!/[raf]/.test(flags)) {
    for (const each of exported(proc)) await proc.stdout.write(exportLine(each, verbose))
    return 0
  }
  if (!/[ra]/.test(flags)) return 0
  const files = ['/etc/exports', ...(proc.fs.exists('/etc/exports.d') ? proc.fs.readdir('/etc/exports.d').filter((name) => name.endsWith('.exports') && !name.startsWith('.')).map((name) => `/etc/exports.d/${name}`) : [])].filter((file) => proc.fs.exists(file))
  let code = 0
  const complain = async (text: string) => { code = 1; await proc.stderr.write(`${text}\n`) }
  const kept: NfsExport[] = []
  for (const file of files) {
    let found: NfsExport[] = []
    try {
      found = parseExports(proc.fs.readText(file), file)
    } catch (error) {
      await complain((error as Error).message)
    }
    for (const each of found) {
      const problem = whyNot(proc, each.path)
      if (problem) { await complain(`exportfs: ${problem}`); continue }
      if (verbose) await proc.stdout.write(`exporting ${each.client}:${each.path}\n`)
      kept.push(each)
    }
  }
  write(kept)
  return code
}

/** The kernel can serve only disks whose files have handles, which the layers of an image have not. */
function whyNot(proc: Proc, path: string): string | undefined {
  const files = proc.machine.fs as MemoryFileSystem
  try {
    return files.locate(path).tree === files.space.root ? `${path} does not support NFS export` : undefined
  } catch (error) {
    return `Failed to stat ${path}: ${(error as Error).message}`
  }
}

/** Tells the kernel how many threads serve: 0 ends them. Versions are chosen by `-N`, `-V`, `--no-nfs-version`. */
const rpcNfsd: Program = async (proc) => {
  const args = proc.argv.slice(1)
  const running = proc.machine.processes().filter((each) => each.argv[0] === THREAD && each.status === undefined)
  if (args.includes('0')) {
    for (const each of running) each.kill('SIGKILL')
    return 0
  }
  if (!mayAdministrate(proc)) {
    await proc.stderr.write("rpc.nfsd: Unable to access /proc/fs/nfsd errno 2 (No such file or directory).\nPlease try, as root, 'mount -t nfsd nfsd /proc/fs/nfsd' and then restart rpc.nfsd to correct the problem\n")
    return 1
  }
  if (running.length > 0) return 0
  const without = new Set(args.flatMap((arg, i) => arg === '-N' || arg === '--no-nfs-version' ? [args[i + 1]] : []))
  const versions = ([3, 4] as const).filter((version) => !without.has(String(version)))
  proc.spawn([THREAD], { newGroup: true, program: async (thread) => {
    serveNfs(thread, { versions, exports: () => exported(thread) })
    await thread.signal('SIGTERM')
    return 0
  } })
  return 0
}

/** A daemon: the process that is started stays, whoever started it goes on. */
const daemon = (name: string): Program => async (proc) => {
  proc.spawn([name, ...proc.argv.slice(1)], { newGroup: true, program: async (own) => { await own.signal('SIGTERM'); return 0 } })
  return 0
}

/** Lists what a server exports. */
export const showmount: Program = async (proc) => {
  const host = proc.argv.slice(1).find((arg) => !arg.startsWith('-')) ?? 'localhost'
  if (!['localhost', '127.0.0.1', proc.machine.hostname].includes(host)) {
    await proc.stderr.write(`clnt_create: RPC: Program not registered\n`)
    return 1
  }
  const all = exported(proc)
  const width = Math.max(0, ...all.map(({ path }) => path.length))
  await proc.stdout.write(`Export list for ${host}:\n${all.map(({ path, client }) => `${path.padEnd(width)} ${client}\n`).join('')}`)
  return 0
}

/** What nfs-utils brings to a server. */
export const nfsServerPrograms: Readonly<Record<string, Program>> = {
  '/usr/sbin/exportfs': exportfs, '/usr/sbin/rpc.nfsd': rpcNfsd, '/usr/sbin/rpc.mountd': daemon('/usr/sbin/rpc.mountd'), '/usr/sbin/rpc.statd': daemon('/usr/sbin/rpc.statd'), '/sbin/rpcbind': daemon('/sbin/rpcbind'), '/usr/sbin/rpcbind': daemon('/usr/sbin/rpcbind'), '/usr/sbin/showmount': showmount,
}
