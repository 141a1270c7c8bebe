import type { HttpRequest } from '../../base/http.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { NodePool } from './node-pool.ts'
import { instanceIdOf } from './pool-naming.ts'

/** Where machines of Amazon's ask about themselves. */
const METADATA_IP = '169.254.169.254'
const NAMESPACE = 'http://autoscaling.amazonaws.com/doc/2011-01-01/'

/** Amazon's services as a cluster's pods reach them: the instance metadata service, and of Auto Scaling what is asked about the cluster's one group. */
export class AwsEndpoint {
  readonly #cluster: Cluster
  readonly #pool: NodePool

  constructor(cluster: Cluster, pool: NodePool) {
    this.#cluster = cluster
    this.#pool = pool
    cluster.network.addHost('instance-metadata', METADATA_IP).listenHttp(80, (request) => this.#answer(request), { ip: METADATA_IP })
  }

  close(): void {
    this.#cluster.network.removeHost(METADATA_IP)
  }

  async #answer(request: HttpRequest): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (request.method === 'POST' && pathname === '/') return this.#autoScaling(new URLSearchParams(await request.text()))
    const location = String(this.#pool.record.details['location'])
    if (request.method === 'PUT' && pathname === '/latest/api/token') return new Response('drydock')
    const known: Readonly<Record<string, string>> = { '/latest/meta-data/placement/region': location, '/latest/meta-data/placement/availability-zone': `${location}a`, '/latest/meta-data/instance-type': String(this.#pool.record.details['machineType']) }
    return known[pathname] === undefined ? new Response('404 - Not Found', { status: 404 }) : new Response(known[pathname])
  }

  async #autoScaling(parameters: URLSearchParams): Promise<Response> {
    const action = parameters.get('Action') ?? ''
    const pool = this.#pool
    const group = pool.id
    const count = pool.machines.length
    const limits = pool.limits ?? { min: count, max: count }
    const invalid = (message: string) => xml(400, `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>${escaped(message)}</Message></Error></ErrorResponse>`)
    if (action === 'DescribeAutoScalingGroups') return xml(200, describe(pool, limits, count))
    if (action === 'SetDesiredCapacity') {
      const wanted = Number(parameters.get('DesiredCapacity'))
      if (parameters.get('AutoScalingGroupName') !== group) return invalid('AutoScalingGroup name not found - null')
      if (wanted > limits.max) return invalid(`New SetDesiredCapacity value ${wanted} is above max value ${limits.max} for the AutoScalingGroup.`)
      if (wanted < limits.min) return invalid(`New SetDesiredCapacity value ${wanted} is below min value ${limits.min} for the AutoScalingGroup.`)
      if (wanted > count) pool.order(wanted - count)
      else for (const { name } of pool.machines.slice(wanted)) await pool.terminate(name)
      return xml(200, `<SetDesiredCapacityResponse xmlns="${NAMESPACE}"></SetDesiredCapacityResponse>`)
    }
    if (action === 'TerminateInstanceInAutoScalingGroup') {
      const machine = pool.machines.find(({ name }) => instanceIdOf(name) === parameters.get('InstanceId'))
      if (!machine) return invalid(`Instance Id not found - No managed instance found for instance ID: ${parameters.get('InstanceId')}`)
      if (count - 1 < limits.min) return invalid(`Currently, desiredSize equals minSize (${limits.min}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`)
      await pool.terminate(machine.name)
      return xml(200, `<TerminateInstanceInAutoScalingGroupResponse xmlns="${NAMESPACE}"></TerminateInstanceInAutoScalingGroupResponse>`)
    }
    return xml(400, `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>${escaped(`The action ${action} is not available in Drydock`)}</Message></Error></ErrorResponse>`)
  }
}

function describe(pool: NodePool, limits: { min: number; max: number }, count: number): string {
  const { name, details } = pool.record
  const zone = `${String(details['location'])}a`
  const type = String(details['machineType'])
  const tags: readonly (readonly [key: string, value: string])[] = [
    ['eks:cluster-name', name], ['eks:nodegroup-name', String(details['group'])], ['k8s.io/cluster-autoscaler/enabled', 'true'], [`k8s.io/cluster-autoscaler/${name}`, 'owned'], [`kubernetes.io/cluster/${name}`, 'owned'],
    ['k8s.io/cluster-autoscaler/node-template/label/alpha.eksctl.io/cluster-name', name], ['k8s.io/cluster-autoscaler/node-template/label/alpha.eksctl.io/nodegroup-name', String(details['group'])],
  ]
  const member = (fields: Readonly<Record<string, string>>) => `<member>${Object.entries(fields).map(([field, value]) => `<${field}>${escaped(value)}</${field}>`).join('')}</member>`
  return `<DescribeAutoScalingGroupsResponse xmlns="${NAMESPACE}"><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>${escaped(pool.id)}</AutoScalingGroupName><InstanceType>${escaped(type)}</InstanceType><MinSize>${limits.min}</MinSize><MaxSize>${limits.max}</MaxSize><DesiredCapacity>${count}</DesiredCapacity>`
    + `<AvailabilityZones><member>${escaped(zone)}</member></AvailabilityZones><Instances>${pool.machines.map((machine) => member({ InstanceId: instanceIdOf(machine.name), AvailabilityZone: zone, InstanceType: type, LifecycleState: machine.power === 'starting' ? 'Pending' : 'InService' })).join('')}</Instances>`
    + `<Tags>${tags.map(([Key, Value]) => member({ Key, Value })).join('')}</Tags></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>`
}

const xml = (status: number, text: string) => new Response(text, { status, headers: { 'content-type': 'text/xml' } })
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
