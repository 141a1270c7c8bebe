import type { CloudProvider, NodeGroup } from '../../autoscaler/cloud-provider.ts'
import type { Node } from '../../kinds/generated/types.ts'
import type { AutoScalingGroup, AwsClient } from './aws-client.ts'

/** Processors and memory in MiB by instance type. k8s: cloudprovider/aws ec2_instance_types.go */
const INSTANCE_TYPES: Readonly<Record<string, readonly [cpus: number, memory: number, architecture: string]>> = {
  't3.small': [2, 2048, 'amd64'], 't3.medium': [2, 4096, 'amd64'], 'm5.large': [2, 8192, 'amd64'], 'm5.xlarge': [4, 16384, 'amd64'], 'm6g.large': [2, 8192, 'arm64'], 't4g.medium': [2, 4096, 'arm64'],
}
const TEMPLATE_LABEL = 'k8s.io/cluster-autoscaler/node-template/label/'

interface AwsGroup extends NodeGroup {
  group: AutoScalingGroup
}

/** A group that was named on the command line. */
export interface StaticGroup {
  name: string
  minSize: number
  maxSize: number
}

/** Auto Scaling groups as node groups: those that were named, or those that have certain tags. k8s: cloudprovider/aws */
export class AwsProvider implements CloudProvider {
  readonly #client: AwsClient
  readonly #named: readonly StaticGroup[]
  readonly #tags: readonly ReadonlyMap<string, string>[]
  #groups: readonly AwsGroup[] = []
  #byInstance = new Map<string, AwsGroup>()

  constructor(client: AwsClient, { named, tags }: { named: readonly StaticGroup[]; tags: readonly ReadonlyMap<string, string>[] }) {
    this.#client = client
    this.#named = named
    this.#tags = tags
  }

  async refresh(): Promise<void> {
    const all = await this.#client.describeGroups()
    const groups: AwsGroup[] = []
    for (const group of all) {
      const named = this.#named.find(({ name }) => name === group.name)
      const isTagged = this.#tags.some((wanted) => [...wanted].every(([key, value]) => group.tags.has(key) && (value === '' || group.tags.get(key) === value)))
      if (named || isTagged) groups.push({ id: group.name, minSize: named?.minSize ?? group.minSize, maxSize: named?.maxSize ?? group.maxSize, targetSize: group.desiredCapacity, group })
    }
    this.#groups = groups
    this.#byInstance = new Map(groups.flatMap((each) => each.group.instances.map(({ id }) => [id, each])))
  }

  nodeGroups(): readonly NodeGroup[] {
    return this.#groups
  }

  nodeGroupFor({ spec }: Node): NodeGroup | undefined {
    return this.#byInstance.get(instanceOf(spec?.providerID))
  }

  template({ id }: NodeGroup): Node {
    const { group } = this.#groups.find((each) => each.id === id)!
    const type = group.instances[0]?.type ?? group.instanceType
    const [cpus, memory, architecture] = INSTANCE_TYPES[type] ?? INSTANCE_TYPES['m5.large']!
    const zone = group.zones[0] ?? ''
    const amounts = { cpu: String(cpus), memory: `${memory}Mi`, pods: '110' }
    const labels = Object.fromEntries([...group.tags].filter(([key]) => key.startsWith(TEMPLATE_LABEL)).map(([key, value]) => [key.slice(TEMPLATE_LABEL.length), value]))
    const name = `${id}-asg-template`
    return {
      apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name, labels: { 'kubernetes.io/arch': architecture, 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name, 'node.kubernetes.io/instance-type': type, 'topology.kubernetes.io/region': zone.slice(0, -1), 'topology.kubernetes.io/zone': zone, ...labels } },
      spec: {}, status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
    } as unknown as Node
  }

  async increaseSize({ id, targetSize, maxSize }: NodeGroup, delta: number): Promise<void> {
    if (targetSize + delta > maxSize) throw new Error(`size increase too large - desired:${targetSize + delta} max:${maxSize}`)
    await this.#client.setDesiredCapacity(id, targetSize + delta)
  }

  async deleteNodes({ minSize, targetSize }: NodeGroup, nodes: readonly Node[]): Promise<void> {
    if (targetSize <= minSize) throw new Error('min size reached, nodes will not be deleted')
    for (const { spec } of nodes) await this.#client.terminate(instanceOf(spec?.providerID))
  }
}

/** `aws:///ZONE/INSTANCE`. */
const instanceOf = (providerID: string | undefined) => /^aws:\/\/\/[-0-9a-z]*\/(i-[0-9a-z]+)$/.exec(providerID ?? '')?.[1] ?? ''

/** `MIN:MAX:NAME`; undefined for what isn't one. k8s: config/dynamic SpecFromString */
export function staticGroup(text: string): StaticGroup | undefined {
  const [, min, max, name] = /^(\d+):(\d+):(.+)$/.exec(text) ?? []
  return name === undefined || Number(max) < Number(min) ? undefined : { name, minSize: Number(min), maxSize: Number(max) }
}

/** `asg:tag=KEY[=VALUE],KEY...`; undefined for what isn't one. k8s: cloudprovider/aws parseASGAutoDiscoverySpecs */
export function discoveryTags(text: string): ReadonlyMap<string, string> | undefined {
  const list = /^asg:tag=(.+)$/.exec(text)?.[1]
  return list === undefined ? undefined : new Map(list.split(',').filter(Boolean).map((part) => { const at = part.indexOf('='); return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)] }))
}
