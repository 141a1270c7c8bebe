// Writes src/cluster/kinds/generated/descriptions.json: what types and fields mean, for `kubectl explain` and OpenAPI. The texts are the
// documentation comments of the @kubernetes/client-node dependency; they are not part of this repository.
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const models = path.join(root, 'node_modules/@kubernetes/client-node/dist/gen/models')
const schemas = JSON.parse(fs.readFileSync(path.join(root, 'src/cluster/kinds/schemas.json'), 'utf8'))
const target = path.join(root, 'src/cluster/kinds/generated/descriptions.json')
const available = new Set(fs.readdirSync(models).filter((f) => f.endsWith('.d.ts')).map((f) => f.slice(0, -5)))
const pascal = (s) => s.replace(/(^|[^a-zA-Z0-9])([a-z])/g, (_, __, c) => c.toUpperCase()).replace(/[^A-Za-z0-9]/g, '')

/** The class that stands for a schema: V1Pod, or with its group in front where several groups have the name. */
function modelOf(key) {
  const parts = key.split('.')
  const name = parts.at(-1)
  const version = pascal(parts.at(-2))
  const group = pascal(parts.at(-3))
  return [`${version}${name}`, `${group}${version}${name}`].find((candidate) => available.has(candidate))
}
const unescape = (text) => text.replace(/\\(['"`\\])/g, '$1').replace(/\*\\\//g, '*/').trim()
const out = {}
let fields = 0
for (const [key, schema] of Object.entries(schemas)) {
  const model = modelOf(key)
  if (!model) continue
  const text = fs.readFileSync(path.join(models, `${model}.d.ts`), 'utf8')
  const entry = {}
  const type = /\/\*\*\n((?:\*.*\n)+)\*\/\nexport declare class/.exec(text)
  if (type) entry[''] = unescape(type[1].replace(/^\* ?/gm, ''))
  const base = Object.fromEntries([...fs.readFileSync(path.join(models, `${model}.js`), 'utf8').matchAll(/"name": "([^"]+)",\s*"baseName": "([^"]+)"/g)].map((m) => [m[1], m[2]]))
  for (const [, comment, name] of text.matchAll(/\/\*\*\n((?: {4}\*.*\n)+?) {4}\*\/\n {4}'(\w+)'\??:/g)) {
    const field = base[name] ?? name
    if (schema.properties?.[field]) { entry[field] = unescape(comment.replace(/^ {4}\* ?/gm, '')); fields++ }
  }
  out[key] = entry
}
fs.mkdirSync(path.dirname(target), { recursive: true })
fs.writeFileSync(target, JSON.stringify(out))
if (process.argv.includes('-v')) console.log(`${Object.keys(out).length} of ${Object.keys(schemas).length} types, ${fields} fields; without: ${Object.keys(schemas).filter((k) => !out[k]).join(' ')}`)
