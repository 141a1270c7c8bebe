import { lazyProgram } from '../../../unix/lazy-program.ts'
import { defineImage } from '../image.ts'

/** Envoy without a shell, as Contour's releases name it. */
const TAGS = ['distroless-v1.38.9', 'distroless-v1.38.3', 'distroless-v1.35.10', 'distroless-v1.35.9', 'distroless-v1.35.8', 'distroless-v1.35.2', 'v1.34.14', 'v1.34.1', 'v1.34.0']

// @k8s part: Envoy: its image takes its configuration from Contour's, as JSON instead of gRPC; configurations of one's own, filters, TCP proxying and most of its figures are missing
/** The proxy that Contour configures. */
export const envoyImage = defineImage({
  repository: 'docker.io/envoyproxy/envoy', tags: TAGS, sizeBytes: 61_000_000, entrypoint: ['/usr/local/bin/envoy'], exposedPorts: [10000], user: 'nonroot',
  files: { '/etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n', '/etc/group': 'root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n' },
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  programs: { '/usr/local/bin/envoy': lazyProgram(async () => (await import('./server.ts')).envoy) },
})
