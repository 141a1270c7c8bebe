// Replays recorded exchanges in this process and prints what differs: npx tsx test/exchanges/run.ts [TOPIC [CASE]]
import fs from 'node:fs'
import path from 'node:path'
import { ClusterClock } from '../../src/base/clock.ts'
import { createCluster } from '../../src/cluster/cluster.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'
import { replayCase } from './replay.ts'
import type { Case } from './replay.ts'

const [onlyTopic, onlyCase] = process.argv.slice(2)
const clock = new ClusterClock(nodePlatform, { mode: 'paused' })
const cluster = await createCluster({ platform: nodePlatform, clock, seed: 'exchanges' })
await cluster.start()
let passed = 0
let failed = 0
for (const file of fs.readdirSync(import.meta.dirname).filter((f) => f.endsWith('.json') && f !== 'pending.json')) {
  const topic = path.basename(file, '.json')
  if (onlyTopic && topic !== onlyTopic) continue
  let ok = 0
  const cases = (JSON.parse(fs.readFileSync(path.join(import.meta.dirname, file), 'utf8')) as Case[]).filter((c) => !onlyCase || c.name === onlyCase)
  for (const recorded of cases) {
    const found = await replayCase({ handle: cluster.handle, connection: cluster.adminConnection, clock }, recorded).catch((e: Error) => e.stack ?? String(e))
    if (found === undefined) ok++
    else console.log(`FAIL ${topic}/${recorded.name}: ${recorded.about}\n  ${found}`)
  }
  passed += ok
  failed += cases.length - ok
  console.log(`${topic}: ${ok}/${cases.length}`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
