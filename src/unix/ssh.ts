import { errorText } from './errno.ts'
import { ROOT_USER } from './machine.ts'
import { createTty } from './tty.ts'
import { UnixError } from './types.ts'
import type { ExitStatus, Listener, Machine, Proc, Program, TcpSocket, User } from './types.ts'

/** Options of OpenSSH's client that take a value, and those that don't. */
const VALUED = 'BbcDEeFIiJLlmOopPQRSWw'
/** How long a connection is tried, in milliseconds. */
const CONNECT_MS = 127_000
const USAGE = 'usage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] [-B bind_interface] [-b bind_address]\n           [-c cipher_spec] [-D [bind_address:]port] [-E log_file]\n           [-e escape_char] [-F configfile] [-I pkcs11] [-i identity_file]\n           [-J destination] [-L address] [-l login_name] [-m mac_spec]\n           [-O ctl_cmd] [-o option] [-P tag] [-p port] [-Q query_option]\n           [-R address] [-S ctl_path] [-W host:port] [-w local_tun[:remote_tun]]\n           destination [command [argument ...]]\n'

/** What was typed: options stand before the destination and right behind it. */
interface CommandLine {
  destination: string | undefined
  command: string
  flags: Set<string>
  /** Letter and value, in order. */
  values: [string, string][]
}

/** @throws Error with a message for an option that there isn't */
function parseCommandLine(args: readonly string[]): CommandLine {
  const line: CommandLine = { destination: undefined, command: '', flags: new Set(), values: [] }
  let i = 0
  for (; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '--') { i++; break }
    if (!arg.startsWith('-') || arg === '-') {
      if (line.destination !== undefined) break
      line.destination = arg
      continue
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at]!
      if (VALUED.includes(letter)) {
        const value = arg.slice(at + 1) || args[++i]
        if (value === undefined) throw new Error(`option requires an argument -- ${letter}`)
        line.values.push([letter, value])
        break
      }
      if (!/[46AaCfGgKkMNnqsTtVvXxYy]/.test(letter)) throw new Error(`unknown option -- ${letter}`)
      line.flags.add(letter)
    }
  }
  line.destination ??= args[i++]
  line.command = args.slice(i).join(' ')
  return line
}

/** Ports of this machine that lead to an address as the other machine sees it: `-L [address:]port:host:hostport`. @throws UnixError, Error */
async function forward(proc: Proc, machine: Machine, specification: string): Promise<Listener> {
  const match = /^(?:(\[[^\]]*\]|[^:]*):)?(\d+):(\[[^\]]*\]|[^:]+):(\d+)$/.exec(specification)
  if (!match) throw new Error(`Bad local forwarding specification '${specification}'`)
  const [, bind, port, host = '', hostPort] = match
  const listener = proc.net.listenTcp(Number(port), (socket) => {
    void machine.net.connectTcp(host.replace(/^\[|\]$/g, ''), Number(hostPort)).then((remote) => join(socket, remote), async (error: Error) => {
      await proc.stderr.write(`channel 2: open failed: connect failed: ${errorText(error)}\r\n`)
      socket.destroy()
    })
  }, bind === '*' || bind === '' ? {} : { ip: bind === undefined || bind === 'localhost' ? '127.0.0.1' : bind })
  await listener.ready
  return listener
}

async function join(one: TcpSocket, other: TcpSocket): Promise<void> {
  const carry = async (from: TcpSocket, to: TcpSocket) => {
    for (let bytes = await from.reader.read(); bytes; bytes = await from.reader.read()) await to.writer.write(bytes)
    to.writer.close()
  }
  await Promise.all([carry(one, other), carry(other, one)]).catch(() => {
    one.destroy()
    other.destroy()
  })
}

/** Somebody whom a machine knows, and who may log in there. */
function accountOf({ fs }: Machine, name: string): User | undefined {
  if (name === 'root') return ROOT_USER
  const read = (path: string) => fs.exists(path) ? fs.readText(path).split('\n').map((line) => line.split(':')) : []
  const row = read('/etc/passwd').find(([each]) => each === name)
  if (!row || /nologin|false/.test(row[6] ?? '')) return undefined
  const gid = Number(row[3])
  const groups = read('/etc/group').filter((group) => (group[3] ?? '').split(',').includes(name)).map((group) => Number(group[2]))
  const home = row[5] || '/'
  return { uid: Number(row[2]), gid, groups: [gid, ...groups], name, home: fs.exists(home) ? home : '/' }
}

/** What /etc/environment gives every session. pam_env(8) */
function environmentFile({ fs }: Machine): Record<string, string> {
  if (!fs.exists('/etc/environment')) return {}
  return Object.fromEntries([...fs.readText('/etc/environment').matchAll(/^(?:export\s+)?(\w+)=(["']?)(.*)\2$/gm)].map(([, name, , value]) => [name!, value!]))
}

/** `ssh [-t] [USER@]HOST [COMMAND]` to the machines that this one can reach; it has its key on all of them. */
// @k8s part: ssh: who sits at this machine may log in as everybody that another machine knows, without a key or password; remote and dynamic forwarding and configuration files are missing
export function ssh(machineOf: (host: string) => Promise<Machine> | undefined): Program {
  return async (proc) => {
    let line: CommandLine
    try {
      line = parseCommandLine(proc.argv.slice(1))
    } catch (error) {
      await proc.stderr.write(`${(error as Error).message}\n${USAGE}`)
      return 255
    }
    const { flags, values, command, destination } = line
    const valueOf = (letter: string) => values.find(([each]) => each === letter)?.[1]
    const forceTty = flags.has('t')
    const noTty = flags.has('T')
    if (flags.has('V')) {
      await proc.stderr.write('OpenSSH_9.2p1 Debian-2+deb12u7, OpenSSL 3.0.17 1 Jul 2025\n')
      return 0
    }
    const port = Number(valueOf('p') ?? /^ssh:\/\/[^/]*:(\d+)/.exec(destination ?? '')?.[1] ?? 22)
    const target = destination?.replace(/^ssh:\/\//, '').replace(/(:\d+)?\/?$/, (end) => destination.startsWith('ssh://') ? '' : end)
    if (target === undefined) {
      await proc.stderr.write(USAGE)
      return 255
    }
    const host = target.slice(target.lastIndexOf('@') + 1)
    const user = target.includes('@') ? target.slice(0, target.lastIndexOf('@')) : valueOf('l') ?? 'root'
    let address = host
    const known = machineOf(host)
    if (!known) {
      try { address = (await proc.net.lookup(host))[0] ?? host } catch {
        await proc.stderr.write(`ssh: Could not resolve hostname ${host}: Name or service not known\n`)
        return 255
      }
    }
    const machine = await (known ?? machineOf(address))
    if (!machine || port !== 22) {
      // Who has the address answers that nobody listens; who is switched off doesn't answer.
      const problem = await proc.net.connectTcp(address, port, { timeoutMs: CONNECT_MS }).then((socket) => { socket.destroy(); return 'Connection refused' }, (error: Error) => errorText(error))
      await proc.stderr.write(`ssh: connect to host ${host} port ${port}: ${problem}\n`)
      return 255
    }
    /** The machine went away under a process. */
    const isGone = (status: ExitStatus) => status.signal === 'SIGKILL' && machine.processes().length === 0
    const account = accountOf(machine, user)
    if (!account) { await proc.stderr.write(`${user}@${host}: Permission denied (publickey).\n`); return 255 }
    const forwards: Listener[] = []
    for (const [letter, value] of values) {
      if (letter !== 'L') continue
      try {
        forwards.push(await forward(proc, machine, value))
      } catch (error) {
        if (!(error instanceof UnixError)) {
          await proc.stderr.write(`${(error as Error).message}\n`)
          return 255
        }
        await proc.stderr.write(`bind [127.0.0.1]:${value.split(':').at(-3)}: ${errorText(error)}\r\nchannel_setup_fwd_listener_tcpip: cannot listen to port: ${value.split(':').at(-3)}\r\nCould not request local forwarding.\r\n`)
      }
    }
    if (flags.has('N')) {
      await proc.signal('SIGINT', 'SIGTERM', 'SIGHUP')
      for (const listener of forwards) listener.close()
      return 255
    }
    const { home } = account
    const env: Record<string, string> = { HOME: home, USER: account.name, LOGNAME: account.name, SHELL: '/bin/bash', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', PWD: home, LANG: 'C.UTF-8', ...environmentFile(machine) }
    const argv = command === '' ? ['bash', '-l'] : ['bash', '-c', command]
    const { tty } = proc
    if (!tty || noTty || (command !== '' && !forceTty) || !proc.isTty(0)) {
      const process = machine.start(argv, { env, cwd: home, user: account, stdin: { read: () => proc.stdin.read(), cancel() {} }, stdout: proc.stdout, stderr: proc.stderr })
      proc.killed.addEventListener('abort', () => process.kill('SIGHUP'))
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) proc.onSignal(signal, () => process.kill(signal === 'SIGINT' ? 'SIGINT' : 'SIGHUP'))
      const status = await process.wait()
      if (!isGone(status)) return status.code
      await proc.stderr.write(`Connection to ${host} closed by remote host.\r\n`)
      return 255
    }
    // A terminal of the other machine's own, joined to this one.
    const remote = createTty({ columns: tty.columns, rows: tty.rows, output: proc.stdout })
    const wasRaw = tty.raw
    tty.setRaw(true)
    const stopResize = tty.onResize(() => remote.resize(tty.columns, tty.rows))
    try {
      const process = machine.start(argv, { env: { ...env, TERM: proc.env['TERM'] ?? 'xterm-256color' }, cwd: home, user: account, stdin: remote.stdin, stdout: remote.stdout, stderr: remote.stdout, tty: remote })
      let ended = false
      const whenEnded = process.wait().then((status) => { ended = true; return status })
      const pump = async () => {
        while (!ended) {
          const bytes = await proc.stdin.read()
          if (!bytes) return remote.hangup()
          if (ended) return
          remote.type(bytes)
        }
      }
      const pumping = pump().catch(() => remote.hangup())
      proc.killed.addEventListener('abort', () => { remote.hangup(); process.kill('SIGHUP') })
      const status = await whenEnded
      void pumping
      if (isGone(status)) {
        await proc.stderr.write(`Connection to ${host} closed by remote host.\r\n${command === '' ? `Connection to ${host} closed.\r\n` : ''}`)
        return 255
      }
      const { code } = status
      if (command === '') await proc.stdout.write(`Connection to ${host} closed.\r\n`)
      return code
    } finally {
      stopResize()
      tty.setRaw(wasRaw)
    }
  }
}
