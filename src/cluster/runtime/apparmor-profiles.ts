import { ALL_CAPABILITIES } from '../../unix/capabilities.ts'
import { AppArmorError, parseAppArmor } from '../../unix/apparmor.ts'
import type { AppArmorProfile } from '../../unix/apparmor.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { DEFAULT_APPARMOR_PROFILE } from './cri.ts'

/** Where apparmor_parser keeps what it has compiled: what lies here counts as loaded. */
const CACHE = '/var/cache/apparmor/26b63962.0'
const SOURCES = '/etc/apparmor.d'

/** The runtime's own: it forbids mounting; what else it forbids is masked or read-only anyway. */
// containerd: contrib/apparmor/template.go
const RUNTIME_DEFAULT: AppArmorProfile = { name: DEFAULT_APPARMOR_PROFILE, mode: 'enforce', rules: { capabilities: ALL_CAPABILITIES, refusedCalls: new Set(['mount']) } }

const fileOf = (name: string) => `${CACHE}/${name.replaceAll('/', '.')}`

/** The profiles of AppArmor that a node's kernel has. */
export class AppArmorProfiles {
  readonly #files: MountableFileSystem
  readonly #compiled = new Map<string, { text: string; profile: AppArmorProfile }>()

  constructor(nodeFiles: MountableFileSystem) {
    this.#files = nodeFiles
  }

  /** By name. */
  list(): AppArmorProfile[] {
    const names = this.#files.exists(CACHE) ? this.#files.readdir(CACHE) : []
    return [RUNTIME_DEFAULT, ...names.flatMap((name) => this.#read(`${CACHE}/${name}`) ?? [])].sort((a, b) => a.name < b.name ? -1 : 1)
  }

  /** The profile of a name; undefined where the kernel has none. */
  find(name: string): AppArmorProfile | undefined {
    return name === DEFAULT_APPARMOR_PROFILE ? RUNTIME_DEFAULT : this.#read(fileOf(name))
  }

  /** What a text defines. @throws AppArmorError */
  parse(text: string): AppArmorProfile[] {
    return parseAppArmor(text, (name) => this.#files.exists(`${SOURCES}/${name}`) ? this.#files.readText(`${SOURCES}/${name}`) : undefined)
  }

  /** Takes a profile of a text that was parsed. */
  load(name: string, text: string): void {
    this.#files.mkdir(CACHE, { recursive: true })
    this.#files.writeFile(fileOf(name), text)
  }

  /** Unloads a profile. */
  remove(name: string): void {
    this.#files.remove(fileOf(name), { force: true })
  }

  #read(path: string): AppArmorProfile | undefined {
    if (!this.#files.exists(path)) return undefined
    const text = this.#files.readText(path)
    const known = this.#compiled.get(path)
    if (known?.text === text) return known.profile
    try {
      const profile = this.parse(text).find(({ name }) => fileOf(name) === path)
      if (profile) this.#compiled.set(path, { text, profile })
      return profile
    } catch (error) {
      // A file that it includes has gone since it was loaded.
      if (error instanceof AppArmorError) return undefined
      throw error
    }
  }
}
