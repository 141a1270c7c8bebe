import { install } from '../actions/install.ts'
import type { InstallOptions } from '../actions/install.ts'
import type { Release } from '../release/release.ts'
import { releaseJson } from '../release/release.ts'
import type { Session } from '../session.ts'
import { outputFormat, write } from '../output.ts'
import { givenValues, readChart, withDependencies } from './chart-source.ts'
import type { HelmCommand } from './command.ts'
import { randomName } from './name-template.ts'
import { statusText } from './status-text.ts'

/** The release's name and the chart of a command line. k8s: Install.NameAndChart @throws Error */
export function nameAndChart(session: Session, standardName = ''): { name: string; chart: string } {
  const { args, flags } = session
  if (args.length > 2) throw new Error(`expected at most two arguments, unexpected arguments: ${args.slice(2).join(', ')}`)
  if (args.length === 2) {
    if (flags.bool('generate-name')) throw new Error('cannot set --generate-name and also specify a name')
    if (flags.str('name-template')) throw new Error('cannot set --name-template and also specify a name')
    return { name: args[0]!, chart: args[1]! }
  }
  const chart = args[0]!
  if (flags.str('name-template')) return { name: randomName(session, flags.str('name-template')), chart }
  if (standardName) return { name: standardName, chart }
  if (!flags.bool('generate-name')) throw new Error('must either provide a name or specify --generate-name')
  let base = chart.replace(/\/+$/, '').split('/').at(-1) ?? ''
  if (base === '.' || base === '') base = 'chart'
  return { name: `${base.split('.')[0] === '' ? '' : base.split('.')[0]}-${Math.floor(session.nowMs() / 1000)}`, chart }
}

/** What `--dry-run` says: empty for a real run. @throws Error */
export function dryRunOf(session: Session): '' | 'client' | 'server' {
  const text = session.flags.str('dry-run')
  if (!['', 'false', 'true', 'none', 'client', 'server'].includes(text)) throw new Error('Invalid dry-run flag. Flag must one of the following: false, true, none, client, server')
  return text === 'server' ? 'server' : text === 'client' || text === 'true' ? 'client' : ''
}

/** The flags that install, template and upgrade --install share. */
export function installOptions(session: Session, name: string): InstallOptions {
  const { flags } = session
  return {
    name, namespace: session.namespace, dryRun: dryRunOf(session), clientOnly: false, isUpgrade: flags.bool('is-upgrade'), createNamespace: flags.bool('create-namespace'), replace: flags.bool('replace'),
    wait: flags.bool('wait'), waitForJobs: flags.bool('wait-for-jobs'), atomic: flags.bool('atomic'), force: flags.bool('force'), noHooks: flags.bool('no-hooks'), skipCrds: flags.bool('skip-crds'),
    includeCrds: flags.bool('include-crds'), subNotes: flags.bool('render-subchart-notes'), hideSecret: flags.bool('hide-secret'), skipSchema: flags.bool('skip-schema-validation'),
    validate: !flags.bool('disable-openapi-validation'), takeOwnership: flags.bool('take-ownership'), timeoutMs: flags.duration('timeout'), description: flags.str('description'), labels: flags.map('labels'),
  }
}

/** Reads what the command line names and installs it. @throws Error */
export async function runInstall(session: Session, given: { name: string; chart: string }, options: (name: string) => InstallOptions): Promise<Release> {
  if (session.flags.str('post-renderer')) throw new Error('post renderers are not available in Drydock')
  const chartPath = given.chart
  let chart = await readChart(session, chartPath)
  const values = await givenValues(session)
  const { type } = chart.metadata
  if (type && type !== 'application') throw new Error(`${type} charts are not installable`)
  if (chart.metadata.deprecated) session.err('WARNING: This chart is deprecated\n')
  chart = await withDependencies(session, chart, chartPath)
  session.cancelOnSignal(session.args[0]!)
  return install(session, chart, values, options(given.name))
}

export const installCommand: HelmCommand = async (session) => {
  outputFormat(session)
  let release: Release
  try {
    release = await runInstall(session, nameAndChart(session), (name) => installOptions(session, name))
  } catch (error) {
    throw new Error(`INSTALLATION FAILED: ${(error as Error).message}`)
  }
  write(session, releaseJson(release), () => statusText(session, release, { debug: session.isDebug, hideNotes: session.flags.bool('hide-notes') }))
}
