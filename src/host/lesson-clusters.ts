import { httpRequest } from '../base/http.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Ask, FurtherClusters } from '../lessons/check.ts'
import type { Fleet } from './fleet/fleet.ts'

/** How long an API server has to answer: one whose etcd has no majority waits for it longer than anybody looks at a goal. */
const ANSWER_MS = 5_000

/** Asks a cluster's API server as its administrator, for the goals of lessons. It throws where no answer comes. */
export function askCluster(cluster: Cluster): Ask {
  return async (method, path, body) => {
    const tooLong = new AbortController()
    const deadline = cluster.clock.after(ANSWER_MS, () => { tooLong.abort(new Error('no answer')) })
    const gone = new Promise<never>((_, reject) => { tooLong.signal.addEventListener('abort', () => { reject(tooLong.signal.reason as Error) }) })
    const answer = async () => {
      const response = await cluster.handle(httpRequest(`https://127.0.0.1:6443${path}`, {
        method, signal: tooLong.signal, headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }), cluster.adminConnection)
      return { status: response.status, body: await response.text() }
    }
    try {
      return await Promise.race([answer(), gone])
    } finally {
      deadline.cancel()
    }
  }
}

/** The clusters that goals name as `kind/east`. */
export function furtherClusters(fleet: Fleet): FurtherClusters {
  return (id) => {
    const found = fleet.list().find(({ record }) => record.id === id)
    return found && { ...(found.cluster ? { ask: askCluster(found.cluster) } : {}) }
  }
}
