// `node test/openapi/record.mjs KUBECTL KUBECONFIG`: writes digests.json, what a real API server's OpenAPI documents say.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { digestOf } from './digest.mjs'

const [kubectl, kubeconfig] = process.argv.slice(2)
const get = (url) => JSON.parse(execFileSync(kubectl, ['--kubeconfig', kubeconfig, 'get', '--raw', url], { encoding: 'utf8', maxBuffer: 1 << 28 }))
const out = { '/openapi/v2': digestOf(get('/openapi/v2')) }
for (const name of Object.keys(get('/openapi/v3').paths).sort()) out[`/openapi/v3/${name}`] = digestOf(get(`/openapi/v3/${name}`))
fs.writeFileSync(path.join(import.meta.dirname, 'digests.json'), `${JSON.stringify(out, undefined, 2)}\n`)
