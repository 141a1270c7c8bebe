// Writes src/cluster/kinds/generated/descriptions.json: what types, fields and parameters mean, for `kubectl explain` and OpenAPI. The texts are
// the documentation comments of two development dependencies; they are not part of this repository. kubernetes-models documents every field
// in its own lines, @kubernetes/client-node the parameters of requests and what the other leaves out.
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const modules = path.join(root, 'node_modules')
const clientNode = path.join(modules, '@kubernetes/client-node/dist/gen')
const schemas = JSON.parse(fs.readFileSync(path.join(root, 'src/cluster/kinds/schemas.json'), 'utf8'))
const target = path.join(root, 'src/cluster/kinds/generated/descriptions.json')
const pascal = (s) => s.replace(/(^|[^a-zA-Z0-9])([a-z])/g, (_, __, c) => c.toUpperCase()).replace(/[^A-Za-z0-9]/g, '')
const ENTITIES = { amp: '&', quot: '"', '#39': "'", '#x3D': '=', '#x60': '`', lt: '<', gt: '>' }
const plain = (text) => text.replace(/\\?&(amp|quot|#39|#x3D|#x60|lt|gt);/g, (_, name) => ENTITIES[name]).replace(/\\(['"`\\*_])/g, '$1').replace(/\*\\\//g, '*/')

/** The declaration files of kubernetes-models by the name that they give a schema: IoK8sApiCoreV1Pod. */
function declarations() {
  const out = new Map()
  const visit = (folder) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name)
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules' && entry.name !== '_schemas') visit(file)
      } else if (entry.name.endsWith('.d.ts')) {
        const text = fs.readFileSync(file, 'utf8')
        const name = /^export type \{ I\w+ as I(IoK8s\w+)/m.exec(text)?.[1]
        if (name) out.set(name, text)
      }
    }
  }
  for (const name of ['kubernetes-models', '@kubernetes-models/apimachinery']) visit(path.join(modules, name))
  return out
}

const linesOf = (comment) => comment.replace(/^ *\* ?/gm, '').replace(/\n@deprecated\s*$/, '').trim()
const declared = (comment) => linesOf(comment).replace(/\\([*_])/g, '$1').replace(/\*\\\//g, '*/')

/** What kubernetes-models says of a schema and its fields. */
function fromDeclaration(text) {
  const out = {}
  const type = /\/\*\*\n((?: \*(?!\/).*\n)+) \*\/\nexport (?:interface|type|declare) /.exec(text)
  if (type) out[''] = declared(type[1])
  const start = text.indexOf('export interface')
  if (start < 0) return out
  const body = text.slice(start, text.indexOf('\n}\n', start))
  for (const [, comment, field] of body.matchAll(/\n {4}\/\*\*\n((?: {5}\*(?!\/).*\n)+?) {5}\*\/\n {4}"([^"]+)"\??:/g)) out[field] = declared(comment)
  return out
}

const models = path.join(clientNode, 'models')
const available = new Set(fs.readdirSync(models).filter((f) => f.endsWith('.d.ts')).map((f) => f.slice(0, -5)))

/** What client-node says of a schema: its class has the group's name in front where several groups have such a kind. */
function fromModel(key) {
  const [group, version, name] = key.split('.').slice(-3).map((part, i) => (i === 2 ? part : pascal(part)))
  const model = [`${group}${version}${name}`, `${version}${name}`].find((candidate) => available.has(candidate))
  const out = {}
  if (!model) return out
  const text = fs.readFileSync(path.join(models, `${model}.d.ts`), 'utf8')
  const type = /\/\*\*\n((?:\*.*\n)+)\*\/\nexport declare class/.exec(text)
  if (type) out[''] = plain(linesOf(type[1]))
  const base = Object.fromEntries([...fs.readFileSync(path.join(models, `${model}.js`), 'utf8').matchAll(/"name": "([^"]+)",\s*"baseName": "([^"]+)"/g)].map((m) => [m[1], m[2]]))
  for (const [, comment, field] of text.matchAll(/\/\*\*\n((?: {4}\*.*\n)+?) {4}\*\/\n {4}'(\w+)'\??:/g)) out[base[field] ?? field] = plain(linesOf(comment))
  return out
}

/** Comments of parameters are one line each: blanks that stood at the beginning of a line, and empty lines, tell where others ended. */
const brokenAgain = (text) => text.replace(/\. - (?=`)/g, '.\n- ').replace(/( {2,})(\S\w*)/g, (all, blanks, next) => blanks.length % 2 ? `\n${blanks.slice(1)}${next}` : blanks.length > 2 || /[A-Z]/.test(next) ? `\n\n${blanks.slice(2)}${next}` : all)

/** Parameters by `verb:name`; those of connections by the kind of their options, `PodExecOptions:stdin`, those of logs by `log:name`. */
function parametersOf() {
  const out = {}
  const folder = path.join(clientNode, 'apis')
  for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('Api.d.ts'))) {
    const text = fs.readFileSync(path.join(folder, file), 'utf8')
    for (const [, comment, method] of text.matchAll(/ {4}\/\*\*\n((?: {5}\*(?!\/).*\n)+?) {5}\*\/\n {4}(\w+)\(/g)) {
      const params = [...comment.matchAll(/@param (\w+) (.*)/g)]
      const verb = /^(deleteCollection|[a-z]+)/.exec(method)[1]
      const options = /^name of the (\w+)/.exec(params.find(([, name]) => name === 'name')?.[2] ?? '')?.[1]
      const scope = verb === 'connect' ? options : method.endsWith('Log') ? 'log' : verb
      // A second parameter called path is that of the query.
      for (const [, name, meaning] of params) {
        const key = name === 'path' && params.some(([, other]) => other === 'path2') ? 'proxy:path' : `${scope}:${name.replace(/^_|(?<=^path)2$/g, '')}`
        if (name !== 'name' && name !== 'body') out[key] ??= scope === 'log' ? plain(meaning) : brokenAgain(plain(meaning))
      }
    }
  }
  return out
}

const ofModels = declarations()
const out = { '': parametersOf() }
let fields = 0
for (const [key, schema] of Object.entries(schemas)) {
  const declaration = ofModels.get(pascal(key))
  const { '': type, apiVersion, kind, ...others } = fromModel(key)
  const texts = { ...(declaration ? {} : others), '': type, apiVersion, kind, ...(declaration && fromDeclaration(declaration)) }
  const entry = {}
  for (const [field, text] of Object.entries(texts)) if (text !== undefined && (field === '' || schema.properties?.[field])) entry[field] = text
  if (Object.keys(entry).length > 0) out[key] = entry
  fields += Object.keys(entry).length
}
fs.mkdirSync(path.dirname(target), { recursive: true })
fs.writeFileSync(target, JSON.stringify(out))
if (process.argv.includes('-v')) console.log(`${Object.keys(out).length} of ${Object.keys(schemas).length} types, ${fields} texts; without: ${Object.keys(schemas).filter((k) => !out[k]).join(' ')}`)
