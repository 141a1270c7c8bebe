import { isGoMap } from '../../../cluster/kinds/go-template/values.ts'
import { parseYaml, printYaml } from '../../yaml.ts'
import type { Session } from '../session.ts'
import { fetchBytes } from './download.ts'
import { parseIndex } from './index-file.ts'
import type { IndexFile } from './index-file.ts'

/** A repository as repositories.yaml keeps it. */
export interface RepositoryEntry {
  name: string
  url: string
  username: string
  password: string
  certFile: string
  keyFile: string
  caFile: string
  insecure_skip_tls_verify: boolean
  pass_credentials_all: boolean
}

export const repositoryEntry = (fields: Partial<RepositoryEntry> & { name: string; url: string }): RepositoryEntry =>
  ({ username: '', password: '', certFile: '', keyFile: '', caFile: '', insecure_skip_tls_verify: false, pass_credentials_all: false, ...fields })

/** The repositories that were added; undefined without a file. */
export function loadRepositories(session: Session): RepositoryEntry[] | undefined {
  const { fs } = session.proc
  const path = session.resolve(session.repositoryConfig)
  if (!fs.exists(path)) return undefined
  const raw = parseYaml(fs.readText(path))
  const list = isGoMap(raw) ? raw['repositories'] : undefined
  return Array.isArray(list) ? (list as RepositoryEntry[]).map(repositoryEntry) : []
}

export function saveRepositories(session: Session, repositories: readonly RepositoryEntry[]): void {
  const path = session.resolve(session.repositoryConfig)
  const { fs } = session.proc
  fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  fs.writeFile(path, printYaml({ apiVersion: '', generated: '0001-01-01T00:00:00Z', repositories }), { mode: 0o600 })
}

const indexPath = (session: Session, name: string) => `${session.resolve(session.repositoryCache)}/${name}-index.yaml`

/** Fetches a repository's index into the cache. @throws Error */
export async function refreshIndex(session: Session, { name, url }: Pick<RepositoryEntry, 'name' | 'url'>): Promise<IndexFile> {
  if (!/^https?:\/\//.test(url)) throw new Error(/^[a-z][a-z0-9+.-]*:/i.test(url) ? `could not find protocol handler for: ${url.split(':')[0]}` : 'could not find protocol handler for: ')
  const bytes = await fetchBytes(session, `${url.replace(/\/+$/, '')}/index.yaml`)
  const text = new TextDecoder().decode(bytes)
  const index = parseIndex(text)
  const { fs } = session.proc
  const path = indexPath(session, name)
  fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  fs.writeFile(`${path.slice(0, -'index.yaml'.length)}charts.txt`, Object.keys(index.entries).map((chart) => `${chart}\n`).join(''))
  fs.writeFile(path, bytes)
  return index
}

/** The cached index. @throws Error where there is none */
export function cachedIndex(session: Session, name: string): IndexFile {
  const path = indexPath(session, name)
  if (!session.proc.fs.exists(path)) throw new Error(`open ${path}: no such file or directory`)
  try {
    return parseIndex(session.proc.fs.readText(path))
  } catch (error) {
    throw new Error(`error loading ${path}: ${(error as Error).message}`)
  }
}

/** Forgets what is cached of a repository. */
export function forgetIndex(session: Session, name: string): void {
  const path = indexPath(session, name)
  for (const file of [path, `${path.slice(0, -'index.yaml'.length)}charts.txt`]) if (session.proc.fs.exists(file)) session.proc.fs.remove(file)
}
