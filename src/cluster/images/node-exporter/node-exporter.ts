import { lazyProgram } from '../../../unix/lazy-program.ts'
import { busybox } from '../busybox/busybox.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const VERSIONS = ['1.3.1', '1.4.0', '1.5.0', '1.6.0', '1.6.1', '1.7.0', '1.8.0', '1.8.1', '1.8.2', '1.9.0', '1.9.1', '1.10.0', '1.10.1', '1.10.2']

const programs = (version: string) => ({ '/bin/node_exporter': lazyProgram(async () => { const { nodeExporter } = await import('./program.ts'); return (proc) => nodeExporter(proc, version) }) })

const imageOf = (repository: string): ImageDefinition => defineImage({
  repository, tags: [...VERSIONS.map((version) => `v${version}`), 'latest'], sizeBytes: 12_500_000, base: busybox, entrypoint: ['/bin/node_exporter'], user: 'nobody', exposedPorts: [9100],
  files: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n', '/etc/group': 'root:x:0:\nnobody:x:65534:\n' },
  variants: Object.fromEntries([...VERSIONS.map((version) => [`v${version}`, version]), ['latest', VERSIONS.at(-1)!]].map(([tag, version]) => [tag, { programs: programs(version!) }])),
})

// @k8s part: node-exporter: the collectors cpu (all processors take the same share), meminfo, loadavg, filesystem, netdev, stat, time, uname and textfile, from the node's own /proc; the other collectors say that they are not there
/** A node's figures for Prometheus. */
export const nodeExporterImages: readonly ImageDefinition[] = ['docker.io/prom/node-exporter', 'quay.io/prometheus/node-exporter'].map(imageOf)
