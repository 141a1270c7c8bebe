import { KUSTOMIZE_VERSION } from '../kustomize/version.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { printYaml } from '../../yaml.ts'
import { usageError } from '../command.ts'
import { groupResource, groupVersion } from '../discovery.ts'
import type { ApiResource } from '../discovery.ts'
import { CLIENT_VERSION } from '../factory.ts'
import { printerFor } from '../print.ts'
import { simpleTable } from '../table.ts'
import type { CommandHandler } from './handler.ts'

// k8s: kubectl/pkg/cmd/apiresources
export const apiResources: CommandHandler = async ({ f, flags, args, out, spec }) => {
  if (args.length > 0) throw usageError(spec, `unexpected arguments: [${args.join(' ')}]`)
  const output = flags.str('output')
  if (!['', 'wide', 'name', 'json', 'yaml', 'kyaml'].includes(output)) throw new Error(`unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: json,kyaml,name,wide,yaml`)
  const sortBy = flags.str('sort-by')
  if (!['', 'name', 'kind'].includes(sortBy)) throw new Error(`--sort-by accepts only name or kind`)
  const verbs = flags.list('verbs')
  const categories = flags.list('categories')
  const shown: ApiResource[] = []
  if (!flags.bool('cached')) f.forgetDiscovery()
  for (const r of (await f.mapper()).preferredResources()) {
    if (flags.changed('api-group') && r.group !== flags.str('api-group')) continue
    if (flags.changed('namespaced') && r.namespaced !== flags.bool('namespaced')) continue
    if (r.verbs.length === 0 || !verbs.every((v) => r.verbs.includes(v)) || !categories.every((c) => r.categories.includes(c))) continue
    shown.push(r)
  }
  const text = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0
  shown.sort((a, b) => sortBy === 'name' ? text(a.resource, b.resource) : sortBy === 'kind' ? text(a.kind, b.kind) : text(a.group, b.group) || text(a.resource, b.resource))
  if (output === 'name') { void out(shown.map((r) => `${groupResource(r)}\n`).join('')); return }
  if (output === 'json' || output === 'yaml' || output === 'kyaml') {
    void out(printerFor(f, { keepOrder: true })({
      kind: 'APIResourceList', apiVersion: 'v1', groupVersion: '',
      resources: shown.map((r) => ({
        name: r.resource, singularName: r.singular, namespaced: r.namespaced, ...(r.group ? { group: r.group } : {}), version: r.version, kind: r.kind, verbs: r.verbs,
        ...(r.shortNames.length > 0 ? { shortNames: r.shortNames } : {}), ...(r.categories.length > 0 ? { categories: r.categories } : {}),
      })),
    } as unknown as KubeObject))
    return
  }
  const rows: string[][] = flags.bool('no-headers') ? [] : [['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(output === 'wide' ? ['VERBS', 'CATEGORIES'] : [])]]
  for (const r of shown) rows.push([r.resource, r.shortNames.join(','), groupVersion(r), String(r.namespaced), r.kind, ...(output === 'wide' ? [r.verbs.join(','), r.categories.join(',')] : [])])
  void out(simpleTable(rows))
}

// k8s: kubectl/pkg/cmd/apiresources apiversions
export const apiVersions: CommandHandler = async ({ f, args, out, spec }) => {
  if (args.length > 0) throw usageError(spec, `unexpected arguments: [${args.join(' ')}]`)
  f.forgetDiscovery()
  f.rest()
  const mapper = await f.mapper().catch((error: Error) => { throw new Error(`couldn't get available api versions from server: ${error.message}`) })
  const versions = mapper.groups.flatMap((g) => g.versions.map((v) => groupVersion({ group: g.name, version: v.version })))
  void out(versions.sort().map((v) => `${v}\n`).join(''))
}

/** What is said where client and server are too far apart. @throws Error for a server's version that is none. k8s: kubectl/pkg/cmd/version/skew_warning.go */
function skewWarning(serverVersion: string): string | undefined {
  const [major, minor] = semanticVersion(CLIENT_VERSION)
  let server: readonly number[]
  try {
    server = semanticVersion(serverVersion)
  } catch (error) {
    throw new Error(`server version error: ${(error as Error).message}`)
  }
  if (major === server[0] && Math.abs(minor! - server[1]!) <= 1) return undefined
  return `version difference between client (${major}.${minor}) and server (${server[0]}.${server[1]}) exceeds the supported minor version skew of +/-1`
}

/** Major, minor and patch. @throws Error k8s: apimachinery/pkg/util/version ParseSemantic */
function semanticVersion(text: string): readonly number[] {
  const [, dotted, extra = ''] = /^\s*v?([0-9]+(?:\.[0-9]+)*)(.*)$/.exec(text) ?? []
  if (dotted === undefined) throw new Error(`could not parse ${JSON.stringify(text)} as version`)
  const numbers = dotted.split('.')
  if (numbers.length !== 3) throw new Error(`illegal version string ${JSON.stringify(text)}`)
  const padded = numbers.find((each) => /^0\d/.test(each))
  if (padded !== undefined) throw new Error(`illegal zero-prefixed version component ${JSON.stringify(padded)} in ${JSON.stringify(text)}`)
  if (!/^(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\s*$/.test(extra)) throw new Error(`could not parse pre-release/metadata (${extra}) in version ${JSON.stringify(text)}`)
  return numbers.map(Number)
}

// k8s: kubectl/pkg/cmd/version
export const version: CommandHandler = async ({ f, flags, args, out }) => {
  if (args.length > 0 && !flags.bool('client')) throw new Error(`extra arguments: [${args.join(' ')}]`)
  const output = flags.str('output')
  if (!['', 'yaml', 'json'].includes(output)) throw new Error(`--output must be 'yaml' or 'json'`)
  // Commit, date, Go version and compiler are those of a build that this one never had.
  const clientVersion = { major: '1', minor: '36', gitVersion: CLIENT_VERSION, platform: `linux/${f.proc.machine.hardware.architecture ?? 'amd64'}` }
  let serverVersion: Record<string, string> | undefined
  let failure: unknown
  if (!flags.bool('client')) {
    // A configuration that can't be used ends the command before anything is told.
    const rest = f.rest()
    try {
      serverVersion = await rest.json('GET', '/version', { query: { timeout: '32s' }, accept: 'application/json, */*' })
    } catch (error) {
      failure = error
    }
  }
  const all = { clientVersion, kustomizeVersion: KUSTOMIZE_VERSION, ...(serverVersion ? { serverVersion } : {}) }
  if (output === 'json') void out(`${JSON.stringify(all, null, 2)}\n`)
  else if (output === 'yaml') void out(`${printYaml(all)}\n`)
  else void out(`Client Version: ${CLIENT_VERSION}\nKustomize Version: ${KUSTOMIZE_VERSION}\n${serverVersion ? `Server Version: ${serverVersion['gitVersion']}\n` : ''}`)
  const skew = serverVersion && skewWarning(serverVersion['gitVersion'] ?? '')
  if (skew && flags.bool('warnings-as-errors')) throw new Error(skew)
  if (skew) void f.io.err(`Warning: ${skew}\n`)
  if (failure) throw failure
}

// k8s: kubectl/pkg/cmd/clusterinfo
export const clusterInfo: CommandHandler = async ({ f, out }) => {
  const { server } = f.rest().config
  const painted = (text: string, colour: number) => f.proc.isTty(1) ? `\x1b[0;${colour}m${text}\x1b[0m` : text
  const line = (name: string, url: string) => void out(`${painted(name, 32)} is running at ${painted(url, 33)}\n`)
  const list = await f.rest().list('/api/v1/namespaces/kube-system/services', { labelSelector: 'kubernetes.io/cluster-service=true' })
  line('Kubernetes control plane', server)
  for (const service of list.items) {
    const ingress = service['status']?.loadBalancer?.ingress?.[0]
    const ports = service['spec'].ports as { name?: string; port: number }[] | undefined
    let url: string
    if (ingress) url = `http://${ingress.ip || ingress.hostname}:${ports?.[0]?.port}`
    else {
      const name = ports?.[0]?.name ? `${service.metadata.name}:${ports[0].name}` : ports?.[0]?.port === 443 ? `https:${service.metadata.name}:` : service.metadata.name
      url = `${server}/api/v1/namespaces/${service.metadata.namespace}/services/${name}/proxy`
    }
    line(service.metadata.labels?.['kubernetes.io/name'] || service.metadata.name!, url)
  }
  void out("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n")
}
