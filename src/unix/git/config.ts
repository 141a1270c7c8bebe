import type { Proc } from '../types.ts'
import { ConfigFile, normalName } from './config-file.ts'
import type { ConfigEntry } from './config-file.ts'
import { fatal } from './failure.ts'

export type ConfigScope = 'system' | 'global' | 'local' | 'command'

export interface ScopedEntry extends ConfigEntry {
  scope: ConfigScope
  path: string
}

/** Settings of the machine, the user, the repository and the command line; later ones win. */
export class Config {
  readonly #proc: Proc
  readonly #gitDir: string | undefined
  readonly #given: readonly [string, string | undefined][]
  #entries: readonly ScopedEntry[] | undefined

  /** `given`: what `-c name=value` says. */
  constructor(proc: Proc, gitDir: string | undefined, given: readonly [string, string | undefined][]) {
    this.#proc = proc
    this.#gitDir = gitDir
    this.#given = given
  }

  get gitDir(): string | undefined {
    return this.#gitDir
  }

  #home(): string {
    return this.#proc.env['HOME'] ?? this.#proc.user.home
  }

  pathOf(scope: ConfigScope): string | undefined {
    switch (scope) {
      case 'system': return '/etc/gitconfig'
      case 'global': {
        const [plain, xdg] = [`${this.#home()}/.gitconfig`, `${this.#proc.env['XDG_CONFIG_HOME'] || `${this.#home()}/.config`}/git/config`]
        return this.#proc.env['GIT_CONFIG_GLOBAL'] ?? (!this.#proc.fs.exists(plain) && this.#proc.fs.exists(xdg) ? xdg : plain)
      }
      case 'local': return this.#gitDir === undefined ? undefined : `${this.#gitDir}/config`
      case 'command': return undefined
    }
  }

  file(path: string): ConfigFile {
    const { fs } = this.#proc
    return new ConfigFile(path, fs.exists(path) ? fs.readText(path) : '')
  }

  save(file: ConfigFile): void {
    const { fs } = this.#proc
    const folder = file.path.slice(0, file.path.lastIndexOf('/'))
    if (!fs.exists(folder)) fs.mkdir(folder, { recursive: true })
    fs.writeFile(file.path, file.text)
    this.#entries = undefined
  }

  /** All settings, the strongest last. */
  entries(): readonly ScopedEntry[] {
    if (this.#entries) return this.#entries
    const out: ScopedEntry[] = []
    for (const scope of ['system', 'global', 'local'] as const) {
      const path = this.pathOf(scope)
      if (path !== undefined && this.#proc.fs.exists(path)) for (const entry of this.file(path).entries()) this.#include(out, { ...entry, scope, path })
    }
    const { env } = this.#proc
    for (let i = 0; i < Number(env['GIT_CONFIG_COUNT'] ?? 0); i++) out.push({ name: normalName(env[`GIT_CONFIG_KEY_${i}`] ?? ''), value: env[`GIT_CONFIG_VALUE_${i}`], section: '', from: 0, to: 0, scope: 'command', path: '' })
    for (const [name, value] of this.#given) out.push({ name: normalName(name), value, section: '', from: 0, to: 0, scope: 'command', path: '' })
    return this.#entries = out
  }

  #include(out: ScopedEntry[], entry: ScopedEntry, depth = 0): void {
    out.push(entry)
    if (entry.name !== 'include.path' || entry.value === undefined || depth > 10) return
    const path = entry.value.startsWith('~/') ? this.#home() + entry.value.slice(1) : entry.value.startsWith('/') ? entry.value : `${entry.path.slice(0, entry.path.lastIndexOf('/'))}/${entry.value}`
    if (this.#proc.fs.exists(path)) for (const each of this.file(path).entries()) this.#include(out, { ...each, scope: entry.scope, path }, depth + 1)
  }

  all(name: string): string[] {
    const wanted = normalName(name)
    return this.entries().filter((entry) => entry.name === wanted).map((entry) => entry.value ?? 'true')
  }

  get(name: string): string | undefined {
    return this.all(name).at(-1)
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.get(name)
    return value === undefined ? otherwise : truth(value) ?? (() => { throw fatal(`bad boolean config value '${value}' for '${normalName(name)}'`) })()
  }

  number(name: string, otherwise: number): number {
    const value = this.get(name)
    return value === undefined ? otherwise : Number(value)
  }

  /** Writes a setting of the repository, in place of what it was. */
  setLocal(name: string, value: string): void {
    const file = this.file(this.pathOf('local')!)
    const wanted = normalName(name)
    const before = file.entries().filter((entry) => entry.name === wanted).at(-1)
    if (before) file.replace(before, value)
    else file.add(name, value)
    this.save(file)
  }

  /** Names of subsections: remotes, branches. */
  subsections(section: string): string[] {
    return [...new Set(this.entries().filter(({ name }) => name.startsWith(`${section}.`) && name.indexOf('.') !== name.lastIndexOf('.')).map(({ name }) => name.slice(section.length + 1, name.lastIndexOf('.'))))]
  }
}

/** What a word says as a boolean; undefined if nothing. */
export function truth(value: string): boolean | undefined {
  if (/^(true|yes|on)$/i.test(value) || /^[-+]?0*[1-9]\d*$/.test(value)) return true
  return value === '' || /^(false|no|off)$/i.test(value) || /^[-+]?0+$/.test(value) ? false : undefined
}
