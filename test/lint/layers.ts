import fs from 'node:fs'
import path from 'node:path'

/**
 * The layers of docs/ARCHITECTURE.md as a rule: a file may import only from its own place and from those named here. Type-only imports
 * count too, unless the place after `types:` allows them.
 */
const ALLOWED: Record<string, string[]> = {
  'src/base': [],
  'src/unix': ['src/base'],
  'src/cluster/etcd': ['src/base'],
  'src/cluster/kinds': ['src/base'],
  'src/cluster/client': ['src/cluster/kinds', 'src/base'],
  // The aggregator's controllers run inside the server, as upstream's do.
  'src/cluster/apiserver': ['src/cluster/kinds', 'src/cluster/etcd', 'types:src/cluster/client', 'src/cluster/client/work-queue.ts', 'src/base'],
  'src/cluster/images': ['src/unix', 'src/base'],
  // Programs that are built on Kubernetes' own libraries, as kubectl is.
  'src/cluster/images/sample-apiserver': ['src/cluster/images', 'src/cluster/apiserver', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/metrics-server': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/dashboard': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/calico': ['src/cluster/images', 'src/cluster/calico', 'src/cluster/kinds', 'src/cluster/network/cidr.ts', 'src/unix', 'src/base'],
  'src/cluster/images/flannel': ['src/cluster/images', 'src/cluster/kinds', 'src/cluster/network/flannel-annotations.ts', 'src/unix', 'src/base'],
  'src/cluster/images/ingress-nginx': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  // Agents that ask the API about pods.
  'src/cluster/images/fluent': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/contour': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/envoy': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/prometheus': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/kube-state-metrics': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/node-exporter': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/front': ['src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/traefik': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/cert-manager': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/in-cluster': ['src/cluster/client', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/csi': ['src/cluster/images', 'src/cluster/client', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/dra-example-driver': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/images/stress': ['src/cluster/images', 'src/cluster/kinds', 'src/unix', 'src/base'],
  // What Calico's programs and its network plugin share, as they share libcalico-go.
  'src/cluster/calico': ['src/cluster/kinds', 'src/cluster/network/cidr.ts', 'src/unix', 'src/base'],
  'src/cluster/network': ['src/cluster/calico', 'src/cluster/client', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/runtime': ['src/cluster/images', 'src/cluster/network', 'src/unix', 'src/base'],
  'src/cluster/storage': ['src/cluster/client', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/kubelet': ['src/cluster/runtime', 'src/cluster/network', 'src/cluster/storage', 'src/cluster/images', 'src/cluster/client', 'src/cluster/kinds', 'src/unix', 'src/base'],
  // Quota, certificate and role aggregation controllers share their sums with the API server's admission, signing and bootstrap.
  'src/cluster/controllers': ['src/cluster/client', 'src/cluster/kinds', 'src/cluster/apiserver/admission', 'src/cluster/apiserver/pki', 'src/cluster/apiserver/bootstrap', 'src/base'],
  // The cluster autoscaler asks the scheduler's own filters, and Kubernetes' real one is built on them too.
  'src/cluster/autoscaler': ['src/cluster/scheduler', 'src/cluster/client', 'src/cluster/kinds', 'src/base'],
  'src/cluster/images/cluster-autoscaler': ['src/cluster/images', 'src/cluster/autoscaler', 'src/cluster/client', 'src/cluster/kinds', 'src/unix', 'src/base'],
  'src/cluster/scheduler': ['src/cluster/client', 'src/cluster/kinds', 'src/base'],
  'src/cluster/kubeadm': ['src/cluster/kinds', 'src/base'],
  'src/cluster': ['src/cluster', 'src/unix', 'src/base'],
  'src/cli': ['src/cluster/kinds', 'src/unix', 'src/base'],
  'src/lessons': ['src/cluster/kinds', 'src/base'],
  'src/host': ['src/cli', 'src/lessons', 'src/cluster', 'src/unix', 'src/base'],
  'src/ui': ['src/host/protocol.ts', 'types:src/host', 'types:src/cluster/kinds', 'src/lessons', 'src/base'],
}

/** What nothing below the hosts may name: it would escape the one clock, the seed, or the platform. */
const FORBIDDEN_GLOBALS: [pattern: RegExp, what: string, names?: string[]][] = [
  [/\bDate\.now\s*\(/, 'Date.now'],
  [/\bnew Date\s*\(\s*\)/, 'new Date()'],
  [/\bperformance\.now\s*\(/, 'performance.now'],
  [/(?<![.\w])set(?:Timeout|Interval|Immediate)\s*\(/, 'a platform timer'],
  [/\bMath\.random\s*\(/, 'Math.random'],
  [/\bcrypto\.(?:getRandomValues|randomUUID)\s*\(/, 'unseeded randomness'],
  [/(?<![.\w])(?:document|window|indexedDB|localStorage|navigator)\.\w/, 'the DOM', ['document', 'window', 'navigator']],
  [/(?<![.\w])(?:process\.(?:env|argv|exit|cwd|stdout|stderr|stdin|nextTick|hrtime|memoryUsage)|Buffer\.(?:from|alloc|concat))\b/, 'a Node global', ['process']],
]

export interface Breach {
  file: string
  line: number
  message: string
}

/** The most specific rule for a file. */
function placeOf(file: string): string | undefined {
  return Object.keys(ALLOWED).filter((place) => file === place || file.startsWith(`${place}/`)).sort((a, b) => b.length - a.length)[0]
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** Breaches in one file. `file` is relative to the root, with slashes. */
export function checkFile(file: string, source: string): Breach[] {
  const breaches: Breach[] = []
  const place = placeOf(file)
  if (!place) return [{ file, line: 1, message: 'is in no layer; see test/lint/layers.ts' }]
  // Helpers of tests stand beside them and are called test-*.ts.
  const isTest = /\.test\.ts$|\/test-[\w-]+\.ts$/.test(file)
  const below = place !== 'src/host' && place !== 'src/ui'
  for (const match of source.matchAll(IMPORT)) {
    const specifier = match[2] ?? match[3] ?? match[4]!
    const line = source.slice(0, match.index).split('\n').length + (match[0].startsWith('\n') ? 1 : 0)
    const say = (message: string) => breaches.push({ file, line, message })
    if (!specifier.startsWith('.')) {
      if (below && !isTest && /^(?:node:|fs$|path$|os$|crypto$|http$|https$|net$)/.test(specifier)) say(`imports ${specifier}: only src/host may know Node`)
      continue
    }
    if (!/\.(?:ts|mjs|json|css|svg)(?:\?\w+)?$/.test(specifier)) say(`imports ${specifier} without its suffix`)
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
    if (target.startsWith(`${place}/`) || isTest) continue
    if (!target.startsWith('src/')) { if (!target.startsWith('lessons/') && below) say(`imports ${specifier} from outside src`); continue }
    const allowed = ALLOWED[place]!.some((entry) => {
      const typesOnly = entry.startsWith('types:')
      const where = typesOnly ? entry.slice(6) : entry
      return (target === where || target.startsWith(`${where}/`)) && (!typesOnly || match[1] !== undefined)
    })
    if (!allowed) say(`${place} may not import ${target}`)
  }
  if (below && !isTest) {
    source.split('\n').forEach((text, i) => {
      const code = text.replace(/\/\/.*$|^\s*\*.*$|^\s*\/\*.*$/, '').replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`/g, "''")
      for (const [pattern, what, names] of FORBIDDEN_GLOBALS) if (pattern.test(code) && !names?.some((name) => declares(source, name) && new RegExp(`\\b${name}\\b`).test(code))) breaches.push({ file, line: i + 1, message: `uses ${what}; only src/host may` })
    })
  }
  return breaches
}

/** Whether a file has a variable, parameter or member of its own with the name of a global. */
function declares(source: string, name: string): boolean {
  return new RegExp(`(?:(?:const|let|var|function)\\s+|[({,]\\s*|\\bof\\s+)${name}\\s*(?:[:,=)}?]|$)|(?:const|let)\\s+${name}\\b|\\(${name}\\b`, 'm').test(source)
}

/** Breaches in all of src below `root`. */
export function checkTree(root: string): Breach[] {
  const breaches: Breach[] = []
  const walk = (folder: string) => {
    for (const entry of fs.readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const file = `${folder}/${entry.name}`
      if (entry.isDirectory()) { if (entry.name !== 'generated') walk(file) }
      else if (/\.ts$/.test(entry.name)) breaches.push(...checkFile(file, fs.readFileSync(path.join(root, file), 'utf8')))
    }
  }
  walk('src')
  return breaches
}

if (process.argv[1] && import.meta.url.endsWith(path.basename(process.argv[1]))) {
  const breaches = checkTree(path.resolve(import.meta.dirname, '../..'))
  for (const { file, line, message } of breaches) console.log(`${file}:${line}: ${message}`)
  console.log(breaches.length === 0 ? 'layers: no breach' : `layers: ${breaches.length} breaches`)
  process.exitCode = breaches.length ? 1 : 0
}
