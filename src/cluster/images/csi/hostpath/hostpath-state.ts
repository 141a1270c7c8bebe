import { GrpcError } from '../../../../unix/net/grpc.ts'
import type { FileSystem } from '../../../../unix/types.ts'

/** A volume as the driver's state file has it. */
export interface HostPathVolume {
  VolName: string
  VolID: string
  VolSize: number
  VolPath: string
  /** 0: mounted, 1: a block device. */
  VolAccessType: 0 | 1
  ParentVolID: string
  ParentSnapID: string
  Ephemeral: boolean
  NodeID: string
  Kind: string
  ReadOnlyAttach: boolean
  Attached: boolean
  Staged: string[] | null
  Published: string[] | null
}

export interface HostPathSnapshot {
  Name: string
  Id: string
  VolID: string
  Path: string
  CreationTime: { seconds: number; nanos: number }
  SizeBytes: number
  ReadyToUse: boolean
  GroupSnapshotID: string
}

interface Resources {
  Volumes: HostPathVolume[] | null
  Snapshots: HostPathSnapshot[] | null
  GroupSnapshots: null
}

/** What the driver knows, kept in a file so that it outlives the driver. */
// csi-driver-host-path pkg/state/state.go
export class HostPathState {
  readonly #fs: FileSystem
  readonly #file: string
  #resources: Resources = { Volumes: null, Snapshots: null, GroupSnapshots: null }

  /** @throws Error for a file that can't be read */
  constructor(fs: FileSystem, file: string) {
    this.#fs = fs
    this.#file = file
    if (fs.exists(file)) this.#resources = JSON.parse(fs.readText(file)) as Resources
  }

  volumes(): readonly HostPathVolume[] {
    return this.#resources.Volumes ?? []
  }

  /** @throws GrpcError NotFound */
  volume(id: string): HostPathVolume {
    const found = this.volumes().find(({ VolID }) => VolID === id)
    if (!found) throw new GrpcError('NotFound', `volume id ${id} does not exist in the volumes list`)
    return found
  }

  volumeByName(name: string): HostPathVolume | undefined {
    return this.volumes().find(({ VolName }) => VolName === name)
  }

  putVolume(volume: HostPathVolume): void {
    this.#change({ Volumes: this.volumes().some(({ VolID }) => VolID === volume.VolID) ? this.volumes().map((each) => each.VolID === volume.VolID ? volume : each) : [...this.volumes(), volume] })
  }

  deleteVolume(id: string): void {
    this.#change({ Volumes: this.volumes().filter(({ VolID }) => VolID !== id) })
  }

  snapshots(): readonly HostPathSnapshot[] {
    return this.#resources.Snapshots ?? []
  }

  snapshot(id: string): HostPathSnapshot {
    const found = this.snapshots().find(({ Id }) => Id === id)
    if (!found) throw new GrpcError('NotFound', `snapshot id ${id} does not exist in the snapshots list`)
    return found
  }

  putSnapshot(snapshot: HostPathSnapshot): void {
    this.#change({ Snapshots: [...this.snapshots().filter(({ Id }) => Id !== snapshot.Id), snapshot] })
  }

  deleteSnapshot(id: string): void {
    this.#change({ Snapshots: this.snapshots().filter(({ Id }) => Id !== id) })
  }

  #change(part: Partial<Resources>): void {
    this.#resources = { ...this.#resources, ...part }
    this.#fs.writeFile(this.#file, JSON.stringify(this.#resources), { mode: 0o600 })
  }
}
