/** The commands that look at releases, roll them back and take them away. */
import { plainValue, withIntegers } from '../../../cluster/kinds/go-template/values.ts'
import { TemplateSet } from '../../../cluster/kinds/go-template/go-template.ts'
import type { Propagation } from '../../kubectl/commands/delete.ts'
import { printYaml } from '../../yaml.ts'
import { rollback } from '../actions/rollback.ts'
import { releaseNameProblem } from '../actions/release-name.ts'
import { uninstall } from '../actions/uninstall.ts'
import { goRegex } from '../engine/go-regex.ts'
import { formatTime } from '../engine/go-time.ts'
import { sprigFunctions } from '../engine/sprig.ts'
import { jsonLine, outputFormat, tableText, write } from '../output.ts'
import { byRevision, isPending, releaseJson } from '../release/release.ts'
import type { Release } from '../release/release.ts'
import type { Session } from '../session.ts'
import { coalesceValues } from '../values/coalesce.ts'
import { parseLabelSelector } from '../../../cluster/kinds/label-selector.ts'
import { firstArg } from './command.ts'
import type { HelmCommand } from './command.ts'
import { releaseResources } from './release-resources.ts'
import { readableTime, statusText } from './status-text.ts'

const chartName = ({ chart }: Release) => chart.metadata.name ? `${chart.metadata.name}-${chart.metadata.version}` : 'MISSING'

/** The revision that `--revision` names, else the newest. @throws Error */
async function releaseOf(session: Session, name = firstArg(session)): Promise<Release> {
  await session.kube.requireReachable()
  if (releaseNameProblem(name)) throw new Error(`releaseContent: Release name is invalid: ${name}`)
  const revision = session.flags.int('revision')
  return revision > 0 ? session.storage.get(name, revision) : session.storage.last(name)
}

export const listCommand: HelmCommand = async (session) => {
  const { flags } = session
  const format = outputFormat(session)
  await session.kube.requireReachable()
  const filter = flags.str('filter') ? goRegex(flags.str('filter')) : undefined
  const storage = flags.bool('all-namespaces') ? session.storageOf('') : session.storage
  let releases = (await storage.list()).filter(({ name }) => !filter || filter.test(name))
  const wanted = wantedStates(session)
  if (!(wanted.size === 1 && wanted.has('superseded'))) {
    const newest = new Map<string, Release>()
    for (const release of releases) {
      const key = `${release.namespace}/${release.name}`
      const other = newest.get(key)
      if (!other || other.version <= release.version) newest.set(key, release)
    }
    releases = [...newest.values()]
  }
  releases = releases.filter(({ info }) => flags.bool('all') || wanted.has(info.status) || (wanted.has('pending') && isPending(info.status)))
  if (flags.str('selector')) {
    const selector = parseLabelSelector(flags.str('selector'))
    releases = releases.filter(({ labels }) => selector.matches(labels))
  }
  const sign = flags.bool('reverse') ? -1 : 1
  const order = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0
  releases.sort(flags.bool('date') ? (a, b) => sign * order(a.info.last_deployed, b.info.last_deployed) : (a, b) => sign * order(a.name, b.name))
  const offset = flags.int('offset')
  releases = offset >= releases.length ? [] : releases.slice(offset, flags.int('max') > 0 ? offset + flags.int('max') : undefined)
  if (flags.bool('short')) {
    const names = releases.map(({ name }) => name)
    session.out(format === 'json' ? jsonLine(names) : format === 'yaml' ? printYaml(names) : names.map((name) => `${name}\n`).join(''))
    return
  }
  const layout = flags.str('time-format') || '2006-01-02 15:04:05.999999999 -0700 MST'
  const rows = releases.map((release) => ({
    name: release.name, namespace: release.namespace, revision: String(release.version), updated: release.info.last_deployed ? formatTime(layout, Date.parse(release.info.last_deployed)) : '-',
    status: release.info.status, chart: chartName(release), app_version: release.chart.metadata.appVersion ?? '',
  }))
  write(session, rows, () => {
    const cells = rows.map((row) => Object.values(row) as string[])
    return `${tableText([...(flags.bool('no-headers') ? [] : [['NAME', 'NAMESPACE', 'REVISION', 'UPDATED', 'STATUS', 'CHART', 'APP VERSION']]), ...cells])}\n`
  })
}

function wantedStates({ flags }: Session): Set<string> {
  const states = new Set(['deployed', 'uninstalled', 'uninstalling', 'pending', 'failed', 'superseded'].filter((state) => flags.bool(state)))
  return states.size > 0 ? states : new Set(['deployed', 'failed'])
}

export const statusCommand: HelmCommand = async (session) => {
  const { flags } = session
  const format = outputFormat(session)
  const release = await releaseOf(session)
  const shown = flags.bool('show-resources')
  if (shown && format !== 'table') release.info.resources = await releaseResources(session, release)
  const resources = shown && format === 'table' ? await releaseResources(session, release, true) : undefined
  write(session, releaseJson(release, false), () => statusText(session, release, { description: flags.bool('show-desc'), ...(resources === undefined ? {} : { resources }) }))
}

export const historyCommand: HelmCommand = async (session) => {
  outputFormat(session)
  await session.kube.requireReachable()
  const name = firstArg(session)
  if (releaseNameProblem(name)) throw new Error(`release name is invalid: ${name}`)
  const releases = (await session.storage.history(name)).sort(byRevision)
  const rows = releases.slice(-Math.max(0, session.flags.int('max'))).map((release) => ({
    revision: release.version, updated: release.info.last_deployed, status: release.info.status, chart: chartName(release), app_version: release.chart.metadata.appVersion ?? '', description: release.info.description,
  }))
  write(session, rows, () => `${tableText([['REVISION', 'UPDATED', 'STATUS', 'CHART', 'APP VERSION', 'DESCRIPTION'], ...rows.map((row) => [String(row.revision), readableTime(row.updated), row.status, row.chart, row.app_version, row.description])])}\n`)
}

export const rollbackCommand: HelmCommand = async (session) => {
  const { flags, args } = session
  let revision = 0
  if (args.length > 1) {
    if (!/^[+-]?\d+$/.test(args[1]!)) throw new Error(`could not convert revision to a number: strconv.Atoi: parsing ${JSON.stringify(args[1])}: invalid syntax`)
    revision = Number(args[1])
  }
  await rollback(session, args[0]!, {
    revision, dryRun: flags.bool('dry-run'), force: flags.bool('force'), noHooks: flags.bool('no-hooks'), wait: flags.bool('wait'), waitForJobs: flags.bool('wait-for-jobs'),
    cleanupOnFail: flags.bool('cleanup-on-fail'), maxHistory: session.maxHistory, timeoutMs: flags.duration('timeout'),
  })
  session.out('Rollback was a success! Happy Helming!\n')
}

/** The values of `uninstall --cascade`. */
const PROPAGATIONS: ReadonlyMap<string, Propagation> = new Map([['background', 'Background'], ['foreground', 'Foreground'], ['orphan', 'Orphan']])

export const uninstallCommand: HelmCommand = async (session) => {
  const { flags } = session
  const cascade = flags.str('cascade')
  const propagation = PROPAGATIONS.get(cascade)
  if (!propagation) throw new Error(`invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`)
  for (const name of session.args) {
    const told = await uninstall(session, name, {
      noHooks: flags.bool('no-hooks'), keepHistory: flags.bool('keep-history'), dryRun: flags.bool('dry-run'), ignoreNotFound: flags.bool('ignore-not-found'), wait: flags.bool('wait'),
      cascade: propagation, timeoutMs: flags.duration('timeout'), description: flags.str('description'),
    })
    session.out(`${told ? `${told}\n` : ''}release "${name}" uninstalled\n`)
  }
}

export const getAllCommand: HelmCommand = async (session) => {
  const release = await releaseOf(session)
  const template = session.flags.str('template')
  if (!template) { session.out(statusText(session, release, { debug: true, metadata: true })); return }
  const { chart, info } = release
  const set = new TemplateSet({ functions: sprigFunctions(session.proc) })
  set.parse('_', template)
  const fields = (of: Record<string, unknown>) => withIntegers(Object.fromEntries(Object.entries(of).map(([k, v]) => [k.replace(/(^|_)([a-z])/g, (_, __, c: string) => c.toUpperCase()), v])))
  session.out(set.execute('_', { Release: { ...fields({ name: release.name, namespace: release.namespace, version: release.version, manifest: release.manifest, config: release.config }) as object, Info: fields({ ...info }), Chart: { Metadata: fields({ ...chart.metadata }), Values: chart.values }, Hooks: release.hooks.map((hook) => fields({ ...hook })) } }))
}

export const getValuesCommand: HelmCommand = async (session) => {
  outputFormat(session)
  const release = await releaseOf(session)
  const all = session.flags.bool('all')
  const values = plainValue(all ? coalesceValues(release.chart, release.config, session.warn) : release.config) as object
  const shown = !all && Object.keys(values).length === 0 ? null : values
  write(session, shown, () => `${all ? 'COMPUTED' : 'USER-SUPPLIED'} VALUES:\n${printYaml(shown)}`)
}

export const getManifestCommand: HelmCommand = async (session) => session.out(`${(await releaseOf(session)).manifest}\n`)
export const getNotesCommand: HelmCommand = async (session) => {
  const { notes } = (await releaseOf(session)).info
  if (notes) session.out(`NOTES:\n${notes}\n`)
}
export const getHooksCommand: HelmCommand = async (session) => session.out((await releaseOf(session)).hooks.map((hook) => `---\n# Source: ${hook.path}\n${hook.manifest}\n`).join(''))

export const getMetadataCommand: HelmCommand = async (session) => {
  outputFormat(session)
  const { name, chart, namespace, version, info } = await releaseOf(session)
  const { metadata } = chart
  const deployedAt = formatTime('2006-01-02T15:04:05Z07:00', Date.parse(info.last_deployed))
  const annotations = metadata.annotations ?? {}
  const dependencies = metadata.dependencies ?? []
  const value = {
    name, chart: metadata.name ?? '', version: metadata.version ?? '', appVersion: metadata.appVersion ?? '', ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(dependencies.length > 0 ? { dependencies } : {}), namespace, revision: version, status: info.status, deployedAt,
  }
  write(session, value, () => [
    ['NAME', name], ['CHART', value.chart], ['VERSION', value.version], ['APP_VERSION', value.appVersion], ['ANNOTATIONS', Object.keys(annotations).sort().map((k) => `${k}=${annotations[k]}`).join(',')],
    ['DEPENDENCIES', dependencies.map((d) => d.name).sort().join(',')], ['NAMESPACE', namespace], ['REVISION', String(version)], ['STATUS', info.status], ['DEPLOYED_AT', deployedAt],
  ].map(([key, text]) => `${key}: ${text}\n`).join(''))
}
