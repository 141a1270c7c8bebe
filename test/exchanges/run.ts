// Replays recorded exchanges in this process and prints what differs: npx tsx test/exchanges/run.ts [TOPIC [CASE]]
// With --write-pending what fails becomes the list of cases that are still to come.
import fs from 'node:fs'
import path from 'node:path'
import { ClusterClock } from '../../src/base/clock.ts'
import { createCluster } from '../../src/cluster/cluster.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'
import { removeAddons, replayCase } from './replay.ts'
import type { Case } from './replay.ts'

const pendingFile = process.argv.includes('--write-pending') ? path.join(import.meta.dirname, 'pending.json') : undefined
const [onlyTopic, onlyCase] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const failures: Record<string, string[]> = {}
const clock = new ClusterClock(nodePlatform, { mode: 'paused' })
const cluster = await createCluster({ platform: nodePlatform, clock, seed: 'exchanges' })
await cluster.start()
// The recordings were made as a member of system:masters.
const connection = { clientCertificatePem: (await cluster.pki.issueClientCertificate({ commonName: 'kubernetes-admin', organizations: ['system:masters'] })).certificatePem }
await removeAddons({ handle: cluster.handle, connection, clock })
let passed = 0
let failed = 0
for (const file of fs.readdirSync(import.meta.dirname).filter((f) => f.endsWith('.json') && f !== 'pending.json')) {
  const topic = path.basename(file, '.json')
  if (onlyTopic && topic !== onlyTopic) continue
  let ok = 0
  const cases = (JSON.parse(fs.readFileSync(path.join(import.meta.dirname, file), 'utf8')) as Case[]).filter((c) => !onlyCase || c.name === onlyCase)
  for (const recorded of cases) {
    const found = await replayCase({ handle: cluster.handle, connection, clock }, recorded).catch((e: Error) => e.stack ?? String(e))
    if (found === undefined) ok++
    else (failures[topic] ??= []).push(recorded.name), console.log(`FAIL ${topic}/${recorded.name}: ${recorded.about}\n  ${found}`)
  }
  passed += ok
  failed += cases.length - ok
  console.log(`${topic}: ${ok}/${cases.length}`)
}
console.log(`${passed} passed, ${failed} failed`)
if (pendingFile) fs.writeFileSync(pendingFile, `${JSON.stringify(failures, null, 1)}\n`)
process.exit(failed ? 1 : 0)
