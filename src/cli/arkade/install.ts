import { createPipe, readAll } from '../../base/streams.ts'
import type { Proc } from '../../unix/types.ts'

/** An app as arkade installs it: a chart with some of its values set. arkade: cmd/apps */
interface App {
  namespace: string
  /** Of the chart, with its repository's name before it. */
  chart: string
  url: string
  values: readonly string[]
  /** Switches of its own and what they set; `default`: on unless it is said otherwise. */
  switches?: Readonly<Record<string, { sets: readonly string[]; otherwise?: readonly string[]; default?: true }>>
  /** A flag with the version of what is installed, and the value that it sets. */
  versionFlag?: readonly [flag: string, value: string]
  info: string
}

const APPS: Readonly<Record<string, App>> = {
  'cert-manager': {
    namespace: 'cert-manager', chart: 'jetstack/cert-manager', url: 'https://charts.jetstack.io', values: ['installCRDs=true'],
    info: '# Issuers and Certificates are the next step:\nkubectl get pods -n cert-manager\nkubectl explain certificate.spec\n',
  },
  'ingress-nginx': {
    namespace: 'default', chart: 'ingress-nginx/ingress-nginx', url: 'https://kubernetes.github.io/ingress-nginx', values: [],
    switches: { 'default-ingress': { sets: ['controller.ingressClassResource.default=true'], default: true }, 'host-mode': { sets: ['controller.hostNetwork=true', 'controller.hostPort.enabled=true', 'controller.service.type=NodePort', 'dnsPolicy=ClusterFirstWithHostNet', 'controller.kind=DaemonSet'] } },
    info: '# Where the cluster has load balancers, its address stands under EXTERNAL-IP:\nkubectl get svc ingress-nginx-controller\n',
  },
  'metrics-server': {
    namespace: 'kube-system', chart: 'metrics-server/metrics-server', url: 'https://kubernetes-sigs.github.io/metrics-server', values: ['args={--kubelet-insecure-tls,--kubelet-preferred-address-types=InternalIP\\,ExternalIP\\,Hostname}'],
    versionFlag: ['tag', 'image.tag'], info: '# What pods and nodes use:\nkubectl top pod\nkubectl top node\n',
  },
  traefik2: {
    namespace: 'kube-system', chart: 'traefik/traefik', url: 'https://helm.traefik.io/traefik', values: ['global.checkNewVersion=false', 'global.sendAnonymousUsage=false'],
    switches: { 'load-balancer': { sets: ['service.type=LoadBalancer'], otherwise: ['service.type=NodePort'], default: true }, dashboard: { sets: ['ingressRoute.dashboard.enabled=true'] }, 'ingress-provider': { sets: ['additionalArguments[0]=--providers.kubernetesingress'], default: true } },
    info: '# The address of its load balancer:\nkubectl get svc -n kube-system traefik\n',
  },
}
/** Arkade's other apps: the cluster has no images of what they would run. */
const MISSING = 'argocd cassandra cockroachdb consul-connect cron-connector crossplane docker-registry docker-registry-ingress falco gitea gitlab grafana influxdb inlets-operator istio jenkins kafka kafka-connector kong-ingress kube-image-prefetch kube-state-metrics kubernetes-dashboard kuma kyverno linkerd loki metallb-arp minio mongodb mqtt-connector nats-connector nfs-provisioner opa-gatekeeper openfaas openfaas-ce openfaas-ingress openfaas-loki portainer postgresql prometheus qemu-static rabbitmq redis registry-creds sealed-secret tekton vault waypoint'.split(' ')

const VALUED = ['namespace', 'set', 'kubeconfig', 'repo-name', 'repo-url', 'values', 'tag']
const SHORT: Readonly<Record<string, string>> = { n: 'namespace', f: 'values', t: 'tag' }

/** A mistake on the command line, or of what it runs. */
class ArkadeError extends Error {}

/** `arkade install APP`: adds the chart's repository and installs it with helm. arkade: pkg/apps MakeInstallChart */
export async function install(proc: Proc, [name, ...words]: readonly string[]): Promise<number> {
  const { stdout } = proc
  try {
    if (name === undefined || name === '--help' || name === '-h') {
      await stdout.write(`You can install ${Object.keys(APPS).length + 1} apps to your Kubernetes cluster here.\n\n${[...Object.keys(APPS), 'chart'].sort().map((each) => `  arkade install ${each}\n`).join('')}`)
      return 0
    }
    if (name === 'info') return await info(proc, words[0])
    const app = name === 'chart' ? undefined : Object.hasOwn(APPS, name) ? APPS[name]! : MISSING.includes(name) ? fail(`drydock: the app ${name} is not available: there are no images of it here. Charts of your own: arkade install chart --repo-name NAME/CHART --repo-url URL`) : fail(`no such app: ${name}, run "arkade install --help" for a list of apps`)
    const flags = parse(words, app)
    const env = { ...proc.env, ...(flags.one('kubeconfig') ? { KUBECONFIG: flags.one('kubeconfig')! } : {}) }
    const namespace = flags.one('namespace') ?? app?.namespace ?? 'default'
    const chart = app?.chart ?? flags.one('repo-name') ?? fail('--repo-name required')
    const url = app?.url ?? flags.one('repo-url')
    const [repository = '', chartName = ''] = chart.includes('/') ? [chart.slice(0, chart.indexOf('/')), chart.slice(chart.indexOf('/') + 1)] : ['', chart]
    const values = [...app?.values ?? [], ...Object.entries(app?.switches ?? {}).flatMap(([flag, { sets, otherwise = [], default: isDefault = false }]) => flags.isOn(flag, isDefault) ? sets : otherwise)]
    if (app?.versionFlag && flags.one(app.versionFlag[0])) values.push(`${app.versionFlag[1]}=${flags.one(app.versionFlag[0])}`)

    await stdout.write(`Node architecture: ${JSON.stringify((await quietly(proc, env, ['kubectl', 'get', 'nodes', '--output', 'jsonpath={range $.items[0]}{.status.nodeInfo.architecture}'])).stdout.trim())}\n`)
    const created = await quietly(proc, env, ['kubectl', 'create', 'namespace', namespace])
    if (created.code !== 0) await stdout.write(`[Warning] unable to create namespace ${namespace}, may already exist: ${created.stderr}`)
    await stdout.write('Client: x86_64, Linux\n')
    await proc.stderr.write(`${new Date(proc.clock.nowMs()).toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/')} User dir established as: ${proc.env['HOME'] || proc.user.home}/.arkade/\n`)
    const helm = async (...args: string[]) => { const { code } = await proc.spawn(['helm', ...args], { env }).wait(); if (code !== 0) fail(`exit code ${code}`) }
    if (url !== undefined && repository !== '') {
      await helm('repo', 'add', repository, url, '--force-update')
      if (flags.isOn('update-repo', true)) await helm('repo', 'update')
    }
    const args = ['upgrade', '--install', chartName, chart, '--namespace', namespace, ...(flags.isOn('wait', false) ? ['--wait'] : []), ...flags.all('values').flatMap((file) => ['--values', file]), ...[...values, ...flags.all('set')].flatMap((value) => ['--set', value])]
    await stdout.write(`Command: helm [${args.join(' ')}]\n`)
    await helm(...args)
    const rule = '='.repeat(71)
    await stdout.write(`${rule}\n= ${`${name === 'chart' ? `chart ${chart}` : name} has been installed.`.padEnd(67)} =\n${rule}\n\n${app?.info ?? ''}`)
    return 0
  } catch (error) {
    if (!(error instanceof ArkadeError)) throw error
    await proc.stderr.write(`Error: ${error.message}\n`)
    return 1
  }
}

/** `arkade info APP`: what comes after an installation. */
export async function info(proc: Proc, name: string | undefined): Promise<number> {
  const app = name !== undefined && Object.hasOwn(APPS, name) ? APPS[name] : undefined
  await (app ? proc.stdout.write(`Info for app: ${name}\n${app.info}`) : proc.stderr.write(`Error: ${name === undefined ? 'you can get info about: ' : `no info available for app: ${name}; there is some about `}${Object.keys(APPS).join(', ')}\n`))
  return app ? 0 : 1
}

function fail(message: string): never {
  throw new ArkadeError(message)
}

/** Flags of a command line. @throws ArkadeError */
function parse(words: readonly string[], app: App | undefined): { one(flag: string): string | undefined; all(flag: string): readonly string[]; isOn(flag: string, otherwise: boolean): boolean } {
  const given = new Map<string, string[]>()
  const switches = ['wait', 'update-repo', ...Object.keys(app?.switches ?? {})]
  const valued = VALUED.filter((flag) => app ? !['repo-name', 'repo-url', 'values'].includes(flag) && (flag !== 'tag' || app.versionFlag?.[0] === 'tag') : flag !== 'tag')
  for (let i = 0; i < words.length; i++) {
    const match = /^(?:--([a-z-]+)|-([a-z]))(?:=([\s\S]*))?$/.exec(words[i]!)
    const flag = match?.[1] ?? SHORT[match?.[2] ?? '']
    if (!match) fail(`unknown command ${JSON.stringify(words[i])} for "arkade install"`)
    if (flag === undefined || !(valued.includes(flag) || switches.includes(flag))) fail(match[1] === undefined ? `unknown shorthand flag: '${match[2]}' in -${match[2]}` : `unknown flag: --${match[1]}`)
    const value = match[3] ?? (switches.includes(flag) ? 'true' : words[++i])
    if (value === undefined) fail(`flag needs an argument: --${flag}`)
    given.set(flag, [...given.get(flag) ?? [], value])
  }
  return { one: (flag) => given.get(flag)?.at(-1), all: (flag) => given.get(flag) ?? [], isOn: (flag, otherwise) => { const value = given.get(flag)?.at(-1); return value === undefined ? otherwise : value === 'true' } }
}

/** Runs a program without showing what it says. */
async function quietly(proc: Proc, env: Record<string, string>, argv: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [out, err] = [createPipe(), createPipe()]
  const process = proc.spawn(argv, { env, stdout: out.writer, stderr: err.writer })
  const texts = Promise.all([out, err].map(async ({ reader }) => new TextDecoder().decode(await readAll(reader))))
  const { code } = await process.wait()
  out.writer.close()
  err.writer.close()
  const [stdout = '', stderr = ''] = await texts
  return { code: code ?? 1, stdout, stderr }
}
