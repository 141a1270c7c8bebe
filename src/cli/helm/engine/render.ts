import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import { TemplateExecError, TemplateSet } from '../../../cluster/kinds/go-template/go-template.ts'
import { goFunction, GoInt, isNil, typedMap } from '../../../cluster/kinds/go-template/values.ts'
import type { GoFunction, GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { quoted } from '../../../cluster/kinds/go-text.ts'
import { chartFullPath, nameOf, textOf } from '../chart/chart.ts'
import type { Chart } from '../chart/chart.ts'
import { tableAt } from '../values/coalesce.ts'
import { BUILD_INFO } from '../version.ts'
import { capabilitiesObject, chartObject, filesObject } from './objects.ts'
import type { Capabilities } from './objects.ts'
import { certificateFunctions } from './certificate-functions.ts'
import { sprigFunctions } from './sprig.ts'
import { YAML_FUNCTIONS } from './yaml-functions.ts'

/** What templates know of the release that they are rendered for. */
export interface ReleaseFacts { name: string; namespace: string; revision: number; isInstall: boolean; isUpgrade: boolean }

export interface RenderOptions {
  chart: Chart
  /** All values, defaults included. */
  values: GoMap
  release: ReleaseFacts
  capabilities: Capabilities
  clock: Clock
  random: Random
  /** Missing values that are required don't fail. */
  lint?: (note: string) => void
  /** Missing keys fail. */
  strict?: boolean
  /** Asks the cluster for objects; without it lookups find nothing. */
  lookup?: (apiVersion: string, kind: string, namespace: string, name: string) => Promise<GoMap>
}

/** Something must be waited for: the template is carried out again once it is there. */
class Pending extends Error {
  readonly passesTemplates = true
  readonly work: Promise<unknown>
  constructor(work: Promise<unknown>) {
    super('pending')
    this.work = work
  }
}

/** What took time and is there now, for templates, which can't wait. */
class Awaited {
  readonly #found = new Map<string, { value: unknown } | { error: Error }>()
  readonly #calls = new Map<string, number>()
  #file = ''

  /** A template is carried out from its beginning. */
  begin(file: string): void {
    this.#calls.clear()
    this.#file = file
  }

  /** The result of some work, which is done once for equal keys. @throws Pending until it is there, then its own error */
  get(key: string, work: () => Promise<unknown>): unknown {
    const known = this.#found.get(key)
    if (!known) throw new Pending(work().then((value) => { this.#found.set(key, { value }) }, (error: Error) => { this.#found.set(key, { error }) }))
    if ('error' in known) throw known.error
    return known.value
  }

  /** The same for work that gives something else each time it is asked for. */
  fresh(what: string, work: () => Promise<unknown>): unknown {
    const call = (this.#calls.get(what) ?? 0) + 1
    this.#calls.set(what, call)
    return this.get(`${this.#file} ${what} ${call}`, work)
  }
}

const MAX_REFERENCES = 1000
const WARNING = /HELM_ERR_START([\s\S]*)HELM_ERR_END/
const warning = (text: string) => `HELM_ERR_START${text}HELM_ERR_END`
/** A failure of `required` and `fail` tells its text only. */
const withoutNoValue = (text: string) => text.replaceAll('<no value>', '')

/**
 * Carries out the templates of a chart and the charts inside it. k8s: helm.sh/helm/v3/pkg/engine Engine.Render
 * @returns what each made, by its path; partials are left out
 * @throws Error in Helm's words
 */
export async function renderChart(options: RenderOptions): Promise<Map<string, string>> {
  const { clock } = options
  const templates = new Map<string, { text: string; data: GoMap; basePath: string }>()
  collect(options, options.chart, { Values: options.values }, templates)
  const files = [...templates.keys()].sort(deepestFirst)
  const awaited = new Awaited()
  const set = templateSet(options, awaited)
  for (const file of files) {
    try {
      set.parse(file, templates.get(file)!.text)
    } catch (error) {
      throw parseFailure(file, error as Error)
    }
  }
  const rendered = new Map<string, string>()
  for (const file of files) {
    if (file.slice(file.lastIndexOf('/') + 1).startsWith('_')) continue
    await clock.breathe()
    const { data, basePath } = templates.get(file)!
    data['Template'] = typedMap('chartutil.Values', { Name: file, BasePath: basePath })
    for (;;) {
      try {
        set.depth = 0
        awaited.begin(file)
        rendered.set(file, withoutNoValue(set.execute(file, data)))
        break
      } catch (error) {
        if (!(error instanceof Pending)) throw execFailure(error as Error)
        await error.work
      }
    }
  }
  return rendered
}

/** Templates with what each of them sees. k8s: recAllTpls */
function collect(options: RenderOptions, chart: Chart, parent: GoMap, into: Map<string, { text: string; data: GoMap; basePath: string }>): GoMap {
  const { release } = options
  const inner: GoMap = {}
  const values = chart.parent === undefined || chart === options.chart ? parent['Values'] as GoMap : tableAt(parent, `Values.${nameOf(chart)}`) ?? {}
  const data: GoMap = {
    Chart: chartObject(chart), Files: filesObject(chart.files), Capabilities: capabilitiesObject(options.capabilities, BUILD_INFO), Values: typedMap('chartutil.Values', values), Subcharts: inner,
    Release: { Name: release.name, Namespace: release.namespace, IsUpgrade: release.isUpgrade, IsInstall: release.isInstall, Revision: new GoInt(release.revision), Service: 'Helm' },
  }
  for (const child of chart.dependencies) inner[nameOf(child)] = collect(options, child, data, into)
  const path = chartFullPath(chart)
  for (const template of chart.templates) {
    if (chart.metadata.type?.toLowerCase() === 'library' && !template.name.slice(template.name.lastIndexOf('/') + 1).startsWith('_')) continue
    into.set(`${path}/${template.name}`, { text: textOf(template), data, basePath: `${path}/templates` })
  }
  return data
}

/** Files of charts inside come first, so that those outside may define templates anew. */
function deepestFirst(a: string, b: string): number {
  const depth = b.split('/').length - a.split('/').length
  return depth !== 0 ? depth : a < b ? 1 : a > b ? -1 : 0
}

function templateSet(options: RenderOptions, awaited: Awaited): TemplateSet {
  const { lint, lookup } = options
  const standard: Record<string, GoFunction> = { ...sprigFunctions(options), ...YAML_FUNCTIONS }
  delete standard['env']
  delete standard['expandenv']
  standard['required'] = goFunction('string, any', (text: string, value) => {
    if (!isNil(value) && value !== '') return value
    if (!lint) throw new Error(warning(text))
    lint(`Missing required value: ${text}`)
    return ''
  })
  standard['fail'] = goFunction('string', (text: string) => {
    if (!lint) throw new Error(warning(text))
    lint(`Fail: ${text}`)
    return ''
  })
  standard['lookup'] = goFunction('string, string, string, string', (apiVersion: string, kind: string, namespace: string, name: string) => {
    if (!lookup || lint) return {}
    return awaited.get(['lookup', apiVersion, kind, namespace, name].join(' '), () => lookup(apiVersion, kind, namespace, name))
  })
  Object.assign(standard, certificateFunctions(options, (what, work) => awaited.fresh(what, () => options.clock.outside(work()))))
  const references = new Map<string, number>()
  const withReferences = (of: () => TemplateSet): Record<string, GoFunction> => ({
    ...standard,
    include: goFunction('string, any', (name: string, data) => {
      const depth = references.get(name) ?? 0
      if (depth > MAX_REFERENCES) throw new Error(`rendering template has a nested reference name: ${name}: unable to execute template`)
      references.set(name, depth + 1)
      try {
        return of().execute(name, data)
      } catch (error) {
        if (error instanceof RangeError) throw new Error(`rendering template has a nested reference name: ${name}: unable to execute template`)
        throw error
      } finally {
        references.set(name, depth)
      }
    }),
    tpl: goFunction('string, any', (text: string, data) => {
      const copy: TemplateSet = of().clone(withReferences(() => copy))
      try {
        copy.parse('gotpl', text)
      } catch (error) {
        throw new Error(`cannot parse template ${quoted(text)}: ${(error as Error).message}`)
      }
      // Blanks and definitions alone make nothing.
      if (!copy.lookup('gotpl')) return ''
      try {
        return withoutNoValue(copy.execute('gotpl', data))
      } catch (error) {
        if (error instanceof Pending) throw error
        throw new Error(`error during tpl function execution for ${quoted(text)}: ${(error as Error).message}`)
      }
    }),
  })
  const set: TemplateSet = new TemplateSet({ missingKey: options.strict ? 'error' : 'zero', functions: withReferences(() => set) })
  return set
}

/** Only where it is and the last of its reasons. k8s: cleanupParseError */
function parseFailure(file: string, error: Error): Error {
  const parts = error.message.split(': ')
  return new Error(parts.length === 1 ? `parse error in (${file}): ${error.message}` : `parse error at (${parts[1]}): ${parts.at(-1)}`)
}

/** k8s: cleanupExecError */
function execFailure(error: Error): Error {
  if (error instanceof RangeError) return new Error(`rendering template failed: ${error.message}`)
  if (!(error instanceof TemplateExecError)) return error
  const [, location, rest] = /^.*?: (.*?): ([\s\S]*)$/.exec(error.message) ?? []
  if (rest === undefined) return error
  const text = WARNING.exec(rest)?.[1]
  return text === undefined ? error : new Error(`execution error at (${location}): ${text}`)
}
