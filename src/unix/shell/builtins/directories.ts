import { errno, errorText } from '../../errno.ts'
import { resolvePath } from '../../path.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './builtin.ts'
import { written } from './output.ts'

/** `cd [DIRECTORY|-]`, by HOME, OLDPWD and CDPATH. */
export const cd: Builtin = async (shell, argv) => {
  const { variables, proc } = shell
  const args = argv.slice(1).filter((arg) => arg !== '-P' && arg !== '-L' && arg !== '--')
  let target: string | undefined = args[0]
  let tells = false
  if (target === undefined) {
    target = variables.get('HOME')
    if (!target) { await shell.complain('cd: HOME not set'); return 1 }
  } else if (target === '-') {
    target = variables.get('OLDPWD')
    if (!target) { await shell.complain('cd: OLDPWD not set'); return 1 }
    tells = true
  }
  let path = resolvePath(proc.cwd, target)
  const searched = variables.get('CDPATH')
  if (searched && !/^\.{0,2}\//.test(target) && !path.startsWith('.')) {
    for (const directory of searched.split(':')) {
      const candidate = resolvePath(proc.cwd, `${directory || '.'}/${target}`)
      if (!isDirectory(shell, candidate)) continue
      tells = directory !== '' && directory !== '.'
      path = candidate
      break
    }
  }
  try {
    if (proc.fs.stat(path).type !== 'directory') throw errno('ENOTDIR')
    if (proc.fs.access && !proc.fs.access(path, 1)) throw errno('EACCES')
  } catch (error) {
    await shell.complain(shell.isBash ? `cd: ${target}: ${errorText(error)}` : `cd: can't cd to ${target}${shell.flavour === 'ash' ? `: ${errorText(error)}` : ''}`)
    return shell.isBash ? 1 : shell.flavour === 'ash' ? 1 : 2
  }
  variables.set('OLDPWD', proc.cwd)
  variables.export('OLDPWD')
  proc.cwd = path
  variables.set('PWD', path)
  if (tells) await shell.out(`${path}\n`)
  return 0
}

function isDirectory(shell: Shell, path: string): boolean {
  try { return shell.proc.fs.stat(path).type === 'directory' } catch { return false }
}

/** `pwd [-P]`. */
export const pwd: Builtin = async (shell, argv) => written(shell, 'pwd', `${argv[1] === '-P' ? shell.proc.fs.realpath(shell.proc.cwd) : shell.variables.get('PWD') ?? shell.proc.cwd}\n`)
