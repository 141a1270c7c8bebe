import { ProcessExit } from '../../types.ts'
import type { Builtin } from './builtin.ts'
import { quoteWord, singleQuoted } from './quoting.ts'

const OPTION_LETTERS: Readonly<Record<string, string>> = { e: 'errexit', f: 'noglob', u: 'nounset', x: 'xtrace', v: 'verbose', n: 'noexec', a: 'allexport', C: 'noclobber', m: 'monitor', b: 'notify', h: 'hashall', E: 'errtrace', B: 'braceexpand' }

const OPTION_NAMES = [...Object.values(OPTION_LETTERS), 'pipefail', 'ignoreeof', 'vi', 'emacs', 'posix', 'nolog']

/** `set`: options, positional parameters, or a list of all variables. */
export const set: Builtin = async (shell, argv) => {
  const { state } = shell
  if (argv.length === 1) {
    for (const [name, { value }] of shell.variables.entries()) if (value !== undefined) await shell.out(`${name}=${shell.isBash ? quoteWord(value) : singleQuoted(value)}\n`)
    return 0
  }
  for (let i = 1; i < argv.length; i++) {
    const arg = argv[i]!
    if (arg === '--') { state.positional = argv.slice(i + 1); return 0 }
    if (arg === '-' ) { state.options.delete('xtrace'); state.options.delete('verbose'); if (i + 1 < argv.length) state.positional = argv.slice(i + 1); return 0 }
    if (!/^[-+]./.test(arg)) { state.positional = argv.slice(i); return 0 }
    const on = arg[0] === '-'
    for (const letter of arg.slice(1)) {
      if (letter === 'o') {
        const name = argv[++i]
        if (name === undefined) { for (const each of OPTION_NAMES) await shell.out(on ? `${each.padEnd(15)}\t${state.options.has(each) ? 'on' : 'off'}\n` : `set ${state.options.has(each) ? '-' : '+'}o ${each}\n`); return 0 }
        if (!OPTION_NAMES.includes(name)) { await shell.complain(shell.isBash ? `set: ${name}: invalid option name` : `set: Illegal option -o ${name}`); if (!shell.isBash && !shell.interactive) throw new ProcessExit(2); return shell.isBash ? 2 : 2 }
        if (on) state.options.add(name); else state.options.delete(name)
        continue
      }
      const name = OPTION_LETTERS[letter]
      if (!name) { await shell.complain(shell.isBash ? `set: ${arg}: invalid option` : `set: Illegal option ${arg[0]}${letter}`); if (!shell.isBash && !shell.interactive) throw new ProcessExit(2); return 2 }
      if (on) state.options.add(name); else state.options.delete(name)
    }
  }
  return 0
}

/** Switches of bash that are on unless somebody switches them off. */
const SHOPTS_ON = new Set(['checkwinsize', 'cmdhist', 'complete_fullquote', 'extglob', 'extquote', 'force_fignore', 'globasciiranges', 'hostcomplete', 'interactive_comments', 'progcomp', 'promptvars', 'sourcepath'])

const SHOPTS = new Set([...SHOPTS_ON, 'autocd', 'cdspell', 'checkhash', 'checkjobs', 'compat44', 'direxpand', 'dirspell', 'dotglob', 'execfail', 'expand_aliases', 'extdebug', 'failglob', 'globstar', 'gnu_errfmt', 'histappend', 'histreedit', 'histverify', 'huponexit', 'inherit_errexit', 'lastpipe', 'lithist', 'localvar_inherit', 'login_shell', 'mailwarn', 'no_empty_cmd_completion', 'nocaseglob', 'nocasematch', 'nullglob', 'progcomp_alias', 'restricted_shell', 'shift_verbose', 'xpg_echo'])

/** `shopt [-s|-u|-p|-q|-o] [NAME...]`: bash's switches. */
// @k8s part: bash's shopt: of the switches only expand_aliases has an effect
export const shopt: Builtin = async (shell, argv) => {
  const flags = argv.slice(1).filter((arg) => arg.startsWith('-')).join('')
  const names = argv.slice(1).filter((arg) => !arg.startsWith('-'))
  if (flags.includes('o')) return set(shell, ['set', ...names.flatMap((name) => [flags.includes('u') ? '+o' : '-o', name])])
  const { shopts } = shell.state
  const isOn = (name: string) => shopts.has(name) || name === 'expand_aliases' && shell.interactive && !shopts.has('!expand_aliases') || SHOPTS_ON.has(name) && !shopts.has(`!${name}`)
  let status = 0
  for (const name of names.length > 0 ? names : flags === '' || flags === '-p' ? [...SHOPTS].sort() : []) {
    if (!SHOPTS.has(name)) {
      await shell.complain(`shopt: ${name}: invalid shell option name`)
      status = 1
    } else if (flags.includes('s') || flags.includes('u')) {
      const on = flags.includes('s')
      shopts.delete(on ? `!${name}` : name)
      shopts.add(on ? name : `!${name}`)
    } else {
      if (!isOn(name) && names.length > 0) status = 1
      if (!flags.includes('q')) await shell.out(flags.includes('p') ? `shopt -${isOn(name) ? 's' : 'u'} ${name}\n` : `${name.padEnd(15)}\t${isOn(name) ? 'on' : 'off'}\n`)
    }
  }
  return status
}

/** `umask [-S] [MODE]`. */
export const umask: Builtin = async (shell, argv) => {
  const { fs } = shell.proc
  const mask = fs.umask ?? 0o022
  if (argv[1] === undefined) { await shell.out(`${mask.toString(8).padStart(4, '0')}\n`); return 0 }
  if (argv[1] === '-S') {
    const part = (bits: number) => `${bits & 4 ? 'r' : ''}${bits & 2 ? 'w' : ''}${bits & 1 ? 'x' : ''}`
    await shell.out(`u=${part(~mask >> 6)},g=${part(~mask >> 3)},o=${part(~mask)}\n`)
    return 0
  }
  if (!/^[0-7]+$/.test(argv[1])) { await shell.complain(`umask: Illegal number: ${argv[1]}`); return 1 }
  fs.umask = parseInt(argv[1], 8)
  return 0
}

/** `ulimit`: there are no limits but that of open files. */
export const ulimit: Builtin = async (shell, argv) => {
  if (argv[1] === '-n') await shell.out('1048576\n')
  else await shell.out('unlimited\n')
  return 0
}
