import { createMemoryFileSystem } from '../../../unix/file-system.ts'
import type { MemoryFileSystem } from '../../../unix/file-system.ts'
import type { Proc, Program } from '../../../unix/types.ts'

/**
 * The entrypoint of Kubernetes' own NFS servers (volume-nfs and the one of its end-to-end tests): exports its arguments and waits for SIGTERM.
 * k8s: test/images/volume/nfs run_nfs.sh
 */
export const runNfs = (options: { /** Puts its page into what it exports. */ withPage: boolean }): Program => async (proc: Proc) => {
  const say = (text: string) => proc.stdout.write(`${text}\n`)
  const run = async (...argv: string[]) => (await proc.spawn(argv, { stdout: proc.stdout, stderr: proc.stderr }).wait()).code
  let args = proc.argv.slice(1)
  let group: number | undefined
  if (args[0] === '-G') {
    group = Number(args[1])
    args = args.slice(2)
  }
  giveVolume(proc, '/exports')
  let exports = ''
  for (const path of args) {
    exports += `${path} *(rw,fsid=0,insecure,no_root_squash)\n`
    if (group !== undefined) {
      proc.fs.chmod(path, 0o070)
      proc.fs.chown(path, -1, group)
    }
    if (options.withPage) {
      proc.fs.writeFile(`${path === '/' ? '' : path}/index.html`, proc.fs.readFile('/tmp/index.html'))
      proc.fs.chmod(`${path === '/' ? '' : path}/index.html`, 0o644)
    }
    await say(`Serving ${path}`)
  }
  proc.fs.writeFile('/etc/exports', exports)
  await proc.stderr.write("rpcinfo: can't contact rpcbind: : RPC: Unable to receive; errno = Connection refused\n")
  await say('Starting rpcbind')
  await run('/usr/sbin/rpcbind', '-w')
  await run('/usr/sbin/rpc.mountd', '-N', '2', '-V', '3')
  await run('/usr/sbin/exportfs', '-r')
  await run('/usr/sbin/rpc.nfsd', '-G', '10', '-N', '2', '-V', '3')
  await run('/usr/sbin/rpc.statd', '--no-notify')
  await say('NFS started')
  await proc.signal('SIGTERM')
  await say('Stopping NFS')
  await run('/usr/sbin/rpc.nfsd', '0')
  await run('/usr/sbin/exportfs', '-au')
  return 0
}

/** A directory that the image declares as a volume is on a disk of its own, also where the pod mounts nothing there. */
function giveVolume(proc: Proc, path: string): void {
  const files = proc.machine.fs as MemoryFileSystem
  if (files.locate(path).tree === files.space.root) files.mount(path, createMemoryFileSystem({ clock: proc.clock }), { source: '/dev/vda1', type: 'ext4' })
}
