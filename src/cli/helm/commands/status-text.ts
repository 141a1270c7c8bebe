import { plainValue } from '../../../cluster/kinds/go-template/values.ts'
import { printYaml } from '../../yaml.ts'
import { formatTime } from '../engine/go-time.ts'
import type { Release } from '../release/release.ts'
import type { Session } from '../session.ts'
import { coalesceValues } from '../values/coalesce.ts'

const ANSIC = 'Mon Jan _2 15:04:05 2006'

/** A time of a release as people read it. */
export const readableTime = (text: string, layout = ANSIC): string => formatTime(layout, Date.parse(text))

export interface StatusOptions {
  /** With values, hooks and manifest. */
  debug?: boolean
  description?: boolean
  metadata?: boolean
  hideNotes?: boolean
  /** The objects of the release, as a table. */
  resources?: string
}

/** What install, upgrade, status and test print of a release. k8s: cmd/helm statusPrinter.WriteTable */
export function statusText(session: Session, release: Release, options: StatusOptions = {}): string {
  const { info, chart } = release
  let out = `NAME: ${release.name}\n`
  if (info.last_deployed) out += `LAST DEPLOYED: ${readableTime(info.last_deployed)}\n`
  out += `NAMESPACE: ${release.namespace}\nSTATUS: ${info.status}\nREVISION: ${release.version}\n`
  if (options.metadata) out += `CHART: ${chart.metadata.name ?? ''}\nVERSION: ${chart.metadata.version ?? ''}\nAPP_VERSION: ${chart.metadata.appVersion ?? ''}\n`
  if (options.description) out += `DESCRIPTION: ${info.description}\n`
  if (options.resources) out += `RESOURCES:\n${options.resources}\n`
  const tests = release.hooks.filter((hook) => hook.events.includes('test'))
  if (tests.length === 0) out += 'TEST SUITE: None\n'
  for (const { name, last_run: run } of tests) {
    if (!run.started_at) continue
    out += `TEST SUITE:     ${name}\nLast Started:   ${readableTime(run.started_at)}\nLast Completed: ${run.completed_at ? readableTime(run.completed_at) : 'Mon Jan  1 00:00:00 0001'}\nPhase:          ${run.phase}\n`
  }
  if (options.debug) {
    out += `USER-SUPPLIED VALUES:\n${printYaml(plainValue(release.config))}\n`
    out += `COMPUTED VALUES:\n${printYaml(plainValue(coalesceValues(chart, release.config, session.warn)))}\n`
  }
  if (info.description.toLowerCase() === 'dry run complete' || options.debug) {
    out += `HOOKS:\n${release.hooks.map((hook) => `---\n# Source: ${hook.path}\n${hook.manifest}\n`).join('')}MANIFEST:\n${release.manifest}\n`
  }
  if (!options.hideNotes && info.notes) out += `NOTES:\n${info.notes.trim()}\n`
  return out
}
