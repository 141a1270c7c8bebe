import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition, ImageFile } from '../image.ts'

// @k8s no: Calico's operator: tigera-operator.yaml and its Installation; Calico is installed by calico.yaml, calico-vxlan.yaml or canal.yaml, whose Typha, API server and eBPF there are not

/** What stands for the bytes of a program that is only copied. */
const ELF = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0])

const RELEASES = ['v3.29.7', 'v3.30.3', 'v3.30.4', 'v3.30.5', 'v3.30.6', 'v3.30.7', 'v3.31.0', 'v3.31.1', 'v3.31.2', 'v3.31.3', 'v3.31.4', 'v3.31.5', 'v3.31.6', 'v3.31.7', 'v3.32.0', 'v3.32.1']
const REGISTRIES = ['quay.io/calico', 'docker.io/calico']

/** Plugins that the image brings along. */
const PLUGINS = ['bandwidth', 'bridge', 'calico', 'flannel', 'host-local', 'loopback', 'portmap', 'tuning']

const nodePrograms = (version: string): Record<string, Program> => {
  const node = lazyProgram(async () => (await import('./calico-node.ts')).calicoNode(version))
  return { '/bin/calico-node': node, '/usr/bin/calico-node': node }
}
const birdcl = lazyProgram(async () => (await import('./bird.ts')).birdcl)
const bird = lazyProgram(async () => (await import('./bird.ts')).bird)
const startRunit = lazyProgram(async () => (await import('./calico-node.ts')).startRunit)

const installPrograms = (version: string): Record<string, Program> => ({ '/opt/cni/bin/install': lazyProgram(async () => (await import('./install-cni.ts')).install(version)) })
const controllerPrograms = (version: string): Record<string, Program> => ({
  '/usr/bin/kube-controllers': lazyProgram(async () => (await import('./kube-controllers.ts')).kubeControllers(version)), '/usr/bin/check-status': lazyProgram(async () => (await import('./kube-controllers.ts')).checkStatus(version)),
})

const ctlPrograms = (version: string): Record<string, Program> => ({ '/calicoctl': ctl(version) })
const ctl = (version: string) => lazyProgram(async () => (await import('./calicoctl/calicoctl.ts')).calicoctl(version))
/** calicoctl for the terminal, of the newest release. */
export const latestCalicoctl: Program = ctl(RELEASES.at(-1)!)

const variants = (programs: (version: string) => Record<string, Program>) => Object.fromEntries(RELEASES.map((version) => [version, { programs: programs(version) }]))
const plugins: Record<string, ImageFile> = Object.fromEntries(PLUGINS.map((name) => [`/opt/cni/bin/${name}`, { content: ELF, mode: 0o755 }]))

/** Calico's images: the node's services, the network plugins, and what looks after the cluster as a whole. */
export const calicoImages: readonly ImageDefinition[] = REGISTRIES.flatMap((registry) => [
  defineImage({
    repository: `${registry}/node`, tags: RELEASES, sizeBytes: 160_000_000, base: alpine, cmd: ['start_runit'],
    programs: { '/usr/sbin/start_runit': startRunit, '/bin/bird': bird, '/bin/bird6': bird, '/bin/birdcl': birdcl, '/bin/birdcl6': birdcl, '/usr/local/bin/sv': lazyProgram(async () => (await import('./runit.ts')).sv) },
    files: { '/etc/service/available': { directory: true }, '/etc/calico/confd/config': { directory: true } }, variants: variants(nodePrograms),
  }),
  defineImage({
    repository: `${registry}/cni`, tags: RELEASES, sizeBytes: 72_000_000, base: alpine, cmd: ['/opt/cni/bin/install'], files: plugins,
    programs: { '/opt/cni/bin/calico-ipam': lazyProgram(async () => (await import('./install-cni.ts')).calicoIpam) }, variants: variants(installPrograms),
  }),
  defineImage({
    repository: `${registry}/kube-controllers`, tags: RELEASES, sizeBytes: 52_000_000, base: alpine, entrypoint: ['/usr/bin/kube-controllers'], user: '999',
    files: { '/status': { directory: true, uid: 999, gid: 0, mode: 0o755 } }, variants: variants(controllerPrograms),
  }),
  defineImage({ repository: `${registry}/ctl`, tags: RELEASES, sizeBytes: 43_000_000, base: alpine, entrypoint: ['/calicoctl'], variants: variants(ctlPrograms) }),
])
