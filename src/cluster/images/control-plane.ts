import type { HttpHandler, Proc, Program } from '../../unix/types.ts'
import { defineImage } from './image.ts'
import type { ImageDefinition } from './image.ts'

/**
 * What the containers of the control plane are made of: the parts that run in this process. The container's life is the part's front door:
 * ports are open and health is answered while it runs.
 */
export interface ControlPlaneParts {
  /** The API server's handler, for port 6443. */
  apiServer: HttpHandler
  /** PEM of its serving certificate. */
  servingCertificatePem: string
  /** Lines that a component has to say, from now on. Returns the way to stop. */
  logs(component: string, line: (text: string) => void): () => void
}

/** Images of kubeadm's static pods and node agents. */
export function controlPlaneImages(parts: ControlPlaneParts): ImageDefinition[] {
  const tls = { certificatePem: parts.servingCertificatePem }
  /** What each uses while little happens: thousandths of a core and MiB. */
  const component = (name: string, [cpuMillis, memoryMib]: readonly [number, number], serve: (proc: Proc) => void): Program => async (proc) => {
    serve(proc)
    proc.useMemory(memoryMib * 2 ** 20)
    proc.useCpuSteadily(cpuMillis)
    const stop = parts.logs(name, (text) => { proc.stderr.write(`${text}\n`).catch(() => {}) })
    await proc.signal('SIGTERM', 'SIGINT')
    stop()
    return 0
  }
  const healthy: HttpHandler = (request) => {
    const path = new URL(request.url).pathname
    return /^\/(?:healthz|livez|readyz)\b/.test(path) ? new Response('ok') : new Response('404 page not found\n', { status: 404 })
  }
  const image = (repository: string, tags: string[], sizeBytes: number, binary: string, program: Program): ImageDefinition =>
    defineImage({ repository, tags, sizeBytes, entrypoint: [binary], programs: { [binary]: program } })
  return [
    image('registry.k8s.io/kube-apiserver', ['v1.36.3'], 31_000_000, '/usr/local/bin/kube-apiserver', component('kube-apiserver', [36, 218], (proc) => { proc.net.listenHttp(6443, parts.apiServer, { tls }) })),
    image('registry.k8s.io/kube-controller-manager', ['v1.36.3'], 26_000_000, '/usr/local/bin/kube-controller-manager', component('kube-controller-manager', [12, 48], (proc) => { proc.net.listenHttp(10257, healthy, { ip: '127.0.0.1', tls }) })),
    image('registry.k8s.io/kube-scheduler', ['v1.36.3'], 20_000_000, '/usr/local/bin/kube-scheduler', component('kube-scheduler', [5, 21], (proc) => { proc.net.listenHttp(10259, healthy, { ip: '127.0.0.1', tls }) })),
    image('registry.k8s.io/etcd', ['3.6.8-0'], 22_000_000, '/usr/local/bin/etcd', component('etcd', [14, 41], serveEtcd)),
    image('registry.k8s.io/kube-proxy', ['v1.36.3'], 33_000_000, '/usr/local/bin/kube-proxy', component('kube-proxy', [1, 14], (proc) => { proc.net.listenHttp(10256, healthy) })),
    image('docker.io/kindest/kindnetd', ['v20260213'], 40_000_000, '/bin/kindnetd', component('kindnet', [1, 10], (proc) => {
      const folder = '/etc/cni/net.d'
      proc.fs.mkdir(folder, { recursive: true })
      proc.fs.writeFile(`${folder}/10-kindnet.conflist`, '{"cniVersion":"0.3.1","name":"kindnet","plugins":[{"type":"ptp","ipMasq":false,"ipam":{"type":"host-local"}},{"type":"portmap","capabilities":{"portMappings":true}}]}\n')
    })),
    image('docker.io/kindest/local-path-provisioner', ['v20260213'], 21_000_000, '/usr/local/bin/local-path-provisioner', component('local-path-provisioner', [1, 8], () => {})),
  ]
}

/** Where kubeadm's etcd answers about its health; another one where it is told to listen for clients without TLS. */
function serveEtcd(proc: Proc): void {
  const at = proc.argv.findIndex((argument) => /^--?listen-client-urls(=|$)/.test(argument))
  const urls = at < 0 ? '' : proc.argv[at]!.split('=')[1] ?? proc.argv[at + 1] ?? ''
  const plain = urls.split(',').filter((url) => url.startsWith('http://')).map((url) => new URL(url))
  const health: HttpHandler = (request) => {
    const path = new URL(request.url).pathname
    if (path === '/version') return Response.json({ etcdserver: '3.6.8', etcdcluster: '3.6.0', storage: '3.6.0' })
    if (path === '/health') return Response.json({ health: 'true', reason: '' })
    return /^\/(?:livez|readyz)\b/.test(path) ? new Response('ok\n') : new Response('404 page not found\n', { status: 404 })
  }
  if (plain.length === 0) proc.net.listenHttp(2381, health, { ip: '127.0.0.1' })
  for (const url of plain) proc.net.listenHttp(Number(url.port || 80), health, { ip: url.hostname })
}
