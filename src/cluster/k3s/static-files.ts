import type { FileSystem } from '../../unix/types.ts'

/** Where a server keeps what it answers below {@link STATIC_PATH}, on its disk. */
export const STATIC_FOLDER = '/var/lib/rancher/k3s/server/static'
/** What lies in that folder is there for everybody, charts above all. k3s: pkg/server/handlers/router.go */
export const STATIC_PATH = '/static/'
/** The version of Traefik's charts that k3s brings; what is behind the plus sign is the version of its makers'. */
export const TRAEFIK_CHART_VERSION = '39.0.701+up39.0.7'

/** A chart's address as HelmCharts name it; the job that installs it puts the API server's address in. */
export const chartAddress = (name: string): string => `https://%{KUBERNETES_API}%${STATIC_PATH}charts/${name}-${TRAEFIK_CHART_VERSION}.tgz`

const TYPES: Readonly<Record<string, string>> = { gz: 'application/gzip', tgz: 'application/gzip', json: 'application/json', html: 'text/html; charset=utf-8', txt: 'text/plain; charset=utf-8', yaml: 'application/yaml', yml: 'application/yaml' }

/** A file, or the names in a folder. @param path below {@link STATIC_PATH}, as it stands in the address. Go: net/http FileServer */
export function staticAnswer(path: string, files: FileSystem): Response {
  const notFound = () => new Response('404 page not found\n', { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' } })
  let name: string
  try { name = decodeURIComponent(path) } catch { return notFound() }
  const full = `${STATIC_FOLDER}/${name}`.replace(/\/+$/, '')
  if (name.split('/').includes('..') || !files.exists(full)) return notFound()
  const { type } = files.stat(full)
  if (type === 'file') {
    const bytes = files.readFile(full)
    return new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { 'content-type': TYPES[/\.(\w+)$/.exec(name)?.[1] ?? ''] ?? 'application/octet-stream', 'content-length': String(bytes.length) } })
  }
  if (type !== 'directory') return notFound()
  if (name !== '' && !name.endsWith('/')) return new Response(null, { status: 301, headers: { location: `${name.split('/').at(-1)}/` } })
  const escaped = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
  const lines = files.readdir(full).map((each) => `${each}${files.stat(`${full}/${each}`).type === 'directory' ? '/' : ''}`).sort().map((each) => `<a href="${encodeURI(each)}">${escaped(each)}</a>\n`)
  return new Response(`<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${lines.join('')}</pre>\n`, { headers: { 'content-type': 'text/html; charset=utf-8' } })
}
