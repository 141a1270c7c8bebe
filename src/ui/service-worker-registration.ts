import { Workbox } from 'workbox-window'
import type { DrydockApp } from './app.ts'

/** Makes the page work offline. A new version waits until the learner reloads, so a cluster is never pulled from under its page. */
export function registerServiceWorker(app: DrydockApp): void {
  const workbox = new Workbox('./sw.js')
  workbox.addEventListener('installed', (event) => { if (!event.isUpdate) app.announce('status.offlineReady') })
  workbox.addEventListener('waiting', () => app.offerUpdate(() => {
    workbox.addEventListener('controlling', () => location.reload())
    workbox.messageSkipWaiting()
  }))
  workbox.register().catch(() => {
    // Without a service worker (private windows, plain HTTP) everything works but offline.
  })
}
