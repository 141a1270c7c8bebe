import { splitYamlDocuments } from '../yaml.ts'

/** JSON texts may follow one another without separators; YAML is split at `---`. */
export function documentTexts(text: string): string[] {
  if (!/^\s*\{/.test(text)) return splitYamlDocuments(text)
  return jsonTexts(text) ?? splitYamlDocuments(text)
}

/** Whether a text is JSON that ends too early: what begins as JSON isn't read as YAML then. k8s: apimachinery/pkg/util/yaml YAMLOrJSONDecoder */
export function isCutJson(text: string): boolean {
  if (!/^\s*\{\s*"/.test(text)) return false
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++
      if (i >= text.length) return true
    } else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') depth--
  }
  return depth > 0
}

/** JSON objects one after the other; undefined where something else stands between or within them. */
function jsonTexts(text: string): string[] | undefined {
  const out: string[] = []
  let depth = 0
  let start = -1
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (depth === 0 && c !== '{') {
      if (!/\s/.test(c)) return undefined
      continue
    }
    if (c === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++
    } else if (c === '{' && depth++ === 0) start = i
    else if (c === '}' && --depth === 0) out.push(text.slice(start, i + 1))
  }
  if (depth !== 0) return undefined
  try {
    for (const part of out) JSON.parse(part)
    return out
  } catch {
    return undefined
  }
}
