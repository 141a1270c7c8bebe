import { lazyProgram } from '../../../unix/lazy-program.ts'
import { defineImage } from '../image.ts'

// @k8s part: Kubernetes Dashboard: signing in with a token, lists, details, events, logs, scaling, restarting, deleting, editing and creating by YAML, and usage from the metrics scraper, in pages of our own; of its API the login, its status and the lists; no shell in containers, pinning, settings, graphs, sign-in by kubeconfig or name, and not the Helm chart's images of version 7; --bind-address, --insecure-bind-address, --enable-insecure-login and --disable-settings-authorizer change nothing, as it listens everywhere, lets tokens in over HTTP and has no settings

/** The web UI of releases 2.x. */
export const dashboardImage = defineImage({
  repository: 'docker.io/kubernetesui/dashboard', tags: ['v2.0.0', 'v2.0.1', 'v2.0.3', 'v2.0.4', 'v2.0.5', 'v2.1.0', 'v2.2.0', 'v2.3.0', 'v2.3.1', 'v2.4.0', 'v2.5.0', 'v2.5.1', 'v2.6.0', 'v2.6.1', 'v2.7.0', 'latest'], sizeBytes: 75_800_000,
  entrypoint: ['/dashboard', '--insecure-bind-address=0.0.0.0', '--bind-address=0.0.0.0'], user: '1001:2001', exposedPorts: [8443, 9090], programs: { '/dashboard': lazyProgram(async () => (await import('./server.ts')).dashboard) },
})

/** What keeps a quarter of an hour of the Metrics API's figures for the UI. */
export const metricsScraperImage = defineImage({
  repository: 'docker.io/kubernetesui/metrics-scraper', tags: ['v1.0.4', 'v1.0.6', 'v1.0.7', 'v1.0.8', 'v1.0.9'], sizeBytes: 19_700_000, entrypoint: ['/metrics-sidecar'], user: '1001:2001', exposedPorts: [8000],
  programs: { '/metrics-sidecar': lazyProgram(async () => (await import('./scraper.ts')).metricsScraper) },
})
