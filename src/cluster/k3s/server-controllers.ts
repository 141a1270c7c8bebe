import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { FileSystem } from '../../unix/types.ts'
import type { Api } from '../client/api.ts'
import { runController } from '../client/controller-runner.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import type { Informers } from '../client/informers.ts'
import { jsonClient } from '../client/json-client.ts'
import type { ApiFetch } from '../client/json-client.ts'
import { createResourceDirectory } from '../controllers/resource-directory.ts'
import type { KubeObject } from '../kinds/object.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { MANIFEST_FOLDER, bundledManifests, isDisabled, stageManifests } from './bundled-manifests.ts'
import { DeployController } from './deploy-controller.ts'
import definitions from './definitions.json' with { type: 'json' }
import { helmController } from './helm-controller.ts'
import { writeServerFiles } from '../node/k3s/server-files.ts'
import { ObjectSets } from './object-sets.ts'
import { TOKEN_FILE } from './supervisor.ts'
import { handOverTraefik } from './traefik-handover.ts'

export interface ServerControllersOptions {
  nodeName: string
  /** The server's disk. */
  files: FileSystem
  api: Api
  fetch: ApiFetch
  informers: Informers
  clock: Clock
  random: Random
  log: Log
  serviceCidr: string
  clusterDomain: string
  apiPort: number
  disabled: readonly string[]
  /** What the server's kubeconfig says, where its process hasn't written it: the cluster came with k3s. */
  kubeconfig: string | undefined
  /** Resolves once the server has the charts that it brings. */
  charts: Promise<void>
  /** Whether the server was started anew, and didn't just go on after a reload. */
  isFreshStart: boolean
}

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io'
const POLL_MS = 100
const RETRY_MS = 5_000

/** What a k3s server runs besides Kubernetes' own controllers: definitions, the deploy controller and the Helm controller. k3s: pkg/server coreControllers */
export function startServerControllers(options: ServerControllersOptions): { stop(): void } {
  const { api, clock, log, informers } = options
  const running: { stop(): void }[] = []
  let isStopped = false
  if (options.kubeconfig !== undefined && !options.files.exists(TOKEN_FILE)) writeServerFiles(options.files, { kubeconfig: options.kubeconfig, token: undefined, random: options.random.fork('token') })
  const begin = async () => {
    await createDefinitions(api, clock)
    if (isStopped) return
    const directory = createResourceDirectory(informers)
    const eventsOf = (component: string) => createEventRecorder({ api, clock, log: log.named(component), component })
    const setsOf = (component: string) => new ObjectSets({ client: jsonClient(options.fetch, { userAgent: 'k3s' }), api, directory, fieldManager: `${component}@${options.nodeName}` })
    await stageManifests(options.files, bundledManifests(options), (path) => isStopped || isDisabled(path, options.disabled), clock)
    if (isStopped) return
    await directoryKnows(informers)
    const sets = setsOf('deploy')
    if (!isDisabled(`${MANIFEST_FOLDER}/traefik.yaml`, options.disabled)) await handOverTraefik(api, sets)
    if (isStopped) return
    const deploy = new DeployController({ files: options.files, api, sets, events: eventsOf('deploy'), clock, log: log.named('deploy'), disabled: options.disabled, force: options.isFreshStart })
    running.push(deploy)
    deploy.start()
    await options.charts
    if (isStopped) return
    running.push(runController(helmController(setsOf('helm-controller'), options.apiPort), { informers, api, clock, random: options.random.fork('helm-controller'), log: log.named('helm-controller'), events: eventsOf('helm-controller') }))
  }
  const beginUntilDone = async () => {
    while (!isStopped) {
      try {
        return await begin()
      } catch (error) {
        // The API may have to find itself first, as when another server is gone.
        log.warn('could not start the server\'s controllers yet', { error: String(error) })
        await clock.sleep(RETRY_MS)
      }
    }
  }
  void beginUntilDone()
  return {
    stop() {
      isStopped = true
      for (const part of running) part.stop()
    },
  }
}

/** Resolves once all of the server's definitions are there and served. */
async function createDefinitions(api: Api, clock: Clock): Promise<void> {
  for (const definition of definitions as unknown as KubeObject[]) await api.create(DEFINITIONS, definition, { fieldManager: 'k3s' }).catch((error: unknown) => { if (!isStatusError(error, 'AlreadyExists')) throw error })
  const isEstablished = ({ status }: KubeObject) => status?.conditions?.some(({ type, status: is }: { type: string; status: string }) => type === 'Established' && is === 'True')
  for (const { metadata: { name } } of definitions) while (!isEstablished(await api.get(DEFINITIONS, name))) await clock.sleep(POLL_MS)
}

const directoryKnows = (informers: Informers): Promise<void> => informers.for(DEFINITIONS).synced()
