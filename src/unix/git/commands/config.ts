import { splitName, normalName } from '../config-file.ts'
import type { ConfigEntry } from '../config-file.ts'
import { Config, truth } from '../config.ts'
import type { ConfigScope, ScopedEntry } from '../config.ts'
import { GitFailure, fatal } from '../failure.ts'
import { Options, usageError } from '../options.ts'
import type { Session } from '../session.ts'

export async function config(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('config', args, ['global', 'system', 'local', 'worktree', 'f|file=', 'get', 'get-all', 'get-regexp', 'replace-all', 'add', 'unset', 'unset-all', 'rename-section', 'remove-section', 'l|list', 'e|edit', 'z|null', 'name-only', 'show-origin', 'show-scope', 'bool', 'int', 'path', 't|type=', 'default=', 'includes', 'fixed-value'])
  const { operands } = options
  const scope: ConfigScope | undefined = options.has('global') ? 'global' : options.has('system') ? 'system' : options.has('local') ? 'local' : undefined
  if (scope === 'local' && !session.repositoryOrNone) throw fatal('--local can only be used inside a git repository')
  const settings = session.repositoryOrNone?.config ?? new Config(session.proc, undefined, session.globals.config)
  const given = options.value('file')
  const path = given !== undefined ? session.proc.resolve(given) : scope === undefined ? settings.pathOf('local') : settings.pathOf(scope)
  const type = options.value('type') ?? (options.has('bool') ? 'bool' : options.has('int') ? 'int' : options.has('path') ? 'path' : undefined)
  const readable = (): ScopedEntry[] => scope === undefined && given === undefined ? [...settings.entries()] : path === undefined ? [] : settings.file(path).entries().map((entry) => ({ ...entry, scope: scope ?? 'local', path }))
  const end = options.has('null') ? '\0' : '\n'
  const origin = (entry: ScopedEntry) => `${options.has('show-scope') ? `${entry.scope}\t` : ''}${options.has('show-origin') ? `${entry.path === '' ? 'command line:' : `file:${entry.path.startsWith(`${session.repositoryOrNone?.top ?? '\0'}/`) && entry.scope === 'local' ? entry.path.slice(session.repository.top.length + 1) : entry.path}`}\t` : ''}`
  const shown = (value: string | undefined, name: string) => {
    if (type === 'bool') {
      const meaning = truth(value ?? 'true')
      if (meaning === undefined) throw fatal(`bad boolean config value '${value}' for '${name}'`)
      return String(meaning)
    }
    if (type === 'int') {
      const match = /^(-?\d+)([kmg]?)$/i.exec(value ?? '')
      if (!match) throw fatal(`bad numeric config value '${value}' for '${name}': invalid unit`)
      return String(Number(match[1]) * 1024 ** ['', 'k', 'm', 'g'].indexOf(match[2]!.toLowerCase()))
    }
    if (type === 'path') return (value ?? '').replace(/^~(?=\/|$)/, session.proc.env['HOME'] ?? '')
    return value ?? ''
  }
  const target = () => {
    if (path === undefined) throw fatal('not in a git directory')
    return path
  }
  if (options.has('list')) {
    if (scope !== undefined && path !== undefined && !session.proc.fs.exists(path)) throw fatal(`unable to read config file '${path}': No such file or directory`)
    for (const entry of readable()) session.out(`${origin(entry)}${entry.name}${options.has('name-only') || entry.value === undefined ? '' : `${options.has('null') ? '\n' : '='}${entry.value}`}${end}`)
    return 0
  }
  if (options.has('edit')) {
    const file = target()
    if (!session.proc.fs.exists(file)) settings.save(settings.file(file))
    await session.edit(file)
    return 0
  }
  if (options.has('remove-section', 'rename-section')) {
    const file = settings.file(target())
    const [from = '', to = ''] = operands
    const { section, subsection } = from.includes('.') ? splitName(`${from}.x`) : { section: from.toLowerCase(), subsection: undefined }
    const name = subsection === undefined ? section : `${section}.${subsection}`
    if (!(options.has('remove-section') ? file.removeSection(name) : file.renameSection(name, to))) throw fatal(`no such section: ${from}`)
    settings.save(file)
    return 0
  }
  const [name, value, pattern] = operands
  if (name === undefined) throw new GitFailure(`usage: git config [<options>]\n`, 129)
  if (!options.has('get-regexp')) checkName(name, value !== undefined && !options.has('get', 'get-all', 'unset', 'unset-all'))
  const matching = (entries: readonly ConfigEntry[], filter: string | undefined) => entries.filter((entry) => entry.name === normalName(name) && (filter === undefined || (options.has('fixed-value') ? entry.value === filter : filter.startsWith('!') ? !new RegExp(filter.slice(1)).test(entry.value ?? '') : new RegExp(filter).test(entry.value ?? ''))))
  if (options.has('get-regexp')) {
    const wanted = new RegExp(name)
    const found = readable().filter((entry) => wanted.test(entry.name) && (value === undefined || new RegExp(value).test(entry.value ?? '')))
    for (const entry of found) session.out(`${origin(entry)}${entry.name}${options.has('name-only') || entry.value === undefined ? '' : ` ${shown(entry.value, entry.name)}`}${end}`)
    return found.length > 0 ? 0 : 1
  }
  if (options.has('unset', 'unset-all')) {
    const file = settings.file(target())
    const found = matching(file.entries(), value)
    if (found.length === 0) return 5
    if (found.length > 1 && !options.has('unset-all')) { await session.complain(`warning: ${name} has multiple values\n`); return 5 }
    for (const entry of found.reverse()) file.remove(entry)
    settings.save(file)
    return 0
  }
  if (value === undefined || options.has('get', 'get-all')) {
    if (options.has('add', 'replace-all')) throw usageError('config', 'wrong number of arguments, should be 2')
    const found = matching(readable(), options.has('get', 'get-all') ? value : undefined) as ScopedEntry[]
    const otherwise = options.value('default')
    if (found.length === 0) {
      if (otherwise === undefined) return 1
      session.out(shown(otherwise, name) + end)
      return 0
    }
    for (const entry of options.has('get-all') ? found : found.slice(-1)) session.out(origin(entry) + shown(entry.value, name) + end)
    return 0
  }
  const file = settings.file(target())
  const stored = type === 'bool' || type === 'int' ? shown(value, name) : value
  const before = matching(file.entries(), pattern)
  if (options.has('add') || before.length === 0) file.add(name, stored)
  else {
    if (before.length > 1 && !options.has('replace-all')) {
      await session.complain(`warning: ${name} has multiple values\nerror: cannot overwrite multiple values with a single value\n       Use a regexp, --add or --replace-all to change ${name}.\n`)
      return 5
    }
    for (const entry of before.slice(0, -1).reverse()) file.remove(entry)
    file.replace(matching(file.entries(), pattern).at(-1)!, stored)
  }
  settings.save(file)
  return 0
}

function checkName(name: string, sets: boolean): void {
  if (name.lastIndexOf('.') <= 0) throw new GitFailure(`error: key does not contain a section: ${name}`, sets ? 2 : 1)
  if (name.endsWith('.')) throw new GitFailure(`error: key does not contain variable name: ${name}`, 1)
  const { section, key } = splitName(name)
  if (!/^[\w-]+$/.test(section) || !/^[a-z][a-z0-9-]*$/.test(key)) throw new GitFailure(`error: invalid key: ${name}`, 1)
}
