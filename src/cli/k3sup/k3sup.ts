import type { Proc, Program } from '../../unix/types.ts'
import { GoFlags } from './flags.ts'
import type { FlagTable } from './flags.ts'
import { SshOperator } from './ssh-operator.ts'

/** The release that this one is like, whose commit is {@link COMMIT}. */
export const K3SUP_VERSION = '0.13.11'
const COMMIT = '5e5228b9d25c8c3dd1bb82d0f78a3944933529ed'
const GET = 'curl -sfL https://get.k3s.io'
const SHARED: FlagTable = { ip: '127.0.0.1', user: 'root', host: '', 'ssh-key': '~/.ssh/id_rsa', 'ssh-port': '22', sudo: true, 'skip-install': false, 'print-command': false, 'no-extras': false, 'k3s-version': '', 'k3s-extra-args': '', 'k3s-channel': 'stable', 'tls-san': '' }
const COMMANDS: Readonly<Record<string, { flags: FlagTable; run: (proc: Proc, flags: GoFlags) => Promise<void> }>> = {
  install: { flags: { ...SHARED, 'local-path': 'kubeconfig', context: 'default', ipsec: false, merge: false, local: false, cluster: false, datastore: '', token: '' }, run: install },
  join: { flags: { ...SHARED, 'server-ip': '127.0.0.1', 'server-host': '', 'server-url': '', 'server-user': 'root', 'server-ssh-port': '22', server: false, 'node-token-path': '', 'node-token': '', 'server-data-dir': '/var/lib/rancher/k3s/' }, run: join },
  'node-token': { flags: { ip: '127.0.0.1', user: 'root', host: '', 'ssh-key': '~/.ssh/id_rsa', 'ssh-port': '22', sudo: true, 'server-data-dir': '/var/lib/rancher/k3s/' }, run: nodeToken },
  version: { flags: {}, run: async (proc) => { await proc.stdout.write(`Version: ${K3SUP_VERSION}\nGit Commit: ${COMMIT}\n`) } },
}
/** What k3sup could do and this doesn't. */
const UNSUPPORTED = ['ipsec', 'merge', 'local', 'datastore', 'token']
const HELP = `Usage:
  k3sup [flags]
  k3sup [command]

Available Commands:
  help        Help about any command
  install     Install k3s on a server via SSH
  join        Install the k3s agent on a remote host and join it to an existing server
  node-token  Retrieve the node token from a server
  version     Print the version

Flags:
  -h, --help   help for k3sup

Use "k3sup [command] --help" for more information about a command.
`

/** k3sup: installs k3s on other machines over ssh. */
// @k8s part: k3sup: install, join, node-token and version with a key without passphrase; --merge, --local, --datastore, --token, --ipsec and the other commands are missing
export const k3sup: Program = async (proc) => {
  // A file that leads here names itself first.
  const [name = '', ...args] = proc.argv[1]?.includes('/') ? proc.argv.slice(2) : proc.argv.slice(1)
  const command = COMMANDS[name]
  if (!command || args.includes('--help') || args.includes('-h')) {
    if (command || ['', 'help', '--help', '-h'].includes(name)) {
      await proc.stdout.write(command ? `Usage:\n  k3sup ${name} [flags]\n\nFlags:\n${Object.entries(command.flags).map(([flag, value]) => `      --${flag}${typeof value === 'string' ? ' string' : ''}\n`).join('')}` : HELP)
      return 0
    }
    await proc.stderr.write(`Error: unknown command ${JSON.stringify(name)} for "k3sup"\nRun 'k3sup --help' for usage.\n`)
    return 1
  }
  try {
    const flags = new GoFlags(command.flags, args)
    for (const flag of UNSUPPORTED) if (flags.changed(flag)) throw new Error(`drydock: --${flag} is not supported`)
    for (const flag of ['ip', 'server-ip']) if (flags.changed(flag) && !/^\d+(\.\d+){3}$/.test(flags.text(flag))) throw new Error(`invalid argument ${JSON.stringify(flags.text(flag))} for "--${flag}" flag: failed to parse IP: ${JSON.stringify(flags.text(flag))}`)
    await command.run(proc, flags)
    return 0
  } catch (error) {
    if (proc.killed.aborted) throw error
    await proc.stderr.write(`Error: ${(error as Error).message}\n`)
    return 1
  }
}

async function install(proc: Proc, flags: GoFlags): Promise<void> {
  await proc.stdout.write('Running: k3sup install\n')
  const host = flags.text('host') || flags.text('ip')
  await proc.stderr.write(`${stamp(proc)} ${host}\n`)
  const extra = [...flags.is('no-extras') ? ['--disable servicelb', '--disable traefik'] : [], flags.text('k3s-extra-args')].join(' ').trim()
  const exec = `INSTALL_K3S_EXEC='server${flags.is('cluster') ? ' --cluster-init' : ''} --tls-san ${flags.text('tls-san') || host}${extra ? ` ${extra}` : ''}'`
  const command = `${GET} | ${exec} ${versionOf(flags)} sh -\n`
  const sudo = flags.is('sudo') ? 'sudo ' : ''
  await proc.stdout.write(`Public IP: ${host}\n`)
  const machine = await SshOperator.connect(proc, { user: flags.text('user'), host, port: Number(flags.text('ssh-port')), key: expand(proc, flags.text('ssh-key')) })
  if (!flags.is('skip-install')) {
    if (flags.is('print-command')) await proc.stdout.write(`ssh: ${command}\n`)
    const { stdout, stderr } = await machine.execute(command, true).catch((error: Error) => { throw new Error(`error received processing command: ${error.message}`) })
    await proc.stdout.write(`Result: ${stdout} ${stderr}\n`)
  }
  const show = `${sudo}cat /etc/rancher/k3s/k3s.yaml\n`
  if (flags.is('print-command')) await proc.stdout.write(`ssh: ${show}\n`)
  const { stdout: kubeconfig } = await machine.execute(show, false).catch((error: Error) => { throw new Error(`error received processing command: ${error.message}`) })
  const context = flags.text('context') || 'default'
  const path = proc.resolve(expand(proc, flags.text('local-path')))
  await proc.stdout.write(`Saving file to: ${path}\n\n# Test your cluster with:\nexport KUBECONFIG=${path}\nkubectl config use-context ${context}\nkubectl get node -o wide\n`)
  proc.fs.writeFile(path, kubeconfig.replace(/127\.0\.0\.1|localhost|default/g, (found) => found === 'default' ? context : host), { mode: 0o600 })
}

async function join(proc: Proc, flags: GoFlags): Promise<void> {
  await proc.stdout.write('Running: k3sup join\n')
  const isServer = flags.is('server')
  if (flags.is('no-extras') && !isServer) throw new Error('--no-extras can only be used with --server')
  if (flags.text('tls-san') && !isServer) throw new Error('--tls-san can only be used with --server')
  const host = flags.text('host') || flags.text('ip')
  const server = flags.text('server-host') || flags.text('server-ip')
  await proc.stdout.write(`Joining ${host} => ${server}\n${flags.text('server-url') ? `Server join URL: ${flags.text('server-url')}\n` : ''}`)
  const key = expand(proc, flags.text('ssh-key'))
  const user = flags.text('user')
  const port = Number(flags.text('ssh-port'))
  let token = flags.text('node-token') || (flags.text('node-token-path') ? proc.fs.readText(proc.resolve(expand(proc, flags.text('node-token-path')))).trim() : '')
  if (token === '') {
    const first = await SshOperator.connect(proc, { user: flags.changed('server-user') ? flags.text('server-user') : user, host: server, port: flags.changed('server-ssh-port') ? Number(flags.text('server-ssh-port')) : port, key })
    const found = await first.execute(tokenCommand(flags), false).catch((error: Error) => { throw new Error(`unable to get join-token from server: ${error.message}`) })
    await proc.stdout.write(found.stderr ? `Error or warning getting node-token: ${found.stderr}\n` : `Received node-token from ${server}.. ok.\n`)
    token = found.stdout.trim()
  }
  const machine = await SshOperator.connect(proc, { user, host, port, key }).catch((error: Error) => { throw new Error(error.message.replace(/over ssh:/, `over ssh as ${user}:`)) })
  const url = flags.text('server-url') || `https://${server}:6443`
  const extra = `${flags.text('k3s-extra-args')}${flags.is('no-extras') ? ' --disable servicelb --disable traefik' : ''}`.trim()
  const exec = isServer ? ` INSTALL_K3S_EXEC='server --server ${url}${flags.text('tls-san') ? ` --tls-san ${flags.text('tls-san')}` : ''}'` : ''
  const command = `${GET} | K3S_URL='${url}' K3S_TOKEN='${token}' ${versionOf(flags)}${exec} sh -s -${extra ? ` ${extra}` : ''}`
  if (flags.is('print-command')) await proc.stdout.write(`ssh: ${command}\n`)
  const { stdout, stderr } = await machine.execute(command, true).catch((error: Error) => { throw new Error(`unable to setup agent: ${error.message}`) })
  await proc.stdout.write(`${stderr ? `Logs: ${stderr}` : ''}Output: ${stdout}\n`)
}

async function nodeToken(proc: Proc, flags: GoFlags): Promise<void> {
  const host = flags.text('host') || flags.text('ip')
  const machine = await SshOperator.connect(proc, { user: flags.text('user'), host, port: Number(flags.text('ssh-port')), key: expand(proc, flags.text('ssh-key')) })
  const { stdout } = await machine.execute(tokenCommand(flags), false).catch((error: Error) => { throw new Error(`unable to get join-token from server: ${error.message}`) })
  await proc.stdout.write(`${stdout.trim()}\n`)
}

const tokenCommand = (flags: GoFlags): string => `${flags.is('sudo') ? 'sudo ' : ''}cat ${flags.text('server-data-dir').replace(/\/$/, '')}/server/node-token\n`
const versionOf = (flags: GoFlags): string => flags.text('k3s-version') ? `INSTALL_K3S_VERSION='${flags.text('k3s-version')}'` : `INSTALL_K3S_CHANNEL='${flags.text('k3s-channel')}'`
const expand = ({ env, user }: Proc, path: string): string => path.replace(/^~(?=\/|$)/, env['HOME'] || user.home)

/** As Go's log begins its lines. */
function stamp({ clock }: Proc): string {
  return new Date(clock.nowMs()).toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/')
}
