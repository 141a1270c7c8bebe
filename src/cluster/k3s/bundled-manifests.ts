import type { Clock } from '../../base/clock.ts'
import type { KubeObject } from '../kinds/object.ts'
import { coreDns, localPathStorage } from '../kubeadm/addons.ts'
import { cloudControllerManager } from '../kubeadm/cloud-controller-manager.ts'
import { metricsServerAddon, traefikAddon } from '../kubeadm/k3s-addons.ts'
import type { FileSystem } from '../../unix/types.ts'
import { chartAddress } from './static-files.ts'
import { manifestText } from './manifest-text.ts'

/** Where a server looks for manifests, on its disk. */
export const MANIFEST_FOLDER = '/var/lib/rancher/k3s/server/manifests'

/** Of k3s' manifests for metrics-server, which file holds what. */
const METRICS_SERVER_FILES: Readonly<Record<string, readonly string[]>> = {
  'aggregated-metrics-reader': ['ClusterRole system:aggregated-metrics-reader'], 'auth-delegator': ['ClusterRoleBinding metrics-server:system:auth-delegator'], 'auth-reader': ['RoleBinding metrics-server-auth-reader'],
  'metrics-apiservice': ['APIService v1beta1.metrics.k8s.io'], 'metrics-server-deployment': ['ServiceAccount metrics-server', 'Deployment metrics-server'], 'metrics-server-service': ['Service metrics-server'],
  'resource-reader': ['ClusterRole system:metrics-server', 'ClusterRoleBinding system:metrics-server'],
}

/** What a server has its deploy controller apply, by path below {@link MANIFEST_FOLDER}. k3s: manifests/ */
export function bundledManifests({ serviceCidr, clusterDomain }: { serviceCidr: string; clusterDomain: string }): Record<string, KubeObject[]> {
  const metrics = metricsServerAddon()
  return {
    'ccm.yaml': cloudControllerManager(), 'coredns.yaml': coreDns({ serviceCidr, clusterDomain, replicas: 1 }), 'local-storage.yaml': localPathStorage('local-path'),
    ...Object.fromEntries(Object.entries(METRICS_SERVER_FILES).map(([file, names]) => [`metrics-server/${file}.yaml`, metrics.filter(({ kind, metadata: { name } }) => names.includes(`${kind} ${name}`))])),
    'traefik.yaml': traefikAddon(chartAddress),
  }
}

/** Writes the manifests that aren't to be left away; a file that is as it should be isn't touched. k3s: pkg/deploy/stage.go */
export async function stageManifests(files: FileSystem, manifests: Readonly<Record<string, readonly KubeObject[]>>, isLeftAway: (path: string) => boolean, clock: Clock): Promise<void> {
  for (const [name, objects] of Object.entries(manifests)) {
    const path = `${MANIFEST_FOLDER}/${name}`
    if (isLeftAway(path)) continue
    const text = await manifestText(objects, clock)
    // The server may have ended meanwhile, and its folder be gone.
    if (isLeftAway(path)) return
    if (files.exists(path) && files.readText(path) === text) continue
    files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true, mode: 0o700 })
    files.writeFile(path, text, { mode: 0o600 })
  }
}

/** Whether `--disable` names a manifest: by its name without ending, or by a folder that it lies in. k3s: pkg/deploy shouldDisableFile */
export function isDisabled(path: string, disabled: readonly string[]): boolean {
  const below = path.slice(MANIFEST_FOLDER.length + 1)
  const parts = below.split('/')
  const file = parts.pop()!
  return parts.some((part) => disabled.includes(part)) || (/\.(?:ya?ml|json)$/.test(file) && disabled.includes(file.replace(/\.(?:ya?ml|json)$/, '')))
}
