import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const RELEASES = ['v1.19.0', 'v1.20.0', 'v1.20.1', 'v1.20.2', 'v1.20.3', 'v1.21.0', 'v1.21.1', 'v1.21.2']

const imageOf = (part: string, path: string, programOf: (release: string) => Program): ImageDefinition => defineImage({
  repository: `quay.io/jetstack/cert-manager-${part}`, tags: RELEASES, sizeBytes: 20_000_000, entrypoint: [path], user: '1000',
  variants: Object.fromEntries(RELEASES.map((tag) => [tag, { programs: { [path]: programOf(tag) } }])),
})

// @k8s part: cert-manager: its manifest installs it; self-signed and CA issuers, Certificates with their requests, renewals and Secrets, and Ingresses that ask for them; ACME, Vault and Venafi issuers say in their status that they aren't there, keystores, URIs, name constraints, Secret templates and most annotations of Ingresses are refused, a changed kind of key waits for the next renewal, Certificates stay when their Ingress no longer names them, and Gateways, CertificateSigningRequests and the programs' figures are missing
/** cert-manager's three programs. */
export const certManagerImages: readonly ImageDefinition[] = [
  imageOf('controller', '/app/cmd/controller/controller', (release) => lazyProgram(async () => { const { controller } = await import('./controller.ts'); return (proc) => controller(proc, release) })),
  imageOf('webhook', '/app/cmd/webhook/webhook', () => lazyProgram(async () => (await import('./webhook.ts')).webhook)),
  imageOf('cainjector', '/app/cmd/cainjector/cainjector', () => lazyProgram(async () => (await import('./cainjector.ts')).cainjector)),
]
