import { ALL_CAPABILITIES, capabilityMask, capabilityNames, isCapability } from '../capabilities.ts'
import type { Capability } from '../capabilities.ts'
import { errno, errorText } from '../errno.ts'
import type { ProcessDetails } from '../fs/proc-tree.ts'
import { UnixError } from '../types.ts'
import type { Utility } from './utility.ts'

const lower = (names: readonly Capability[]) => names.map((name) => `cap_${name.toLowerCase()}`)

/** libcap's text of what a process has. */
function capabilityText(effective: bigint): string {
  if (effective === ALL_CAPABILITIES) return '=ep'
  return effective === 0n ? '=' : `${lower(capabilityNames(effective)).join(',')}=ep`
}

/** capsh(1): shows capabilities, and runs a shell with fewer. */
export const capsh: Utility = async (context) => {
  const { proc, args } = context
  const own = proc.machine.process(proc.pid) as ProcessDetails
  let { bounding } = own
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const value = arg.slice(arg.indexOf('=') + 1)
    if (arg === '--print') {
      const { user } = proc
      const names = lower(capabilityNames(bounding)).join(',')
      await context.out(`Current: ${capabilityText(user.uid === 0 ? bounding : 0n)}\nBounding set =${names}\nAmbient set =\nCurrent IAB: ${lower(capabilityNames(ALL_CAPABILITIES & ~bounding)).map((name) => `!${name}`).join(',')}\nSecurebits: 00/0x0/1'b0 (no-new-privs=${own.noNewPrivileges ? 1 : 0})\n secure-noroot: no (unlocked)\n secure-no-suid-fixup: no (unlocked)\n secure-keep-caps: no (unlocked)\n secure-no-ambient-raise: no (unlocked)\nuid=${user.uid}(${user.name}) euid=${user.uid}(${user.name})\ngid=${user.gid}(${user.gid === 0 ? 'root' : user.gid})\ngroups=${user.groups.map((gid) => `${gid}(${gid === 0 ? 'root' : gid})`).join(',')}\nGuessed mode: HYBRID (4)\n`)
    } else if (arg.startsWith('--decode=')) {
      if (!/^(?:0x)?[0-9a-f]+$/i.test(value)) return context.complain(`unable to interpret capability mask: ${value}`)
      const mask = BigInt(`0x${value.replace(/^0x/i, '')}`)
      await context.out(`0x${mask.toString(16).padStart(16, '0')}=${lower(capabilityNames(mask)).join(',')}\n`)
    } else if (arg.startsWith('--drop=')) {
      const dropped = value === 'all' ? ALL_CAPABILITIES : capabilityMask(value.split(','))
      const unknown = value === 'all' ? undefined : value.split(',').find((name) => !isCapability(name.toUpperCase().replace(/^CAP_/, '')))
      if (unknown !== undefined) { await context.err(`capability [${unknown}] is unknown to libcap\n`); return 1 }
      if (!((proc.capabilities ?? ALL_CAPABILITIES) & capabilityMask(['SETPCAP']))) { await context.err(`Unable to drop bounding capability [${value}]\n`); return 1 }
      bounding &= ~dropped
    } else if (arg === '--') {
      try {
        return await proc.exec!(['/bin/bash', ...args.slice(i + 1)], { bounding })
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        await context.err(`execve '/bin/bash' failed!\n`)
        return 1
      }
    } else if (arg.startsWith('--has-p=')) {
      if (!(bounding & capabilityMask([value]))) { await context.err(`cap[${value}] not permitted\n`); return 1 }
    } else return context.complain(`unrecognised option: ${arg}`)
  }
  return 0
}

/** getpcaps(8): the capabilities of processes. */
export const getpcaps: Utility = async (context) => {
  let status = 0
  for (const pid of context.args) {
    const process = context.proc.machine.process(Number(pid)) as ProcessDetails | undefined
    if (!process) { await context.err(`Failed to get cap for process ${pid}: (${errorText(errno('ESRCH'))})\n`); status = 1; continue }
    await context.out(`${pid}: ${capabilityText(process.user.uid === 0 ? process.bounding : 0n)}\n`)
  }
  return status
}
