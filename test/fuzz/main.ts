// `npm run fuzz [-- --count N] [--seed TEXT]`: random requests to an API server in this process.
import { fuzz } from './fuzz-run.ts'

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}
const count = Number(option('count') ?? 1_000_000)
const seed = option('seed') ?? String(Date.now())
console.log(`${count.toLocaleString('en')} requests, seed ${seed}`)
/** Characters of a request that are printed. */
const width = Number(option('width') ?? 2000)
/** Findings that were printed as they came. */
let printed = 0
const startMs = performance.now()
const report = await fuzz({
  seed, count, maxFindings: Number(option('findings') ?? 20),
  onProgress(done, { findings, heap }) {
    for (const { number, what, request } of findings.slice(printed)) console.log(`\nrequest ${number}: ${what}\n  ${request.slice(0, width)}`)
    printed = findings.length
    if (done % 20_000 === 0) console.log(`${done.toLocaleString('en')} requests, ${findings.length} findings, ${Math.round(done / ((performance.now() - startMs) / 1000)).toLocaleString('en')}/s${heap.length > 0 ? `, heap ${Math.round(heap.at(-1)! / 1e6)} MB` : ''}`)
  },
})
for (const { number, what, request } of report.findings.slice(printed)) console.log(`\nrequest ${number}: ${what}\n  ${request.slice(0, width)}`)
for (const { number, times } of report.findings) if (times > 1) console.log(`what request ${number} found was seen ${times} times`)
console.log(`\nanswers: ${Object.entries(report.statuses).map(([status, times]) => `${status}: ${times.toLocaleString('en')}`).join(', ')}`)
for (const [words, times] of Object.entries(report.failures).sort(([, a], [, b]) => b - a).slice(0, 40)) console.log(`  ${String(times).padStart(7)} x ${words}`)
console.log(`stored objects that were decoded again: ${report.roundTrips.toLocaleString('en')}`)
console.log(`longest task ${report.longestMs.toFixed(1)} ms; ${report.over8ms} of ${report.requests.toLocaleString('en')} requests kept the thread for more than 8 ms`)
for (const { ms, bytes, request } of report.slowest.slice(0, 5)) console.log(`  ${ms.toFixed(1)} ms (${bytes} bytes): ${request.slice(0, 200)}`)
console.log(`${report.requests.toLocaleString('en')} requests in ${((performance.now() - startMs) / 1000).toFixed(0)} s, seed ${seed}: ${report.findings.length} findings`)
process.exit(report.findings.length > 0 ? 1 : 0)
