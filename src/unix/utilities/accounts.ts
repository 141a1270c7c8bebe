import type { FileSystem } from '../types.ts'
import { parseOptions } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

interface Account {
  name: string
  uid: number
  gid: number
  comment: string
  home: string
  shell: string
}

/** First and last number of people and of what runs by itself. */
const PEOPLE = [1000, 59_999] as const
const SYSTEM = [100, 999] as const

const lines = (fs: FileSystem, path: string): string[][] => fs.exists(path) ? fs.readText(path).split('\n').filter(Boolean).map((line) => line.split(':')) : []
const write = (fs: FileSystem, path: string, rows: readonly (readonly string[])[]) => fs.writeFile(path, rows.map((row) => `${row.join(':')}\n`).join(''))

/** /etc/passwd, /etc/group and, where it is there, /etc/shadow. */
class Accounts {
  readonly #fs: FileSystem

  constructor(fs: FileSystem) {
    this.#fs = fs
  }

  hasUser(name: string): boolean {
    return lines(this.#fs, '/etc/passwd').some((row) => row[0] === name)
  }

  /** The number of a group, by its name or number. */
  group(name: string): number | undefined {
    const row = lines(this.#fs, '/etc/group').find((each) => each[0] === name || each[2] === name)
    return row && Number(row[2])
  }

  groupName(gid: number): string {
    return lines(this.#fs, '/etc/group').find((row) => Number(row[2]) === gid)?.[0] ?? String(gid)
  }

  /** Users and groups are numbered each for themselves. */
  freeId(kind: 'user' | 'group', range: readonly [number, number], fromAbove = false): number {
    const taken = new Set(lines(this.#fs, kind === 'user' ? '/etc/passwd' : '/etc/group').map((row) => Number(row[2])))
    const [first, last] = range
    if (fromAbove) for (let id = last; id > first; id--) if (!taken.has(id)) return id
    for (let id = first; id < last; id++) if (!taken.has(id)) return id
    return last
  }

  addGroup(name: string, gid: number): void {
    write(this.#fs, '/etc/group', [...lines(this.#fs, '/etc/group'), [name, 'x', String(gid), '']])
  }

  addUser({ name, uid, gid, comment, home, shell }: Account): void {
    write(this.#fs, '/etc/passwd', [...lines(this.#fs, '/etc/passwd'), [name, 'x', String(uid), String(gid), comment, home, shell]])
    if (this.#fs.exists('/etc/shadow')) write(this.#fs, '/etc/shadow', [...lines(this.#fs, '/etc/shadow'), [name, '!', '', '0', '99999', '7', '', '', '']])
  }

  join(name: string, group: string): void {
    write(this.#fs, '/etc/group', lines(this.#fs, '/etc/group').map((row) => {
      if (row[0] !== group && row[2] !== group) return row
      const members = (row[3] ?? '').split(',').filter(Boolean)
      return [row[0]!, row[1]!, row[2]!, [...members.filter((each) => each !== name), name].join(',')]
    }))
  }

  makeHome({ home, uid, gid }: Account): void {
    if (this.#fs.exists(home)) return
    this.#fs.mkdir(home, { recursive: true })
    this.#fs.chown(home, uid, gid)
  }

  remove(path: string, name: string): void {
    write(this.#fs, path, lines(this.#fs, path).filter((row) => row[0] !== name))
  }
}

function mayChange({ proc }: UtilityContext): boolean {
  return proc.user.uid === 0
}

// --- BusyBox ---------------------------------------------------------------------------------------------------------------------

const busyboxAdduser = async (context: UtilityContext): Promise<number> => {
  const { proc, args, complain } = context
  const options = parseOptions(args, 'h:g:s:G:SDHu:k:', { 'home=': 'h', 'gecos=': 'g', 'shell=': 's', 'ingroup=': 'G', system: 'S', 'disabled-password': 'D', 'empty-password': 'D', 'no-create-home': 'H', 'uid=': 'u', 'skel=': 'k' })
  if (!mayChange(context)) return complain('permission denied (are you root?)')
  const accounts = new Accounts(proc.fs)
  const [name, extra] = options.operands
  if (name === undefined) return complain('no user name given')
  if (extra !== undefined) {
    if (!accounts.hasUser(name)) return complain(`unknown user ${name}`)
    if (accounts.group(extra) === undefined) return complain(`unknown group ${extra}`)
    accounts.join(name, extra)
    return 0
  }
  if (accounts.hasUser(name)) return complain(`user '${name}' in use`)
  const system = options.has('S')
  const wanted = options.value('G')
  const known = wanted === undefined ? undefined : accounts.group(wanted)
  if (wanted !== undefined && known === undefined) return complain(`unknown group ${wanted}`)
  const uid = options.value('u') === undefined ? accounts.freeId('user', system ? SYSTEM : PEOPLE) : Number(options.value('u'))
  let gid = known ?? (system ? accounts.group('nogroup') : undefined)
  if (gid === undefined) {
    gid = accounts.group(name) ?? (accounts.group(String(uid)) === undefined ? uid : accounts.freeId('group', PEOPLE))
    if (accounts.group(name) === undefined) accounts.addGroup(name, gid)
  }
  const account: Account = { name, uid, gid, comment: options.value('g') ?? 'Linux User,,,', home: options.value('h') ?? `/home/${name}`, shell: options.value('s') ?? (system ? '/sbin/nologin' : '/bin/sh') }
  accounts.addUser(account)
  if (!options.has('H')) accounts.makeHome(account)
  return 0
}

const busyboxAddgroup = async (context: UtilityContext): Promise<number> => {
  const { proc, args, complain } = context
  const options = parseOptions(args, 'g:S', { 'gid=': 'g', system: 'S' })
  if (!mayChange(context)) return complain('permission denied (are you root?)')
  const accounts = new Accounts(proc.fs)
  const [name, group] = options.operands
  if (name === undefined) return complain('no group name given')
  if (group !== undefined) {
    if (!accounts.hasUser(name)) return complain(`unknown user ${name}`)
    if (accounts.group(group) === undefined) return complain(`unknown group ${group}`)
    accounts.join(name, group)
    return 0
  }
  if (accounts.group(name) !== undefined) return complain(`group '${name}' in use`)
  accounts.addGroup(name, options.value('g') === undefined ? accounts.freeId('group', options.has('S') ? SYSTEM : PEOPLE) : Number(options.value('g')))
  return 0
}

// --- Debian ----------------------------------------------------------------------------------------------------------------------

const DEBIAN_OPTIONS = { system: 'S', group: 'g', 'ingroup=': 'i', 'gid=': 'n', 'uid=': 'u', 'home=': 'h', 'shell=': 's', 'gecos=': 'c', 'comment=': 'c', 'no-create-home': 'H', 'disabled-password': 'D', 'disabled-login': 'D', quiet: 'q', 'allow-bad-names': 'B', 'force-badname': 'B' }

const debianAdduser = async (context: UtilityContext): Promise<number> => {
  const { proc, args, out, complain } = context
  const options = parseOptions(args, 'q', DEBIAN_OPTIONS)
  if (!mayChange(context)) { await context.err('adduser: Only root may add a user or group to the system.\n'); return 1 }
  const accounts = new Accounts(proc.fs)
  const [name, extra] = options.operands
  if (name === undefined) { await context.err('adduser: Only one or two names allowed.\n'); return 1 }
  const say = async (text: string) => { if (!options.has('q')) await out(`${text}\n`) }
  if (extra !== undefined) {
    if (accounts.group(extra) === undefined) { await context.err(`adduser: The group \`${extra}' does not exist.\n`); return 1 }
    await say(`Adding user \`${name}' to group \`${extra}' ...`)
    accounts.join(name, extra)
    await say('Done.')
    return 0
  }
  const system = options.has('S')
  if (accounts.hasUser(name)) {
    if (system) { await say(`The system user \`${name}' already exists. Exiting.`); return 0 }
    return complain(`The user \`${name}' already exists.`)
  }
  const uid = options.value('u') === undefined ? accounts.freeId('user', system ? SYSTEM : PEOPLE) : Number(options.value('u'))
  const ingroup = options.value('i') ?? options.value('n')
  await say(system ? `Adding system user \`${name}' (UID ${uid}) ...` : `Adding user \`${name}' ...`)
  let gid = ingroup === undefined ? undefined : accounts.group(ingroup)
  if (ingroup !== undefined && gid === undefined) return complain(`The group \`${ingroup}' does not exist.`)
  if (gid === undefined && system && !options.has('g')) gid = accounts.group('nogroup')
  if (gid === undefined) {
    gid = accounts.group(String(uid)) === undefined ? uid : accounts.freeId('group', system ? SYSTEM : PEOPLE)
    await say(`Adding new group \`${name}' (${system ? 'GID ' : ''}${gid}) ...`)
    accounts.addGroup(name, gid)
  }
  await say(system ? `Adding new user \`${name}' (UID ${uid}) with group \`${accounts.groupName(gid)}' ...` : `Adding new user \`${name}' (${uid}) with group \`${accounts.groupName(gid)} (${gid})' ...`)
  const account: Account = { name, uid, gid, comment: options.value('c') ?? (system ? '' : ',,,'), home: options.value('h') ?? (system ? '/nonexistent' : `/home/${name}`), shell: options.value('s') ?? (system ? '/usr/sbin/nologin' : '/bin/bash') }
  accounts.addUser(account)
  if (options.has('H') || account.home === '/nonexistent') await say(`Not creating home directory \`${account.home}'.`)
  else {
    await say(`Creating home directory \`${account.home}' ...`)
    accounts.makeHome(account)
  }
  return 0
}

const debianAddgroup = async (context: UtilityContext): Promise<number> => {
  const { proc, args, out, complain } = context
  const options = parseOptions(args, 'q', DEBIAN_OPTIONS)
  const accounts = new Accounts(proc.fs)
  const [name] = options.operands
  if (!mayChange(context)) { await context.err('addgroup: Only root may add a user or group to the system.\n'); return 1 }
  if (name === undefined) { await context.err('addgroup: Only one or two names allowed.\n'); return 1 }
  if (options.operands.length === 2) return debianAdduser(context)
  if (accounts.group(name) !== undefined) return complain(`The group \`${name}' already exists.`)
  const gid = options.value('n') === undefined ? accounts.freeId('group', options.has('S') ? SYSTEM : PEOPLE) : Number(options.value('n'))
  if (!options.has('q')) await out(`Adding group \`${name}' (GID ${gid}) ...\nDone.\n`)
  accounts.addGroup(name, gid)
  return 0
}

/** `adduser`: BusyBox' and Debian's. */
export const adduser: Utility = (context) => context.busybox ? busyboxAdduser(context) : debianAdduser(context)

/** `addgroup`: BusyBox' and Debian's. */
export const addgroup: Utility = (context) => context.busybox ? busyboxAddgroup(context) : debianAddgroup(context)

/** `deluser` and `userdel`. */
export const deluser: Utility = async (context) => {
  const { operands } = parseOptions(context.args, 'rf', { 'remove-home': 'r', remove: 'r', force: 'f', system: 'S', quiet: 'q' })
  if (!mayChange(context)) return context.complain('permission denied (are you root?)')
  const accounts = new Accounts(context.proc.fs)
  const [name] = operands
  if (name === undefined || !accounts.hasUser(name)) { await context.complain(context.busybox ? `unknown user ${name ?? ''}` : `user '${name ?? ''}' does not exist`); return context.busybox ? 1 : 6 }
  for (const path of ['/etc/passwd', '/etc/shadow']) if (context.proc.fs.exists(path)) accounts.remove(path, name)
  if (accounts.group(name) !== undefined) accounts.remove('/etc/group', name)
  return 0
}

/** `delgroup` and `groupdel`. */
export const delgroup: Utility = async (context) => {
  const { operands } = parseOptions(context.args, 'f', { 'only-if-empty': 'o' })
  if (!mayChange(context)) return context.complain('permission denied (are you root?)')
  const accounts = new Accounts(context.proc.fs)
  const [name] = operands
  if (name === undefined || accounts.group(name) === undefined) { await context.complain(context.busybox ? `unknown group ${name ?? ''}` : `group '${name ?? ''}' does not exist`); return context.busybox ? 1 : 6 }
  accounts.remove('/etc/group', name)
  return 0
}

/** `useradd` of the shadow suite. */
export const useradd: Utility = async (context) => {
  const { proc, args, complain, err } = context
  const options = parseOptions(args, 'rmMNUou:g:G:d:s:c:k:p:l', { system: 'r', 'create-home': 'm', 'no-create-home': 'M', 'no-user-group': 'N', 'user-group': 'U', 'non-unique': 'o', 'uid=': 'u', 'gid=': 'g', 'groups=': 'G', 'home-dir=': 'd', 'home=': 'd', 'shell=': 's', 'comment=': 'c', 'skel=': 'k', 'password=': 'p', 'no-log-init': 'l' })
  if (!mayChange(context)) { await err('useradd: Permission denied.\nuseradd: cannot lock /etc/passwd; try again later.\n'); return 1 }
  const accounts = new Accounts(proc.fs)
  const [name] = options.operands
  if (name === undefined) { await err('Usage: useradd [options] LOGIN\n'); return 2 }
  if (accounts.hasUser(name)) { await complain(`user '${name}' already exists`); return 9 }
  const system = options.has('r')
  const range = system ? SYSTEM : PEOPLE
  const wanted = options.value('g')
  let gid = wanted === undefined ? undefined : accounts.group(wanted)
  if (wanted !== undefined && gid === undefined) { await complain(`group '${wanted}' does not exist`); return 6 }
  for (const group of (options.value('G') ?? '').split(',').filter(Boolean)) if (accounts.group(group) === undefined) { await complain(`group '${group}' does not exist`); return 6 }
  if (gid === undefined && accounts.group(name) !== undefined && !options.has('N')) { await complain(`group ${name} exists - if you want to add this user to that group, use -g.`); return 9 }
  const uid = options.value('u') === undefined ? accounts.freeId('user', range, system) : Number(options.value('u'))
  if (gid === undefined && options.has('N')) gid = accounts.group('users') ?? 100
  if (gid === undefined) {
    gid = accounts.group(String(uid)) === undefined ? uid : accounts.freeId('group', range, system)
    accounts.addGroup(name, gid)
  }
  const account: Account = { name, uid, gid, comment: options.value('c') ?? '', home: options.value('d') ?? `/home/${name}`, shell: options.value('s') ?? '/bin/sh' }
  accounts.addUser(account)
  for (const group of (options.value('G') ?? '').split(',').filter(Boolean)) accounts.join(name, group)
  if (options.has('m') && !options.has('M')) accounts.makeHome(account)
  return 0
}

/** `groupadd` of the shadow suite. */
export const groupadd: Utility = async (context) => {
  const { proc, args, complain, err } = context
  const options = parseOptions(args, 'rfog:', { system: 'r', force: 'f', 'non-unique': 'o', 'gid=': 'g' })
  if (!mayChange(context)) { await err('groupadd: Permission denied.\ngroupadd: cannot lock /etc/group; try again later.\n'); return 10 }
  const accounts = new Accounts(proc.fs)
  const [name] = options.operands
  if (name === undefined) { await err('Usage: groupadd [options] GROUP\n'); return 2 }
  if (accounts.group(name) !== undefined) {
    if (options.has('f')) return 0
    await complain(`group '${name}' already exists`)
    return 9
  }
  const gid = options.value('g')
  if (gid !== undefined && accounts.group(gid) !== undefined && !options.has('o')) { await complain(`GID '${gid}' already exists`); return 4 }
  accounts.addGroup(name, gid === undefined ? accounts.freeId('group', options.has('r') ? SYSTEM : PEOPLE, options.has('r')) : Number(gid))
  return 0
}

/** `usermod -aG`: the groups of a user. */
export const usermod: Utility = async (context) => {
  const options = parseOptions(context.args, 'aG:', { append: 'a', 'groups=': 'G' })
  if (!mayChange(context)) { await context.err('usermod: Permission denied.\nusermod: cannot lock /etc/passwd; try again later.\n'); return 1 }
  const accounts = new Accounts(context.proc.fs)
  const [name] = options.operands
  if (name === undefined || !accounts.hasUser(name)) { await context.complain(`user '${name ?? ''}' does not exist`); return 6 }
  for (const group of (options.value('G') ?? '').split(',').filter(Boolean)) {
    if (accounts.group(group) === undefined) { await context.complain(`group '${group}' does not exist`); return 6 }
    accounts.join(name, group)
  }
  return 0
}
