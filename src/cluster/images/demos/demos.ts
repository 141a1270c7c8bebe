import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const echoBasic = lazyProgram(async () => (await import('./echo-basic.ts')).echoBasic)
const echoServer = lazyProgram(async () => (await import('./echo-server.ts')).echoServer)
const whoami = lazyProgram(async () => (await import('./whoami.ts')).whoami)
const ealenEchoServer = lazyProgram(async () => (await import('./ealen-echo-server.ts')).ealenEchoServer)
const eventSimulator = lazyProgram(async () => (await import('./event-simulator.ts')).eventSimulator)
const webappColor = (release?: { version: string; color: string }) => lazyProgram(async () => (await import('./webapp-color.ts')).webappColor(release))
const helloKubernetes = (version: string) => lazyProgram(async () => (await import('./hello-kubernetes.ts')).helloKubernetes(version))

/** jmalloc's server, and minikube's copy of it, which its first steps deploy. */
const echoServers = [
  defineImage({ repository: 'docker.io/jmalloc/echo-server', tags: ['latest', '0.3.0', '0.3.1', '0.3.2', '0.3.3', '0.3.4', '0.3.5', '0.3.6', '0.3.7', 'v0.3.7'], sizeBytes: 3_300_000, entrypoint: ['/bin/echo-server'], exposedPorts: [8080], env: { PORT: '8080' }, programs: { '/bin/echo-server': echoServer } }),
  defineImage({ repository: 'docker.io/kicbase/echo-server', tags: ['1.0', 'latest'], sizeBytes: 2_000_000, entrypoint: ['/bin/echo-server'], exposedPorts: [8080], env: { PORT: '8080' }, programs: { '/bin/echo-server': echoServer } }),
]

/** Traefik's server, at its place of today and that of before. */
const whoamis = [['docker.io/traefik/whoami', ['latest', 'v1.8', 'v1.8.7', 'v1.9', 'v1.9.0', 'v1.10', 'v1.10.0', 'v1.10.1', 'v1.10.2', 'v1.10.3', 'v1.10.4', 'v1.11', 'v1.11.0']], ['docker.io/containous/whoami', ['latest', 'v1.0.1', 'v1.1.0', 'v1.2.0', 'v1.3.0', 'v1.4.0', 'v1.5.0']]] as const
const whoamiImages = whoamis.map(([repository, tags]) => defineImage({ repository, tags, sizeBytes: 2_900_000, entrypoint: ['/whoami'], exposedPorts: [80], programs: { '/whoami': whoami } }))

/** The server behind the Gateway API's conformance tests and many of its tutorials. */
const echoBasicImage = defineImage({ repository: 'gcr.io/k8s-staging-gateway-api/echo-basic', tags: ['v20231024-v1.0.0-rc1-33-g9c830e50', 'v20231214-v1.0.0-140-gf544a46e', 'v20240412-v1.0.0-394-g40c666fd', 'v20260204-monthly-2026.01-60-g28382302'], sizeBytes: 3_400_000, entrypoint: ['/echo-basic'], user: '65532', programs: { '/echo-basic': echoBasic } })

const ealenImage = defineImage({ repository: 'docker.io/ealen/echo-server', tags: ['latest', '0.5.1', '0.6.0', '0.7.0', '0.8.0', '0.9.0', '0.9.1', '0.9.2'], sizeBytes: 46_000_000, cmd: ['node', 'webserver'], workingDir: '/app', exposedPorts: [80], base: alpine, env: { PORT: '80' }, programs: { '/usr/local/bin/node': ealenEchoServer } })

const HELLO_VERSIONS: Readonly<Record<string, string>> = { '1.5': '1.5.0', '1.6': '1.6.0', '1.7': '1.7.0', '1.8': '1.8.0', '1.9': '1.9.0', '1.10': '1.10.0', '1.10.0': '1.10.0', '1.10.1': '1.10.1', '1': '1.10.1' }
const helloPrograms = (version: string): Record<string, Program> => ({ '/usr/local/bin/npm': helloKubernetes(version) })
const helloKubernetesImage = defineImage({
  repository: 'docker.io/paulbouwer/hello-kubernetes', tags: Object.keys(HELLO_VERSIONS), sizeBytes: 41_000_000, cmd: ['npm', 'start'], workingDir: '/usr/src/app', user: '1000', base: alpine, programs: helloPrograms('1.10.1'),
  variants: Object.fromEntries(Object.entries(HELLO_VERSIONS).map(([tag, version]) => [tag, { programs: helloPrograms(version) }])),
})

/** What the tags of webapp-color show without being asked. */
const COLORS: Readonly<Record<string, string>> = { v1: 'blue', v2: 'green', v3: 'red' }
const webappColorImage = defineImage({
  repository: 'docker.io/kodekloud/webapp-color', tags: ['latest', ...Object.keys(COLORS)], sizeBytes: 31_000_000, entrypoint: ['python', 'app.py'], workingDir: '/opt', exposedPorts: [8080], base: alpine, programs: { '/usr/local/bin/python': webappColor() },
  variants: Object.fromEntries(Object.entries(COLORS).map(([version, color]) => [version, { programs: { '/usr/local/bin/python': webappColor({ version, color }) } }])),
})
const eventSimulatorImage = defineImage({ repository: 'docker.io/kodekloud/event-simulator', tags: ['latest'], sizeBytes: 28_000_000, entrypoint: ['python', '/event-simulator.py'], base: alpine, files: { '/log': { directory: true } }, programs: { '/usr/local/bin/python': eventSimulator } })

/** Small servers that courses and tutorials deploy to show who answers. */
export const demoImages: readonly ImageDefinition[] = [...echoServers, ...whoamiImages, echoBasicImage, ealenImage, helloKubernetesImage, webappColorImage, eventSimulatorImage]
