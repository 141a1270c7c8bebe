import type { HttpRequest } from '../base/http.ts'
import { UnixError } from '../unix/types.ts'

/**
 * Files that pages of any origin may read, under the addresses by which they are better known, from where they may not: examples of
 * Kubernetes' documentation, files of repositories.
 */
const READABLE_COPIES: readonly (readonly [RegExp, string])[] = [
  [/^https:\/\/(?:k8s\.io|kubernetes\.io)\/examples\//, 'https://raw.githubusercontent.com/kubernetes/website/main/content/en/examples/'],
  [/^https:\/\/github\.com\/([^/]+)\/([^/]+)\/raw\/(?:refs\/heads\/)?/, 'https://raw.githubusercontent.com/$1/$2/'],
]

/**
 * Reads a file of the real web for the learner's machine, such as a manifest that `kubectl apply -f https://...` names, without cookies and
 * without saying where from. What the browser may not read is as good as not there.
 * @throws UnixError ENOTFOUND, also without a network
 */
export async function fetchFromWeb(request: HttpRequest): Promise<Response> {
  const { url, method, signal } = request
  const host = new URL(url).hostname
  const address = READABLE_COPIES.reduce((text, [known, copy]) => text.replace(known, copy), url)
  // What a client of Git wants from a repository is asked for by POST, and changes nothing there.
  const clones = method === 'POST' && new URL(url).pathname.endsWith('/git-upload-pack')
  if ((method !== 'GET' && method !== 'HEAD' && !clones) || !address.startsWith('https:')) throw new UnixError('ENOTFOUND', host)
  try {
    const wanted = clones ? { body: await new Response(request.body as BodyInit | null).arrayBuffer(), headers: { 'content-type': 'application/x-git-upload-pack-request' } } : {}
    const { status, headers, body } = await fetch(address, { method, signal, credentials: 'omit', referrerPolicy: 'no-referrer', ...wanted })
    return new Response(body, { status, headers: { 'content-type': headers.get('content-type') ?? 'application/octet-stream' } })
  } catch {
    throw new UnixError('ENOTFOUND', host)
  }
}
