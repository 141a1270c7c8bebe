// Writes src/cluster/kinds/protobuf-fields.json: numbers, names and types of the fields of Kubernetes' protobuf messages.
// usage: node test/tools/generate-protobuf-fields.mjs FOLDER   (holds k8s.io/api@..., k8s.io/apimachinery@... as in Go's module cache)
// The numbers are part of the published wire format and never change; run it again for a new Kubernetes version.
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const schemas = JSON.parse(fs.readFileSync(path.join(root, 'src/cluster/kinds/schemas.json'), 'utf8'))
const base = process.argv[2]
const messages = {}
const walk = (folder) => {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) walk(file)
    else if (entry.name === 'generated.proto') {
      const read = (name) => fs.existsSync(path.join(folder, name)) ? fs.readFileSync(path.join(folder, name), 'utf8') : ''
      readProto(fs.readFileSync(file, 'utf8'), nullable(read('generated.pb.go')), goFields(read('types.go')))
    }
  }
}
// Fields that may be missing, by message: the rest is written even when it is empty, for Go's structs have no other way to say it.
function nullable(code) {
  const found = {}
  for (const [, name, body] of code.matchAll(/^func \(m \*(\w+)\) MarshalToSizedBuffer\([\s\S]*?\{\n([\s\S]*?)^\}/gm))
    found[name] = new Set([...body.matchAll(/^\tif m\.(\w+) != nil \{/gm)].map(([, field]) => field.toLowerCase()))
  return found
}
// Names of Go's fields by message and name on the wire: a few have another one.
function goFields(code) {
  const found = {}
  for (const [, name, body] of code.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm))
    found[name] = new Map([...body.matchAll(/^\t(\w+)\s.*protobuf:"\w+,\d+,\w+,name=(\w+)/gm)].map(([, field, wire]) => [wire, field.toLowerCase()]))
  return found
}
// Go leaves out a word that JSON's x-kubernetes-... has.
const goName = (name) => name.replace(/^xKubernetes/, 'x').toLowerCase()
function readProto(text, nullables, goNames) {
  const pkg = /^package (.+);/m.exec(text)[1]
  for (const [, name, body] of text.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const fields = []
    for (const line of body.split('\n')) {
      let m
      if ((m = /^\s*(optional|repeated|required) ([\w.]+) (\w+) = (\d+)/.exec(line))) fields.push({ number: +m[4], name: m[3], type: m[2], repeated: m[1] === 'repeated', always: !nullables[name]?.has(goName(m[3])) && !nullables[name]?.has(goNames[name]?.get(m[3])) })
      else if ((m = /^\s*map<(\w+), ([\w.]+)> (\w+) = (\d+)/.exec(line))) fields.push({ number: +m[4], name: m[3], type: m[2], map: true })
    }
    messages[`${pkg}.${name}`] = fields
  }
}
for (const entry of fs.readdirSync(base)) if (/^(api|apimachinery|apiextensions-apiserver|kube-aggregator)@/.test(entry)) walk(path.join(base, entry))

// Schema keys say io.k8s.api.core.v1.Pod, protobuf says k8s.io.api.core.v1.Pod.
const toProto = (key) => key.replace(/^io\.k8s\./, 'k8s.io.').replace('k8s.io.kube-aggregator', 'k8s.io.kube_aggregator').replace('k8s.io.apiextensions-apiserver', 'k8s.io.apiextensions_apiserver')
const bySchema = new Map(Object.keys(schemas).map((key) => [toProto(key), key]))
const scalar = { string: 's', bytes: 'b', int32: 'i', int64: 'i', uint32: 'i', uint64: 'i', bool: 'B', double: 'd', float: 'f' }
const dashed = (name) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)
const out = {}
const names = new Map()
const wanted = []
const need = (name) => { if (!names.has(name)) { names.set(name, names.size); wanted.push(name) } return names.get(name) }
for (const proto of bySchema.keys()) if (messages[proto]) need(proto)
// Answers that no schema tells of.
for (const kind of ['APIVersions', 'APIGroupList', 'APIResourceList', 'PartialObjectMetadata', 'PartialObjectMetadataList', 'WatchEvent']) need(`k8s.io.apimachinery.pkg.apis.meta.v1.${kind}`)
for (let i = 0; i < wanted.length; i++) {
  const proto = wanted[i]
  const schema = schemas[bySchema.get(proto)]
  out[proto] = (messages[proto] ?? []).map(({ number, name, type, repeated, map, always }) => {
    const full = type.startsWith('.') ? type.slice(1) : scalar[type] ? undefined : `${proto.slice(0, proto.lastIndexOf('.'))}.${type}`
    const kind = full ? full : scalar[type]
    if (full) need(full)
    // A message that the JSON form has no property for is inlined there.
    const jsonName = schema?.properties?.[name] ? name : schema?.properties?.[`$${name}`] ? `$${name}` : schema?.properties?.[dashed(name)] ? dashed(name)
      // A few messages spell a field with other capitals: uID, aPIGroup, Webhooks.
      : Object.keys(schema?.properties ?? {}).find((property) => property.toLowerCase() === name.toLowerCase()) ?? name
    const inline = full && !repeated && !map && schema?.properties && !schema.properties[jsonName]
    return [number, jsonName, kind, map ? 2 : repeated ? 1 : always ? 3 : 0, ...(inline ? [1] : [])]
  })
}
const compact = Object.fromEntries(Object.entries(out).map(([name, fields]) => [name, fields.map((f) => f.join(' ')).join(';')]))
fs.writeFileSync(path.join(root, 'src/cluster/kinds/protobuf-fields.json'), JSON.stringify(compact).replace(/","/g, '",\n"') + '\n')
console.log(`${Object.keys(compact).length} messages`)
