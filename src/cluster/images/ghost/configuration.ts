import { createPipe, readAll } from '../../../base/streams.ts'
import { joinPath } from '../../../unix/path.ts'
import type { Proc } from '../../../unix/types.ts'
import type { GhostRelease } from './ghost.ts'

/** What Ghost was told. */
export interface GhostConfiguration {
  env: string
  /** Where visitors find the blog, without a slash at its end. */
  url: string
  server: { host: string; port: number }
  database: { client: string; connection: { filename?: string; host?: string; port?: number; user?: string; password?: string; database?: string } }
}

/** Something in the settings that can't be. */
export class ConfigurationError extends Error {}

type Tree = { [name: string]: unknown }

function merge(under: Tree, over: Tree): Tree {
  const merged = { ...under }
  for (const [name, value] of Object.entries(over)) merged[name] = value && typeof value === 'object' && !Array.isArray(value) && merged[name] && typeof merged[name] === 'object' ? merge(merged[name] as Tree, value as Tree) : value
  return merged
}

/** Settings of the environment: `database__connection__host`. */
function environmentTree(env: Readonly<Record<string, string>>): Tree {
  const tree: Tree = {}
  for (const [name, value] of Object.entries(env)) {
    const parts = name.split('__')
    let at = tree
    for (const part of parts.slice(0, -1)) at = (at[part] && typeof at[part] === 'object' ? at[part] : (at[part] = {})) as Tree
    at[parts.at(-1)!] = value === 'true' ? true : value === 'false' ? false : value
  }
  return tree
}

/** Ghost 0.x's settings are a module: Node says what it exports. @throws ConfigurationError for what Node says of it */
async function readModule(proc: Proc, path: string, env: string): Promise<Tree> {
  const [out, err] = [createPipe(1 << 20), createPipe(1 << 20)]
  const outputs = Promise.all([readAll(out.reader), readAll(err.reader)])
  const { code } = await proc.spawn(['node', '-e', `process.stdout.write(JSON.stringify(require(${JSON.stringify(path)})))`], { stdout: out.writer, stderr: err.writer }).wait()
  out.writer.close()
  err.writer.close()
  const [said, complaint] = (await outputs).map((bytes) => new TextDecoder().decode(bytes)) as [string, string]
  if (code !== 0) throw new ConfigurationError(complaint.trim())
  const all = JSON.parse(said) as Record<string, Tree>
  return all[env] ?? all['development'] ?? {}
}

/** Settings by precedence: environment, config.js, config.ENV.json, what Ghost has by itself. @throws ConfigurationError */
export async function readConfiguration(proc: Proc, release: GhostRelease): Promise<GhostConfiguration> {
  const env = proc.env.NODE_ENV || 'development'
  const { fs, cwd } = proc
  let tree: Tree = { url: 'http://localhost:2368', server: { host: '127.0.0.1', port: 2368 }, database: release.wantsMysql ? { client: 'mysql', connection: { host: '127.0.0.1', user: 'root', password: '', database: 'ghost' } } : { client: 'sqlite3', connection: { filename: joinPath(cwd, 'content/data/ghost-dev.db') } } }
  const file = joinPath(cwd, `config.${env}.json`)
  if (fs.exists(file)) {
    try { tree = merge(tree, JSON.parse(fs.readText(file)) as Tree) } catch (error) {
      if (error instanceof SyntaxError) throw new ConfigurationError(`Error parsing your configuration file: [${file}]: ${error.message}`)
      throw error
    }
  }
  const module = joinPath(cwd, 'config.js')
  if (fs.exists(module)) tree = merge(tree, await readModule(proc, module, env))
  tree = merge(tree, environmentTree(proc.env))
  const configuration = tree as unknown as GhostConfiguration & { server: { port: number | string } }
  if (!/^https?:\/\/.+/.test(String(configuration.url))) throw new ConfigurationError('URL in config must be provided with protocol, eg. "http://my-ghost-blog.com"')
  return { env, url: String(configuration.url).replace(/\/+$/, ''), server: { host: String(configuration.server.host), port: Number(configuration.server.port) }, database: configuration.database }
}
