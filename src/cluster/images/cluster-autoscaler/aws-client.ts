import { httpRequest } from '../../../base/http.ts'
import type { Proc } from '../../../unix/types.ts'

/** Where a machine of Amazon's learns what it is; the API is asked there too, because names outside of the cluster lead nowhere. */
const METADATA = 'http://169.254.169.254'

/** What the API tells of a group of machines. */
export interface AutoScalingGroup {
  name: string
  minSize: number
  maxSize: number
  desiredCapacity: number
  /** Of its launch template. */
  instanceType: string
  zones: readonly string[]
  instances: readonly { id: string; zone: string; type: string; state: string }[]
  tags: ReadonlyMap<string, string>
}

/** Amazon's Auto Scaling as far as the autoscaler asks it. */
export class AwsClient {
  readonly #proc: Proc

  constructor(proc: Proc) {
    this.#proc = proc
  }

  /** The region that the machine is in. Rejects where there is no such service. */
  async region(): Promise<string> {
    const response = await this.#proc.net.fetch(httpRequest(`${METADATA}/latest/meta-data/placement/region`), { connectTimeoutMs: 5_000 })
    if (response.status !== 200) throw new Error(`EC2MetadataError: failed to make EC2Metadata request, status code: ${response.status}`)
    return (await response.text()).trim()
  }

  async describeGroups(): Promise<AutoScalingGroup[]> {
    const answer = await this.#call({ Action: 'DescribeAutoScalingGroups' })
    return members(element(answer, 'AutoScalingGroups')).map((text) => ({
      name: element(text, 'AutoScalingGroupName'), minSize: Number(element(text, 'MinSize')), maxSize: Number(element(text, 'MaxSize')), desiredCapacity: Number(element(text, 'DesiredCapacity')), instanceType: element(text.replace(/<Instances>[\s\S]*<\/Instances>/, ''), 'InstanceType'), zones: members(element(text, 'AvailabilityZones')),
      instances: members(element(text, 'Instances')).map((each) => ({ id: element(each, 'InstanceId'), zone: element(each, 'AvailabilityZone'), type: element(each, 'InstanceType'), state: element(each, 'LifecycleState') })),
      tags: new Map(members(element(text, 'Tags')).map((each) => [element(each, 'Key'), element(each, 'Value')])),
    }))
  }

  async setDesiredCapacity(group: string, capacity: number): Promise<void> {
    await this.#call({ Action: 'SetDesiredCapacity', AutoScalingGroupName: group, DesiredCapacity: String(capacity), HonorCooldown: 'false' })
  }

  async terminate(instance: string): Promise<void> {
    await this.#call({ Action: 'TerminateInstanceInAutoScalingGroup', InstanceId: instance, ShouldDecrementDesiredCapacity: 'true' })
  }

  async #call(parameters: Readonly<Record<string, string>>): Promise<string> {
    const response = await this.#proc.net.fetch(httpRequest(`${METADATA}/`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }, body: new URLSearchParams({ ...parameters, Version: '2011-01-01' }).toString() }), { connectTimeoutMs: 5_000 })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`operation error Auto Scaling: ${parameters['Action']}, https response error StatusCode: ${response.status}, api error ${element(text, 'Code')}: ${element(text, 'Message')}`)
    return text
  }
}

/** What stands in the first element of a name that isn't inside of another one of it; the answers here have none such. */
function element(xml: string, name: string): string {
  return decode(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(xml)?.[1] ?? '')
}

/** Entries of a list: `<member>`s, which may hold lists themselves. */
function members(xml: string): string[] {
  const found: string[] = []
  let depth = 0
  let start = 0
  for (const { 0: tag, index } of xml.matchAll(/<\/?member>/g)) {
    if (tag === '<member>') { if (depth++ === 0) start = index + tag.length }
    else if (--depth === 0) found.push(xml.slice(start, index))
  }
  return found
}

const decode = (text: string) => text.includes('<') ? text : text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
