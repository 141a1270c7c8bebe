import { joinPath, resolvePath } from '../../../unix/path.ts'
import { UnixError } from '../../../unix/types.ts'
import type { FileSystem } from '../../../unix/types.ts'
import { contentType } from './content-type.ts'

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (each) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' })[each]!)
const plain = (text: string, status: number) => new Response(`${text}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } })

/**
 * Go's `http.FileServer`: files, an `index.html` in the place of its directory, else a list of what is there. Directories end in a slash.
 * @param folder what is served
 * @param path as it is asked for below that, percent-encoded
 */
export function goFileServer(fs: FileSystem, folder: string, path: string, headers: Record<string, string> = {}): Response {
  const moved = (location: string) => new Response(null, { status: 301, headers: { ...headers, location } })
  if (path.endsWith('/index.html')) return moved('./')
  const file = joinPath(folder, resolvePath('/', decodeURIComponent(path)))
  try {
    const stat = fs.stat(file)
    const name = path.slice(path.lastIndexOf('/', path.length - 2) + 1)
    if (stat.type !== 'directory') {
      if (path.endsWith('/')) return moved(`../${name.slice(0, -1)}`)
      return new Response(fs.readFile(file).slice(), { headers: { ...headers, 'content-type': contentType(file, 'text/plain; charset=utf-8'), 'last-modified': new Date(stat.modifiedMs).toUTCString() } })
    }
    if (path !== '' && !path.endsWith('/')) return moved(`${name}/`)
    const html = { ...headers, 'content-type': 'text/html; charset=utf-8' }
    const index = joinPath(file, 'index.html')
    if (fs.exists(index)) return new Response(fs.readFile(index).slice(), { headers: html })
    const labels = fs.readdir(file).map((each) => fs.lstat(joinPath(file, each)).type === 'directory' ? `${each}/` : each)
    return new Response(`<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${labels.map((label) => `<a href="${escapeHtml(encodeURI(label))}">${escapeHtml(label)}</a>\n`).join('')}</pre>\n`, { headers: html })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return error.code === 'EACCES' ? plain('403 Forbidden', 403) : plain('404 page not found', 404)
  }
}
