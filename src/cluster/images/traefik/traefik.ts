import { lazyProgram } from '../../../unix/lazy-program.ts'
import { utilityPrograms } from '../../../unix/utilities/list.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const VERSIONS = ['3.3.6', '3.4.5', '3.5.3', '3.6.0', '3.6.12', '3.6.13', '3.7.0', '3.7.13']

const imageOf = (repository: string, tags: Readonly<Record<string, string>>): ImageDefinition => defineImage({
  repository, tags: Object.keys(tags), sizeBytes: 52_000_000, base: alpine, entrypoint: ['/entrypoint.sh'], cmd: ['traefik'], exposedPorts: [80],
  files: { '/entrypoint.sh': { content: '#!/bin/sh\nset -e\n\n# first arg is `-f` or `--some-option`\nif [ "${1#-}" != "$1" ]; then\n    set -- traefik "$@"\nfi\n\nexec "$@"\n', mode: 0o755 } },
  programs: utilityPrograms('busybox', { names: ['wget'] }),
  variants: Object.fromEntries(Object.entries(tags).map(([tag, version]) => [tag, { programs: { '/usr/local/bin/traefik': lazyProgram(async () => { const { traefik } = await import('./main.ts'); return (proc) => traefik(proc, version) }) } }])),
})

// @k8s part: Traefik: its public chart installs it, k3s brings it; Ingresses, IngressRoutes and the Gateway API with rules, weights, sticky cookies, TLS and the middlewares for paths, redirects, headers, logins, addresses, rates and retries; TCP and UDP, forward authentication, circuit breakers, buffering, compression, error pages, TLS options, ACME, health checks, mirrors, logs in other forms, figures but for counts of requests, and the dashboard's pages are missing, what asks for them is refused in its log
// @k8s part: Gateway API: Traefik serves it (--providers.kubernetesgateway, once its CRDs are applied): GatewayClasses, Gateways, HTTPRoutes, GRPCRoutes, BackendTLSPolicies (from 3.6 on) and ReferenceGrants with their statuses; listeners for TLS and TCP are refused in theirs; TLSRoute, TCPRoute, ListenerSets, mirrors, time limits, retries and sessions are missing
/** Traefik, as its makers, Docker's library and k3s' mirror have it. */
export const traefikImages: readonly ImageDefinition[] = [
  imageOf('docker.io/library/traefik', Object.fromEntries([...VERSIONS.flatMap((version) => [[version, version], [`v${version}`, version], [`v${version.split('.').slice(0, 2).join('.')}`, version]]), ['v3', VERSIONS.at(-1)!], ['latest', VERSIONS.at(-1)!]])),
  imageOf('docker.io/rancher/mirrored-library-traefik', Object.fromEntries(VERSIONS.map((version) => [version, version]))),
]
