import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { groupVersion } from '../discovery.ts'
import { ageOf } from '../duration.ts'
import { printerFor } from '../print.ts'
import { escapeTerminal } from '../table.ts'
import { goSort } from '../go-sort.ts'
import { TableLayout } from '../tab-writer.ts'
import type { CommandHandler } from './handler.ts'

// k8s: kubectl/pkg/cmd/events
export const events: CommandHandler = async ({ f, flags, out, err }) => {
  const { namespace } = f.namespace()
  const all = flags.bool('all-namespaces')
  let fieldSelector: string | undefined
  const target = flags.str('for')
  if (target) {
    if (!target.includes('/')) throw new Error('--for must be in resource/name form')
    const parts = target.split('/')
    if (parts.length !== 2) throw new Error('arguments in resource/name form may not have more than one slash')
    const mapping = await f.resolve((mapper) => mapper.requireResource(parts[0]!.toLowerCase()))
    // Without a name kubectl asks for everything.
    if (parts[1]) fieldSelector = `involvedObject.kind=${mapping.kind},involvedObject.apiVersion=${groupVersion(mapping)},involvedObject.name=${parts[1]}`
  }
  const types = flags.list('types')
  const print = flags.str('output') ? printerFor(f, { typed: true }) : undefined
  for (const type of types) if (!/^(normal|warning)$/i.test(type)) throw new Error('valid --types are Normal or Warning')
  const wanted = (e: any) => types.length === 0 || types.some((t) => t.toLowerCase() === String(e.type).toLowerCase())
  const path = all ? '/api/v1/events' : `/api/v1/namespaces/${namespace}/events`
  const layout = new TableLayout()
  const row = (e: any) => {
    const nowMs = f.nowMs()
    const first = e.eventTime ? ageOf(e.eventTime, nowMs) : ageOf(e.firstTimestamp, nowMs)
    const interval = e.series ? `${ageOf(e.series.lastObservedTime, nowMs)} (x${e.series.count} over ${first})` : e.count > 1 ? `${ageOf(e.lastTimestamp, nowMs)} (x${e.count} over ${first})` : first
    return [...(all ? [e.metadata.namespace] : []), interval, e.type, e.reason, `${e.involvedObject?.kind}/${e.involvedObject?.name}`, escapeTerminal(String(e.message ?? '').trim())]
  }
  const heading = [...(all ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']
  if (flags.bool('watch')) {
    let headed = flags.bool('no-headers')
    for await (const event of f.rest().watch<any>(path, { query: { fieldSelector }, signal: f.io.broken })) {
      if (event.type === 'DELETED' || event.type === 'BOOKMARK' || !wanted(event.object)) continue
      if (print) { await out(print(event.object)); continue }
      await out(layout.format([...(headed ? [] : [heading]), row(event.object)]))
      headed = true
    }
    return
  }
  const list = await f.rest().list<any>(path, { fieldSelector, limit: 500 })
  const time = (e: any) => microseconds(e.series?.lastObservedTime ?? e.lastTimestamp ?? e.eventTime)
  const items = goSort(list.items.filter(wanted).map((e) => ({ apiVersion: 'v1', kind: 'Event', ...e })), (a, b) => time(a) < time(b))
  if (items.length === 0) { void err(all ? 'No events found.\n' : `No events found in ${namespace} namespace.\n`); return }
  // A list of Go's own types has no name, and nobody looks at what the printer says of it.
  if (flags.str('output') === 'name') return
  if (print) void out(print({ apiVersion: 'v1', items, kind: 'EventList', metadata: {} } as unknown as KubeObject))
  else void out(layout.format([...(flags.bool('no-headers') ? [] : [heading]), ...items.map(row)]))
}

/** Of a time with whole seconds or microseconds. */
function microseconds(time: string | null | undefined): number {
  if (!time) return 0
  return Math.floor(Date.parse(time) / 1000) * 1e6 + Number((/\.(\d{1,6})/.exec(time)?.[1] ?? '').padEnd(6, '0'))
}
