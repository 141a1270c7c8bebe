import type { KubeObject } from '../../cluster/kinds/object.ts'
import { printYaml } from '../yaml.ts'
import { lowerGroupKind, parseGroupVersion } from './discovery.ts'
import { inGoOrder } from '../../cluster/kinds/go-order.ts'
import { schemaNameOf } from './gvk-schema.ts'
import { unixText } from './factory.ts'
import type { Factory } from './factory.ts'
import { escapeHtml, goJson, goSprint } from '../../cluster/kinds/go-text.ts'
import { goSyntax } from '../../cluster/kinds/patch/go-format.ts'
import { GoTemplate } from '../../cluster/kinds/go-template/go-template.ts'
import { withIntegers } from '../../cluster/kinds/go-template/values.ts'
import { KUBECTL_FUNCTIONS } from './template-functions.ts'
import { JsonPath, relaxedJsonPath } from '../../cluster/kinds/jsonpath.ts'
import { klogLine } from './klog.ts'
import { printKyaml, printSortedKyaml } from './kyaml.ts'
import { TableLayout } from './tab-writer.ts'

/** Turns objects into text, one after the other. */
export type ObjectPrinter = (object: KubeObject) => string

const JSON_YAML = ['json', 'yaml', 'kyaml']
const TEMPLATES = ['go-template', 'go-template-file', 'jsonpath', 'jsonpath-as-json', 'jsonpath-file', 'template', 'templatefile']
export const GET_FORMATS = [...JSON_YAML, 'name', ...TEMPLATES, 'custom-columns', 'custom-columns-file', 'wide']

export interface PrinterOptions {
  /** The word behind `kind/name`: created, labeled ... */
  operation?: string
  /** Which formats are offered; default all but columns. */
  formats?: readonly string[]
  /** What no -o means; default `name` with the operation. */
  defaultOutput?: string
  /** JSON keeps the order of the object's keys, as it does for types of kubectl's own. */
  keepOrder?: boolean
  /** JSON has the order of Go's structs: the command knows the objects' types. */
  typed?: boolean
}

/** How dry runs mark what they print. */
export function dryRunSuffix(strategy: DryRun): string {
  return strategy === 'client' ? ' (dry run)' : strategy === 'server' ? ' (server dry run)' : ''
}

export type DryRun = 'none' | 'client' | 'server'

/** --dry-run; older forms are taken with a warning. k8s: cmdutil.GetDryRunStrategy @throws Error for other words */
export function dryRunOf(f: Factory): DryRun {
  const value = f.flags.str('dry-run')
  const warn = (line: number, text: string) => {
    // The word stays for later calls, so the warning is said once.
    f.flags.put('dry-run', text.endsWith('none.') ? 'none' : 'client')
    void f.io.err(klogLine(f.proc, 'W', `helpers.go:${line}`, text))
  }
  switch (value) {
    case 'client': return 'client'
    case 'server': return 'server'
    case '': case 'none': return 'none'
    case 'unchanged':
      warn(719, '--dry-run is deprecated and can be replaced with --dry-run=client.')
      return 'client'
    case '1': case 't': case 'T': case 'true': case 'TRUE': case 'True':
      warn(733, `--dry-run=${value} is deprecated (boolean value) and can be replaced with --dry-run=client.`)
      return 'client'
    case '0': case 'f': case 'F': case 'false': case 'FALSE': case 'False':
      warn(736, `--dry-run=${value} is deprecated (boolean value) and can be replaced with --dry-run=none.`)
      return 'none'
    default: throw new Error(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`)
  }
}

/** The printer that -o asks for. @throws Error for unknown formats and bad templates */
export function printerFor(f: Factory, options: PrinterOptions = {}): ObjectPrinter {
  let format = f.flags.str('output')
  if (!format && f.flags.str('template')) format = 'go-template'
  format ||= options.defaultOutput ?? ''
  return printerOfFormat(f, format, options)
}

export function printerOfFormat(f: Factory, format: string, options: PrinterOptions = {}): ObjectPrinter {
  const at = format.indexOf('=')
  const kind = at < 0 ? format : format.slice(0, at)
  const inline = at < 0 ? f.flags.str('template') : format.slice(at + 1)
  const visible = f.flags.bool('show-managed-fields') ? (o: KubeObject) => o : withoutManagedFields
  const formats = options.formats ?? [...JSON_YAML, 'name', ...TEMPLATES]
  const operation = options.operation ? ` ${options.operation}` : ''
  switch (kind.toLowerCase()) {
    case 'json': return (object) => `${options.keepOrder ? escapeHtml(JSON.stringify(object, null, 4)) : options.typed ? escapeHtml(JSON.stringify(typedOrder(visible(object)), null, 4)) : goJson(visible(object), '    ')}\n`
    case 'yaml': {
      let count = 0
      return (object) => (count++ > 0 ? '---\n' : '') + printYaml(visible(object))
    }
    case 'kyaml': return (object) => options.keepOrder ? printKyaml(object) : options.typed ? printKyaml(typedOrder(visible(object))) : printSortedKyaml(visible(object))
    case 'name': return (object) => namesOf(object, '')
    case '': return (object) => namesOf(object, operation)
  }
  if (formats.includes(kind)) switch (kind) {
    case 'jsonpath': case 'jsonpath-as-json': case 'jsonpath-file': {
      const template = templateText(f, kind === 'jsonpath-file', inline, kind)
      let path: JsonPath
      try {
        path = new JsonPath(template, { allowMissingKeys: allowsMissing(f) })
      } catch (error) {
        throw new Error(`error parsing jsonpath ${template}, ${(error as Error).message}`)
      }
      return (object) => {
        try {
          return path.print(object, kind === 'jsonpath-as-json')
        } catch (error) {
          throw new Error(`error executing jsonpath ${JSON.stringify(template)}: Error executing template: ${(error as Error).message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(object)}\n\n\n`)
        }
      }
    }
    case 'go-template': case 'template': case 'go-template-file': case 'templatefile': {
      const text = templateText(f, kind.endsWith('file'), inline, kind)
      let template: GoTemplate
      try {
        template = new GoTemplate(text, { functions: KUBECTL_FUNCTIONS, missingKey: allowsMissing(f) ? 'invalid' : 'error' })
      } catch (error) {
        throw new Error(`error parsing template ${text}, ${(error as Error).message}`)
      }
      return (object) => {
        const made: string[] = []
        try {
          return template.execute(withIntegers(object), made)
        } catch (error) {
          // All that helps to find the mistake goes where the output would have gone.
          void f.io.out(`${made.join('')}Error executing template: ${(error as Error).message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${text}\n\traw data was:\n\t\t${goJson(object)}\n\tobject given to template engine was:\n\t\t${goSprint(object)}\n\n`)
          throw new Error(`error executing template ${JSON.stringify(text)}: ${(error as Error).message}`)
        }
      }
    }
    case 'custom-columns': case 'custom-columns-file': return customColumns(f, kind, at < 0 ? f.flags.str('template') : format.slice(at + 1))
  }
  throw new Error(`unable to match a printer suitable for the output format ${JSON.stringify(format)}, allowed formats are: ${[...formats].sort().join(',')}`)
}

const allowsMissing = (f: Factory) => f.flags.has('allow-missing-template-keys') ? f.flags.bool('allow-missing-template-keys') : true

function templateText(f: Factory, fromFile: boolean, inline: string, kind: string): string {
  if (!inline) throw new Error(kind.startsWith('jsonpath') ? 'template format specified but no template given' : 'template format specified but no template given')
  if (!fromFile) return inline
  try {
    return f.proc.fs.readText(f.proc.resolve(inline))
  } catch (error) {
    throw new Error(kind.startsWith('jsonpath') ? `error reading --template ${inline}, open ${inline}: ${unixText(error)}\n`.trim() : `error reading --template ${inline}, open ${inline}: ${unixText(error)}`)
  }
}

/** `pod/web created`; the items of a list one by one. */
function namesOf(object: KubeObject, operation: string): string {
  if (Array.isArray(object['items']) && object.kind?.endsWith('List')) return (object['items'] as KubeObject[]).map((i) => namesOf(i.kind ? i : { ...i, apiVersion: object.apiVersion, kind: object.kind.slice(0, -4) }, operation)).join('')
  const { group } = parseGroupVersion(object.apiVersion ?? '')
  return `${lowerGroupKind({ group, kind: object.kind ?? '' })}/${object.metadata?.name || '<unknown>'}${operation}\n`
}

/** A copy without managedFields, items of lists included. */
export function withoutManagedFields(object: KubeObject): KubeObject {
  if (Array.isArray(object['items'])) return { ...object, items: (object['items'] as KubeObject[]).map(withoutManagedFields) } as unknown as KubeObject
  if (!object.metadata?.managedFields) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

function customColumns(f: Factory, kind: string, spec: string): ObjectPrinter {
  if (!spec) throw new Error(`custom-columns format specified but no custom columns given`)
  let headers: string[]
  let paths: string[]
  if (kind === 'custom-columns-file') {
    let lines: string[]
    try {
      lines = f.proc.fs.readText(f.proc.resolve(spec)).split('\n')
    } catch (error) {
      throw new Error(`error reading template ${spec}, open ${spec}: ${unixText(error)}\n`)
    }
    const words = (line: string | undefined) => (line ?? '').trim().split(/\s+/).filter(Boolean)
    headers = words(lines[0])
    if (headers.length === 0) throw new Error('invalid template, missing header line. Expected format is one line of space separated headers, one line of space separated column specs.')
    paths = words(lines[1])
    if (lines.length < 2 || lines[1] === '') throw new Error('invalid template, missing spec line. Expected format is one line of space separated headers, one line of space separated column specs.')
    if (headers.length !== paths.length) throw new Error(`number of headers (${headers.length}) and field specifications (${paths.length}) don't match`)
  } else {
    const columns = spec.split(',').map((part) => {
      const at = part.indexOf(':')
      if (at < 0) throw new Error(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`)
      return [part.slice(0, at), part.slice(at + 1)] as const
    })
    headers = columns.map((c) => c[0])
    paths = columns.map((c) => c[1])
  }
  const expressions = paths.map(relaxedJsonPath)
  let parsers: JsonPath[] | undefined
  const layout = new TableLayout()
  let first = true
  return (object) => {
    const rows: string[][] = []
    if (first && !f.flags.bool('no-headers')) rows.push(headers)
    first = false
    try {
      parsers ??= expressions.map((expression) => new JsonPath(expression, { allowMissingKeys: true }))
    } catch (error) {
      // The paths are read only now, when the headers are out.
      void f.io.out(layout.format(rows))
      throw error
    }
    const items = Array.isArray(object['items']) && object.kind?.endsWith('List') ? object['items'] as KubeObject[] : [object]
    for (const item of items) rows.push(parsers.map((parser) => {
      const values = parser.find(item)
      if (values.length === 0 || values[0]!.length === 0) return '<none>'
      return values.flat().map(goSprint).join(',')
    }))
    return layout.format(rows)
  }
}

/** With fields in the order of the kind's Go struct; kinds that aren't built in are sorted. */
export function typedOrder(object: KubeObject): unknown {
  const { group, version } = parseGroupVersion(object.apiVersion)
  const schema = schemaNameOf(group, version, object.kind)
  return schema ? inGoOrder(schema, object) : JSON.parse(goJson(object))
}
