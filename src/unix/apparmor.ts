import { ALL_CAPABILITIES, capabilityMask } from './capabilities.ts'
import type { ConfinementProfile, FileAccess } from './confinement.ts'
import type { SystemCall } from './system-calls.ts'

/** A profile of AppArmor, as far as it concerns what our programs do. */
export interface AppArmorProfile {
  name: string
  mode: 'enforce' | 'complain'
  rules: ConfinementProfile
}

/** Wrong text of a profile, in apparmor_parser's words. */
export class AppArmorError extends Error {
  constructor(line: number, what: string) {
    super(`AppArmor parser error at line ${line}: ${what}`)
  }
}

/** Files below /etc/apparmor.d that every profile includes: what of them matters to our programs. */
export const APPARMOR_INCLUDES: Readonly<Record<string, string>> = {
  'tunables/global': '@{PROC}=/proc/\n@{HOME}=/home/*/ /root/\n@{pid}={[1-9],[1-9][0-9]*}\n@{sys}=/sys/\n@{run}=/run/ /var/run/\n',
  'abstractions/base': `
    /dev/log w, /dev/random r, /dev/urandom r, /dev/null rw, /dev/zero rw, /dev/full rw, /etc/localtime r, /etc/ld.so.* r, /usr/share/zoneinfo/** r, /usr/share/locale/** r,
    /lib{,32,64}/** rm, /usr/lib{,32,64}/** rm, /proc/meminfo r, /proc/cpuinfo r, /proc/stat r, /proc/filesystems r, /proc/sys/vm/overcommit_memory r, /proc/sys/kernel/ngroups_max r, signal (receive) peer=unconfined, ptrace (readby) peer=unconfined,
  `,
  'abstractions/nameservice': '/etc/passwd r, /etc/group r, /etc/hosts r, /etc/host.conf r, /etc/resolv.conf r, /etc/nsswitch.conf r, /etc/services r, /etc/protocols r, network inet stream, network inet dgram,\n',
  'abstractions/consoles': '/dev/console rw, /dev/tty rw, /dev/pts/[0-9]* rw,\n',
}

/** Rules of AppArmor that say nothing about what happens here. */
const IGNORED: ReadonlySet<string> = new Set(['signal', 'ptrace', 'dbus', 'unix', 'change_profile', 'set', 'userns', 'io_uring', 'remount', 'mqueue', 'link', 'alias'])

interface FileRule { pattern: RegExp; access: number; denies: boolean }

/** How deeply files may include others. */
const DEEPEST = 100

const BLANK = /(?:\s|#(?!include\b)[^\n]*(?:\n|$))*/y

/**
 * Reads the profiles of a text. @param include the text of an included file, by the name in the brackets
 * @throws AppArmorError
 */
// @k8s part: AppArmor: owner, hats, profiles inside of profiles, transitions of executed files, which networks and file systems network and mount rules mean, and what profiles say of signals, tracing, D-Bus, links, namespaces, message queues, io_uring and pivot_root aren't followed
export function parseAppArmor(text: string, include: (name: string) => string | undefined): AppArmorProfile[] {
  return new Parser(include).parse(text)
}

class Parser {
  readonly #include: (name: string) => string | undefined
  readonly #variables = new Map<string, string[]>()
  #text = ''
  #at = 0
  #depth = 0

  constructor(include: (name: string) => string | undefined) {
    this.#include = include
  }

  #fail(what: string): never {
    throw new AppArmorError(this.#text.slice(0, this.#at).split('\n').length, what)
  }

  #skip(): void {
    BLANK.lastIndex = this.#at
    BLANK.exec(this.#text)
    this.#at = BLANK.lastIndex
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    this.#skip()
    const sticky = new RegExp(pattern.source, 'y')
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.#text)
    if (found) this.#at = sticky.lastIndex
    return found
  }

  /** Goes on in another text and comes back. */
  #within<T>(text: string, work: () => T): T {
    const [before, at] = [this.#text, this.#at]
    this.#text = text
    this.#at = 0
    this.#depth += 1
    if (this.#depth > DEEPEST) this.#fail('Exceeded maximum number of nested includes')
    const out = work()
    this.#depth -= 1
    this.#text = before
    this.#at = at
    return out
  }

  #included(): string | undefined {
    const found = this.#take(/#?include\s+(?:if\s+exists\s+)?(?:<([^>\n]+)>|"([^"\n]+)")/)
    if (!found) return undefined
    const name = found[1] ?? found[2]!
    const text = this.#include(name) ?? APPARMOR_INCLUDES[name]
    if (text === undefined && !/if\s+exists/.test(found[0])) this.#fail(`Could not open '${name}'`)
    return text ?? ''
  }

  parse(text: string): AppArmorProfile[] {
    const profiles: AppArmorProfile[] = []
    this.#within(text, () => {
      for (this.#skip(); this.#at < this.#text.length; this.#skip()) {
        const included = this.#included()
        if (included !== undefined) { profiles.push(...this.parse(included)); continue }
        if (this.#take(/abi\s+[^,\n]+,/)) continue
        const variable = this.#take(/@\{(\w+)\}\s*\+?=\s*([^\n]*)/)
        if (variable) { this.#variables.set(variable[1]!, [...this.#variables.get(variable[1]!) ?? [], ...variable[2]!.trim().split(/\s+/)]); continue }
        profiles.push(this.#profile())
      }
    })
    return profiles
  }

  #profile(): AppArmorProfile {
    const head = this.#take(/(?:profile\s+("[^"]+"|[^\s{]+)(?:\s+(?!flags)[^\s{]+)?|("?\/[^\s"{]+"?))\s*(?:flags\s*=\s*)?(?:\(([^)]*)\))?\s*\{/)
    if (!head) this.#fail(`syntax error, unexpected ${/^\w+/.test(this.#text.slice(this.#at)) ? 'TOK_ID' : 'TOK_MODE'}, expecting TOK_OPEN`)
    const files: FileRule[] = []
    const profile = { capabilities: 0n, denied: 0n, network: false, mount: false, umount: false }
    this.#rules(files, profile)
    if (!this.#take(/\}/)) this.#fail('syntax error, unexpected TOK_END_OF_INPUT')
    const refusedCalls = new Set<SystemCall>([...profile.network ? [] : ['socket' as const], ...profile.mount ? [] : ['mount' as const], ...profile.umount ? [] : ['umount2' as const]])
    const isComplaining = /\bcomplain\b/.test(head[3] ?? '')
    return {
      name: (head[1] ?? head[2]!).replaceAll('"', ''), mode: isComplaining ? 'complain' : 'enforce',
      rules: isComplaining ? { capabilities: ALL_CAPABILITIES, refusedCalls: new Set(), isComplaining: true } : { capabilities: profile.capabilities & ~profile.denied, refusedCalls, allowsFile: (path, access) => allowsFile(files, path, access) },
    }
  }

  #rules(files: FileRule[], profile: { capabilities: bigint; denied: bigint; network: boolean; mount: boolean; umount: boolean }): void {
    for (;;) {
      this.#skip()
      if (this.#at >= this.#text.length || this.#text[this.#at] === '}') return
      const included = this.#included()
      if (included !== undefined) { this.#within(included, () => this.#rules(files, profile)); continue }
      const rule = this.#take(/((?:\\,|"[^"]*"|\{[^}\n]*\}|[^,{}\n"]|\n(?=\s))*?(?:"[^"]*"|\{[^}\n]*\}|[^,{}\n"])*?),(?=\s|$|\})/) ?? this.#fail('syntax error, unexpected TOK_CLOSE, expecting TOK_END_OF_RULE')
      this.#rule(rule[1]!.trim(), files, profile)
    }
  }

  #rule(text: string, files: FileRule[], profile: { capabilities: bigint; denied: bigint; network: boolean; mount: boolean; umount: boolean }): void {
    let rest = text
    let denies = false
    for (let word = /^(audit|deny|allow|owner|other)\s+/.exec(rest); word; word = /^(audit|deny|allow|owner|other)\s+/.exec(rest)) { denies ||= word[1] === 'deny'; rest = rest.slice(word[0].length) }
    const [word = '', ...words] = rest.split(/\s+/)
    if (word === 'capability') {
      const mask = words.length === 0 ? ALL_CAPABILITIES : capabilityMask(words)
      if (denies) profile.denied |= mask
      else profile.capabilities |= mask
      return
    }
    if (word === 'network' || word === 'mount' || word === 'umount') { if (!denies) profile[word] = true; else if (words.length === 0) profile[word] = false; return }
    if (word === 'pivot_root' || IGNORED.has(word)) return
    if (word === 'file' && words.length === 0) { files.push({ pattern: /^/, access: 7, denies }); return }
    if (word === 'file') words.length > 0 && (rest = words.join(' '))
    const parts = /^("[^"]+"|\S+)\s+(\S+)(?:\s+->.*)?$/.exec(rest)
    if (!parts) this.#fail(`syntax error, unexpected TOK_ID, expecting TOK_MODE`)
    const [path, mode] = /^["/@{]/.test(parts[1]!) ? [parts[1]!, parts[2]!] : [parts[2]!, parts[1]!]
    if (!/^["/@{]/.test(path) || !/^[rwaxlkmiupcUPC]+$/.test(mode)) this.#fail(`syntax error, unexpected TOK_ID, expecting TOK_MODE`)
    const access = (/r/.test(mode) ? 4 : 0) | (/[wal]/.test(mode) ? 2 : 0) | (/x/.test(mode) ? 1 : 0)
    files.push({ pattern: this.#pattern(path.replaceAll('"', '')), access, denies })
  }

  /** A path's pattern: `*` stays in a directory, `**` doesn't. */
  #pattern(path: string): RegExp {
    const text = path.replace(/@\{(\w+)\}/g, (_, name: string) => `{${(this.#variables.get(name) ?? this.#fail(`Found reference to variable ${name}, but is never declared`)).join(',')}}`).replace(/\/+/g, '/')
    let depth = 0
    const source = text.replace(/\*\*|[*?{},]|\[[^\]]*\]|[.+^$()|\\]/g, (token) => {
      switch (token) {
        case '**': return '.*'
        case '*': return '[^/]*'
        case '?': return '[^/]'
        case '{': depth += 1; return '(?:'
        case '}': depth -= 1; return ')'
        case ',': return depth > 0 ? '|' : ','
        default: return token[0] === '[' ? token : `\\${token}`
      }
    })
    return new RegExp(`^${source.replace(/\/\//g, '/')}$`)
  }
}

/** Whether rules allow everything that is asked for, and none denies a part of it. Directories end with a slash in rules. */
function allowsFile(rules: readonly FileRule[], path: string, access: FileAccess): boolean {
  let allowed = false
  for (const { pattern, access: of, denies } of rules) {
    if ((of & access) === 0 || (allowed && !denies) || !(pattern.test(path) || pattern.test(`${path}/`))) continue
    if (denies) return false
    allowed = true
  }
  return allowed
}
