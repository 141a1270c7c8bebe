import { base64Of } from '../base/base64.ts'

/** An answer of the simulated network. */
export interface PageAnswer {
  status: number
  /** Where it came from in the end, after redirects. */
  url: string
  contentType: string
  body: Uint8Array
}

export type Load = (url: string, init?: { method?: string; headers?: [string, string][]; body?: string }) => Promise<PageAnswer>

/** What pages get in place of the network: clicks, forms, fetch and XMLHttpRequest go by message to the page around the frame. Runs inside of it. */
function bridge(address: string): void {
  const send = (message: object) => parent.postMessage(message, '*')
  const absolute = (url: string) => new URL(url, address).href
  const waiting = new Map<number, { resolve: (answer: Response) => void; reject: (error: Error) => void }>()
  let last = 0
  addEventListener('message', (event: MessageEvent<{ type?: string; id: number; status: number; contentType: string; body: ArrayBuffer; error?: string }>) => {
    const { data } = event
    if (event.source !== parent || data?.type !== 'answer') return
    const asked = waiting.get(data.id)
    waiting.delete(data.id)
    if (data.error !== undefined) asked?.reject(new TypeError('Failed to fetch'))
    else asked?.resolve(new Response(data.status === 204 || data.status === 304 ? null : data.body, { status: data.status, headers: { 'content-type': data.contentType } }))
  })
  const ask = (url: string, method: string, headers: [string, string][], body: string | undefined) => new Promise<Response>((resolve, reject) => {
    const id = ++last
    waiting.set(id, { resolve, reject })
    send({ type: 'ask', id, url: absolute(url), method, headers, body })
  })
  window.fetch = async (input, init) => {
    const given = input instanceof Request ? input : undefined
    const body = init?.body ?? (given && given.method !== 'GET' && given.method !== 'HEAD' ? await given.text() : undefined)
    return ask(given ? given.url : String(input), (init?.method ?? given?.method ?? 'GET').toUpperCase(), [...new Headers(init?.headers ?? given?.headers)], body === undefined || body === null ? undefined : typeof body === 'string' ? body : body instanceof FormData ? new URLSearchParams(body as unknown as Record<string, string>).toString() : String(body))
  }
  window.XMLHttpRequest = class extends EventTarget {
    readyState = 0
    status = 0
    statusText = ''
    responseText = ''
    response: unknown = ''
    responseType = ''
    onload: ((event: Event) => void) | null = null
    onerror: ((event: Event) => void) | null = null
    onreadystatechange: ((event: Event) => void) | null = null
    #method = 'GET'
    #url = ''
    #headers: [string, string][] = []
    open(method: string, url: string) { this.#method = method.toUpperCase(); this.#url = url; this.readyState = 1 }
    setRequestHeader(name: string, value: string) { this.#headers.push([name, value]) }
    getResponseHeader() { return null }
    abort() {}
    send(body?: string | null) {
      const tell = (name: 'load' | 'error') => {
        const event = new Event(name)
        this.readyState = 4
        this.onreadystatechange?.(new Event('readystatechange'))
        this.dispatchEvent(new Event('readystatechange'))
        if (name === 'load') this.onload?.(event)
        else this.onerror?.(event)
        this.dispatchEvent(event)
        this.dispatchEvent(new Event('loadend'))
      }
      ask(this.#url, this.#method, this.#headers, body ?? undefined).then(async (answer) => {
        this.status = answer.status
        this.responseText = await answer.text()
        this.response = this.responseType === 'json' ? JSON.parse(this.responseText) : this.responseText
        tell('load')
      }).catch(() => tell('error'))
    }
  } as unknown as typeof XMLHttpRequest
  addEventListener('click', (event) => {
    const link = (event.composedPath().find((each) => each instanceof HTMLAnchorElement) as HTMLAnchorElement | undefined)?.getAttribute('href')
    if (link === undefined || link === null || event.defaultPrevented || link.startsWith('#') || link.startsWith('javascript:')) return
    event.preventDefault()
    send({ type: 'go', url: absolute(link) })
  })
  addEventListener('submit', (event) => {
    if (event.defaultPrevented) return
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const fields = new URLSearchParams(new FormData(form, event.submitter) as unknown as Record<string, string>).toString()
    const url = new URL(form.getAttribute('action') ?? '', address)
    if (form.method === 'get') url.search = fields
    send({ type: 'go', url: url.href, ...(form.method === 'get' ? {} : { method: 'POST', body: fields }) })
  })
}

/** Everything that a page needs in one text: styles, scripts and pictures of the cluster inside of it, the bridge at its head. */
export async function selfContained(answer: PageAnswer, load: Load): Promise<string> {
  const page = new DOMParser().parseFromString(new TextDecoder().decode(answer.body), 'text/html')
  for (const each of page.querySelectorAll('base, meta[http-equiv], iframe, frame, object, embed')) each.remove()
  const fetchText = async (url: string) => {
    const found = await load(new URL(url, answer.url).href)
    if (found.status >= 400) throw new Error(String(found.status))
    return new TextDecoder().decode(found.body)
  }
  const inline = async (url: string) => {
    if (url.startsWith('data:')) return url
    const found = await load(new URL(url, answer.url).href)
    if (found.status >= 400) throw new Error(String(found.status))
    return `data:${found.contentType || 'application/octet-stream'};base64,${base64Of(found.body)}`
  }
  await Promise.all([
    ...[...page.querySelectorAll<HTMLLinkElement>('link[href]')].map(async (link) => {
      if (!/\bstylesheet\b/i.test(link.rel)) return link.remove()
      const style = page.createElement('style')
      style.textContent = await fetchText(link.getAttribute('href')!).catch(() => '')
      link.replaceWith(style)
    }),
    ...[...page.querySelectorAll<HTMLScriptElement>('script[src]')].map(async (script) => {
      const text = await fetchText(script.getAttribute('src')!).catch(() => '')
      script.removeAttribute('src')
      script.removeAttribute('integrity')
      script.textContent = text.replace(/<\/(script)/gi, '<\\/$1')
    }),
    ...[...page.querySelectorAll<HTMLImageElement>('img[src]')].map(async (image) => {
      image.removeAttribute('srcset')
      const source = image.getAttribute('src')!
      await inline(source).then((data) => image.setAttribute('src', data), () => image.removeAttribute('src'))
    }),
  ])
  const script = page.createElement('script')
  script.textContent = `(${bridge.toString()})(${JSON.stringify(answer.url).replace(/</g, '\\u003c')})`
  page.head.prepend(script)
  return `<!doctype html>${page.documentElement.outerHTML}`
}

/** Whether an address is one of the sandbox's own network rather than of the Internet. */
export function isInSandbox(url: string): boolean {
  let host: string
  try { host = new URL(url).hostname } catch { return false }
  return /^(?:\d+\.){3}\d+$/.test(host) || host.startsWith('[') || !host.includes('.') || /\.(?:local|localhost|internal|test|example|svc|lan)$/.test(host)
}
