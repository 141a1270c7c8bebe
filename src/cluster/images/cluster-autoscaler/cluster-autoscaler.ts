import { imageProgram } from '../../../unix/lazy-program.ts'
import { defineImage } from '../image.ts'

const VERSIONS = ['1.30.7', '1.31.5', '1.32.1', '1.32.7', '1.33.0', '1.33.4', '1.34.0', '1.34.3', '1.35.0', '1.36.0']
const versionFile = (version: string) => ({ files: { '/etc/cluster-autoscaler-version': `${version}\n` } })

/** Makes clusters larger and smaller, on the machines of clouds. */
export const clusterAutoscalerImage = defineImage({
  repository: 'registry.k8s.io/autoscaling/cluster-autoscaler', tags: VERSIONS.map((version) => `v${version}`), sizeBytes: 26_000_000, cmd: ['/cluster-autoscaler'], workingDir: '/', user: '65532:65532',
  programs: { '/cluster-autoscaler': imageProgram(async () => (await import('./cluster-autoscaler-program.ts')).clusterAutoscaler) },
  ...versionFile(VERSIONS.at(-1)!), variants: Object.fromEntries(VERSIONS.map((version) => [`v${version}`, versionFile(version)])),
})
