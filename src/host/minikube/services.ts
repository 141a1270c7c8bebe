import type { CobraRun } from '../../cli/cobra/cobra.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { cidrContains, parseCidr, parseIPv4 } from '../../cluster/network/cidr.ts'
import type { Service } from '../../cluster/kinds/generated/types.ts'
import { isIPv4 } from '../../unix/net/addresses.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { MinikubeExit, Output, framedTable, outputFormat, usageExit } from './output.ts'
import { healthy, profileOf } from './profiles.ts'

/** How often a tunnel looks after Services, in milliseconds. minikube: tunnel manager */
const LOOK_MS = 1_000

const administrator = (cluster: Cluster) => cluster.apiAs({ name: 'minikube-user', groups: ['system:masters', 'system:authenticated'] })

function servicesIn({ etcd }: Cluster, namespace: string): Service[] {
  const key = `/registry/services/specs/${namespace === '' ? '' : `${namespace}/`}`
  return etcd.range<Service>({ key, rangeEnd: `${key.slice(0, -1)}0` }).kvs.map(({ value }) => value)
}

/** Where a Service's node ports answer, and what its ports are called. minikube: printURLsForService */
function urlsOf({ topology }: Cluster, service: Service, options: { https: boolean }): { names: string[]; urls: string[] } {
  const { ip } = topology.nodes.find((node) => node.controlPlane)!
  const ports = (service.spec.ports ?? []).filter(({ nodePort }) => nodePort)
  return { names: ports.map(({ name, port }) => `${name ? `${name}/` : ''}${port}`), urls: ports.map(({ nodePort }) => `${options.https ? 'https' : 'http'}://${ip}:${nodePort}`) }
}

const HEAD = ['Namespace', 'Name', 'Target Port', 'URL']

/** `minikube service [--url] SERVICE`. */
export async function service({ args, flags, proc, out }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const print = new Output(proc)
  if ((args.length === 0) !== flags.bool('all')) throw usageExit('You must specify service name(s) or --all')
  const { cluster } = healthy(fleet, profileOf(proc, flags.str('profile')))
  const namespace = flags.str('namespace')
  const chosen = servicesIn(cluster, namespace).filter(({ metadata }) => flags.bool('all') || args.includes(metadata.name!))
  const notFound = (what: string, how: string) => new MinikubeExit('SVC_NOT_FOUND', `${what} in '${namespace}' namespace.\nYou may select another namespace by using '${how}'`, 115)
  if (chosen.length === 0) throw flags.bool('all') ? notFound('No services were found', 'minikube service --all -n <namespace>') : notFound(`Service '${args[0]}' was not found`, `minikube service ${args[0]} -n <namespace>'. Or list out all the services using 'minikube service list`)
  const urls: string[] = []
  for (const each of chosen) {
    const { name } = each.metadata
    const found = urlsOf(cluster, each, { https: flags.bool('https') })
    if (!flags.bool('url')) await out(framedTable(HEAD, [[namespace, name!, found.names.join('\n') || 'No node port', found.urls.join('\n')]], { upperCase: true }))
    if (found.urls.length === 0) await print.step('Sad', `service ${namespace}/${name} has no node port`)
    if (flags.bool('url')) for (const url of found.urls) await out(`${url}\n`)
    urls.push(...found.urls.map((url) => `${name} ${url}`))
  }
  if (flags.bool('url') || urls.length === 0) return 0
  for (const each of urls) {
    const [name, url] = each.split(' ')
    await print.step('Celebrate', `Opening service ${namespace}/${name} in default browser...`)
    throw new MinikubeExit('HOST_BROWSER', `open url failed: ${url}: exec: "xdg-open,x-www-browser,www-browser": executable file not found in $PATH`, 5)
  }
  return 0
}

/** `minikube service list`. */
export async function serviceList({ flags, proc, out }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const format = outputFormat(flags.str('output'), ['table', 'json'])
  const { cluster } = healthy(fleet, profileOf(proc, flags.str('profile')))
  const rows = servicesIn(cluster, flags.changed('namespace') ? flags.str('namespace') : '').map((each) => ({ each, ...urlsOf(cluster, each, { https: false }) }))
  if (format === 'json') await out(JSON.stringify(rows.map(({ each, names, urls }) => ({ Namespace: each.metadata.namespace, Name: each.metadata.name, URLs: urls, PortNames: urls.length > 0 ? names : ['No node port'] }))))
  else await out(framedTable(HEAD, rows.map(({ each, names, urls }) => [each.metadata.namespace!, each.metadata.name!, urls.length > 0 ? names.join('\n') : 'No node port', urls.join('\n')]), { upperCase: true }))
  return 0
}

/** `minikube tunnel`: a way to Services' addresses, which are those of their load balancers as long as it lasts. */
export async function tunnel({ flags, proc, out }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const { record, cluster } = healthy(fleet, profileOf(proc, flags.str('profile')))
  const services = parseCidr(cluster.topology.serviceCidr)
  const api = administrator(cluster)
  const balancers = () => servicesIn(cluster, '').filter(({ spec }) => spec.type === 'LoadBalancer')
  const setAddress = (each: Service, ingress: { ip: string }[]) => api.patch('services', each.metadata.name!, each.metadata.namespace!, 'application/merge-patch+json', { status: { loadBalancer: { ingress: ingress.length > 0 ? ingress : null } } }, { subresource: 'status', fieldManager: 'minikube' })
  const closeRoute = fleet.addRoute(record, (ip) => isIPv4(ip) && cidrContains(services, parseIPv4(ip)))
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) proc.onSignal(signal, () => end.abort())
  proc.killed.addEventListener('abort', () => end.abort())
  let told = ''
  try {
    while (!end.signal.aborted) {
      let problem = 'no errors'
      try {
        for (const each of balancers()) {
          const { clusterIP } = each.spec
          if (each.status.loadBalancer?.ingress?.[0]?.ip !== clusterIP && clusterIP) await setAddress(each, [{ ip: clusterIP }])
        }
      } catch (error) {
        problem = (error as Error).message
      }
      const state = `Status:\t\n\tmachine: ${record.name}\n\tpid: ${proc.pid}\n\troute: ${cluster.topology.serviceCidr} -> ${cluster.topology.nodes[0]!.ip}\n\tminikube: ${fleet.get('minikube', record.name)?.cluster ? 'Running' : 'Stopped'}\n\tservices: [${balancers().map(({ metadata }) => metadata.name).join(', ')}]\n    errors: \n\t\tminikube: no errors\n\t\trouter: no errors\n\t\tloadbalancer emulator: ${problem}\n`
      if (state !== told) await out(told = state)
      await proc.clock.sleep(LOOK_MS, end.signal).catch(() => {})
    }
  } finally {
    closeRoute()
    for (const each of balancers()) if (each.status.loadBalancer?.ingress) await setAddress(each, []).catch(() => {})
  }
  return 0
}
