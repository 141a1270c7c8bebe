import type { HttpRequest } from '../../../base/http.ts'
import type { QueueStat } from './memq.ts'

export interface KuardPageData {
  tab: string
  version: string
  hostname: string
  addresses: readonly string[]
  client: string
  request: HttpRequest
  argv: readonly string[]
  env: Readonly<Record<string, string>>
  memoryBytes: number
  allocatedBytes: number
  healthy: { failNext: number; history: readonly { id: number; when: string; code: number }[] }
  ready: { failNext: number; history: readonly { id: number; when: string; code: number }[] }
  keygen: { config: object; history: readonly { data: string }[] }
  queues: readonly QueueStat[]
  dns: string
  /** What the page's own paths begin with. */
  base: string
}

const TABS: readonly [string, string][] = [['request', 'Request Details'], ['env', 'Server Env'], ['mem', 'Memory'], ['liveness', 'Liveness Probe'], ['readiness', 'Readiness Probe'], ['dns', 'DNS Query'], ['keygen', 'KeyGen Workload'], ['memq', 'MemQ Server'], ['fs', 'File system browser']]
const COLOURS: Readonly<Record<string, string>> = { blue: '#2b6cb0', green: '#2f855a', purple: '#6b46c1', '1': '#2b6cb0', '2': '#2f855a', '3': '#6b46c1' }

/** One of kuard's pages, as HTML that works without scripts. */
export function kuardPage(data: KuardPageData): string {
  const colour = COLOURS[data.version.split('-')[1] ?? ''] ?? '#2b6cb0'
  const links = TABS.map(([id, title]) => `<a href="${data.base}${id === 'fs' ? '/fs/' : id === 'request' ? '/' : `/-/${id}`}"${id === data.tab ? ' aria-current="page"' : ''}>${title}</a>`).join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>KUAR Demo</title>
<style>
body { font-family: system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { color: ${colour}; }
nav a { margin-right: 1rem; } nav a[aria-current] { font-weight: bold; }
.warning { border: 1px solid #c53030; color: #c53030; padding: .5rem 1rem; border-radius: .25rem; }
table { border-collapse: collapse; } td, th { border: 1px solid #ccc; padding: .25rem .5rem; text-align: left; word-break: break-all; }
</style>
</head>
<body>
<h1>Demo application version <i>${escapeHtml(data.version)}</i></h1>
<p>Serving on <b>${escapeHtml(data.hostname)}</b>, IPs: ${data.addresses.map(escapeHtml).join(', ')}</p>
<p class="warning">WARNING: This server may expose sensitive and secret information. Be careful.</p>
<nav>
${links}
</nav>
<main>
${content(data)}
</main>
</body>
</html>
`
}

function content(data: KuardPageData): string {
  switch (data.tab) {
    case 'env': return `<h2>Command line</h2>\n<pre>${escapeHtml(data.argv.join(' '))}</pre>\n<h2>Environment</h2>\n${table(['Key', 'Value'], Object.entries(data.env).sort())}`
    case 'mem': return `<h2>Memory</h2>\n${table(['', 'Bytes'], [['In use', String(data.memoryBytes)], ['Allocated on request', String(data.allocatedBytes)]])}\n<p>${[100, 200, 500].map((mib) => `<form method="post" action="${data.base}/mem/api/alloc?size=${mib * 2 ** 20}"><button>Allocate ${mib} MiB</button></form>`).join('')}<form method="post" action="${data.base}/mem/api/clear"><button>Free memory</button></form></p>`
    case 'liveness': return probe('Liveness Probe', `${data.base}/healthy`, data.healthy)
    case 'readiness': return probe('Readiness Probe', `${data.base}/ready`, data.ready)
    case 'dns': return `<h2>DNS Query</h2>\n<form><input name="name" aria-label="Name"> <select name="type" aria-label="Type">${['A', 'AAAA', 'SRV', 'PTR', 'CNAME'].map((type) => `<option>${type}</option>`).join('')}</select> <button>Query</button></form>\n<pre>${escapeHtml(data.dns)}</pre>`
    case 'keygen': return `<h2>KeyGen Workload</h2>\n<pre>${escapeHtml(JSON.stringify(data.keygen.config, null, 2))}</pre>\n<pre>${escapeHtml(data.keygen.history.map((each) => each.data).join('\n'))}</pre>`
    case 'memq': return `<h2>MemQ Server</h2>\n${data.queues.length === 0 ? '<p>There are no queues created.</p>' : table(['Name', 'Depth', 'Enqueued', 'Dequeued', 'Drained'], data.queues.map((queue) => [queue.name, ...[queue.depth, queue.enqueued, queue.dequeued, queue.drained].map(String)]))}`
    default: {
      const rows: [string, string][] = [['Method', data.request.method], ['URI', new URL(data.request.url).pathname], ['Remote', data.client]]
      return `<h2>Request Details</h2>\n${table(['', ''], rows)}\n<h2>Headers</h2>\n${table(['Name', 'Value'], [...data.request.headers])}`
    }
  }
}

function probe(title: string, path: string, state: KuardPageData['healthy']): string {
  const button = (failNext: number, label: string) => `<form method="post" action="${path}/api"><input type="hidden" name="failNext" value="${failNext}"><button>${label}</button></form>`
  const now = state.failNext === 0 ? 'Succeeds' : state.failNext < 0 ? 'Fails until told otherwise' : `Fails the next ${state.failNext} calls`
  return `<h2>${title}</h2>\n<p>The probe is served on <a href="${path}">${path}</a>. ${now}.</p>\n${button(0, 'Succeed')}${button(-1, 'Fail')}${button(3, 'Fail for next 3 calls')}\n<h3>History</h3>\n${table(['ID', 'When', 'Status'], [...state.history].reverse().map((each) => [String(each.id), each.when, String(each.code)]))}`
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) => `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`
  return `<table>\n${header.some(Boolean) ? `${cells('th', header)}\n` : ''}${rows.map((row) => cells('td', row)).join('\n')}\n</table>`
}

/** Text for HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[char]!)
}
