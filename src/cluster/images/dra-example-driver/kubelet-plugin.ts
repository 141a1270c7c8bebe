import { serveGrpc } from '../../../unix/net/grpc.ts'
import type { Proc } from '../../../unix/types.ts'
import type { DeviceRequestAllocationResult, ResourceResourceClaim } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { goFlags } from '../agnhost/go-server.ts'
import { healthyGrpcServer } from '../agnhost/grpc-health-checking.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { klog } from '../in-cluster/klog.ts'
import { CdiFiles } from './cdi-files.ts'
import { gpuEnvironment } from './gpu-config.ts'
import { gpuSlices } from './gpu-devices.ts'
import { publishResources } from './resource-slices.ts'

/** Options with their defaults; each can be given by an environment variable too. */
const OPTIONS: Readonly<Record<string, string>> = {
  'node-name': '', 'cdi-root': '/etc/cdi', 'num-devices': '8', 'kubelet-registrar-directory-path': '/var/lib/kubelet/plugins_registry', 'kubelet-plugins-directory-path': '/var/lib/kubelet/plugins', 'healthcheck-port': '-1', 'metrics-port': '-1',
  'device-profile': 'gpu', 'driver-name': '', 'pod-uid': '', 'gpu-partitions': '0', 'gpu-device-status': 'false', 'binding-conditions': 'false', 'gpu-allow-multiple-allocations': 'false', 'cpu-numa-nodes': '8', 'cpus-per-numa-node': '4', v: '0',
}
/** What versions before 0.3.0 don't know. */
const NEWER = new Set(['metrics-port', 'device-profile', 'driver-name', 'pod-uid', 'gpu-partitions', 'gpu-device-status', 'binding-conditions', 'gpu-allow-multiple-allocations', 'cpu-numa-nodes', 'cpus-per-numa-node'])

/** Options that are switches. */
const SWITCHES = new Set(['gpu-device-status', 'binding-conditions', 'gpu-allow-multiple-allocations'])
/** Options that are numbers. */
const NUMBERS = new Set(['num-devices', 'healthcheck-port', 'metrics-port', 'gpu-partitions', 'cpu-numa-nodes', 'cpus-per-numa-node'])
const variableOf = (option: string): string => option.toUpperCase().replaceAll('-', '_')

/** What is wrong with the value of an option. urfave/cli/v2: flag_int.go, flag_bool.go */
function problemOf(name: string, flag: string | undefined, variable: string | undefined): string | undefined {
  const isNumber = NUMBERS.has(name)
  const isGood = (value: string) => isNumber ? /^[+-]?(?:\d+|0[xX][\da-fA-F]+)$/.test(value) : /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)
  if (variable && !isGood(variable)) {
    const value = JSON.stringify(variable)
    return `could not parse ${value} as ${isNumber ? 'int' : 'bool'} value from environment variable ${JSON.stringify(variableOf(name))} for flag ${name}: strconv.Parse${isNumber ? 'Int' : 'Bool'}: parsing ${value}: invalid syntax`
  }
  if (flag === undefined || isGood(flag)) return undefined
  return isNumber ? `invalid value ${JSON.stringify(flag)} for flag -${name}: parse error` : `invalid boolean value ${JSON.stringify(flag)} for -${name}: parse error`
}

interface ClaimReference { namespace: string; uid: string; name: string }

/** The driver's part on a node: shows the node's GPUs and puts them into containers. */
// dra-example-driver cmd/dra-example-kubeletplugin
export async function draExampleKubeletPlugin(proc: Proc, version: string): Promise<number> {
  const { flags } = goFlags(proc.argv.slice(1), SWITCHES)
  const isOld = version < 'v0.3.0'
  const failed = async (message: string) => {
    await proc.stderr.write(`Error: ${message}\n`)
    return 1
  }
  const isKnown = (name: string) => name in OPTIONS && !(isOld && NEWER.has(name))
  const bad = [...flags.keys()].find((name) => !isKnown(name))
  if (bad !== undefined) return failed(`flag provided but not defined: -${bad}`)
  const fromEnvironment = (name: string) => isKnown(name) ? proc.env[variableOf(name)] : undefined
  for (const name of [...NUMBERS, ...SWITCHES]) {
    const problem = problemOf(name, flags.get(name), fromEnvironment(name))
    if (problem !== undefined) return failed(problem)
  }
  const option = (name: string): string => {
    const variable = fromEnvironment(name)
    const isGiven = variable !== undefined && !(variable === '' && (NUMBERS.has(name) || SWITCHES.has(name)))
    return flags.get(name) ?? (isGiven ? variable : OPTIONS[name]!)
  }
  const isOn = (name: string) => /^(?:1|t)/i.test(option(name))
  const nodeName = option('node-name')
  if (nodeName === '') return failed('Required flag "node-name" not set')
  const profile = option('device-profile')
  if (profile === 'net' || profile === 'cpu') return failed(`drydock: the device profile ${profile} is not available here`)
  if (profile !== 'gpu') return failed(`invalid device profile ${JSON.stringify(profile)}, valid profiles are ["gpu" "cpu" "net"]`)
  const driver = option('driver-name') || 'gpu.example.com'
  const plugin = new KubeletPlugin(proc, {
    version, nodeName, driver, cdiRoot: option('cdi-root'), folder: `${option('kubelet-plugins-directory-path')}/${driver}`, registry: option('kubelet-registrar-directory-path'), uid: option('pod-uid'),
    count: Number(option('num-devices')), partitions: Number(option('gpu-partitions')), deviceStatus: isOn('gpu-device-status'), bindingConditions: isOn('binding-conditions'), allowMultipleAllocations: isOn('gpu-allow-multiple-allocations'),
  })
  plugin.start(Number(option('healthcheck-port')))
  await proc.signal('SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT')
  plugin.stop()
  return 0
}

interface PluginOptions {
  version: string
  nodeName: string
  driver: string
  cdiRoot: string
  folder: string
  registry: string
  uid: string
  count: number
  partitions: number
  deviceStatus: boolean
  bindingConditions: boolean
  allowMultipleAllocations: boolean
}

class KubeletPlugin {
  readonly #proc: Proc
  readonly #options: PluginOptions
  readonly #client: ClusterClient
  readonly #cdi: CdiFiles
  readonly #slices: ReturnType<typeof gpuSlices>
  readonly #closes: (() => void)[] = []

  constructor(proc: Proc, options: PluginOptions) {
    this.#proc = proc
    this.#options = options
    this.#client = clusterClient(proc, 'dra-example-kubeletplugin')
    this.#cdi = new CdiFiles(proc, options.cdiRoot, options.driver, 'gpu')
    this.#slices = gpuSlices(options)
  }

  start(healthPort: number): void {
    const { fs, net } = this.#proc
    const { cdiRoot, folder, registry, uid, driver, nodeName, version } = this.#options
    for (const path of [folder, cdiRoot]) if (!fs.exists(path)) fs.mkdir(path, { recursive: true, mode: 0o750 })
    this.#cdi.writeCommon([`KUBERNETES_NODE_NAME=${this.#proc.env.NODE_NAME ?? ''}`, `DRA_RESOURCE_DRIVER_NAME=${driver}`])
    const part = uid ? `-${uid}` : ''
    const endpoint = `${folder}/dra${part}.sock`
    const methods = { NodePrepareResources: (request: { claims: ClaimReference[] }) => this.#prepare(request.claims), NodeUnprepareResources: (request: { claims: ClaimReference[] }) => this.#unprepare(request.claims) }
    this.#serve(endpoint, Object.fromEntries(['v1', 'v1beta1'].flatMap((api) => Object.entries(methods).map(([name, method]) => [`k8s.io.kubelet.pkg.apis.dra.${api}.DRAPlugin/${name}`, method]))))
    this.#serve(`${registry}/${driver}${part}-reg.sock`, {
      'pluginregistration.Registration/GetInfo': () => ({ type: 'DRAPlugin', name: driver, endpoint, supportedVersions: ['v1.DRAPlugin', 'v1beta1.DRAPlugin'] }),
      'pluginregistration.Registration/NotifyRegistrationStatus': ({ pluginRegistered, error }: { pluginRegistered: boolean; error: string }) => {
        if (!pluginRegistered) klog(this.#proc, 'E', 'driver.go:185', `"Unhandled Error" err=${JSON.stringify(`failed registration process: ${error}`)}`)
        return {}
      },
    })
    if (healthPort >= 0) {
      klog(this.#proc, 'I', 'health.go:115', `"starting healthcheck service" addr="[::]:${healthPort}"`)
      net.listenHttp(healthPort, healthyGrpcServer, { versions: ['h2'] })
    }
    publishResources(this.#proc, this.#client, {
      driver, nodeName, slices: this.#slices, generateName: (i) => version < 'v0.3.0' ? `${nodeName}-${driver}-` : `${i.toString(16).padStart(5, '0')}-${driver}-${nodeName}-`,
    })
  }

  stop(): void {
    for (const close of this.#closes.splice(0)) close()
  }

  #serve(path: string, service: Parameters<typeof serveGrpc>[2]): void {
    const { fs } = this.#proc
    fs.remove(path, { force: true })
    const close = serveGrpc(this.#proc, path, service)
    this.#closes.push(() => {
      close()
      fs.remove(path, { force: true })
    })
  }

  async #prepare(references: readonly ClaimReference[] = []): Promise<object> {
    const claims: ResourceResourceClaim[] = []
    for (const { namespace, name, uid } of references) {
      const where = `get resource claims: retrieve claim ${namespace}/${name}`
      const claim = await apiCall<ResourceResourceClaim>(this.#client, 'GET', `/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaims/${name}`).catch((error: unknown) => { throw new Error(`${where}: ${(error as Error).message}`) })
      if (!claim.status?.allocation) throw new Error(`get resource claims: claim ${namespace}/${name} not allocated`)
      if (claim.metadata.uid !== uid) throw new Error(`get resource claims: claim ${namespace}/${name} got replaced`)
      claims.push(claim)
    }
    this.#log('driver.go:100', `"PrepareResourceClaims is called" numClaims=${claims.length}`)
    const out: Record<string, object> = {}
    for (const claim of claims) {
      const { uid, namespace, name } = claim.metadata
      this.#log('driver.go:112', `"Preparing claim" uid=${JSON.stringify(uid)} namespace=${JSON.stringify(namespace)} name=${JSON.stringify(name)}`)
      try {
        const devices = this.#prepareClaim(claim)
        await this.#tellStatus(claim)
        this.#log('driver.go:139', `"Returning newly prepared devices for claim" uid=${JSON.stringify(uid)} devices=${JSON.stringify(devices)}`)
        out[uid!] = { error: '', devices }
      } catch (error) {
        const message = `error preparing devices for claim ${uid}: prepare failed: ${(error as Error).message}`
        klog(this.#proc, 'E', 'driver.go:121', `"Error preparing devices for claim" err=${JSON.stringify((error as Error).message)} uid=${JSON.stringify(uid)}`)
        out[uid!] = { error: message }
      }
    }
    return { claims: out }
  }

  #prepareClaim({ metadata, status }: ResourceResourceClaim): object[] {
    const { driver, version } = this.#options
    const { results = [], config = [] } = status.allocation!.devices ?? {}
    const hasAdminAccess = results.some(({ adminAccess }) => adminAccess)
    const own = results.filter((result) => result.driver === driver)
    const uid = metadata.uid!
    const idOf = ({ device, shareID }: DeviceRequestAllocationResult) => shareID === undefined ? device : `${device}-${shareID}`
    const devices = own.map((result) => {
      if (!this.#device(result.device)) throw new Error(`requested ${version < 'v0.3.0' ? 'GPU' : 'device'} is not allocatable: ${result.device}`)
      const key = version < 'v0.3.0' ? result.device.slice(4) : result.device.replace(/[^a-zA-Z0-9]+/g, '_').toUpperCase()
      return { name: idOf(result), env: [`GPU_DEVICE_${key}_RESOURCE_CLAIM=${uid}`, ...(version < 'v0.3.0' ? [] : [`DRA_ADMIN_ACCESS=${hasAdminAccess}`]), ...gpuEnvironment(result, driver, config)] }
    })
    this.#cdi.writeClaim(uid, devices)
    return own.map((result) => ({
      requestNames: [result.request.split('/')[0]!], poolName: result.pool, deviceName: result.device, cdiDeviceIds: this.#cdi.namesOf(uid, idOf(result)), ...(result.shareID === undefined ? {} : { shareId: result.shareID }),
    }))
  }

  #device(name: string) {
    return this.#slices.flatMap(({ devices = [] }) => devices).find((device) => device.name === name)
  }

  /** Writes what the GPUs are into the claim; that it fails changes nothing for the pod. */
  async #tellStatus({ metadata: { name, namespace } }: ResourceResourceClaim): Promise<void> {
    if (!this.#options.deviceStatus) return
    const path = `/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaims/${name}`
    for (let attempt = 1; ; attempt++) {
      try {
        const claim = await apiCall<ResourceResourceClaim>(this.#client, 'GET', path)
        const devices = (claim.status.allocation?.devices?.results ?? []).filter(({ driver }) => driver === this.#options.driver).map(({ driver, pool, device }) => {
          const { uuid, model, driverVersion } = this.#device(device)?.attributes ?? {}
          return { driver, pool, device, data: { driverVersion, model, uuid } }
        })
        await apiCall(this.#client, 'PUT', `${path}/status`, { ...claim, status: { ...claim.status, devices } })
        return
      } catch (error) {
        if (isStatusError(error, 'Conflict') && attempt < 5) continue
        klog(this.#proc, 'E', 'state.go:260', `"Failed to update device status on ResourceClaim" err=${JSON.stringify((error as Error).message)} namespace=${JSON.stringify(namespace)} name=${JSON.stringify(name)}`)
        return
      }
    }
  }

  #unprepare(references: readonly ClaimReference[] = []): object {
    this.#log('driver.go:145', `"UnprepareResourceClaims is called" numClaims=${references.length}`)
    for (const { uid } of references) this.#cdi.removeClaim(uid)
    return { claims: Object.fromEntries(references.map(({ uid }) => [uid, { error: '' }])) }
  }

  #log(at: string, text: string): void {
    klog(this.#proc, 'I', at, text)
  }
}
