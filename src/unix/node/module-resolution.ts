import { directoryName, resolvePath } from '../path.ts'
import type { FileSystem } from '../types.ts'
import { isModuleText } from './source-text.ts'

/** Where a specifier leads. */
export interface ResolvedModule {
  path: string
  format: 'commonjs' | 'module' | 'json'
}

/** A specifier that leads nowhere; the error's texts are those of ECMAScript imports. */
export class ModuleNotFound extends Error {
  readonly code: 'ERR_MODULE_NOT_FOUND' | 'ERR_PACKAGE_PATH_NOT_EXPORTED' | 'ERR_UNSUPPORTED_DIR_IMPORT'
  /** The file that an import asked for, where it asked for one. */
  readonly path: string | undefined
  constructor(code: ModuleNotFound['code'], message: string, path?: string) {
    super(message)
    this.code = code
    this.path = path
  }
}

interface PackageJson {
  type?: string
  main?: string
  exports?: unknown
  imports?: unknown
}

/** Node's rules of finding modules, over the files of a process. */
export class ModuleResolution {
  readonly #fs: FileSystem

  constructor(fs: FileSystem) {
    this.#fs = fs
  }

  /** What `require` finds; undefined where it finds nothing. */
  require(name: string, directory: string): ResolvedModule | undefined {
    if (/^(?:\.{1,2}(?:\/|$)|\/)/.test(name)) return this.#fileOrDirectory(resolvePath(directory, name), /\/$|(?:^|\/)\.{1,2}$/.test(name))
    if (name.startsWith('file://')) return this.#fileOrDirectory(decodeURIComponent(name.slice(7)), false)
    return this.#inPackages(name, directory, ['require', 'node', 'default'])
  }

  /** What the command line names. */
  main(path: string): ResolvedModule | undefined {
    return this.#fileOrDirectory(path, false)
  }

  /** What `import` finds. @throws ModuleNotFound */
  import(name: string, referrer: string): ResolvedModule {
    const directory = directoryName(referrer)
    if (/^(?:\.{1,2}\/|\/|file:\/\/)/.test(name) || name === '.' || name === '..') {
      const path = name.startsWith('file://') ? decodeURIComponent(name.slice(7)) : resolvePath(directory, name.replace(/[?#].*$/, ''))
      if (this.#isDirectory(path)) throw new ModuleNotFound('ERR_UNSUPPORTED_DIR_IMPORT', `Directory import '${path}' is not supported resolving ES modules imported from ${referrer}`, path)
      if (!this.#isFile(path)) throw new ModuleNotFound('ERR_MODULE_NOT_FOUND', `Cannot find module '${path}' imported from ${referrer}`, path)
      return this.#found(path)
    }
    const found = this.#inPackages(name, directory, ['import', 'node', 'default'])
    if (!found) throw new ModuleNotFound('ERR_MODULE_NOT_FOUND', `Cannot find package '${/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name}' imported from ${referrer}`)
    return found
  }

  /** The folders in which packages are looked for. */
  paths(directory: string): string[] {
    const paths: string[] = []
    for (let at = directory; ; at = directoryName(at)) {
      if (!at.endsWith('/node_modules')) paths.push(`${at === '/' ? '' : at}/node_modules`)
      if (at === '/') return paths
    }
  }

  /** What the nearest package.json says of a file's kind; undefined where it doesn't say. */
  packageType(path: string): { type: string | undefined; file: string } | undefined {
    for (let at = directoryName(path); ; at = directoryName(at)) {
      const file = `${at === '/' ? '' : at}/package.json`
      if (this.#isFile(file)) return { type: this.#packageJson(file)?.type, file }
      if (at === '/' || at.endsWith('/node_modules')) return undefined
    }
  }

  #found(given: string): ResolvedModule {
    const path = this.#fs.realpath(given)
    if (path.endsWith('.json')) return { path, format: 'json' }
    if (path.endsWith('.mjs')) return { path, format: 'module' }
    if (path.endsWith('.cjs')) return { path, format: 'commonjs' }
    const type = this.packageType(path)?.type
    return { path, format: type === 'module' || (type === undefined && isModuleText(this.#fs.readText(path))) ? 'module' : 'commonjs' }
  }

  #fileOrDirectory(path: string, mustBeDirectory: boolean): ResolvedModule | undefined {
    if (!mustBeDirectory) for (const suffix of ['', '.js', '.json', '.node', '.cjs', '.mjs']) if (this.#isFile(path + suffix)) return this.#found(path + suffix)
    if (!this.#isDirectory(path)) return undefined
    const main = this.#packageJson(`${path}/package.json`)?.main
    if (main !== undefined) {
      const target = resolvePath(path, main)
      for (const candidate of [target, `${target}.js`, `${target}.json`, `${target}/index.js`]) if (this.#isFile(candidate)) return this.#found(candidate)
    }
    for (const index of ['index.js', 'index.json']) if (this.#isFile(`${path}/${index}`)) return this.#found(`${path}/${index}`)
    return undefined
  }

  #inPackages(name: string, directory: string, conditions: readonly string[]): ResolvedModule | undefined {
    const [, packageName = name, rest = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(name) ?? []
    for (const folder of this.paths(directory)) {
      const root = `${folder}/${packageName}`
      if (!this.#isDirectory(root)) continue
      const exports = this.#packageJson(`${root}/package.json`)?.exports
      if (exports !== undefined && exports !== null) {
        const target = exportedPath(exports, `.${rest}`, conditions)
        if (target === undefined) throw new ModuleNotFound('ERR_PACKAGE_PATH_NOT_EXPORTED', rest === '' ? `No "exports" main defined in ${root}/package.json` : `Package subpath '.${rest}' is not defined by "exports" in ${root}/package.json`)
        return this.#found(resolvePath(root, target))
      }
      const found = this.#fileOrDirectory(root + rest, rest === '')
      if (found) return found
    }
    return undefined
  }

  #packageJson(path: string): PackageJson | undefined {
    if (!this.#isFile(path)) return undefined
    try {
      return JSON.parse(this.#fs.readText(path)) as PackageJson
    } catch {
      return undefined
    }
  }

  #isFile(path: string): boolean {
    try {
      return this.#fs.stat(path).type === 'file'
    } catch {
      return false
    }
  }

  #isDirectory(path: string): boolean {
    try {
      return this.#fs.stat(path).type === 'directory'
    } catch {
      return false
    }
  }
}

/** What a package's `exports` has for a subpath. */
function exportedPath(exports: unknown, subpath: string, conditions: readonly string[]): string | undefined {
  const chosen = (target: unknown): string | undefined => {
    if (typeof target === 'string') return target
    if (Array.isArray(target)) return target.map(chosen).find((each) => each !== undefined)
    if (target === null || typeof target !== 'object') return undefined
    for (const [condition, value] of Object.entries(target)) if (conditions.includes(condition)) { const found = chosen(value); if (found !== undefined) return found }
    return undefined
  }
  const isMap = typeof exports === 'object' && exports !== null && !Array.isArray(exports) && Object.keys(exports).some((key) => key.startsWith('.'))
  if (!isMap) return subpath === '.' ? chosen(exports) : undefined
  const map = exports as Record<string, unknown>
  if (subpath in map) return chosen(map[subpath])
  for (const [pattern, target] of Object.entries(map)) {
    const star = pattern.indexOf('*')
    if (star < 0 || !subpath.startsWith(pattern.slice(0, star)) || !subpath.endsWith(pattern.slice(star + 1))) continue
    return chosen(target)?.replaceAll('*', subpath.slice(star, subpath.length - (pattern.length - star - 1)))
  }
  return undefined
}
