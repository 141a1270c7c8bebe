import { imageProgram } from '../../../unix/lazy-program.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import { stress } from '../stress/stress.ts'

/** A container that uses as much processor time and memory as it is asked to: what autoscalers are tried out with. */
export const resourceConsumerImage = defineImage({
  repository: 'registry.k8s.io/e2e-test-images/resource-consumer', tags: ['1.9', '1.10', '1.13', '1.14'], sizeBytes: 50_000_000, entrypoint: ['/consumer'], exposedPorts: [8080], base: debian,
  programs: {
    '/consumer': imageProgram(async () => (await import('./consumer.ts')).resourceConsumer),
    '/consume-cpu/consume-cpu': imageProgram(async () => (await import('./consume-cpu.ts')).consumeCpu), '/usr/bin/stress': stress,
  },
})
