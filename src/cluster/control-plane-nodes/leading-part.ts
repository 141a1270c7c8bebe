import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Api } from '../client/api.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import { runLeaderElection } from '../client/leader-election.ts'
import type { ComponentPart } from '../control-plane.ts'

export interface LeadingPartOptions {
  /** kube-scheduler or kube-controller-manager: the name of its Lease. */
  component: string
  /** What events call it. */
  eventSource: string
  host: string
  api: Api
  clock: Clock
  random: Random
  log: Log
  /** Whether there are several of its kind. One alone has nobody to tell. */
  isOneOfSeveral(): boolean
  /** Calls back when that may have changed. Returns the way to stop. */
  onChange(listener: () => void): () => void
  /** What the one that leads does. */
  make(): ComponentPart
  /** It lost its Lease, and its process ends. */
  onLost(): void
}

/** A component of which one instance acts: with several nodes that hold one, it waits for its Lease. */
export function leadingPart(options: LeadingPartOptions): ComponentPart {
  const { component, host, api, clock, random, log, make } = options
  const ended = new AbortController()
  let acting: ComponentPart | undefined
  let isElecting = false
  const act = () => {
    if (acting || ended.signal.aborted) return
    acting = make()
    acting.start()
  }
  const elect = () => {
    if (isElecting || ended.signal.aborted || !options.isOneOfSeveral()) return
    isElecting = true
    runLeaderElection({
      api, clock, random, log, name: component, identity: `${host}_${random.uuid()}`,
      events: createEventRecorder({ api, clock, log, component: options.eventSource }),
      onStartedLeading: act,
      onStoppedLeading: options.onLost,
    }, ended.signal).catch((error: unknown) => log.error('leader election failed', { error: String(error) }))
  }
  let stopWatching = () => {}
  return {
    start() {
      stopWatching = options.onChange(elect)
      elect()
      if (!isElecting) act()
    },
    stop() {
      ended.abort()
      stopWatching()
      return acting?.stop()
    },
  }
}
