/** Simple paths into a schema. k8s: apiextensions-apiserver/pkg/apiserver/schema/cel ValidFieldPath */

/** What a path can lead through. */
interface WithFields<S> {
  properties?: Readonly<Record<string, S>> | undefined
  additionalProperties?: S | boolean | undefined
}

/** The field a path leads to, or what is wrong with it. `path`: in the normal form, keys of maps in brackets. */
export function schemaFieldProblem<S extends WithFields<S>>(text: string, root: S, options: { withoutArrayNotation?: boolean } = {}): { problem?: string; schema?: S; path: string[] } {
  const tokens = text.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]']+|'/g) ?? []
  let schema: S = root
  const path: string[] = []
  const enter = (name: string): string | undefined => {
    if (schema.properties && Object.keys(schema.properties).length > 0) {
      if (!Object.hasOwn(schema.properties, name)) return 'does not refer to a valid field'
      path.push(name)
      schema = schema.properties[name]!
    } else if (typeof schema.additionalProperties === 'object') {
      path.push(`[${name}]`)
      schema = schema.additionalProperties as S
    } else return 'does not refer to a valid field'
    return undefined
  }
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    let problem: string | undefined
    if (token === '[') {
      if (options.withoutArrayNotation) problem = 'array notation is not allowed'
      else {
        const key = tokens[++i]
        if (key === undefined) problem = 'unexpected end of JSON path'
        else if (!/^'.*'$/s.test(key) || key.length < 2) problem = `expected single quoted string but got ${key}`
        else {
          problem = enter(key.slice(1, -1).replace(/\\(.)/g, '$1'))
          if (problem === undefined) {
            const close = tokens[++i]
            if (close === undefined) problem = 'unexpected end of JSON path'
            else if (close !== ']') problem = `expected ] but got ${close}`
          }
        }
      }
    } else if (token === '.') {
      const name = tokens[++i]
      problem = name === undefined ? 'unexpected end of JSON path' : enter(name)
    } else problem = `expected [ or . but got: ${token}`
    if (problem !== undefined) return { problem, path }
  }
  return { schema, path }
}
