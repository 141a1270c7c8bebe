import { httpRequest } from '../../../base/http.ts'
import { dialMessage } from '../../kubectl/factory.ts'
import type { Session } from '../session.ts'
import { findVersion } from './index-file.ts'
import type { IndexFile } from './index-file.ts'
import { cachedIndex, loadRepositories, refreshIndex, forgetIndex } from './repositories.ts'

const STATUS_TEXT: Record<number, string> = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 429: 'Too Many Requests', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable' }

/** Reads an address, over redirects. @throws Error in the words of Helm's getter */
export async function fetchBytes(session: Session, address: string): Promise<Uint8Array> {
  let url = address
  const caPem = authorities(session)
  for (let hops = 0; hops < 10; hops++) {
    const headers: [string, string][] = []
    const { flags } = session
    if (flags.str('username') && flags.str('password')) headers.push(['Authorization', `Basic ${btoa(`${flags.str('username')}:${flags.str('password')}`)}`])
    let response: Response
    try {
      response = await session.proc.net.fetch(httpRequest(url, { headers: Object.fromEntries(headers) }), flags.bool('insecure-skip-tls-verify') ? { insecure: true } : caPem === undefined ? {} : { caPem })
    } catch (error) {
      throw new Error(`Get ${JSON.stringify(url)}: ${dialMessage(url, error as Error)}`)
    }
    const next = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && next) { url = new URL(next, url).href; continue }
    if (response.status !== 200) throw new Error(`failed to fetch ${address} : ${response.status} ${STATUS_TEXT[response.status] ?? ''}`)
    return new Uint8Array(await response.arrayBuffer())
  }
  throw new Error(`Get ${JSON.stringify(address)}: stopped after 10 redirects`)
}

/** The authorities that servers' certificates are checked with: `--ca-file`, else those that Go finds in the system. k8s: Go's crypto/x509 root_unix.go */
function authorities(session: Session): string | undefined {
  const { flags, proc } = session
  const path = flags.str('ca-file') ? session.resolve(flags.str('ca-file')) : proc.env['SSL_CERT_FILE'] ?? '/etc/ssl/certs/ca-certificates.crt'
  return proc.fs.exists(path) ? proc.fs.readText(path) : undefined
}

/** An address of an index, which may be relative to the repository's. */
export function absoluteUrl(repository: string, reference: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(reference) ? reference : new URL(reference, `${repository.replace(/\/+$/, '')}/`).href
}

/** Where a chart is to be had: an address, or `repository/name` of one that was added. k8s: ChartDownloader.ResolveChartVersion @throws Error */
export async function chartUrl(session: Session, reference: string, version: string): Promise<string> {
  if (/^oci:\/\//.test(reference)) throw new Error('OCI registries are not available in Drydock')
  const repoUrl = session.flags.str('repo')
  if (repoUrl) return urlInRepository(session, repoUrl, reference, version)
  if (/^https?:\/\/[^/]+\/./.test(reference)) return reference
  const at = reference.indexOf('/')
  if (at < 0) throw new Error(`non-absolute URLs should be in form of repo_name/path_to_chart, got: ${reference}`)
  const name = reference.slice(0, at)
  const chart = reference.slice(at + 1)
  const repository = loadRepositories(session)?.find((each) => each.name === name)
  if (!repository) throw new Error(`repo ${name} not found`)
  let index: IndexFile
  try {
    index = cachedIndex(session, name)
  } catch (error) {
    throw new Error(`no cached repo found. (try 'helm repo update'): ${(error as Error).message}`)
  }
  let found
  try {
    found = findVersion(index, chart, version)
  } catch (error) {
    throw new Error(`chart ${JSON.stringify(chart)} matching ${version} not found in ${name} index. (try 'helm repo update'): ${(error as Error).message}`)
  }
  if (!found.urls?.[0]) throw new Error(`chart ${JSON.stringify(reference)} has no downloadable URLs`)
  return absoluteUrl(repository.url, found.urls[0])
}

/** `--repo` */
async function urlInRepository(session: Session, repoUrl: string, chart: string, version: string): Promise<string> {
  const name = 'helm-temporary'
  let index: IndexFile
  try {
    index = await refreshIndex(session, { name, url: repoUrl })
  } catch (error) {
    throw new Error(`looks like ${JSON.stringify(repoUrl)} is not a valid chart repository or cannot be reached: ${(error as Error).message}`)
  }
  forgetIndex(session, name)
  const what = `chart ${JSON.stringify(chart)}${version ? ` version ${JSON.stringify(version)}` : ''}`
  let found
  try {
    found = findVersion(index, chart, version)
  } catch {
    throw new Error(`${what} not found in ${repoUrl} repository`)
  }
  if (!found.urls?.[0]) throw new Error(`${what} has no downloadable URLs`)
  return absoluteUrl(repoUrl, found.urls[0])
}

/** Fetches a chart's archive into a folder. @returns its path @throws Error */
export async function downloadChart(session: Session, reference: string, version: string, folder: string): Promise<string> {
  const url = await chartUrl(session, reference, version)
  const bytes = await fetchBytes(session, url)
  const { fs } = session.proc
  const into = session.resolve(folder)
  fs.mkdir(into, { recursive: true })
  const path = `${into}/${new URL(url).pathname.split('/').at(-1)}`
  fs.writeFile(path, bytes)
  return path
}
