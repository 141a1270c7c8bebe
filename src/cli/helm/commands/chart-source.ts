import { isGoMap, setOwn, sortedKeys } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { readAll } from '../../../base/streams.ts'
import { unixText } from '../../kubectl/factory.ts'
import { parseYaml } from '../../yaml.ts'
import { nameOf } from '../chart/chart.ts'
import type { Chart } from '../chart/chart.ts'
import { loadChart } from '../chart/load.ts'
import { downloadChart, fetchBytes } from '../repo/download.ts'
import { updateDependencies } from '../repo/dependency-manager.ts'
import type { Session } from '../session.ts'
import { setValues, textValue, typedValue } from '../values/set-flags.ts'

/** Where a chart is: a path of this machine, else it is fetched first. k8s: ChartPathOptions.LocateChart @returns an absolute path */
export async function locateChart(session: Session, given: string): Promise<string> {
  const name = given.trim()
  const path = session.resolve(name)
  if (name !== '' && session.proc.fs.exists(path)) {
    if (session.flags.str('repo')) session.err(`install.go:759: WARN local chart found in current working directory. repository url ignored chart=${name} repository=${session.flags.str('repo')}\n`)
    return path
  }
  if (name.startsWith('/') || name.startsWith('.')) throw new Error(`path ${JSON.stringify(name)} not found`)
  return downloadChart(session, name, chartVersion(session), session.repositoryCache)
}

/** The version that was asked for. */
export const chartVersion = (session: Session): string => session.flags.str('version').trim() || (session.flags.bool('devel') ? '>0.0.0-0' : '')

/** The chart of a command line, with what it needs. @throws Error */
export async function readChart(session: Session, given: string): Promise<Chart> {
  session.debug('install.go:225', `Original chart version: ${JSON.stringify(session.flags.str('version'))}`)
  const path = await locateChart(session, given)
  session.debug('install.go:242', `CHART PATH: ${path}\n`)
  return loadChart(path, session.proc.fs)
}

/** Refuses charts whose dependencies aren't there, or fetches them. k8s: action.CheckDependencies */
export async function withDependencies(session: Session, chart: Chart, given: string): Promise<Chart> {
  const missing = (chart.metadata.dependencies ?? []).filter((d) => !chart.dependencies.some((child) => nameOf(child) === d.name))
  if (missing.length === 0) return chart
  if (!session.flags.bool('dependency-update')) throw new Error(`An error occurred while checking for chart dependencies. You may need to run \`helm dependency build\` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: ${missing.map((d) => d.name).join(', ')}`)
  const path = await locateChart(session, given)
  await updateDependencies(session, path, { skipRefresh: false })
  return loadChart(path, session.proc.fs)
}

/** What -f, --set and their kin give. k8s: cli/values Options.MergeValues @throws Error */
export async function givenValues(session: Session): Promise<GoMap> {
  const { flags } = session
  let values: GoMap = {}
  for (const file of flags.list('values')) {
    const text = await readGiven(session, file)
    let parsed: unknown
    try {
      parsed = parseYaml(text)
    } catch (error) {
      const { message } = error as Error
      throw new Error(`failed to parse ${file}: error converting YAML to JSON: ${message.startsWith('yaml: ') ? message : `yaml: ${message}`}`)
    }
    if (parsed === null || parsed === undefined) continue
    if (!isGoMap(parsed)) throw new Error(`failed to parse ${file}: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${Array.isArray(parsed) ? 'array' : typeof parsed === 'boolean' ? 'bool' : typeof parsed} into Go value of type map[string]interface {}`)
    values = merged(values, parsed)
  }
  for (const text of flags.list('set-json')) {
    try {
      if (text.trimStart().startsWith('{') && isGoMap(JSON.parse(text))) values = merged(values, JSON.parse(text) as GoMap)
      else setValues(text, values, undefined)
    } catch {
      throw new Error(`failed parsing --set-json data ${text}`)
    }
  }
  const parse = (flag: string, read: Parameters<typeof setValues>[2]) => {
    for (const text of flags.list(flag)) {
      try {
        setValues(text, values, read)
      } catch (error) {
        throw new Error(`failed parsing --${flag} data: ${(error as Error).message}`)
      }
    }
  }
  parse('set', typedValue)
  parse('set-string', textValue)
  parse('set-file', (path) => {
    try {
      return session.proc.fs.readText(session.resolve(path))
    } catch (error) {
      throw new Error(`open ${path}: ${unixText(error)}`)
    }
  })
  for (const text of flags.list('set-literal')) {
    const at = text.indexOf('=')
    if (at < 0) throw new Error(`failed parsing --set-literal data: key ${JSON.stringify(text)} has no value`)
    setValues(`${text.slice(0, at)}=x`, values, () => text.slice(at + 1))
  }
  return values
}

async function readGiven(session: Session, file: string): Promise<string> {
  if (file.trim() === '-') return new TextDecoder().decode(await readAll(session.proc.stdin))
  if (/^https?:\/\//.test(file)) return new TextDecoder().decode(await fetchBytes(session, file))
  try {
    return session.proc.fs.readText(session.resolve(file))
  } catch (error) {
    throw new Error(`open ${file}: ${unixText(error)}`)
  }
}

function merged(a: GoMap, b: GoMap): GoMap {
  const out = { ...a }
  for (const key of sortedKeys(b)) {
    const value = b[key]
    const there = out[key]
    setOwn(out, key, isGoMap(value) && isGoMap(there) ? merged(there, value) : value)
  }
  return out
}
