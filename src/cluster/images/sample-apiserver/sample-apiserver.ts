import { imageProgram } from '../../../unix/lazy-program.ts'
import { defineImage } from '../image.ts'

/** Kubernetes' example of an extension API server: wardle.example.com with flunders and fischers, on the API server's own library. */
export const sampleApiServerImage = defineImage({
  repository: 'registry.k8s.io/e2e-test-images/sample-apiserver', tags: ['1.17.7', '1.29.2'], sizeBytes: 24_000_000, entrypoint: ['/sample-apiserver'], programs: { '/sample-apiserver': imageProgram(async () => (await import('./sample-apiserver-program.ts')).sampleApiServer) },
})
