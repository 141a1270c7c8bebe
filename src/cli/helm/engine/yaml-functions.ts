import { parseJson } from '../../../cluster/kinds/json-text.ts'
import { goFloatText, goFunction, isGoMap, isNil, plainValue } from '../../../cluster/kinds/go-template/values.ts'
import type { GoFunction, GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { parseYaml, printYaml } from '../../yaml.ts'
import { jsonText } from './json-text.ts'
import { tomlText } from './toml.ts'

/** YAML as Helm's own functions make it: sorted, with lists flush with their key. */
export const toYaml = (value: unknown): string => printYaml(plainValue(value)).replace(/\n$/, '')

function read(text: string, what: 'YAML' | 'JSON'): { value: unknown } | { error: string } {
  try {
    if (what === 'JSON') return { value: parseJson(text) }
    return { value: parseYaml(text) }
  } catch (error) {
    const { message } = error as Error
    if (what === 'JSON') return { error: message }
    return { error: `error converting YAML to JSON: ${message.startsWith('yaml:') ? message : `yaml: ${message}`}` }
  }
}

const kind = (value: unknown) => Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
const mismatch = (value: unknown, type: string, what: string) => `${what === 'YAML' ? 'error unmarshaling JSON: while decoding JSON: ' : ''}json: cannot unmarshal ${kind(value)} into Go value of type ${type}`

function asMap(text: string, what: 'YAML' | 'JSON'): GoMap {
  const found = read(text, what)
  if ('error' in found) return { Error: found.error }
  if (isNil(found.value)) return {}
  return isGoMap(found.value) ? found.value : { Error: mismatch(found.value, 'map[string]interface {}', what) }
}

function asList(text: string, what: 'YAML' | 'JSON'): unknown[] {
  const found = read(text, what)
  if ('error' in found) return [found.error]
  if (isNil(found.value)) return []
  return Array.isArray(found.value) ? found.value : [mismatch(found.value, '[]interface {}', what)]
}

/** Lists below a key are indented, as toYamlPretty does it. */
function indented(value: unknown, depth = 0): string {
  const pad = '  '.repeat(depth)
  if (Array.isArray(value) && value.length > 0) return value.map((item) => `${pad}- ${indented(item, depth + 1).trimStart()}`).join('\n')
  if (isGoMap(value) && Object.keys(value).length > 0) return Object.keys(value).sort().map((key) => {
    const each = value[key]
    const name = printYaml({ [key]: null }).replace(/: null\n$/, '')
    const deep = (Array.isArray(each) && each.length > 0) || (isGoMap(each) && Object.keys(each).length > 0)
    return `${pad}${name}:${deep ? `\n${indented(each, depth + 1)}` : ` ${scalar(each).replaceAll('\n', `\n${pad}`)}`}`
  }).join('\n')
  return scalar(value)
}

/** One value that is neither a list nor a map with something in it; long texts stay on their line. */
function scalar(value: unknown): string {
  if (typeof value === 'number') return goFloatText(value)
  const text = printYaml(plainValue(value)).trimEnd()
  return text.startsWith('|') ? text : text.replace(/\n\s*/g, ' ')
}

/** k8s: helm.sh/helm/v3/pkg/engine funcMap */
export const YAML_FUNCTIONS: Readonly<Record<string, GoFunction>> = {
  toYaml: goFunction('any', toYaml),
  toYamlPretty: goFunction('any', (value) => indented(value)),
  fromYaml: goFunction('string', (text: string) => asMap(text, 'YAML')),
  fromYamlArray: goFunction('string', (text: string) => asList(text, 'YAML')),
  toJson: goFunction('any', (value) => jsonText(value)),
  fromJson: goFunction('string', (text: string) => asMap(text, 'JSON')),
  fromJsonArray: goFunction('string', (text: string) => asList(text, 'JSON')),
  toToml: goFunction('any', (value) => tomlText(value)),
  fromToml: goFunction('string', () => ({ Error: 'fromToml is not available in Drydock' })),
}
