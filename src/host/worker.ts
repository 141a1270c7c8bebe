/** The page's worker: wires the cluster, its place on disk and the pages together. */
import { ClusterHost, exportName } from './cluster-host.ts'
import { Ownership } from './ownership.ts'
import type { OwnerDuties } from './ownership.ts'
import { browserPlatform } from './platform-browser.ts'
import { ClusterStore, checkExportedFile, deleteDatabase, exportDatabase, importDatabase } from './persistence/store.ts'
import { problemOf } from './persistence/store-error.ts'
import { utilityPrograms } from '../unix/utilities/list.ts'
import type { Client, Failure, FromWorker, HostStatus, ToWorker } from './protocol.ts'

const scope = self as unknown as { postMessage(message: FromWorker): void; onmessage: ((event: MessageEvent<ToWorker>) => void) | null; close(): void }
const sendToPage = (message: FromWorker) => scope.postMessage(message)

/** Serves pages while the cluster starts, runs, or has failed to. */
class Owner implements OwnerDuties {
  readonly #clients = new Map<string, Client>()
  #status: HostStatus = { phase: 'starting', attached: false }
  #host: ClusterHost | undefined
  #store: ClusterStore | undefined
  #early: [clientId: string, message: ToWorker][] = []

  async boot(): Promise<void> {
    try {
      this.#store = await ClusterStore.open({ setTimer: browserPlatform.setTimer })
      this.#host = await ClusterHost.start({ platform: browserPlatform, store: this.#store, utilities: utilityPrograms('gnu'), onStoreFailure: (error) => this.#fail(error) })
      for (const client of this.#clients.values()) this.#host.connect(client)
      this.#setStatus({ phase: 'ready', attached: false })
      for (const [clientId, message] of this.#early.splice(0)) this.take(clientId, message)
    } catch (error) {
      this.#fail(error)
    }
  }

  connect(client: Client): void {
    this.#clients.set(client.id, client)
    client.send({ type: 'status', status: this.#status })
    this.#host?.connect(client)
  }

  disconnect(clientId: string): void {
    this.#clients.delete(clientId)
    this.#host?.disconnect(clientId)
  }

  take(clientId: string, message: ToWorker): void {
    if (message.type === 'ask' && (message.operation === 'reset' || message.operation === 'import' || (message.operation === 'export' && this.#status.phase === 'failed'))) {
      const client = this.#clients.get(clientId)
      this.#administer(message).then(
        (answer) => client?.send({ type: 'answer', id: message.id, answer }),
        (error: unknown) => client?.send({ type: 'answer', id: message.id, error: (error as Error).message }),
      )
    } else if (this.#status.phase === 'starting') this.#early.push([clientId, message])
    else this.#host?.take(clientId, message)
  }

  /** What also works when there is no cluster. Afterwards a new worker starts from what is on disk. */
  async #administer(message: Extract<ToWorker, { type: 'ask' }>): Promise<unknown> {
    if (message.operation === 'export') return { name: exportName(browserPlatform.wallMs()), data: await exportDatabase(browserPlatform) }
    if (message.operation === 'import') {
      // Refuses a bad file before anything is touched.
      await checkExportedFile(message.ask.data)
      await this.#letGo()
      await importDatabase(message.ask.data)
    } else {
      await this.#letGo()
      await deleteDatabase()
      // Whoever starts next, in whichever tab, makes what was chosen.
      const preset = message.operation === 'reset' ? message.ask.preset : undefined
      if (preset) await ClusterStore.prepare({ preset, setTimer: browserPlatform.setTimer })
    }
    browserPlatform.setTimer(() => sendToPage({ type: 'respawn' }), 50)
    return null
  }

  async #letGo(): Promise<void> {
    const host = this.#host
    this.#host = undefined
    if (host) await host.stop().catch(() => {})
    else await this.#store?.close().catch(() => {})
  }

  #fail(error: unknown): void {
    const { message } = error as Error
    const kind: Failure['kind'] = problemOf(error) ?? 'other'
    console.error(error)
    this.#setStatus({ phase: 'failed', attached: false, failure: { kind, message } })
  }

  #setStatus(status: HostStatus): void {
    this.#status = status
    for (const client of this.#clients.values()) client.send({ type: 'status', status })
  }
}

const ownership = new Ownership(crypto.randomUUID(), sendToPage)
scope.onmessage = (event) => ownership.fromPage(event.data)
void ownership.begin(async () => {
  const owner = new Owner()
  void owner.boot()
  return owner
}).catch((error: unknown) => sendToPage({ type: 'status', status: { phase: 'failed', attached: false, failure: { kind: 'other', message: (error as Error).message } } }))
