import { GrpcError, serveGrpc } from '../../../../unix/net/grpc.ts'
import type { GrpcService } from '../../../../unix/net/grpc.ts'
import type { MemoryFileSystem } from '../../../../unix/file-system.ts'
import type { LoopDevice } from '../../../../unix/fs/block-device.ts'
import type { Proc } from '../../../../unix/types.ts'
import { quantityValue } from '../../../kinds/quantity.ts'
import { goFlags } from '../../agnhost/go-server.ts'
import { klog } from '../../in-cluster/klog.ts'
import { GRPC_CODES } from '../../../../unix/net/http2/grpc-wire.ts'
import { loggedCsi, messagesOf } from '../wire/message-codec.ts'
import { HostPathState } from './hostpath-state.ts'
import type { HostPathVolume } from './hostpath-state.ts'

const TIB = 1024 ** 4
const EPHEMERAL_BYTES = 100 * 1024 ** 2
const TOPOLOGY_KEY = 'topology.hostpath.csi/node'
const BOOLEANS = new Set(['ephemeral', 'enable-attach', 'check-volume-lifecycle', 'enable-topology', 'node-expand-required', 'enable-volume-expansion', 'enable-controller-modify-volume', 'disable-controller-expansion', 'disable-node-expansion', 'enable-list-snapshots', 'version', 'enable-snapshot-metadata', 'automaxprocs', 'logtostderr'])
const KNOWN = new Set([...BOOLEANS, 'v', 'drivername', 'endpoint', 'nodeid', 'statedir', 'maxvolumespernode', 'capacity', 'max-volume-size', 'accepted-mutable-parameter-names', 'max-volume-size-node', 'attach-limit', 'proxy-endpoint'])

interface Capability { block?: object; mount?: { fsType?: string }; accessMode?: { mode: string } }
interface CreateVolumeRequest {
  name: string
  capacityRange?: { requiredBytes?: number; limitBytes?: number }
  volumeCapabilities?: Capability[]
  parameters?: Record<string, string>
  mutableParameters?: Record<string, string>
  volumeContentSource?: { snapshot?: { snapshotId: string }; volume?: { volumeId: string } }
}
interface NodeRequest {
  volumeId: string
  stagingTargetPath?: string
  targetPath?: string
  volumePath?: string
  volumeCapability?: Capability
  volumeContext?: Record<string, string>
  capacityRange?: { requiredBytes?: number }
  readonly?: boolean
}

/** The example driver of the CSI project: volumes are directories of its own node, snapshots are archives of them. */
// csi-driver-host-path cmd/hostpathplugin, pkg/hostpath
export async function hostPathPlugin(proc: Proc, version: string): Promise<number> {
  const { flags } = goFlags(proc.argv.slice(1), BOOLEANS)
  const bad = [...flags.keys()].find((name) => !KNOWN.has(name))
  if (bad !== undefined) {
    await proc.stderr.write(`flag provided but not defined: -${bad}\nUsage of ${proc.argv[0]}:\n`)
    return 2
  }
  if (flags.get('version') === 'true') {
    await proc.stdout.write(`hostpathplugin ${version}\n`)
    return 0
  }
  if (flags.get('enable-snapshot-metadata') === 'true') {
    await proc.stderr.write('Failed to initialize driver: the snapshot metadata service is not available here')
    return 1
  }
  const proxyEndpoint = flags.get('proxy-endpoint')
  if (proxyEndpoint) return (await import('./driver-proxy.ts')).driverProxy(proc, (flags.get('endpoint') ?? 'unix:///tmp/csi.sock').replace(/^unix:\/\//, ''), proxyEndpoint)
  const missing = ([['drivername', 'driver name'], ['nodeid', 'node id'], ['endpoint', 'driver endpoint']] as const).find(([name]) => !(flags.get(name) ?? (name === 'drivername' ? 'hostpath.csi.k8s.io' : name === 'endpoint' ? 'unix://tmp/csi.sock' : '')))
  if (missing) {
    await proc.stdout.write(`Failed to initialize driver: no ${missing[1]} provided`)
    return 1
  }
  const driver = new HostPathDriver(proc, flags, version)
  const path = (flags.get('endpoint') ?? 'unix:///tmp/csi.sock').replace(/^unix:\/\//, '')
  proc.fs.remove(path, { force: true })
  const close = serveGrpc(proc, path, driver.service())
  klog(proc, 'I', 'server.go:85', `Listening for connections on address: &net.UnixAddr{Name:${JSON.stringify(path)}, Net:"unix"}`)
  await proc.signal('SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT')
  close()
  proc.fs.remove(path, { force: true })
  return 0
}

/** `--capacity=kind=size`, as often as there are kinds. csi-driver-host-path pkg/hostpath Capacity.Set */
function capacitiesIn(argv: readonly string[]): Map<string, number> {
  const out = new Map<string, number>()
  argv.forEach((each, i) => {
    const found = /^--?capacity(?:=(.*))?$/.exec(each)
    const [kind, size] = (found && (found[1] ?? argv[i + 1]))?.split('=') ?? []
    if (kind !== undefined && size !== undefined) out.set(kind, quantityValue(size))
  })
  return out
}

class HostPathDriver {
  readonly #proc: Proc
  readonly #files: MemoryFileSystem
  readonly #state: HostPathState
  readonly #flags: ReadonlyMap<string, string>
  readonly #version: string
  readonly #folder: string
  readonly #node: string
  readonly #maxBytes: number
  /** Bytes that there are of each kind, where that is limited. */
  readonly #capacity: ReadonlyMap<string, number>
  /** Calls that change something come one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(proc: Proc, flags: ReadonlyMap<string, string>, version: string) {
    this.#proc = proc
    this.#files = proc.fs as MemoryFileSystem
    this.#flags = flags
    this.#version = version
    this.#folder = flags.get('statedir') ?? '/csi-data-dir'
    this.#node = flags.get('nodeid')!
    this.#maxBytes = Number(flags.get('max-volume-size') ?? TIB)
    this.#capacity = capacitiesIn(proc.argv)
    proc.fs.mkdir(this.#folder, { recursive: true, mode: 0o750 })
    klog(proc, 'I', 'hostpath.go:118', `Driver: ${this.#name} `)
    klog(proc, 'I', 'hostpath.go:119', `Version: ${version}`)
    this.#state = new HostPathState(proc.fs, `${this.#folder}/state.json`)
  }

  get #name(): string {
    return this.#flags.get('drivername') ?? 'hostpath.csi.k8s.io'
  }

  #is(flag: string, byDefault = false): boolean {
    return (this.#flags.get(flag) ?? String(byDefault)) === 'true'
  }

  service(): GrpcService {
    const methods: Record<string, (request: any) => object | Promise<object>> = {
      'Identity/GetPluginInfo': () => ({ name: this.#name, vendorVersion: this.#version }),
      'Identity/Probe': () => ({}),
      'Identity/GetPluginCapabilities': () => ({ capabilities: [{ service: { type: 'CONTROLLER_SERVICE' } }, ...(this.#is('enable-topology', true) ? [{ service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } }] : [])] }),
      'Controller/ControllerGetCapabilities': () => ({ capabilities: this.#controllerCapabilities().map((type) => ({ rpc: { type } })) }),
      'Controller/CreateVolume': (request) => this.#createVolume(request),
      'Controller/DeleteVolume': (request) => this.#deleteVolume(request),
      'Controller/ControllerPublishVolume': (request) => this.#attach(request),
      'Controller/ControllerUnpublishVolume': (request) => this.#detach(request),
      'Controller/ControllerExpandVolume': (request) => this.#expand(request),
      'Controller/ControllerModifyVolume': (request) => this.#modify(request),
      'Controller/CreateSnapshot': (request) => this.#createSnapshot(request),
      'Controller/DeleteSnapshot': (request) => this.#deleteSnapshot(request),
      'Controller/ListSnapshots': (request) => ({ entries: this.#state.snapshots().filter((each) => (!request.snapshotId || each.Id === request.snapshotId) && (!request.sourceVolumeId || each.VolID === request.sourceVolumeId)).map((each) => ({ snapshot: snapshotOf(each) })), nextToken: '' }),
      'Controller/ListVolumes': () => ({ entries: this.#state.volumes().map(({ VolID, VolSize }) => ({ volume: { volumeId: VolID, capacityBytes: VolSize } })), nextToken: '' }),
      'Controller/GetCapacity': (request) => {
        const available = this.#capacity.size > 0 ? this.#left(request.parameters?.kind ?? '') : this.#maxBytes
        return { availableCapacity: available, maximumVolumeSize: Math.min(available, this.#maxBytes) }
      },
      'Node/NodeGetInfo': () => ({
        nodeId: this.#node, maxVolumesPerNode: Number(this.#flags.get('attach-limit') ?? 0) || Number(this.#flags.get('maxvolumespernode') ?? 0),
        ...(this.#is('enable-topology', true) ? { accessibleTopology: { segments: { [TOPOLOGY_KEY]: this.#node } } } : {}),
      }),
      'Node/NodeGetCapabilities': () => ({ capabilities: ['STAGE_UNSTAGE_VOLUME', 'VOLUME_CONDITION', 'GET_VOLUME_STATS', 'SINGLE_NODE_MULTI_WRITER', ...(this.#expands && !this.#is('disable-node-expansion') ? ['EXPAND_VOLUME'] : [])].map((type) => ({ rpc: { type } })) }),
      'Node/NodeStageVolume': (request) => this.#stage(request),
      'Node/NodeUnstageVolume': (request) => this.#unstage(request),
      'Node/NodePublishVolume': (request) => this.#publish(request),
      'Node/NodeUnpublishVolume': (request) => this.#unpublish(request),
      'Node/NodeExpandVolume': (request) => this.#expandOnNode(request),
    }
    return Object.fromEntries(Object.entries(methods).map(([name, method]) => [`csi.v1.${name}`, async (request: object) => {
      if (name !== 'Identity/Probe') klog(this.#proc, 'I', 'server.go:101', `GRPC call: /csi.v1.${name}`)
      const work = this.#last.then(() => method(request))
      this.#last = work.catch(() => {})
      try {
        const response = await work
        this.#logCall(name, request, response, undefined)
        return response
      } catch (error) {
        klog(this.#proc, 'E', 'server.go:110', `GRPC error: ${(error as Error).message}`)
        this.#logCall(name, request, undefined, error as Error)
        throw error
      }
    }]))
  }

  /** What the tests of Kubernetes read: a line of JSON for each call, from verbosity 5 on. */
  #logCall(name: string, request: object, response: object | undefined, error: Error | undefined): void {
    if (Number(this.#flags.get('v') ?? 0) < 5) return
    const types = messagesOf(`csi.v1.${name}`)
    if (!types) return
    const code = error instanceof GrpcError ? GRPC_CODES.indexOf(error.code) : 2
    klog(this.#proc, 'I', 'server.go:135', `gRPCCall: ${JSON.stringify({
      Method: `/csi.v1.${name}`, Request: loggedCsi(types.request, request), Response: response ? loggedCsi(types.response, response) : null, Error: error?.message ?? '',
      FullError: error ? { code, message: error instanceof GrpcError ? error.description : error.message } : null,
    })}`)
  }

  get #expands(): boolean {
    return this.#is('enable-volume-expansion', true) && this.#is('node-expand-required', true)
  }

  #controllerCapabilities(): string[] {
    if (this.#is('ephemeral')) return []
    return [
      'CREATE_DELETE_VOLUME', 'GET_VOLUME', 'GET_CAPACITY', 'CREATE_DELETE_SNAPSHOT', 'LIST_SNAPSHOTS', 'LIST_VOLUMES', 'CLONE_VOLUME', 'VOLUME_CONDITION', 'SINGLE_NODE_MULTI_WRITER',
      ...(this.#expands && !this.#is('disable-controller-expansion') ? ['EXPAND_VOLUME'] : []), ...(this.#is('enable-attach') ? ['PUBLISH_UNPUBLISH_VOLUME'] : []), ...(this.#is('enable-controller-modify-volume') ? ['MODIFY_VOLUME'] : []),
    ]
  }

  #left(kind: string): number {
    return (this.#capacity.get(kind) ?? 0) - this.#state.volumes().filter(({ Kind }) => Kind === kind).reduce((sum, { VolSize }) => sum + VolSize, 0)
  }

  async #make(id: string, name: string, bytes: number, { isEphemeral = false, isBlock = false, kind: wantedKind = '' }: { isEphemeral?: boolean; isBlock?: boolean; kind?: string | undefined }): Promise<HostPathVolume> {
    if (bytes > this.#maxBytes) throw new GrpcError('OutOfRange', `Requested capacity ${bytes} exceeds maximum allowed ${this.#maxBytes}`)
    let kind = wantedKind
    if (this.#capacity.size > 0) {
      if (kind === '') kind = [...this.#capacity.keys()].find((each) => this.#left(each) >= bytes) ?? ''
      if (kind === '') throw new GrpcError('ResourceExhausted', `requested capacity ${bytes} of arbitrary storage exceeds all remaining capacity`)
      if (this.#left(kind) < bytes) throw new GrpcError('ResourceExhausted', `requested capacity ${bytes} exceeds remaining capacity for ${JSON.stringify(kind)}, ${(this.#capacity.get(kind) ?? 0) - this.#left(kind)} out of ${this.#capacity.get(kind) ?? 0} already used`)
    } else if (kind !== '') throw new GrpcError('InvalidArgument', `capacity tracking disabled, specifying kind ${JSON.stringify(kind)} is invalid`)
    const path = `${this.#folder}/${id}`
    if (isBlock) {
      this.#files.resize(path, Math.max(1, Math.floor(bytes / 1024 ** 2)) * 1024 ** 2)
      await this.#run(`failed to attach device ${path}`, 'losetup', '-f', path)
    } else this.#proc.fs.mkdir(path, { recursive: true, mode: 0o755 })
    const volume: HostPathVolume = { VolName: name, VolID: id, VolSize: bytes, VolPath: path, VolAccessType: isBlock ? 1 : 0, ParentVolID: '', ParentSnapID: '', Ephemeral: isEphemeral, NodeID: '', Kind: kind, ReadOnlyAttach: false, Attached: false, Staged: null, Published: null }
    this.#state.putVolume(volume)
    return volume
  }

  /** The device that a volume's file is attached to; after a start of the node it has to be attached anew. */
  async #deviceOf({ VolPath }: HostPathVolume): Promise<LoopDevice> {
    const { loopDevices } = this.#proc.machine
    const { inode } = this.#files.loopFile(VolPath)
    const find = () => loopDevices.list().find((device) => device.inode === inode)
    if (!find()) await this.#run(`failed to get the loop device`, 'losetup', '-f', VolPath)
    return find()!
  }

  #drop({ VolID, VolPath, VolAccessType }: HostPathVolume): void {
    if (VolAccessType === 1 && this.#proc.fs.exists(VolPath)) {
      const { loopDevices } = this.#proc.machine
      const { inode } = this.#files.loopFile(VolPath)
      for (const device of loopDevices.list()) if (device.inode === inode) loopDevices.detach(device.minor)
    }
    this.#proc.fs.remove(VolPath, { recursive: true, force: true })
    this.#state.deleteVolume(VolID)
  }

  async #run(what: string, ...argv: string[]): Promise<void> {
    const { code } = await this.#proc.spawn(argv).wait()
    if (code !== 0) throw new Error(`${what}: exit status ${code}`)
  }

  /** A block volume's bytes; what was never written takes no room in the copy either. */
  #copyBytes(from: string, to: string): void {
    const { sizeBytes } = this.#files.stat(from)
    const inode = this.#files.exists(to) ? this.#files.loopFile(to) : undefined
    const solid = this.#files.readSolid(from)
    // In place, as a device is attached to it.
    if (inode) inode.tree.writeAt(inode.inode, 0, solid)
    else {
      this.#files.writeFile(to, solid)
      this.#files.resize(to, sizeBytes)
    }
  }

  async #createVolume({ name, capacityRange = {}, volumeCapabilities, parameters = {}, mutableParameters = {}, volumeContentSource: source }: CreateVolumeRequest): Promise<object> {
    if (!name) throw new GrpcError('InvalidArgument', 'Name missing in request')
    if (!volumeCapabilities) throw new GrpcError('InvalidArgument', 'Volume Capabilities missing in request')
    this.#demandMutable(mutableParameters)
    const isBlock = volumeCapabilities.some(({ block }) => block)
    if (isBlock && volumeCapabilities.some(({ mount }) => mount)) throw new GrpcError('InvalidArgument', 'cannot have both block and mount access type')
    const { requiredBytes = 0, limitBytes = 0 } = capacityRange
    if (limitBytes > 0 && requiredBytes > limitBytes) throw new GrpcError('InvalidArgument', 'capacity cannot exceed limit')
    const bytes = requiredBytes || limitBytes
    const answer = (id: string, size: number) => ({ volume: { volumeId: id, capacityBytes: size, volumeContext: parameters, ...(source ? { contentSource: source } : {}), ...(this.#is('enable-topology', true) ? { accessibleTopology: [{ segments: { [TOPOLOGY_KEY]: this.#node } }] } : {}) } })
    const existing = this.#state.volumeByName(name)
    if (existing) {
      if (existing.VolSize < bytes) throw new GrpcError('AlreadyExists', `Volume with the same name: ${name} but with different size already exist`)
      return answer(existing.VolID, existing.VolSize)
    }
    const volume = await this.#make(this.#proc.random.uuid(), name, bytes, { isBlock, kind: parameters.kind })
    try {
      if (source?.snapshot) {
        const snapshot = this.#state.snapshot(source.snapshot.snapshotId)
        if (snapshot.SizeBytes > bytes) throw new GrpcError('InvalidArgument', `snapshot ${snapshot.Id} size ${snapshot.SizeBytes} is greater than requested volume size ${bytes}`)
        if (isBlock) this.#copyBytes(snapshot.Path, volume.VolPath)
        else await this.#run(`failed pre-populate data from snapshot ${snapshot.Id}`, 'tar', 'zxvf', snapshot.Path, '-C', volume.VolPath)
        this.#state.putVolume({ ...volume, ParentSnapID: snapshot.Id })
      } else if (source?.volume) {
        const from = this.#state.volume(source.volume.volumeId)
        if (from.VolSize > bytes) throw new GrpcError('InvalidArgument', `volume ${from.VolID} size ${from.VolSize} is greater than requested volume size ${bytes}`)
        if (from.VolAccessType !== volume.VolAccessType) throw new GrpcError('InvalidArgument', `volume ${from.VolID} mode is not compatible with requested mode`)
        if (isBlock) this.#copyBytes(from.VolPath, volume.VolPath)
        else if (this.#proc.fs.readdir(from.VolPath).length > 0) await this.#run(`failed pre-populate data from volume ${from.VolID}`, 'cp', '-a', `${from.VolPath}/.`, `${volume.VolPath}/`)
        this.#state.putVolume({ ...volume, ParentVolID: from.VolID })
      }
    } catch (error) {
      this.#drop(volume)
      throw error
    }
    return answer(volume.VolID, bytes)
  }

  #deleteVolume({ volumeId }: { volumeId: string }): object {
    if (!volumeId) throw new GrpcError('InvalidArgument', 'Volume ID missing in request')
    const volume = this.#state.volumes().find(({ VolID }) => VolID === volumeId)
    if (!volume) return {}
    if (volume.Attached || volume.Published?.length || volume.Staged?.length) {
      const message = `Volume '${volume.VolID}' is still used (attached: ${volume.Attached}, staged: [${volume.Staged ?? ''}], published: [${volume.Published ?? ''}]) by '${volume.NodeID}' node`
      if (this.#is('check-volume-lifecycle')) throw new GrpcError('Internal', message)
      klog(this.#proc, 'W', 'controllerserver.go:247', message)
    }
    this.#drop(volume)
    return {}
  }

  #attach({ volumeId, nodeId, readonly: isReadOnly = false }: { volumeId: string; nodeId: string; readonly?: boolean }): object {
    if (!this.#is('enable-attach')) throw new GrpcError('Unimplemented', 'ControllerPublishVolume is not supported')
    if (nodeId !== this.#node) throw new GrpcError('NotFound', `Not matching Node ID ${nodeId} to hostpath Node ID ${this.#node}`)
    const volume = this.#state.volume(volumeId)
    if (volume.Attached) {
      if (isReadOnly !== volume.ReadOnlyAttach) throw new GrpcError('AlreadyExists', 'Volume published but has incompatible readonly flag')
      return { publishContext: {} }
    }
    const limit = Number(this.#flags.get('attach-limit') ?? 0)
    if (limit > 0 && this.#state.volumes().filter(({ Attached }) => Attached).length >= limit) throw new GrpcError('ResourceExhausted', `Cannot attach any more volumes to this node ('${this.#node}')`)
    this.#state.putVolume({ ...volume, Attached: true, ReadOnlyAttach: isReadOnly })
    return { publishContext: {} }
  }

  #detach({ volumeId, nodeId }: { volumeId: string; nodeId?: string }): object {
    if (!this.#is('enable-attach')) throw new GrpcError('Unimplemented', 'ControllerUnpublishVolume is not supported')
    if (nodeId && nodeId !== this.#node) throw new GrpcError('NotFound', `Node ID ${nodeId} does not match to expected Node ID ${this.#node}`)
    const volume = this.#state.volumes().find(({ VolID }) => VolID === volumeId)
    if (volume) this.#state.putVolume({ ...volume, Attached: false })
    return {}
  }

  #expand({ volumeId, capacityRange }: NodeRequest): object {
    if (!this.#expands) throw new GrpcError('Unimplemented', 'ControllerExpandVolume is not supported')
    if (!capacityRange) throw new GrpcError('InvalidArgument', 'Capacity range not provided')
    const bytes = capacityRange.requiredBytes ?? 0
    if (bytes > this.#maxBytes) throw new GrpcError('OutOfRange', `Requested capacity ${bytes} exceeds maximum allowed ${this.#maxBytes}`)
    const volume = this.#state.volume(volumeId)
    if (volume.VolSize < bytes) this.#state.putVolume({ ...volume, VolSize: bytes })
    return { capacityBytes: Math.max(bytes, volume.VolSize), nodeExpansionRequired: !this.#is('disable-node-expansion') }
  }

  #expandOnNode({ volumeId, volumePath, capacityRange }: NodeRequest): object {
    this.#state.volume(volumeId)
    if (!volumePath) throw new GrpcError('InvalidArgument', 'Volume path not provided')
    const bytes = capacityRange?.requiredBytes ?? 0
    const maxBytes = Number(this.#flags.get('max-volume-size-node') ?? this.#maxBytes)
    if (bytes > maxBytes) throw new GrpcError('OutOfRange', `Requested capacity ${bytes} exceeds maximum allowed ${maxBytes}`)
    if (!this.#proc.fs.exists(volumePath)) throw new GrpcError('InvalidArgument', `Could not get file information from ${volumePath}: stat ${volumePath}: no such file or directory`)
    return {}
  }

  #demandMutable(parameters: Readonly<Record<string, string>>): void {
    const accepted = (this.#flags.get('accepted-mutable-parameter-names') ?? '').split(',').filter(Boolean)
    const bad = accepted.length > 0 ? Object.keys(parameters).filter((each) => !accepted.includes(each)) : []
    if (bad.length > 0) throw new GrpcError('InvalidArgument', `invalid parameters: [${bad.join(' ')}]`)
  }

  #modify({ volumeId, mutableParameters = {} }: { volumeId: string; mutableParameters?: Record<string, string> }): object {
    if (!this.#is('enable-controller-modify-volume')) throw new GrpcError('InvalidArgument', 'unsupported capability MODIFY_VOLUME')
    this.#demandMutable(mutableParameters)
    this.#state.volume(volumeId)
    return {}
  }

  async #createSnapshot({ name, sourceVolumeId }: { name: string; sourceVolumeId: string }): Promise<object> {
    if (!name) throw new GrpcError('InvalidArgument', 'Name missing in request')
    const existing = this.#state.snapshots().find((each) => each.Name === name)
    if (existing) {
      if (existing.VolID === sourceVolumeId) return { snapshot: snapshotOf(existing) }
      throw new GrpcError('AlreadyExists', `snapshot with the same name: ${name} but with different SourceVolumeId already exist`)
    }
    const volume = this.#state.volume(sourceVolumeId)
    const id = this.#proc.random.uuid()
    const path = `${this.#folder}/${id}.snap`
    const nowMs = this.#proc.clock.nowMs()
    if (volume.VolAccessType === 1) this.#copyBytes(volume.VolPath, path)
    else await this.#run('failed create snapshot', 'tar', 'czf', path, '-C', volume.VolPath, '.')
    const snapshot = { Name: name, Id: id, VolID: volume.VolID, Path: path, CreationTime: { seconds: Math.floor(nowMs / 1000), nanos: nowMs % 1000 * 1_000_000 }, SizeBytes: volume.VolSize, ReadyToUse: true, GroupSnapshotID: '' }
    this.#state.putSnapshot(snapshot)
    return { snapshot: snapshotOf(snapshot) }
  }

  #deleteSnapshot({ snapshotId }: { snapshotId: string }): object {
    if (!snapshotId) throw new GrpcError('InvalidArgument', 'Snapshot ID missing in request')
    this.#proc.fs.remove(`${this.#folder}/${snapshotId}.snap`, { force: true })
    this.#state.deleteSnapshot(snapshotId)
    return {}
  }

  #stage({ volumeId, stagingTargetPath: path }: NodeRequest): object {
    if (!volumeId) throw new GrpcError('InvalidArgument', 'Volume ID missing in request')
    if (!path) throw new GrpcError('InvalidArgument', 'Target path missing in request')
    const volume = this.#state.volume(volumeId)
    if (this.#is('enable-attach') && !volume.Attached) throw new GrpcError('Internal', `ControllerPublishVolume must be called on volume '${volumeId}' before staging on node`)
    const staged = volume.Staged ?? []
    if (staged.includes(path)) return {}
    if (staged.length > 0) throw new GrpcError('FailedPrecondition', `volume ${JSON.stringify(volumeId)} is already staged at [${staged.join(' ')}]`)
    this.#state.putVolume({ ...volume, Staged: [path] })
    return {}
  }

  #unstage({ volumeId, stagingTargetPath: path = '' }: NodeRequest): object {
    const volume = this.#state.volume(volumeId)
    if (!volume.Staged?.includes(path)) return {}
    if (volume.Published?.length) throw new GrpcError('Internal', `volume ${JSON.stringify(volumeId)} is still published at [${volume.Published.map((each) => JSON.stringify(each)).join(' ')}] on node ${JSON.stringify(volume.NodeID)}`)
    this.#state.putVolume({ ...volume, Staged: volume.Staged.filter((each) => each !== path) })
    return {}
  }

  async #publish({ volumeId, targetPath = '', stagingTargetPath = '', volumeCapability, volumeContext = {}, readonly: isReadOnly = false }: NodeRequest): Promise<object> {
    if (!volumeCapability) throw new GrpcError('InvalidArgument', 'Volume capability missing in request')
    if (!targetPath) throw new GrpcError('InvalidArgument', 'Target path missing in request')
    const isEphemeral = volumeContext['csi.storage.k8s.io/ephemeral'] === 'true' || (volumeContext['csi.storage.k8s.io/ephemeral'] === undefined && this.#is('ephemeral'))
    if (isEphemeral && !this.#state.volumeByName(`ephemeral-${volumeId}`)) await this.#make(volumeId, `ephemeral-${volumeId}`, EPHEMERAL_BYTES, { isEphemeral: true, kind: volumeContext.kind })
    const volume = this.#state.volume(volumeId)
    const published = volume.Published ?? []
    if (volumeCapability.accessMode?.mode === 'SINGLE_NODE_SINGLE_WRITER' && published.some((each) => each !== targetPath)) throw new GrpcError('FailedPrecondition', 'volume uses SINGLE_NODE_SINGLE_WRITER access mode and is already mounted at a different target path')
    if (!isEphemeral) {
      if (!volume.Staged?.length) throw new GrpcError('FailedPrecondition', `volume ${JSON.stringify(volumeId)} must be staged before publishing`)
      if (!volume.Staged.includes(stagingTargetPath)) throw new GrpcError('InvalidArgument', `volume ${JSON.stringify(volumeId)} was staged at [${volume.Staged.join(' ')}], not ${JSON.stringify(stagingTargetPath)}`)
    }
    if ((volume.VolAccessType === 1) !== (volumeCapability.block !== undefined)) throw new GrpcError('InvalidArgument', volumeCapability.block ? 'cannot publish a non-block volume as block volume' : 'cannot publish a non-mount volume as mount volume')
    if (volumeCapability.block) {
      const device = await this.#deviceOf(volume)
      if (!this.#proc.fs.exists(targetPath)) this.#files.writeFile(targetPath, '', { mode: 0o660 })
      if (!this.#files.isMountPoint(targetPath)) this.#files.bind(`/dev/${device.name}`, targetPath, false)
      this.#state.putVolume({ ...volume, NodeID: this.#node, Published: [...published.filter((each) => each !== targetPath), targetPath] })
      return {}
    }
    if (!this.#proc.fs.exists(targetPath)) this.#proc.fs.mkdir(targetPath, { mode: 0o750 })
    if (!this.#files.isMountPoint(targetPath)) this.#files.mount(targetPath, this.#files, { subPath: volume.VolPath, readOnly: isReadOnly, source: '/dev/vda1', type: 'ext4' })
    this.#state.putVolume({ ...volume, NodeID: this.#node, Published: [...published.filter((each) => each !== targetPath), targetPath] })
    return {}
  }

  #unpublish({ volumeId, targetPath = '' }: NodeRequest): object {
    const volume = this.#state.volume(volumeId)
    if (!volume.Published?.includes(targetPath)) return {}
    if (this.#proc.fs.exists(targetPath)) {
      if (this.#files.isMountPoint(targetPath)) this.#files.unmount(targetPath)
      this.#proc.fs.remove(targetPath, { recursive: true, force: true })
    }
    if (volume.Ephemeral) this.#drop(volume)
    else this.#state.putVolume({ ...volume, Published: volume.Published.filter((each) => each !== targetPath) })
    return {}
  }
}

function snapshotOf({ Id, VolID, CreationTime, SizeBytes, ReadyToUse }: { Id: string; VolID: string; CreationTime: { seconds: number; nanos: number }; SizeBytes: number; ReadyToUse: boolean }): object {
  return { snapshotId: Id, sourceVolumeId: VolID, creationTime: CreationTime, sizeBytes: SizeBytes, readyToUse: ReadyToUse }
}
