import type { Clock } from '../../base/clock.ts'
import { AppArmorError } from '../../unix/apparmor.ts'
import { errorText } from '../../unix/errno.ts'
import type { MemoryFileSystem } from '../../unix/file-system.ts'
import { Tree } from '../../unix/fs/tree.ts'
import type { ProcessDetails } from '../../unix/fs/proc-tree.ts'
import { UnixError } from '../../unix/types.ts'
import type { Program } from '../../unix/types.ts'
import { readAll } from '../../base/streams.ts'
import { parseOptions, utilityProgram } from '../../unix/utilities/utility.ts'
import type { AppArmorProfiles } from '../runtime/apparmor-profiles.ts'

/** Shows what AppArmor has loaded at /sys/kernel/security/apparmor/profiles. */
export function mountSecurityFiles(root: MemoryFileSystem, profiles: AppArmorProfiles, clock: Clock): void {
  root.mountLazily('/sys/kernel/security', () => {
    const tree = new Tree(clock)
    const directory = tree.create('directory', 0o755)
    directory.entries!.set('profiles', Object.assign(tree.create('file', 0o444), { synthetic: { text: () => profiles.list().map(({ name, mode }) => `${name} (${mode})\n`).join('') } }))
    tree.root.entries!.set('apparmor', directory)
    return tree
  }, 'securityfs')
}

/** apparmor_parser: loads, replaces and removes profiles. */
export function apparmorParser(profiles: AppArmorProfiles): Program {
  return utilityProgram(async (context) => {
    const { proc } = context
    const options = parseOptions(context.args, 'arRCqvWTKSNBpdI:', { add: 'a', replace: 'r', remove: 'R', Complain: 'C', quiet: 'q', verbose: 'v', 'write-cache': 'W', 'skip-read-cache': 'T', 'skip-cache': 'K', stdout: 'S', names: 'N', preprocess: 'p', debug: 'd' })
    if (options.has('C', 'S', 'B', 'p', 'd', 'I')) return context.complain('only -a, -r, -R and -N are followed here')
    if (proc.user.uid !== 0 && !options.has('N')) { await context.err('apparmor_parser: Sorry. You need root privileges to run this program.\n\n'); return 13 }
    const inputs = options.operands.length > 0 ? options.operands : ['-']
    let status = 0
    for (const operand of inputs) {
      let text: string
      try {
        text = operand === '-' ? new TextDecoder().decode(await readAll(proc.stdin)) : proc.fs.readText(proc.resolve(operand))
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        if (error.code !== 'EISDIR') { await context.err(`File ${operand} not found, skipping...\n`); status = error.code === 'ENOENT' ? 1 : 2; continue }
        await context.err(`Error: ${operand}: ${errorText(error)}\n`)
        return 1
      }
      try {
        for (const { name } of profiles.parse(text)) {
          const isLoaded = profiles.find(name) !== undefined
          if (options.has('N')) { await context.out(`${name}\n`); continue }
          if (options.has('R')) {
            if (!isLoaded) { await context.err(`apparmor_parser: Unable to remove "${name}".  Profile doesn't exist\n`); return 254 }
            profiles.remove(name)
          } else if (isLoaded && !options.has('r')) {
            await context.err(`apparmor_parser: Unable to add "${name}".  Profile already exists\n`)
            return 239
          } else profiles.load(name, text)
        }
      } catch (error) {
        if (!(error instanceof AppArmorError)) throw error
        await context.err(`${error.message.replace('AppArmor parser error', operand === '-' ? 'AppArmor parser error' : `AppArmor parser error for ${operand} in profile ${operand}`)}\n`)
        return 1
      }
    }
    return status
  }, 'gnu', 'apparmor_parser')
}

/** aa-status: the profiles, and the processes that they confine. */
export function aaStatus(profiles: AppArmorProfiles): Program {
  return utilityProgram(async (context) => {
    const loaded = profiles.list()
    const processes = (context.proc.machine.processes() as readonly ProcessDetails[]).filter(({ status, privileges }) => !status && privileges.appArmor !== undefined)
    const inMode = (mode: string) => loaded.filter((profile) => profile.mode === mode)
    const confinedIn = (mode: string) => processes.filter(({ privileges }) => inMode(mode).some(({ name }) => name === privileges.appArmor))
    const lines = ['apparmor module is loaded.', `${loaded.length} profiles are loaded.`]
    for (const mode of ['enforce', 'complain']) lines.push(`${inMode(mode).length} profiles are in ${mode} mode.`, ...inMode(mode).map(({ name }) => `   ${name}`))
    lines.push(`${processes.length} processes have profiles defined.`)
    for (const mode of ['enforce', 'complain']) lines.push(`${confinedIn(mode).length} processes are in ${mode} mode.`, ...confinedIn(mode).map(({ argv, pid, privileges }) => `   ${argv[0]} (${pid}) ${privileges.appArmor}`))
    await context.out(`${lines.join('\n')}\n`)
    return 0
  }, 'gnu', 'aa-status')
}
