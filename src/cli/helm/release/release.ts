import { base64Of, bytesOfBase64 } from '../../../base/base64.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { plainValue } from '../../../cluster/kinds/go-template/values.ts'
import { gunzipSync, gzipSync } from '../chart/gzip.ts'
import { emptyChart, metadataJson } from '../chart/chart.ts'
import type { Chart, ChartFile, ChartMetadata } from '../chart/chart.ts'

export type ReleaseStatus = 'unknown' | 'deployed' | 'uninstalled' | 'superseded' | 'failed' | 'uninstalling' | 'pending-install' | 'pending-upgrade' | 'pending-rollback'

export interface ReleaseInfo {
  /** Times as RFC 3339; empty for none. */
  first_deployed: string
  last_deployed: string
  deleted: string
  description: string
  status: ReleaseStatus
  notes: string
  resources?: Record<string, unknown[]>
}

export interface HookRun { started_at: string; completed_at: string; phase: '' | 'Unknown' | 'Running' | 'Succeeded' | 'Failed' }

/** A manifest that is carried out at one point of a release's life. */
export interface Hook {
  name: string
  kind: string
  path: string
  manifest: string
  events: string[]
  last_run: HookRun
  weight: number
  delete_policies: string[]
  output_log_policies: string[]
}

export interface Release {
  name: string
  info: ReleaseInfo
  chart: Chart
  /** What the user gave. */
  config: GoMap
  manifest: string
  hooks: Hook[]
  version: number
  namespace: string
  labels: Record<string, string>
}


/** Leaves empty members out, as Go's `omitempty`. */
function compact(object: GoMap, keep: readonly string[] = []): GoMap {
  return Object.fromEntries(Object.entries(object).filter(([key, value]) => keep.includes(key) || !(value === undefined || value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0) || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))))
}

const fileJson = ({ name, data }: ChartFile) => ({ name, data: base64Of(data) })

/** The release as encoding/json writes it. @param withChart false: without its chart, as `helm status` shows it */
export function releaseJson(release: Release, withChart = true): GoMap {
  const { chart, info } = release
  return compact({
    name: release.name,
    info: { ...compact({ ...info, resources: undefined }, ['first_deployed', 'last_deployed', 'deleted']), ...(info.resources ? { resources: info.resources } : {}) },
    chart: withChart ? { metadata: metadataJson(chart.metadata), lock: chart.lock, templates: chart.templates.length > 0 ? chart.templates.map(fileJson) : null, values: chart.values ? plainValue(chart.values) : null, schema: chart.schema ? base64Of(chart.schema) : null, files: chart.files.length > 0 ? chart.files.map(fileJson) : null } : undefined,
    config: plainValue(release.config) as GoMap,
    manifest: release.manifest,
    hooks: release.hooks.map((hook) => compact({ ...hook }, ['last_run'])),
    version: release.version,
    namespace: release.namespace,
  })
}

/** As a release stands in its Secret: JSON, packed, base64. */
export function encodeRelease(release: Release): string {
  return base64Of(gzipSync(new TextEncoder().encode(JSON.stringify(releaseJson(release)))))
}

/** @throws Error where it isn't a release */
export function decodeRelease(text: string): Release {
  let bytes: Uint8Array = bytesOfBase64(text)
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes)
  const raw = JSON.parse(new TextDecoder().decode(bytes)) as any
  const file = (each: { name: string; data: string | null }): ChartFile => ({ name: each.name, data: bytesOfBase64(each.data ?? '') })
  const chart: Chart = {
    ...emptyChart(), metadata: (raw.chart?.metadata ?? {}) as ChartMetadata, lock: raw.chart?.lock ?? null, templates: (raw.chart?.templates ?? []).map(file), values: raw.chart?.values ?? null,
    schema: raw.chart?.schema ? bytesOfBase64(raw.chart.schema as string) : null, files: (raw.chart?.files ?? []).map(file),
  }
  const run = (last: Partial<HookRun> | undefined): HookRun => ({ started_at: last?.started_at ?? '', completed_at: last?.completed_at ?? '', phase: last?.phase ?? '' })
  return {
    name: raw.name ?? '', chart, config: raw.config ?? {}, manifest: raw.manifest ?? '', version: raw.version ?? 0, namespace: raw.namespace ?? '', labels: {},
    info: { first_deployed: '', last_deployed: '', deleted: '', description: '', status: 'unknown', notes: '', ...raw.info },
    hooks: (raw.hooks ?? []).map((hook: Partial<Hook>): Hook => ({ name: '', kind: '', path: '', manifest: '', weight: 0, ...hook, events: hook.events ?? [], delete_policies: hook.delete_policies ?? [], output_log_policies: hook.output_log_policies ?? [], last_run: run(hook.last_run) })),
  }
}

export const isPending = (status: ReleaseStatus): boolean => status.startsWith('pending-')
export const byRevision = (a: Release, b: Release): number => a.version - b.version
