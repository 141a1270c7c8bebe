import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClusterClock } from '../../src/base/clock.ts'
import { createCluster } from '../../src/cluster/cluster.ts'
import type { Cluster } from '../../src/cluster/cluster.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'
import type { ConnectionInfo } from '../../src/cluster/apiserver/seams.ts'
import { removeAddons, replayCase } from './replay.ts'
import type { Case } from './replay.ts'

/** Conversations recorded with a real API server, held with Drydock's through handle(), without a socket. */
const folder = import.meta.dirname
/** Cases that don't pass yet. One that passes must leave the list. */
const pending = JSON.parse(fs.readFileSync(path.join(folder, 'pending.json'), 'utf8')) as Record<string, string[]>

for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('.json') && f !== 'pending.json')) {
  const topic = path.basename(file, '.json')
  describe(topic, () => {
    let cluster: Cluster
    let connection: ConnectionInfo
    beforeAll(async () => {
      const clock = new ClusterClock(nodePlatform, { mode: 'paused' })
      cluster = await createCluster({ platform: nodePlatform, clock, seed: `exchanges ${topic}` })
      await cluster.start()
      // The recordings were made as a member of system:masters.
      connection = { clientCertificatePem: (await cluster.pki.issueClientCertificate({ commonName: 'kubernetes-admin', organizations: ['system:masters'] })).certificatePem }
      await removeAddons({ handle: cluster.handle, connection, clock })
    })
    afterAll(async () => { await cluster.stop() })
    for (const recorded of JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as Case[]) {
      const replay = () => replayCase({ handle: cluster.handle, connection, clock: cluster.clock }, recorded)
      if (pending[topic]?.includes(recorded.name)) test(`${recorded.name} (pending): ${recorded.about}`, async () => { expect(await replay().catch((e: Error) => e.message), 'it passes now: take it off the list').toBeDefined() })
      else test(`${recorded.name}: ${recorded.about}`, async () => { expect(await replay()).toBeUndefined() })
    }
  })
}
