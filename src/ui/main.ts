import { ClusterClient } from './cluster-client.ts'
import { applyTheme, readSetting } from './settings.ts'

// The worker first: it has the longest way, and the page is drawn meanwhile.
const client = new ClusterClient(() => new Worker(new URL('../host/worker.ts', import.meta.url), { type: 'module', name: 'drydock' }))

applyTheme(readSetting('theme') ?? 'auto')

const { DrydockApp } = await import('./app.ts')
const app = document.querySelector<InstanceType<typeof DrydockApp>>('dd-app')!
app.client = client
DrydockApp.define()

// A part that is loaded when it is first needed did not come; whoever wanted it hears of it besides.
addEventListener('vite:preloadError', () => app.offerReload('status.partMissing', () => location.reload()))

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  const { registerServiceWorker } = await import('./service-worker-registration.ts')
  registerServiceWorker(app)
}
