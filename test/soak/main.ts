// `npm run soak [-- --writes N] [--seed TEXT]`: ten clients against random writes, cuts and compaction.
import { soak } from './soak-run.ts'

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}
const writes = Number(option('writes') ?? 100_000)
const seed = option('seed') ?? String(Date.now())
const startMs = performance.now()
const report = await soak({ seed, writes, onProgress: (done) => console.log(`${done.toLocaleString('en')} writes`) })
for (const { name, objects, lists, watches, cuts, gone } of report.clients) console.log(`${name.padEnd(20)} ${objects} objects, ${lists} lists, ${watches} watches, ${cuts} cuts, ${gone} times 410`)
for (const difference of report.differences.slice(0, 50)) console.log(`DIFFERENT: ${difference}`)
console.log(`${report.writes.toLocaleString('en')} writes (${report.refused.toLocaleString('en')} refused), ${report.compactions} compactions, ${report.clients.length} clients, ${((performance.now() - startMs) / 1000).toFixed(0)} s, seed ${seed}: ${report.differences.length} differences`)
process.exit(report.differences.length > 0 ? 1 : 0)
