import { rfc3339 } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import type { Log } from '../../../base/log.ts'
import type { Api } from '../../client/api.ts'
import { WorkQueue } from '../../client/work-queue.ts'
import type { FlowSchema } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { flowControlObjects } from '../bootstrap/flow-control-objects.ts'
import type { Reader } from '../seams.ts'
import { FLOW_SCHEMAS, PRIORITY_LEVELS } from './flow-schemas.ts'

/** Objects that users changed or removed come back after this time. k8s: apiserver pkg/registry/flowcontrol/rest */
const ENSURE_MS = 60_000
const MANDATORY = new Set(['exempt', 'catch-all'])
const AUTOUPDATE = 'apf.kubernetes.io/autoupdate-spec'
const WRITE = { fieldManager: 'api-priority-and-fairness-config-consumer-v1' }

/** Says of each FlowSchema whether its level exists, and keeps the server's own objects. k8s: apf_controller.go, registry/flowcontrol/ensurer */
export class FlowController {
  readonly #clock: Clock
  readonly #log: Log
  readonly #reader: Reader
  readonly #api: Api
  readonly #queue: WorkQueue
  readonly #stops: (() => void)[] = []

  constructor({ clock, log, reader, api }: { clock: Clock; log: Log; reader: Reader; api: Api }) {
    this.#clock = clock
    this.#log = log
    this.#reader = reader
    this.#api = api
    this.#queue = new WorkQueue({ clock, process: (key) => (key === 'ensure' ? this.#ensure() : this.#sync(key)) })
  }

  start(): void {
    const all = () => { for (const { metadata } of this.#reader.list<FlowSchema>(FLOW_SCHEMAS)) this.#queue.add(`schema/${metadata.name}`) }
    all()
    this.#queue.addAfter('ensure', ENSURE_MS)
    this.#stops.push(
      this.#reader.onChange(FLOW_SCHEMAS, ({ object }) => { if (object) this.#queue.add(`schema/${object.metadata.name}`) }),
      this.#reader.onChange(PRIORITY_LEVELS, ({ object, old }) => { if (!object || !old) all() }),
    )
  }

  stop(): void {
    this.#queue.stop()
    for (const stop of this.#stops) stop()
  }

  async #sync(key: string): Promise<void> {
    const schema = this.#reader.get<FlowSchema>(FLOW_SCHEMAS, undefined, key.slice('schema/'.length))
    if (!schema) return
    const level = schema.spec.priorityLevelConfiguration.name
    const exists = this.#reader.get(PRIORITY_LEVELS, undefined, level) !== undefined
    const text = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`
    const wanted = { type: 'Dangling', status: exists ? 'False' : 'True', reason: exists ? 'Found' : 'NotFound', message: exists ? `${text} and it exists` : `${text} but there is no such object` }
    const known = schema.status?.conditions?.find((condition) => condition.type === 'Dangling')
    if (known && known.status === wanted.status && known.reason === wanted.reason && known.message === wanted.message) return
    try {
      const status = { conditions: [{ ...wanted, lastTransitionTime: rfc3339(this.#clock.nowMs()) }] }
      await this.#api.patch(FLOW_SCHEMAS, schema.metadata.name!, undefined, 'application/apply-patch+yaml', { apiVersion: schema.apiVersion, kind: schema.kind, metadata: { name: schema.metadata.name }, status }, { ...WRITE, force: true, subresource: 'status' })
    } catch (error) {
      if (isStatusError(error, 'NotFound', 'Conflict')) return
      this.#log.warn('failed to set the status of a FlowSchema', { name: schema.metadata.name, error: String(error) })
      this.#queue.addRateLimited(key)
    }
  }

  async #ensure(): Promise<void> {
    const { priorityLevels, flowSchemas } = flowControlObjects()
    for (const [resource, objects] of [[PRIORITY_LEVELS, priorityLevels], [FLOW_SCHEMAS, flowSchemas]] as const) {
      for (const wanted of objects) {
        const current = this.#reader.get<KubeObject>(resource, undefined, wanted.metadata.name!)
        try {
          if (!current) await this.#api.create(resource, wanted, WRITE)
          else if ((MANDATORY.has(wanted.metadata.name!) || current.metadata.annotations?.[AUTOUPDATE] === 'true') && !isCovered(wanted['spec'], current['spec'])) await this.#api.update(resource, { ...current, spec: wanted['spec'] }, WRITE)
        } catch (error) {
          if (!isStatusError(error, 'Conflict', 'AlreadyExists', 'NotFound')) this.#log.warn('failed to ensure a priority and fairness object', { name: wanted.metadata.name, error: String(error) })
        }
      }
    }
    this.#queue.addAfter('ensure', ENSURE_MS)
  }
}

/** Whether what is wanted is there; defaults that were filled in don't count. */
function isCovered(wanted: unknown, current: unknown): boolean {
  if (Array.isArray(wanted)) return Array.isArray(current) && wanted.length === current.length && wanted.every((item, i) => isCovered(item, current[i]))
  if (typeof wanted !== 'object' || wanted === null) return deepEqual(wanted, current)
  return typeof current === 'object' && current !== null && Object.entries(wanted).every(([key, value]) => isCovered(value, (current as Record<string, unknown>)[key]))
}
