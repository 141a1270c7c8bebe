import { ROOT_USER } from './machine.ts'
import { createTty } from './tty.ts'
import type { Machine, Program } from './types.ts'

/** `ssh [-t] [USER@]HOST [COMMAND]` to the machines that this one can reach; it has its key on all of them. */
// @k8s part: ssh: everybody logs in as root; keys, forwarding and configuration files are missing
export function ssh(machineOf: (host: string) => Promise<Machine> | undefined): Program {
  return async (proc) => {
    const args = proc.argv.slice(1)
    let forceTty = false
    let noTty = false
    while (args[0]?.startsWith('-')) {
      const option = args.shift()!
      if (option === '-t' || option === '-tt') forceTty = true
      else if (option === '-T') noTty = true
      else if (/^-[bcDEeFIiJLlmOopQRSWw]$/.test(option)) args.shift()
    }
    const target = args.shift()
    if (target === undefined) {
      await proc.stderr.write('usage: ssh [-Tt] [-i identity_file] [-l login_name] [-o option] [-p port] destination [command [argument ...]]\n')
      return 255
    }
    const host = target.slice(target.lastIndexOf('@') + 1)
    const user = target.includes('@') ? target.slice(0, target.lastIndexOf('@')) : 'root'
    let address = host
    const known = machineOf(host)
    if (!known) {
      try { address = (await proc.net.lookup(host))[0] ?? host } catch {
        await proc.stderr.write(`ssh: Could not resolve hostname ${host}: Name or service not known\n`)
        return 255
      }
    }
    const machine = await (known ?? machineOf(address))
    if (!machine) { await proc.stderr.write(`ssh: connect to host ${host} port 22: Connection refused\n`); return 255 }
    if (user !== 'root') { await proc.stderr.write(`${user}@${host}: Permission denied (publickey).\n`); return 255 }
    const command = args.join(' ')
    const env = { HOME: '/root', USER: 'root', LOGNAME: 'root', SHELL: '/bin/bash', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', PWD: '/root', LANG: 'C.UTF-8' }
    const argv = command === '' ? ['bash', '-l'] : ['bash', '-c', command]
    const { tty } = proc
    if (!tty || noTty || (command !== '' && !forceTty) || !proc.isTty(0)) {
      const process = machine.start(argv, { env, cwd: '/root', user: ROOT_USER, stdin: { read: () => proc.stdin.read(), cancel() {} }, stdout: proc.stdout, stderr: proc.stderr })
      proc.killed.addEventListener('abort', () => process.kill('SIGHUP'))
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) proc.onSignal(signal, () => process.kill(signal === 'SIGINT' ? 'SIGINT' : 'SIGHUP'))
      return (await process.wait()).code
    }
    // A terminal of the other machine's own, joined to this one.
    const remote = createTty({ columns: tty.columns, rows: tty.rows, output: proc.stdout })
    const wasRaw = tty.raw
    tty.setRaw(true)
    const stopResize = tty.onResize(() => remote.resize(tty.columns, tty.rows))
    try {
      const process = machine.start(argv, { env: { ...env, TERM: proc.env['TERM'] ?? 'xterm-256color' }, cwd: '/root', user: ROOT_USER, stdin: remote.stdin, stdout: remote.stdout, stderr: remote.stdout, tty: remote })
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
      const { code } = await whenEnded
      void pumping
      if (command === '') await proc.stdout.write(`Connection to ${host} closed.\r\n`)
      return code
    } finally {
      stopResize()
      tty.setRaw(wasRaw)
    }
  }
}
