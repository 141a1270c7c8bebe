import { parse } from 'yaml'
import type { Endpoints, EndpointSlice, Ingress, Node, Pod, Service } from '../../../kinds/generated/types.ts'
import { matchesGlob } from './glob.ts'
import type { Timer } from '../../../../base/clock.ts'
import type { Proc } from '../../../../unix/types.ts'
import { clusterClient } from '../../in-cluster/cluster-client.ts'
import { followResource } from '../../in-cluster/follow-resource.ts'
import type { Discovery, DnsSd, FileSd, KubernetesRole, KubernetesSd } from '../config/load.ts'
import type { TargetGroup } from '../scrape/target.ts'
import { endpointSliceGroup, endpointsGroup, ingressGroup, nodeGroup, podGroup, serviceGroup } from './kubernetes-targets.ts'

/** Changes are told after this long, together. */
const UPDATE_MS = 5_000
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

type Log = (level: 'ERROR' | 'WARN' | 'INFO', text: string) => void
type Named = { metadata: { name: string; namespace?: string } }

/** Finds the targets of one job, and tells of them each time that they change. */
export class Discoverer {
  readonly #proc: Proc
  readonly #log: Log
  readonly #onChange: (groups: TargetGroup[]) => void
  readonly #providers: (() => TargetGroup[])[] = []
  #stopped = false
  /** Set while a change waits to be told. */
  #waiting: Timer | undefined
  /** Sources that haven't answered yet: until they have, nobody knows which targets are gone. */
  #unanswered = 0
  readonly #ends: (() => void)[] = []

  constructor(proc: Proc, discovery: Discovery, log: Log, onChange: (groups: TargetGroup[]) => void) {
    this.#proc = proc
    this.#log = log
    this.#onChange = onChange
    discovery.statics.forEach((group, i) => {
      const found = { source: String(i), labels: group.labels, targets: group.targets.map((target) => ({ __address__: target })) }
      this.#providers.push(() => [found])
    })
    for (const sd of discovery.kubernetes) this.#followKubernetes(sd)
    for (const sd of discovery.files) this.#followFiles(sd)
    for (const sd of discovery.dns) this.#followDns(sd)
    // Volumes outlive the process that watches them.
    const end = () => this.stop()
    proc.killed.addEventListener('abort', end, { once: true })
    this.#ends.push(() => proc.killed.removeEventListener('abort', end))
    this.#tell()
  }

  /** Looks no more, and tells no more. */
  stop(): void {
    this.#stopped = true
    this.#waiting?.cancel()
    for (const end of this.#ends) end()
  }

  #tell(): void {
    if (!this.#stopped && this.#unanswered === 0) this.#onChange(this.#providers.flatMap((provider) => provider()))
  }

  #changed(): void {
    if (this.#waiting || this.#stopped) return
    this.#waiting = this.#proc.clock.after(UPDATE_MS, () => { this.#waiting = undefined; this.#tell() })
  }

  /** Counts a source in until it has answered for the first time, if only by refusing. */
  #awaited(): () => void {
    let isAnswered = false
    this.#unanswered++
    return () => {
      if (isAnswered) return
      isAnswered = true
      this.#unanswered--
      this.#changed()
    }
  }

  #followKubernetes(sd: KubernetesSd): void {
    if (sd.ownNamespace && !this.#proc.fs.exists(NAMESPACE_FILE)) {
      this.#log('ERROR', `msg="Cannot create service discovery" component="discovery manager scrape" type=kubernetes err="could not determine the pod's namespace: open ${NAMESPACE_FILE}: no such file or directory"`)
      return
    }
    const namespaces = sd.ownNamespace ? [...sd.namespaces, this.#proc.fs.readText(NAMESPACE_FILE).trim()] : sd.namespaces
    const follow = <T>(role: KubernetesRole, group: string, resource: string): Map<string, T> => {
      const objects = new Map<string, T>()
      const selector = sd.selectors.find((each) => each.role === role)
      for (const namespace of role === 'node' || namespaces.length === 0 ? [''] : namespaces) {
        const path = `${group}${namespace && `/namespaces/${namespace}`}/${resource}`
        this.#follow<T & Named>(path, selector, (key, object) => { if (object) objects.set(key, object); else objects.delete(key); this.#changed() }, resource)
      }
      return objects
    }
    const pods = ['pod', 'endpoints', 'endpointslice'].includes(sd.role) ? follow<Pod>('pod', '/api/v1', 'pods') : new Map<string, Pod>()
    const services = ['service', 'endpoints', 'endpointslice'].includes(sd.role) ? follow<Service>('service', '/api/v1', 'services') : new Map<string, Service>()
    const nodes = sd.role === 'node' || sd.attachNode ? follow<Node>('node', '/api/v1', 'nodes') : new Map<string, Node>()
    const lookups = { pod: (namespace: string, name: string) => pods.get(`${namespace}/${name}`), service: (namespace: string, name: string) => services.get(`${namespace}/${name}`), node: (name: string) => sd.attachNode ? nodes.get(`/${name}`) : undefined }
    switch (sd.role) {
      case 'pod': this.#providers.push(() => [...pods.values()].map((pod) => podGroup(pod, lookups.node(pod.spec?.nodeName ?? '')))); break
      case 'service': this.#providers.push(() => [...services.values()].map(serviceGroup)); break
      case 'node': this.#providers.push(() => [...nodes.values()].map(nodeGroup)); break
      case 'endpoints': { const all = follow<Endpoints>('endpoints', '/api/v1', 'endpoints'); this.#providers.push(() => [...all.values()].map((each) => endpointsGroup(each, lookups))); break }
      case 'endpointslice': { const all = follow<EndpointSlice>('endpointslice', '/apis/discovery.k8s.io/v1', 'endpointslices'); this.#providers.push(() => [...all.values()].map((each) => endpointSliceGroup(each, lookups))); break }
      case 'ingress': { const all = follow<Ingress>('ingress', '/apis/networking.k8s.io/v1', 'ingresses'); this.#providers.push(() => [...all.values()].map(ingressGroup)); break }
    }
  }

  #follow<T extends Named>(path: string, selector: { label: string; field: string } | undefined, onChange: (key: string, object: T | undefined) => void, resource: string): void {
    const stop = new AbortController()
    this.#ends.push(() => stop.abort(new Error('stopped')))
    const answered = this.#awaited()
    const client = clusterClient(this.#proc, 'Prometheus')
    const query = new URLSearchParams({ ...(selector?.label ? { labelSelector: selector.label } : {}), ...(selector?.field ? { fieldSelector: selector.field } : {}) }).toString()
    void followResource<T & { metadata: { resourceVersion?: string } }>({
      proc: this.#proc, until: stop.signal,
      client: { fetch: (at, init) => client.fetch(query ? `${at}&${query}` : at, init) }, path, onChange, onSynced: answered,
      onError: (message) => {
        if (this.#stopped) return
        answered()
        const told = /^\d+ (\{.*)/s.exec(message)?.[1]
        let why = message
        try { why = (JSON.parse(told ?? '') as { message?: string }).message ?? message } catch { /* no Status */ }
        this.#log('ERROR', `msg="Failed to watch" component=k8s_client_runtime err=${JSON.stringify(`failed to list *${GO_TYPES[resource] ?? resource}: ${why}`)} reflector=pkg/mod/k8s.io/client-go/tools/cache/reflector.go type=*${GO_TYPES[resource] ?? resource}`)
      },
    }).catch(() => {})
  }

  #followFiles({ files, refreshMs }: FileSd): void {
    let groups: TargetGroup[] = []
    let seen = ''
    const read = () => {
      const found: TargetGroup[] = []
      for (const path of files.flatMap((pattern) => matchesGlob(this.#proc.fs, pattern))) {
        try {
          const content = parse(this.#proc.fs.readText(path)) as { targets?: string[]; labels?: Record<string, string> }[] | null
          ;(content ?? []).forEach((group, i) => found.push({ source: `${path}:${i}`, labels: { __meta_filepath: path, ...group.labels }, targets: (group.targets ?? []).map((target) => ({ __address__: target })) }))
        } catch (error) {
          this.#log('ERROR', `msg="Error reading file" component="discovery manager scrape" discovery=file path=${path} err=${JSON.stringify((error as Error).message.split('\n')[0])}`)
        }
      }
      groups = found
      const now = JSON.stringify(found)
      if (now !== seen) { seen = now; this.#changed() }
    }
    this.#providers.push(() => groups)
    read()
    const folders = new Set(files.map((file) => file.slice(0, file.lastIndexOf('/')) || '/'))
    for (const folder of folders) if (this.#proc.fs.exists(folder)) this.#ends.push(this.#proc.fs.watch(folder, read))
    this.#every(refreshMs, async () => read())
  }

  #followDns({ names, port, refreshMs }: DnsSd): void {
    let groups: TargetGroup[] = []
    this.#providers.push(() => groups)
    const answered = this.#awaited()
    const look = async () => {
      groups = await Promise.all(names.map(async (name): Promise<TargetGroup> => {
        let addresses: string[] = []
        try { addresses = await this.#proc.net.lookup(name) } catch (error) {
          if (this.#proc.killed.aborted) throw error
          this.#log('ERROR', `msg="Error refreshing DNS targets" component="discovery manager scrape" discovery=dns err=${JSON.stringify(`could not resolve ${JSON.stringify(name)}`)}`)
        }
        return { source: name, labels: {}, targets: addresses.map((ip) => ({ __address__: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`, __meta_dns_name: name })) }
      }))
      answered()
      this.#changed()
    }
    void look().catch(() => {})
    this.#every(refreshMs, look)
  }

  #every(ms: number, work: () => Promise<void>): void {
    let timer: Timer
    const next = () => {
      if (!this.#stopped) timer = this.#proc.clock.after(ms, () => { void work().catch(() => {}).then(next) })
    }
    next()
    this.#ends.push(() => timer.cancel())
  }
}

const GO_TYPES: Readonly<Record<string, string>> = { pods: 'v1.Pod', services: 'v1.Service', endpoints: 'v1.Endpoints', endpointslices: 'v1.EndpointSlice', nodes: 'v1.Node', ingresses: 'v1.Ingress' }
