/** The commands that make charts and look at them. */
import { unixText } from '../../kubectl/factory.ts'
import { JsonPath } from '../../../cluster/kinds/jsonpath.ts'
import { plainValue } from '../../../cluster/kinds/go-template/values.ts'
import { printYaml } from '../../yaml.ts'
import { crdsOf, metadataJson, nameOf, textOf } from '../chart/chart.ts'
import type { Chart } from '../chart/chart.ts'
import { loadArchive, loadChart } from '../chart/load.ts'
import { archived, saveChart } from '../chart/save.ts'
import { lintChart } from '../chart/lint.ts'
import type { LintMessage } from '../chart/lint.ts'
import { tableText } from '../output.ts'
import { chartUrl, downloadChart } from '../repo/download.ts'
import { buildDependencies, updateDependencies } from '../repo/dependency-manager.ts'
import { parseConstraint, parseStrictVersion, parseVersion, satisfies } from '../semver.ts'
import type { Session } from '../session.ts'
import { STARTER_CHART } from '../starter-chart.ts'
import { chartVersion, givenValues, locateChart } from './chart-source.ts'
import type { HelmCommand } from './command.ts'
import { parseKubeVersion } from './template.ts'

export const createCommand: HelmCommand = async (session) => {
  const given = session.args[0]!
  const name = given.replace(/\/+$/, '').split('/').at(-1)!
  if (session.flags.str('starter')) throw new Error('starter charts are not available in Drydock')
  session.out(`Creating ${given}\n`)
  if (name === '' || name.length > 250) throw new Error('chart name must be between 1 and 250 characters')
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) throw new Error('chart name must match the regular expression "^[a-zA-Z0-9._-]+$"')
  const { fs } = session.proc
  const folder = session.resolve(given)
  const parent = folder.slice(0, folder.lastIndexOf('/')) || '/'
  if (!fs.exists(parent)) throw new Error(`stat ${parent}: no such file or directory`)
  if (fs.exists(folder) && fs.stat(folder).type !== 'directory') throw new Error(`file ${folder} already exists and is not a directory`)
  for (const [file, text] of Object.entries(STARTER_CHART)) {
    const path = `${folder}/${file}`
    if (fs.exists(path)) session.err(`WARNING: File ${JSON.stringify(path)} already exists. Overwriting.\n`)
    fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    fs.writeFile(path, text.replaceAll('<CHARTNAME>', name))
  }
  fs.mkdir(`${folder}/charts`, { recursive: true })
}

export const showCommand = (what: 'all' | 'chart' | 'values' | 'readme' | 'crds'): HelmCommand => async (session) => {
  const chart = await loadChart(await locateChart(session, session.args[0]!), session.proc.fs)
  const all = what === 'all'
  let out = ''
  if (what === 'chart' || all) out += `${printYaml(metadataJson(chart.metadata))}\n`
  const values = chart.raw.find((file) => file.name === 'values.yaml')
  if ((what === 'values' || all) && chart.values) {
    if (all) out += '---\n'
    const path = session.flags.str('jsonpath')
    if (path) out += new JsonPath(path).print(plainValue(chart.values), false)
    else if (values) out += `${textOf(values)}\n`
  }
  const readme = chart.files.find((file) => ['readme.md', 'readme.txt', 'readme'].includes(file.name.toLowerCase()))
  if ((what === 'readme' || all) && readme) out += `${all ? '---\n' : ''}${textOf(readme)}\n`
  const crds = crdsOf(chart)
  if ((what === 'crds' || all) && crds.length > 0) {
    if (all && !textOf(crds[0]!.file).startsWith('---')) out += '---\n'
    out += crds.map(({ file }) => `${textOf(file)}\n`).join('')
  }
  session.out(out)
}

export const packageCommand: HelmCommand = async (session) => {
  const { flags, args } = session
  if (args.length === 0) throw new Error('need at least one argument, the path to the chart')
  if (flags.bool('sign')) throw new Error('signing charts is not available in Drydock')
  for (const given of args) {
    const path = session.resolve(given)
    if (!session.proc.fs.exists(path)) throw new Error(`stat ${given}: no such file or directory`)
    if (flags.bool('dependency-update')) await updateDependencies(session, path, { skipRefresh: false })
    const chart = await loadChart(path, session.proc.fs)
    if (flags.str('version')) chart.metadata.version = flags.str('version')
    if (!parseVersion(chart.metadata.version ?? '')) throw new Error('invalid semantic version')
    if (flags.str('app-version')) chart.metadata.appVersion = flags.str('app-version')
    const missing = (chart.metadata.dependencies ?? []).filter((d) => !chart.dependencies.some((child) => nameOf(child) === d.name))
    if (missing.length > 0) throw new Error(`found in Chart.yaml, but missing in charts/ directory: ${missing.map((d) => d.name).join(', ')}`)
    const destination = flags.str('destination')
    const saved = saveChart(chart, session.resolve(destination), session.proc.fs, session.nowMs())
    session.out(`Successfully packaged chart and saved it to: ${destination === '.' || destination.startsWith('/') ? saved : `${destination.replace(/^\.\//, '').replace(/\/+$/, '')}/${saved.split('/').at(-1)}`}\n`)
  }
}

export const pullCommand: HelmCommand = async (session) => {
  const { flags } = session
  const { fs } = session.proc
  for (const reference of session.args) {
    const destination = flags.str('destination')
    // The real one writes beside the archive first.
    if (!fs.exists(session.resolve(destination)) && !flags.bool('untar')) throw new Error(`open ${destination}/${(await chartUrl(session, reference, chartVersion(session))).split('/').at(-1)}${session.proc.random.uint32()}: no such file or directory`)
    if (!flags.bool('untar')) { await downloadChart(session, reference, chartVersion(session), destination); continue }
    const saved = await downloadChart(session, reference, chartVersion(session), '/tmp/helm-pull')
    const folder = flags.str('untardir').startsWith('/') ? flags.str('untardir') : `${destination}/${flags.str('untardir')}`
    const chart = await loadArchive(fs.readFile(saved))
    fs.remove(saved)
    const target = `${folder.replace(/^(?:\.\/+)+/, '').replace(/^\.$/, '').replace(/(.)\/*$/, '$1/').replace(/\/\.\//g, '/')}${reference.split('/').at(-1)}`
    if (fs.exists(session.resolve(target))) throw new Error(`failed to untar: a file or directory with the name ${target} already exists`)
    for (const { name, data } of archived(chart, '')) {
      const path = `${session.resolve(folder)}/${name}`
      fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
      fs.writeFile(path, data)
    }
  }
}

export const lintCommand: HelmCommand = async (session) => {
  const { flags } = session
  const paths = session.args.length > 0 ? [...session.args] : ['.']
  const kubeVersion = flags.str('kube-version') ? parseKubeVersion(flags.str('kube-version')) : undefined
  if (flags.bool('with-subcharts')) for (const path of [...paths]) paths.push(...subcharts(session, path))
  const values = await givenValues(session)
  let out = ''
  let failed = 0
  let noticed = 0
  for (const path of paths) {
    let messages: LintMessage[] = []
    const errors: string[] = []
    try {
      messages = await lintChart(session, path, values, { ...(kubeVersion ? { kubeVersion } : {}), skipSchema: flags.bool('skip-schema-validation') })
      errors.push(...messages.filter(({ severity }) => severity === 'ERROR' || (severity === 'WARNING' && flags.bool('strict'))).map(({ text }) => text))
    } catch (error) {
      errors.push((error as Error).message)
    }
    const bad = errors.length > 0 || messages.some(({ severity }) => severity !== 'INFO')
    if (bad) noticed++
    if (flags.bool('quiet') && !bad) continue
    out += `==> Linting ${path}\n`
    if (messages.length === 0) out += errors.map((text) => `Error ${text}\n`).join('')
    for (const { severity, path: file, text } of messages) if (!flags.bool('quiet') || severity !== 'INFO') out += `[${severity}] ${file}: ${text}\n`
    if (errors.length > 0) failed++
    out += '\n'
  }
  session.out(out)
  const summary = `${paths.length} chart(s) linted, ${failed} chart(s) failed`
  if (failed > 0) throw new Error(summary)
  if (!flags.bool('quiet') || noticed > 0) session.out(`${summary}\n`)
}

function subcharts(session: Session, path: string): string[] {
  const { fs } = session.proc
  const out: string[] = []
  const walk = (relative: string) => {
    const folder = session.resolve(relative)
    if (!fs.exists(folder) || fs.stat(folder).type !== 'directory') return
    for (const name of fs.readdir(folder)) {
      if (name === 'Chart.yaml') out.push(relative)
      else if (/\.(tgz|tar\.gz)$/.test(name)) out.push(`${relative}/${name}`)
      else walk(`${relative}/${name}`)
    }
  }
  walk(`${path.replace(/\/+$/, '')}/charts`)
  return out
}

export const dependencyListCommand: HelmCommand = async (session) => {
  const given = (session.args[0] ?? '.').replace(/(.)\/+$/, '$1')
  let chart: Chart
  try {
    chart = await loadChart(session.resolve(given), session.proc.fs)
  } catch (error) {
    throw (error as { code?: string }).code ? new Error(`stat ${given}: ${unixText(error)}`) : error
  }
  const wanted = chart.metadata.dependencies
  const shown = (name: string) => given === '.' ? name : `${given.replace(/^\.\//, '')}/${name}`
  if (!wanted) { session.out(`WARNING: no dependencies at ${shown('charts')}\n`); return }
  const { fs } = session.proc
  const folder = `${session.resolve(given)}/charts`
  const files = fs.exists(folder) ? fs.readdir(folder) : []
  const rows = [['NAME', 'VERSION', 'REPOSITORY', 'STATUS']]
  for (const d of wanted) {
    const state = async () => {
      const archives = files.filter((file) => file.startsWith(`${d.name}-`) && file.endsWith('.tgz'))
      const versioned = archives.length > 1 ? archives.filter((file) => parseStrictVersion(file.slice(d.name.length + 1, -4))) : archives
      if (versioned.length > 1) return 'too many matches'
      const check = (version: string | undefined, fine: string) => {
        if (version === d.version) return fine
        try {
          const parsed = parseVersion(version ?? '')
          return parsed ? satisfies(parsed, parseConstraint(d.version ?? '')) ? fine : 'wrong version' : 'invalid version'
        } catch {
          return 'invalid version'
        }
      }
      if (versioned.length === 1) {
        const found = await loadArchive(fs.readFile(`${folder}/${versioned[0]}`)).catch(() => undefined)
        return !found ? 'corrupt' : nameOf(found) !== d.name ? 'misnamed' : check(found.metadata.version, 'ok')
      }
      const found = chart.dependencies.find((child) => nameOf(child) === d.name)
      return found ? check(found.metadata.version, 'unpacked') : 'missing'
    }
    rows.push([d.name, d.version ?? '', d.repository ?? '', await state()])
  }
  let out = `${tableText(rows, session.flags.int('max-col-width') || 80)}\n\n`
  for (const file of files) {
    const path = `${folder}/${file}`
    if (fs.stat(path).type !== 'directory' && !file.endsWith('.tgz')) continue
    const found = await loadChart(path, fs).catch(() => undefined)
    if (!found) out += `WARNING: ${JSON.stringify(shown(`charts/${file}`))} is not a chart.\n`
    else if (!wanted.some((d) => d.name === nameOf(found))) out += `WARNING: ${JSON.stringify(shown(`charts/${file}`))} is not in Chart.yaml.\n`
  }
  session.out(out)
}

export const dependencyUpdateCommand: HelmCommand = async (session) => updateDependencies(session, chartArgument(session), { skipRefresh: session.flags.bool('skip-refresh') })
export const dependencyBuildCommand: HelmCommand = async (session) => buildDependencies(session, chartArgument(session), { skipRefresh: session.flags.bool('skip-refresh') })
const chartArgument = (session: Session) => session.resolve((session.args[0] ?? '.').replace(/(.)\/+$/, '$1'))
