import { nodePrograms } from '../../../unix/node/node.ts'
import type { Program } from '../../../unix/types.ts'
import { utilityPrograms } from '../../../unix/utilities/list.ts'
import { goLog, goProgram, goResponse, untilKilled } from '../agnhost/go-server.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { nginx } from '../nginx/nginx.ts'

/** The version of hello-app says itself who answers. */
function helloApp(version: string): Program {
  return (proc) => goProgram(proc, () => {
    const port = Number(proc.env.PORT || 8080)
    proc.net.listenHttp(port, (request) => {
      goLog(proc, `Serving request: ${new URL(request.url).pathname}`)
      return goResponse(proc, `Hello, world!\nVersion: ${version}\nHostname: ${proc.machine.hostname}\n`)
    })
    goLog(proc, `Server listening on port ${port}`)
    return untilKilled(proc)
  })
}

const helloAppPrograms = (version: string): Record<string, Program> => ({ '/hello-app': helloApp(version) })
const helloAppAt = (repository: string): ImageDefinition => defineImage({
  repository, tags: ['1.0', '2.0'], sizeBytes: 4_700_000, cmd: ['./hello-app'], workingDir: '/', exposedPorts: [8080], base: alpine, env: { PORT: '8080' },
  programs: helloAppPrograms('1.0.0'), variants: { '2.0': { programs: helloAppPrograms('2.0.0') } },
})

/** The web server of many pages of the documentation, at its old and its new place. */
export const helloAppImages = [helloAppAt('gcr.io/google-samples/hello-app'), helloAppAt('us-docker.pkg.dev/google-samples/containers/gke/hello-app')]

const bootcampScript = (version: number) => `const http = require('http')
const host = require('os').hostname()
const started = new Date
let requests = 0

http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain')
  response.end(\`Hello Kubernetes bootcamp! | Running on: \${host} | v=${version}\\n\`)
  console.log('Running On:', host, '| Total Requests:', ++requests, '| App Uptime:', (new Date - started) / 1000, 'seconds', '| Log Time:', new Date)
}).listen(8080, () => {
  console.log('Kubernetes Bootcamp App Started At:', started, '| Running On: ', host, '\\n')
})
`
const bootcampAt = (repository: string): ImageDefinition => {
  const version = (number: number) => ({ files: { '/server.js': bootcampScript(number) } })
  return defineImage({
    repository, tags: ['v1', 'v2'], sizeBytes: 83_000_000, cmd: ['/bin/sh', '-c', 'node server.js'], workingDir: '/', exposedPorts: [8080], base: debian,
    env: { NODE_VERSION: '6.3.1', NPM_CONFIG_LOGLEVEL: 'info' }, ...version(1),
    programs: { ...nodePrograms(6), ...utilityPrograms('gnu', { names: ['curl', 'wget'] }) }, variants: { v2: version(2) },
  })
}

/** The application of the tutorial "Learn Kubernetes Basics"; its second version has another publisher. */
export const bootcampImages = [bootcampAt('gcr.io/google-samples/kubernetes-bootcamp'), bootcampAt('docker.io/jocatalin/kubernetes-bootcamp')]

export const nodeHelloImage = defineImage({
  repository: 'gcr.io/google-samples/node-hello', tags: ['1.0'], sizeBytes: 250_000_000, cmd: ['/bin/sh', '-c', 'node server.js'], workingDir: '/', exposedPorts: [8080], base: debian, env: { NODE_VERSION: '4.4.2', NPM_CONFIG_LOGLEVEL: 'info' },
  files: { '/server.js': "const http = require('http')\n\nhttp.createServer((request, response) => response.end('Hello Kubernetes!')).listen(8080)\n" },
  programs: { ...nodePrograms(4), ...utilityPrograms('gnu', { names: ['curl', 'wget', 'ps'] }) },
})

const helloGo: Program = (proc) => goProgram(proc, () => {
  proc.net.listenHttp(80, () => goResponse(proc, '{"message":"Hello"}\n', { headers: { 'content-type': 'application/json' } }))
  return untilKilled(proc)
})

/** Backend and frontend of "Connect a Frontend to a Backend": the frontend is an nginx that asks the Service `hello`. */
export const helloGoImage = defineImage({ repository: 'gcr.io/google-samples/hello-go-gke', tags: ['1.0'], sizeBytes: 4_200_000, cmd: ['/go/bin/app'], exposedPorts: [80], base: alpine, programs: { '/go/bin/app': helloGo } })
export const helloFrontendImage = defineImage({
  repository: 'gcr.io/google-samples/hello-frontend', tags: ['1.0'], sizeBytes: 54_000_000, entrypoint: ['nginx', '-g', 'daemon off;'], base: nginx,
  files: {
    '/etc/nginx/conf.d/frontend.conf': 'upstream Backend {\n    server hello;\n}\n\nserver {\n    listen 80;\n\n    location / {\n        proxy_pass http://Backend;\n    }\n}\n',
    '/etc/nginx/conf.d/default.conf': '',
  },
})
