import { Workbox } from 'workbox-window'
import type { DrydockApp } from './app.ts'

/** Makes the page work offline. A new version waits until the learner reloads, so a cluster is never pulled from under its page. */
export function registerServiceWorker(app: DrydockApp): void {
  const workbox = new Workbox('./sw.js')
  let isAccepted = false
  workbox.addEventListener('installed', (event) => { if (!event.isUpdate) app.announce('status.offlineReady') })
  workbox.addEventListener('waiting', () => app.offerReload('status.update', () => {
    isAccepted = true
    workbox.messageSkipWaiting()
  }))
  workbox.addEventListener('controlling', (event) => {
    if (isAccepted) location.reload()
    // Another tab has taken the new version: parts of this one that weren't needed so far are gone.
    else if (event.isUpdate) app.offerReload('status.update', () => location.reload())
  })
  workbox.register().catch(() => {
    // Without a service worker (private windows, plain HTTP) everything works but offline.
  })
}
