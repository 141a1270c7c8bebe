import { lazyProgram } from '../../../unix/lazy-program.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'

// @k8s part: dra-example-driver: the kubelet plugin with GPUs; the profiles net and cpu, the controller and the webhook are refused, metrics aren't served and GPUs' uuids are other than Go's generator makes

const TAGS = ['v0.2.0', 'v0.2.1', 'v0.3.0', 'v0.4.0'] as const

const kubeletPlugin = (version: string) => lazyProgram(async () => {
  const { draExampleKubeletPlugin } = await import('./kubelet-plugin.ts')
  return (proc) => draExampleKubeletPlugin(proc, version)
})

const refused = lazyProgram(async () => async (proc) => {
  await proc.stderr.write(`drydock: ${proc.argv[0]} is not available here\n`)
  return 1
})

/** The example driver of dynamic resource allocation: GPUs that are only names. */
export const draExampleDriverImage = defineImage({
  repository: 'registry.k8s.io/dra-example-driver/dra-example-driver', tags: TAGS, sizeBytes: 46_000_000, base: debian,
  variants: Object.fromEntries(TAGS.map((tag) => [tag, {
    programs: { '/usr/bin/dra-example-kubeletplugin': kubeletPlugin(tag), '/usr/bin/dra-example-controller': refused, '/usr/bin/dra-example-webhook': refused },
  }])),
})
