import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const REGISTRY = 'registry.k8s.io/sig-storage'

// @k8s part: CSI drivers: csi-driver-host-path with its sidecars and the snapshot controller, from their own manifests; no group snapshots, no snapshot metadata and other drivers' images; the sidecars' flags for time limits, retries, workers, rates, metrics and feature gates change nothing

function sidecar(name: string, tags: readonly string[], sizeBytes: number, load: () => Promise<Program>): ImageDefinition {
  return defineImage({ repository: `${REGISTRY}/${name}`, tags, sizeBytes, entrypoint: [`/${name}`], programs: { [`/${name}`]: lazyProgram(load) } })
}

const HOSTPATH_TAGS = ['v1.9.0', 'v1.15.0', 'v1.16.1', 'v1.17.0', 'v1.17.1'] as const
const hostPath = (version: string) => lazyProgram(async () => {
  const { hostPathPlugin } = await import('./hostpath/hostpath-driver.ts')
  return (proc) => hostPathPlugin(proc, version)
})

/** The example driver of CSI, the containers beside drivers, the controller of snapshots, and another provisioner. */
export const csiImages: readonly ImageDefinition[] = [
  defineImage({
    repository: `${REGISTRY}/hostpathplugin`, tags: HOSTPATH_TAGS, sizeBytes: 31_000_000, base: alpine, entrypoint: ['/hostpathplugin'],
    variants: Object.fromEntries(HOSTPATH_TAGS.map((tag) => [tag, { programs: { '/hostpathplugin': hostPath(tag) } }])),
  }),
  sidecar('csi-provisioner', ['v3.3.0', 'v3.6.3', 'v4.0.1', 'v5.0.2', 'v5.1.0', 'v5.2.0', 'v5.3.0', 'v6.0.0', 'v6.1.0', 'v6.1.1', 'v6.2.0', 'v6.3.0'], 31_000_000, async () => (await import('./csi-provisioner.ts')).csiProvisioner),
  sidecar('csi-attacher', ['v4.0.0', 'v4.6.1', 'v4.7.0', 'v4.8.0', 'v4.9.0', 'v4.10.0', 'v4.11.0', 'v4.12.0'], 29_000_000, async () => (await import('./csi-attacher.ts')).csiAttacher),
  sidecar('csi-resizer', ['v1.6.0', 'v1.11.2', 'v1.12.0', 'v1.13.2', 'v1.14.0', 'v2.0.0', 'v2.1.0', 'v2.2.0', 'v2.2.1'], 29_000_000, async () => (await import('./csi-resizer.ts')).csiResizer),
  sidecar('csi-snapshotter', ['v6.1.0', 'v8.0.1', 'v8.1.0', 'v8.2.0', 'v8.3.0', 'v8.4.0', 'v8.5.0', 'v8.6.0'], 28_000_000, async () => (await import('./csi-snapshotter.ts')).csiSnapshotter),
  sidecar('snapshot-controller', ['v6.1.0', 'v8.0.1', 'v8.1.0', 'v8.2.0', 'v8.3.0', 'v8.4.0', 'v8.5.0', 'v8.6.0'], 28_000_000, async () => (await import('./snapshot-controller.ts')).snapshotController),
  sidecar('csi-node-driver-registrar', ['v2.6.0', 'v2.11.1', 'v2.12.0', 'v2.13.0', 'v2.14.0', 'v2.15.0', 'v2.16.0', 'v2.17.0'], 12_000_000, async () => (await import('./node-driver-registrar.ts')).nodeDriverRegistrar),
  sidecar('livenessprobe', ['v2.8.0', 'v2.13.1', 'v2.14.0', 'v2.15.0', 'v2.16.0', 'v2.17.0', 'v2.18.0', 'v2.19.0'], 12_000_000, async () => (await import('./small-sidecars.ts')).livenessProbe),
  sidecar('nfs-subdir-external-provisioner', ['v4.0.0', 'v4.0.1', 'v4.0.2'], 18_000_000, async () => (await import('./nfs-subdir-provisioner.ts')).nfsSubdirProvisioner),
  sidecar('csi-external-health-monitor-controller', ['v0.7.0', 'v0.12.1', 'v0.13.0', 'v0.14.0', 'v0.15.0', 'v0.16.0', 'v0.17.0', 'v0.18.0'], 27_000_000, async () => (await import('./small-sidecars.ts')).healthMonitorController),
]
