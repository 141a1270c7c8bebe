import { upgrade } from '../actions/upgrade.ts'
import { byRevision, releaseJson } from '../release/release.ts'
import type { Release } from '../release/release.ts'
import { ReleaseNotFound } from '../release/storage.ts'
import { outputFormat, write } from '../output.ts'
import { givenValues, readChart, withDependencies } from './chart-source.ts'
import type { HelmCommand } from './command.ts'
import { dryRunOf, installOptions, runInstall } from './install.ts'
import { statusText } from './status-text.ts'

export const upgradeCommand: HelmCommand = async (session) => {
  const { flags } = session
  const [name, chartPath] = session.args as [string, string]
  const format = outputFormat(session)
  const show = (release: Release) => write(session, releaseJson(release), () => statusText(session, release, { debug: session.isDebug, hideNotes: flags.bool('hide-notes') }))
  if (flags.bool('install')) {
    // Without a cluster nothing can be told of releases.
    await session.kube.requireReachable()
    const last = await session.storage.history(name).then((all) => all.sort(byRevision).at(-1), (error: Error) => { if (error instanceof ReleaseNotFound) return undefined; throw error })
    if (!last || last.info.status === 'uninstalled') {
      if (format === 'table') session.out(`Release ${JSON.stringify(name)} does not exist. Installing it now.\n`)
      show(await runInstall(session, { name, chart: chartPath }, () => ({ ...installOptions(session, name), replace: last !== undefined })))
      return
    }
  }
  const found = await readChart(session, chartPath)
  const dryRun = dryRunOf(session)
  const values = await givenValues(session)
  const chart = await withDependencies(session, found, chartPath)
  if (chart.metadata.deprecated) session.err('WARNING: This chart is deprecated\n')
  session.cancelOnSignal(name)
  let release: Release
  try {
    release = await upgrade(session, name, chart, values, {
      dryRun, resetValues: flags.bool('reset-values'), reuseValues: flags.bool('reuse-values'), resetThenReuseValues: flags.bool('reset-then-reuse-values'), wait: flags.bool('wait'),
      waitForJobs: flags.bool('wait-for-jobs'), atomic: flags.bool('atomic'), force: flags.bool('force'), noHooks: flags.bool('no-hooks'), cleanupOnFail: flags.bool('cleanup-on-fail'),
      subNotes: flags.bool('render-subchart-notes'), hideSecret: flags.bool('hide-secret'), skipSchema: flags.bool('skip-schema-validation'), validate: !flags.bool('disable-openapi-validation'),
      takeOwnership: flags.bool('take-ownership'), timeoutMs: flags.duration('timeout'), maxHistory: session.maxHistory, description: flags.str('description'), labels: flags.map('labels'),
    })
  } catch (error) {
    throw new Error(`UPGRADE FAILED: ${(error as Error).message}`)
  }
  if (format === 'table') session.out(`Release ${JSON.stringify(name)} has been upgraded. Happy Helming!\n`)
  show(release)
}
