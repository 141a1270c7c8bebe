import type { DeviceAllocationConfiguration, DeviceRequestAllocationResult } from '../../kinds/generated/types.ts'

interface GpuConfig {
  apiVersion?: string
  kind?: string
  sharing?: { strategy?: string; timeSlicingConfig?: { interval?: string }; spacePartitioningConfig?: { partitionCount?: number } }
}

const API_VERSION = 'gpu.resource.example.com/v1alpha1'
const INTERVALS = ['Default', 'Short', 'Medium', 'Long']

const fail = (message: string): never => {
  throw new Error(message)
}

/** The configuration that counts for a result: that of the claim before that of the class, and of several the last. dra-example-driver GetOpaqueDeviceConfigs */
function configFor({ request }: DeviceRequestAllocationResult, driver: string, configs: readonly DeviceAllocationConfiguration[]): GpuConfig {
  const ranked = [...configs.filter(({ source }) => source === 'FromClass'), ...configs.filter(({ source }) => source === 'FromClaim')].filter(({ opaque }) => (opaque ?? fail('error getting opaque device configs: only opaque parameters are supported by this driver')).driver === driver)
  for (const { opaque } of ranked) {
    const { apiVersion = '', kind = '' } = opaque!.parameters as GpuConfig
    if (apiVersion !== API_VERSION || kind !== 'GpuConfig') fail(`error getting opaque device configs: error decoding config parameters: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:110"`)
  }
  const found = ranked.reverse().find(({ requests = [] }) => requests.length === 0 || requests.includes(request))
  return (found?.opaque!.parameters ?? {}) as GpuConfig
}

/** Environment variables that tell a container of its GPU. dra-example-driver applyGpuConfig */
export function gpuEnvironment(result: DeviceRequestAllocationResult, driver: string, configs: readonly DeviceAllocationConfiguration[]): string[] {
  const { device, consumedCapacity } = result
  const sharing = configFor(result, driver, configs).sharing ?? { strategy: 'TimeSlicing' }
  const id = device.slice(4).replaceAll('-', '_').toUpperCase()
  const { strategy = '' } = sharing
  const out = [`GPU_DEVICE_${id}=${device}`, `GPU_DEVICE_${id}_SHARING_STRATEGY=${strategy}`]
  const invalid = (what: string) => fail(`error applying config: error validating GPU config: ${what}`)
  if (strategy === 'TimeSlicing') {
    const { interval = '' } = sharing.timeSlicingConfig ?? { interval: 'Default' }
    if (!INTERVALS.includes(interval)) invalid(`unknown time-slice interval: ${interval}`)
    if (sharing.spacePartitioningConfig) fail(`error applying config: unable to get time slicing config for device ${device}: cannot use SpacePartitioningConfig with the 'TimeSlicing' strategy`)
    out.push(`GPU_DEVICE_${id}_TIMESLICE_INTERVAL=${interval}`)
  } else if (strategy === 'SpacePartitioning') {
    const { partitionCount = 0 } = sharing.spacePartitioningConfig ?? { partitionCount: 1 }
    if (partitionCount < 0) invalid(`invalid partition count: ${partitionCount}`)
    if (sharing.timeSlicingConfig) fail(`error applying config: unable to get space partitioning config for device ${device}: cannot use TimeSlicingConfig with the 'SpacePartitioning' strategy`)
    out.push(`GPU_DEVICE_${id}_PARTITION_COUNT=${partitionCount}`)
  } else invalid(`unknown GPU sharing strategy: ${strategy}`)
  if (consumedCapacity?.memory !== undefined) out.push(`GPU_DEVICE_${id}_MEMORY=${consumedCapacity.memory}`)
  if (consumedCapacity?.compute !== undefined) out.push(`GPU_DEVICE_${id}_COMPUTE=${consumedCapacity.compute}`)
  return out
}
