/** The older layout of `explain`, from the second version of OpenAPI. k8s: kubectl/pkg/explain */

interface Schema { $ref?: string; type?: string; description?: string; items?: Schema; properties?: Record<string, Schema>; additionalProperties?: Schema | boolean; required?: string[] }
type Definitions = Readonly<Record<string, Schema>>
type Shape =
  | { kind: 'reference'; name: string }
  | { kind: 'array'; of: Schema }
  | { kind: 'map'; of: Schema | undefined }
  | { kind: 'struct'; fields: Record<string, Schema>; required: readonly string[] }
  | { kind: 'primitive'; type: string }
  | { kind: 'arbitrary' }

const WIDTH = 80
const FIELD_INDENT = 3
const DESCRIPTION_INDENT = 5
const FIELD_DESCRIPTION_INDENT = 2

/** k8s: kube-openapi proto Definitions.ParseSchema */
function shapeOf(schema: Schema): Shape {
  if (schema.$ref) return { kind: 'reference', name: schema.$ref.split('/').at(-1)! }
  if (schema.type === 'array') return { kind: 'array', of: schema.items ?? {} }
  if (schema.properties) return { kind: 'struct', fields: schema.properties, required: schema.required ?? [] }
  if (schema.type === 'object') return { kind: 'map', of: typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined }
  return schema.type ? { kind: 'primitive', type: schema.type } : { kind: 'arbitrary' }
}

const BULLET = /^(\d+\.?|-|\*)\s/

/** Breaks a text at a width; code, lists and what follows a colon keep their lines. k8s: explain wrapString */
function wrapped(text: string, width: number): string[] {
  const out: string[] = []
  let words: string[] = []
  let last = ''
  const flush = () => {
    if (words.length === 0) return
    last = ''
    out.push(words.join(' '))
    words = []
  }
  for (const line of text.split('\n')) {
    if (line.startsWith('    ')) { flush(); out.push(line); continue }
    const trimmed = line.trim()
    if (out.length > 0 && trimmed === '') { flush(); out.push(''); continue }
    if (last.endsWith(':') || trimmed === '' || BULLET.test(trimmed)) flush()
    for (const word of trimmed.split(/\s+/).filter(Boolean)) {
      last = word
      if (words.length > 0 && [...words, word].join(' ').length > width) {
        flush()
        last = word
      }
      words.push(word)
    }
  }
  flush()
  return out
}

const indented = (amount: number, line: string) => line === '' ? '\n' : `${' '.repeat(amount)}${line}\n`
const paragraph = (amount: number, text: string) => wrapped(text, WIDTH - amount).map((line) => indented(amount, line)).join('')

export interface ExplainQuery {
  definitions: Definitions
  root: Schema
  path: readonly string[]
  recursive: boolean
  kind: string
  groupVersion: string
}

/** @throws Error for a path that leads nowhere */
export function explainOpenApiV2({ definitions, root, path, recursive, kind, groupVersion }: ExplainQuery): string {
  const target = (name: string): Schema => definitions[name] ?? {}

  const typeName = (schema: Schema): string => {
    const shape = shapeOf(schema)
    switch (shape.kind) {
      case 'reference': return typeName(target(shape.name))
      case 'array': return `[]${typeName(shape.of)}`
      case 'map': return `map[string]${shape.of ? typeName(shape.of) : ''}`
      case 'struct': return 'Object'
      case 'primitive': return shape.type
      case 'arbitrary': return ''
    }
  }

  const lookUp = (schema: Schema, rest: readonly string[]): Schema => {
    const shape = shapeOf(schema)
    if (shape.kind === 'primitive' || shape.kind === 'arbitrary' || rest.length === 0) return schema
    switch (shape.kind) {
      case 'reference': return lookUp(target(shape.name), rest)
      case 'array': return lookUp(shape.of, rest)
      case 'map': return shape.of ? lookUp(shape.of, rest) : {}
      case 'struct': {
        const field = Object.hasOwn(shape.fields, rest[0]!) ? shape.fields[rest[0]!] : undefined
        if (!field) throw new Error(`field ${JSON.stringify(rest[0])} does not exist`)
        return lookUp(field, rest.slice(1))
      }
    }
  }

  const fields = (schema: Schema, amount: number, open: ReadonlySet<string>): string => {
    const shape = shapeOf(schema)
    switch (shape.kind) {
      case 'reference': return open.has(shape.name) ? '' : fields(target(shape.name), amount, new Set([...open, shape.name]))
      case 'array': return fields(shape.of, amount, open)
      case 'map': return shape.of ? fields(shape.of, amount, open) : ''
      case 'struct': return Object.keys(shape.fields).sort().map((name) => {
        const field = shape.fields[name]!
        const head = indented(amount, `${name}\t<${typeName(field)}>${!recursive && shape.required.includes(name) ? ' -required-' : ''}`)
        return head + (recursive ? fields(field, amount + FIELD_INDENT, open) : `${paragraph(amount + FIELD_DESCRIPTION_INDENT, field.description ?? '')}\n`)
      }).join('')
      default: return ''
    }
  }

  const describe = (texts: readonly string[]): string => {
    let text = 'DESCRIPTION:\n'
    const given = texts.map((t, i) => t === '' ? '' : (i > 0 ? '\n' : '') + paragraph(DESCRIPTION_INDENT, t)).join('')
    text += given || paragraph(DESCRIPTION_INDENT, '<empty>')
    return text
  }

  const name = path.at(-1) ?? ''
  const head = `KIND:     ${kind}\nVERSION:  ${groupVersion}\n\n`
  const model = (schema: Schema, type: string, before: readonly string[]): string => {
    const shape = shapeOf(schema)
    const here = schema.description ?? ''
    switch (shape.kind) {
      case 'reference': return model(target(shape.name), type, [...before, here])
      case 'array': return model(shape.of, type || typeName(schema), [...before, here])
      case 'map': return shape.of ? model(shape.of, type || typeName(schema), [...before, here]) : head + describe([...before, here, ''])
      case 'struct': return `${head}${name ? `RESOURCE: ${name} <${type || 'Object'}>\n\n` : ''}${describe([...before, here])}\nFIELDS:\n${fields(schema, FIELD_INDENT, new Set())}`
      case 'primitive': return `${head}FIELD:    ${name} <${type || shape.type}>\n\n${describe([...before, here])}`
      case 'arbitrary': return head + describe([...before, here])
    }
  }
  return model(lookUp(root, path), '', [])
}
