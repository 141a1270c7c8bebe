import { CookieJar } from '../base/cookie-jar.ts'
import { httpRequest } from '../base/http.ts'
import { errorText } from '../unix/errno.ts'
import { UnixError } from '../unix/types.ts'
import type { Machine } from '../unix/types.ts'
import type { Operations } from './protocol.ts'

const MAX_REDIRECTS = 10
/** Larger pages are cut off, in bytes. */
const MAX_BYTES = 8_000_000

/** What the pages' servers asked the browser to remember: gone with the tab, as a private window's. */
const jars = new WeakMap<Machine, CookieJar>()

function jarOf(laptop: Machine): CookieJar {
  let jar = jars.get(laptop)
  if (!jar) jars.set(laptop, jar = new CookieJar())
  return jar
}

/** Gets a page for the page's browser as a program of the laptop would. @throws Error worded for people */
export async function fetchPage(laptop: Machine, { url, method, headers, body }: Operations['browse']['ask']): Promise<Operations['browse']['answer']> {
  let current: URL
  try { current = new URL(url) } catch { throw new Error(`${url}: not an address`) }
  let verb = method
  let content = body
  const jar = jarOf(laptop)
  for (let i = 0; i <= MAX_REDIRECTS; i++) {
    if (current.protocol !== 'http:' && current.protocol !== 'https:') throw new Error(`${current.protocol} addresses can't be opened here`)
    let response: Response
    const cookie = jar.header(current, laptop.clock.nowMs())
    try {
      response = await laptop.net.fetch(httpRequest(current.href, { method: verb, headers: { accept: 'text/html,*/*', 'user-agent': 'Mozilla/5.0 (Drydock)', ...Object.fromEntries(headers), ...cookie === undefined ? {} : { cookie } }, ...(content === undefined ? {} : { body: content }) }), { insecure: true, connectTimeoutMs: 10_000 })
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new Error(`${current.host}: ${error.code === 'ENOTFOUND' ? 'the name is not known' : errorText(error)}`)
    }
    jar.take(current, response.headers, laptop.clock.nowMs())
    const location = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && location !== null) {
      void response.body?.cancel()
      current = new URL(location, current)
      if (response.status !== 307 && response.status !== 308) { verb = verb === 'HEAD' ? 'HEAD' : 'GET'; content = undefined }
      continue
    }
    const bytes = new Uint8Array(await response.arrayBuffer())
    return { status: response.status, url: current.href, headers: [...response.headers], body: bytes.subarray(0, MAX_BYTES).slice() }
  }
  throw new Error(`${current.host}: too many redirects`)
}
