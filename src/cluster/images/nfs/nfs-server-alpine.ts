import type { Proc } from '../../../unix/types.ts'

/** The services that rpcbind knows: itself. */
const RPC_SERVICES = ['tcp6 ::.0.111', 'udp6 ::.0.111', 'tcp 0.0.0.0.0.111', 'udp 0.0.0.0.0.111', 'local /var/run/rpcbind.sock']

/** The entrypoint of itsthenetwork/nfs-server-alpine: writes /etc/exports as the environment says, serves NFSv4 and watches over it. */
export async function nfsd(proc: Proc): Promise<number> {
  const { SHARED_DIRECTORY: shared = '', SHARED_DIRECTORY_2: second = '', PERMITTED: permitted = '', READ_ONLY: readOnly, SYNC: sync } = proc.env
  const say = (text: string) => proc.stdout.write(`${text}\n`)
  const run = async (...argv: string[]) => (await proc.spawn(argv, { stdout: proc.stdout, stderr: proc.stderr }).wait()).code
  const alive = (name: string) => proc.machine.processes().some((each) => each.status === undefined && each.argv[0] === name)
  let isStopped = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    proc.onSignal(signal, () => {
      if (isStopped) return
      isStopped = true
      void (async () => {
        await say('SIGTERM caught, terminating NFS process(es)...')
        await run('/usr/sbin/exportfs', '-uav')
        await run('/usr/sbin/rpc.nfsd', '0')
        await say('Terminated.')
      })().catch(() => {})
    })
  if (shared === '') {
    await say('The SHARED_DIRECTORY environment variable is unset or null, exiting...')
    return 1
  }
  const options = [readOnly === undefined ? 'rw' : 'ro', sync === undefined ? 'async' : 'sync', 'no_subtree_check', 'no_auth_nlm', 'insecure', 'no_root_squash']
  await say('Writing SHARED_DIRECTORY to /etc/exports file')
  let exports = `${shared} ${permitted || '*'}(${[options[0], 'fsid=0', ...options.slice(1)].join(',')})\n`
  if (second !== '') {
    await say('Writing SHARED_DIRECTORY_2 to /etc/exports file')
    exports += `${second} ${permitted || '*'}(${options.join(',')})\n`
  }
  if (permitted === '') await say("The PERMITTED environment variable is unset or null, defaulting to '*'.\nThis means any client can mount.")
  else await say(`The PERMITTED environment variable is set.\nThe permitted clients are: ${permitted}.`)
  await say(readOnly === undefined ? "The READ_ONLY environment variable is unset or null, defaulting to 'rw'.\nClients have read/write access." : 'The READ_ONLY environment variable is set.\nClients will have read-only access.')
  await say(sync === undefined ? "The SYNC environment variable is unset or null, defaulting to 'async' mode.\nWrites will not be immediately written to disk." : "The SYNC environment variable is set, using 'sync' mode.\nWrites will be immediately written to disk.")
  proc.fs.writeFile('/etc/exports', exports)
  await say(`Displaying /etc/exports contents:\n${exports}`)
  await say('Starting rpcbind...')
  await run('/sbin/rpcbind', '-w')
  await say('Displaying rpcbind status...\n   program version netid     address                service    owner')
  for (const version of ['4', '3', '2'])
    for (const [netid, address] of RPC_SERVICES.map((line) => line.split(' ')))
      if (version !== '2' || netid === 'tcp' || netid === 'udp') await say(`    100000    ${version}    ${netid!.padEnd(9)} ${address!.padEnd(22)} -          superuser`)
  await say('Starting NFS in the background...')
  await run('/usr/sbin/rpc.nfsd', '--debug', '8', '--no-udp', '--no-nfs-version', '2', '--no-nfs-version', '3')
  await say('Exporting File System...')
  if (await run('/usr/sbin/exportfs', '-rv') !== 0) {
    await say('Export validation failed, exiting...')
    return 1
  }
  await run('/usr/sbin/exportfs')
  await say('Starting Mountd in the background...')
  await run('/usr/sbin/rpc.mountd', '--debug', 'all', '--no-udp', '--no-nfs-version', '2', '--no-nfs-version', '3')
  await say('Startup successful.')
  while (!isStopped && alive('/usr/sbin/rpc.mountd')) await proc.sleep(1_000)
  if (isStopped) return 0
  await say('NFS has failed, exiting, so Docker can restart the container...')
  await proc.sleep(1_000)
  return 1
}
