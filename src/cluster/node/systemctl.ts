import type { Process, Program } from '../../unix/types.ts'
import { utilityProgram } from '../../unix/utilities/utility.ts'

interface SystemctlOptions {
  /** Descriptions by unit. */
  units: Readonly<Record<string, string>>
  process(unit: string): Process | undefined
}

/** `systemctl status kubelet` and its kin. */
// @k8s part: systemctl: units can be looked at but not stopped
export function systemctl({ units, process }: SystemctlOptions): Program {
  return utilityProgram(async (context) => {
    const args = context.args.filter((arg) => !arg.startsWith('-'))
    const [command = 'list-units', ...names] = args
    const wanted = names.map((name) => name.replace(/\.service$/, ''))
    let status = 0
    switch (command) {
      case 'list-units':
        await context.out('  UNIT               LOAD   ACTIVE SUB     DESCRIPTION\n')
        for (const [name, description] of Object.entries(units)) await context.out(`  ${`${name}.service`.padEnd(18)} loaded ${process(name) ? 'active running' : 'inactive dead  '} ${description}\n`)
        return 0
      case 'is-active': for (const name of wanted) { const active = process(name) !== undefined; await context.out(active ? 'active\n' : 'inactive\n'); if (!active) status = 3 } return status
      case 'is-enabled': for (const name of wanted) { if (name in units) await context.out('enabled\n'); else { await context.err(`Failed to get unit file state for ${name}.service: No such file or directory\n`); status = 1 } } return status
      case 'status':
        for (const name of wanted) {
          const description = units[name]
          if (description === undefined) { await context.err(`Unit ${name}.service could not be found.\n`); status = 4; continue }
          const running = process(name)
          const since = running && new Date(running.startedMs).toISOString().replace('T', ' ').slice(0, 19)
          await context.out(`${running ? '●' : '○'} ${name}.service - ${description}\n     Loaded: loaded (/lib/systemd/system/${name}.service; enabled; preset: enabled)\n     Active: ${running ? `active (running) since ${since} UTC` : 'inactive (dead)'}\n${running ? `   Main PID: ${running.pid} (${name})\n     CGroup: /system.slice/${name}.service\n             └─${running.pid} ${running.argv.join(' ')}\n` : ''}`)
          if (!running) status = 3
        }
        return status
      case 'stop': case 'restart': case 'start': case 'enable': case 'disable': case 'reload': case 'daemon-reload':
        await context.err(`Failed to ${command} ${names[0] ?? 'units'}: services of nodes can't be changed here yet\n`)
        return 1
      default: await context.err(`Unknown command verb '${command}'.\n`); return 1
    }
  }, 'gnu', 'systemctl')
}
