/** A server block of a Corefile, as far as the plugins here read it. */
export interface Corefile {
  zones: string[]
  /** Zones of the kubernetes plugin, e.g. `cluster.local`, `in-addr.arpa`. */
  kubernetesZones: string[]
  /** `disabled`, `insecure` or `verified`. */
  pods: string
  ttlSeconds: number
  /** Zones the kubernetes plugin passes on when it knows nothing. */
  fallthrough: string[]
  lameduckMs: number
  health: boolean
  ready: boolean
  metricsPort: number | undefined
  forward: boolean
  hosts: { ip: string; names: string[] }[]
  log: boolean
}

/** Reads the first server block. @throws Error with the line for braces that don't match. */
export function parseCorefile(text: string): Corefile {
  const out: Corefile = { zones: [], kubernetesZones: [], pods: 'disabled', ttlSeconds: 5, fallthrough: [], lameduckMs: 0, health: false, ready: false, metricsPort: undefined, forward: false, hosts: [], log: false }
  const path: string[] = []
  for (const [i, raw] of text.split('\n').entries()) {
    const words = raw.replace(/#.*$/, '').trim().split(/\s+/).filter(Boolean)
    if (words.length === 0) continue
    if (words[0] === '}') {
      if (path.pop() === undefined) throw new Error(`Corefile:${i + 1} - Error during parsing: unexpected '}'`)
      continue
    }
    const opens = words.at(-1) === '{'
    const [name, ...args] = opens ? words.slice(0, -1) : words
    const inside = path.at(-1)
    if (path.length === 0) out.zones.push(...[name!, ...args].map((zone) => zone.replace(/:\d+$/, '')))
    else if (path.length === 1) applyPlugin(out, name!, args)
    else if (inside === 'kubernetes') {
      if (name === 'pods') out.pods = args[0] ?? 'disabled'
      else if (name === 'ttl') out.ttlSeconds = Number(args[0])
      else if (name === 'fallthrough') out.fallthrough = args.length ? args : ['.']
    } else if (inside === 'health' && name === 'lameduck') out.lameduckMs = durationMs(args[0] ?? '')
    else if (inside === 'hosts' && name !== 'fallthrough' && name !== 'ttl') out.hosts.push({ ip: name!, names: args })
    if (opens) path.push(name!)
  }
  if (path.length > 0) throw new Error("Corefile - Error during parsing: Unexpected EOF, expecting '}'")
  return out
}

function applyPlugin(out: Corefile, name: string, args: string[]): void {
  if (name === 'kubernetes') out.kubernetesZones = args.map((zone) => zone.replace(/\.$/, ''))
  else if (name === 'health') out.health = true
  else if (name === 'ready') out.ready = true
  else if (name === 'prometheus') out.metricsPort = Number((args[0] ?? ':9153').split(':')[1])
  else if (name === 'forward') out.forward = true
  else if (name === 'log') out.log = true
}

function durationMs(text: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
  return value === undefined ? 0 : Number(value) * { ms: 1, s: 1_000, m: 60_000 }[unit as 'ms' | 's' | 'm']
}
