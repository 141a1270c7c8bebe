import { isStatusError } from '../cluster/kinds/status-error.ts'
import type { APIService, CSIDriver, CSINode, DaemonSet, Deployment, IngressClass, Node, Service, StorageClass } from '../cluster/kinds/generated/types.ts'
import type { KubeObject, ResourceRef } from '../cluster/kinds/object.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { ADMINISTRATOR } from './administrator.ts'
import type { Health, ObjectAddress } from './protocol.ts'

/** The parts of a cluster that somebody chose. */
export type InstalledSection = 'runtime' | 'network' | 'storage' | 'dns' | 'ingress' | 'metrics'

/** What a value says: the page has words for it. */
export type InstalledFact = 'nodes' | 'kubelet' | 'os' | 'image' | 'proxy' | 'embedded' | 'backend' | 'provisioner' | 'reclaim' | 'binding' | 'driver' | 'address' | 'controller' | 'gateway' | 'service'

/** Something that is installed. */
export interface InstalledItem {
  name: string
  /** What kubectl knows it as. */
  object?: ObjectAddress
  facts: readonly (readonly [fact: InstalledFact, value: string])[]
  /** Taken where nothing else is asked for. */
  isDefault?: boolean
  health?: Health
  /** Of how many how many are ready. */
  ready?: string
}

/** What a cluster consists of besides its pods, as its objects say; where they say nothing, nothing is said. */
export interface Installed {
  sections: Readonly<Record<InstalledSection, readonly InstalledItem[]>>
  /** What a node complains about that has no network. */
  networkProblem?: string
  /** What the learner's kubectl has to be told to reach the cluster, where its current context doesn't lead there. */
  flag?: string
}

/** A Deployment or DaemonSet. */
interface Workload {
  kind: 'deployment' | 'daemonset'
  object: Deployment | DaemonSet
  ready: number
  wanted: number
}

/** Reads what is installed in a cluster from its API. @throws StatusError when nobody answers */
export async function readInstalled(cluster: Cluster): Promise<Installed> {
  const api = cluster.apiAs(ADMINISTRATOR)
  const list = async <T extends KubeObject>(resource: ResourceRef): Promise<readonly T[]> => {
    try {
      return (await api.list<T>(resource)).items
    } catch (error) {
      // A kind that nobody has defined.
      if (isStatusError(error) && error.code === 404) return []
      throw error
    } finally {
      await cluster.clock.breathe()
    }
  }
  const nodes = await list<Node>('nodes')
  const workloads: Workload[] = [
    ...(await list<DaemonSet>('daemonsets.apps')).map((object): Workload => ({ kind: 'daemonset', object, ready: object.status?.numberReady ?? 0, wanted: object.status?.desiredNumberScheduled ?? 0 })),
    ...(await list<Deployment>('deployments.apps')).map((object): Workload => ({ kind: 'deployment', object, ready: object.status?.readyReplicas ?? 0, wanted: object.spec.replicas ?? 1 })),
  ]
  const services = await list<Service>('services')
  const networkProblem = nodes.flatMap(({ status }) => status.conditions ?? []).find(({ type, status, message }) => type === 'Ready' && status !== 'True' && message?.includes('NetworkReady=false'))?.message
  return {
    sections: {
      runtime: runtimes(nodes),
      network: networkParts(nodes, workloads),
      storage: [
        ...storageClasses(await list<StorageClass>('storageclasses.storage.k8s.io')),
        ...drivers(await list<CSIDriver>('csidrivers.storage.k8s.io'), await list<CSINode>('csinodes.storage.k8s.io')),
      ],
      dns: services.filter(({ metadata }) => metadata.namespace === 'kube-system' && metadata.labels?.['k8s-app'] === 'kube-dns').flatMap((service) => behind(service, workloads, [['address', service.spec.clusterIP ?? '']])),
      ingress: [
        ...(await list<IngressClass>('ingressclasses.networking.k8s.io')).flatMap((each) => ingressClass(each, workloads)),
        ...(await list<KubeObject & { spec?: { controllerName?: string } }>('gatewayclasses.gateway.networking.k8s.io')).map((each): InstalledItem => ({ name: each.metadata.name!, object: { kind: 'gatewayclass', name: each.metadata.name! }, facts: [['gateway', each.spec?.controllerName ?? '']] })),
      ],
      metrics: (await list<APIService>('apiservices.apiregistration.k8s.io')).flatMap((each) => metricsApi(each, services, workloads)),
    },
    ...(networkProblem ? { networkProblem } : {}),
  }
}

/** Nodes that are alike, together. */
function runtimes(nodes: readonly Node[]): InstalledItem[] {
  const alike = new Map<string, Node[]>()
  for (const node of nodes) {
    const info = node.status.nodeInfo
    const key = [info?.containerRuntimeVersion, info?.kubeletVersion, info?.osImage, info?.kernelVersion].join('\n')
    alike.set(key, [...(alike.get(key) ?? []), node])
  }
  return Array.from(alike.values(), (same): InstalledItem => {
    const info = same[0]!.status.nodeInfo!
    const [first] = same.map(({ metadata }) => metadata.name!)
    return { name: info.containerRuntimeVersion.replace('://', ' '), object: { kind: 'node', name: first! }, facts: [['nodes', String(same.length)], ['kubelet', info.kubeletVersion], ['os', `${info.osImage}, ${info.kernelVersion}`]] }
  })
}

/** Whoever writes into the directory where kubelets' runtimes look for network plugins, and whoever leads Services' addresses to pods. */
function networkParts(nodes: readonly Node[], workloads: readonly Workload[]): InstalledItem[] {
  const plugins = workloads.filter(({ object }) => object.spec.template.spec?.volumes?.some(({ hostPath }) => /\/cni\/net\.d\/?$/.test(hostPath?.path ?? '')))
  const proxies = workloads.filter(({ object }) => object.spec.template.metadata?.labels?.['k8s-app'] === 'kube-proxy')
  return [...plugins.length > 0 ? plugins.map((each) => workloadItem(each)) : embeddedNetwork(nodes), ...proxies.map((each) => workloadItem(each, [['proxy', '']]))]
}

/** A network that a node's own agent brings along, as k3s has flannel in its program: only that the node is Ready tells of it, and perhaps what flannel writes there. */
function embeddedNetwork(nodes: readonly Node[]): InstalledItem[] {
  const node = nodes.find(({ status }) => status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
  if (!node) return []
  const backend = node.metadata.annotations?.['flannel.alpha.coreos.com/backend-type']
  return [{ name: backend ? 'flannel' : node.status.nodeInfo?.kubeletVersion ?? '', object: { kind: 'node', name: node.metadata.name! }, facts: [['embedded', ''], ...(backend ? [['backend', backend] as const] : [])] }]
}

function storageClasses(classes: readonly StorageClass[]): InstalledItem[] {
  return classes.map(({ metadata, provisioner, reclaimPolicy, volumeBindingMode }): InstalledItem => ({
    name: metadata.name!, object: { kind: 'storageclass', name: metadata.name! }, isDefault: metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true',
    facts: [['provisioner', provisioner], ['reclaim', reclaimPolicy ?? 'Delete'], ['binding', volumeBindingMode ?? 'Immediate']],
  })).sort((a, b) => Number(b.isDefault) - Number(a.isDefault))
}

/** CSI drivers with the nodes on which they have registered. */
function drivers(known: readonly CSIDriver[], nodes: readonly CSINode[]): InstalledItem[] {
  const registered = nodes.flatMap(({ spec }) => (spec.drivers ?? []).map(({ name }) => name))
  return [...new Set([...known.map(({ metadata }) => metadata.name!), ...registered])].map((name): InstalledItem => ({
    name, ...(known.some(({ metadata }) => metadata.name === name) ? { object: { kind: 'csidriver', name } } : {}), facts: [['driver', ''], ['nodes', String(registered.filter((each) => each === name).length)]],
  }))
}

/** A class with the workload that its installer labelled alike. */
function ingressClass({ metadata, spec }: IngressClass, workloads: readonly Workload[]): InstalledItem[] {
  const labels = metadata.labels ?? {}
  const marks = ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component'].filter((key) => labels[key] !== undefined)
  const controllers = marks.length < 2 ? [] : workloads.filter(({ object }) => marks.every((key) => object.spec.template.metadata?.labels?.[key] === labels[key]))
  return [
    { name: metadata.name!, object: { kind: 'ingressclass', name: metadata.name! }, isDefault: metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true', facts: [['controller', spec.controller ?? '']] },
    ...controllers.map((each) => workloadItem(each)),
  ]
}

/** An API of measurements that another server has, with the workload behind its Service. */
function metricsApi({ metadata, spec, status }: APIService, services: readonly Service[], workloads: readonly Workload[]): InstalledItem[] {
  if (!spec.service || !/(^|\.)metrics\.k8s\.io$/.test(spec.group ?? '')) return []
  const { name, namespace } = spec.service
  const service = services.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
  const available = status?.conditions?.find(({ type }) => type === 'Available')
  return [
    { name: metadata.name!, object: { kind: 'apiservice', name: metadata.name! }, health: available?.status === 'True' ? 'good' : 'bad', facts: [['service', `${namespace}/${name}`]] },
    ...(service ? behind(service, workloads, []) : []),
  ]
}

/** The workloads that a Service leads to. */
function behind({ metadata, spec }: Service, workloads: readonly Workload[], facts: InstalledItem['facts']): InstalledItem[] {
  const selector = Object.entries(spec.selector ?? {})
  if (selector.length === 0) return []
  return workloads.filter(({ object }) => object.metadata.namespace === metadata.namespace && selector.every(([key, value]) => object.spec.template.metadata?.labels?.[key] === value)).map((each) => workloadItem(each, facts))
}

function workloadItem({ kind, object, ready, wanted }: Workload, facts: InstalledItem['facts'] = []): InstalledItem {
  const { name, namespace } = object.metadata
  const images = [...new Set((object.spec.template.spec?.containers ?? []).map(({ image }) => image!))]
  return {
    name: `${namespace}/${name}`, object: { kind, name: name!, namespace: namespace! }, ready: `${ready}/${wanted}`, health: ready >= wanted ? 'good' : ready > 0 ? 'waiting' : 'bad',
    facts: [...facts, ...images.map((image): readonly [InstalledFact, string] => ['image', image])],
  }
}
