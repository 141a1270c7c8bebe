import type { Pod } from '../kinds/generated/types.ts'
import type { DnsConfig } from '../runtime/cri.ts'

export interface DnsSettings {
  clusterDns: readonly string[]
  clusterDomain: string
  /** The node's own resolver configuration. */
  host: DnsConfig
}

/** What resolvers take. k8s: pkg/apis/core/validation MaxDNSNameservers, MaxDNSSearchPaths, MaxDNSSearchListChars */
const MAX_SERVERS = 3
const MAX_SEARCHES = 32
const MAX_SEARCH_CHARACTERS = 2048
const MAX_SEARCH_NAME = 253

/** A pod's resolver configuration within the limits of resolvers, and what to say of what was left out. k8s: formDNSConfigFitsLimits */
export function podDnsWithinLimits(pod: Pod, settings: DnsSettings): { config: DnsConfig; warnings: string[] } {
  const wanted = wantedDns(pod, settings)
  const warnings: string[] = []
  const servers = wanted.servers.slice(0, MAX_SERVERS)
  if (servers.length < wanted.servers.length) warnings.push(`Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(' ')}`)
  const searches = wanted.searches.slice(0, MAX_SEARCHES).filter((search) => search.length <= MAX_SEARCH_NAME)
  while (searches.join(' ').length > MAX_SEARCH_CHARACTERS) searches.pop()
  if (searches.length < wanted.searches.length) warnings.push(`Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`)
  return { config: { ...wanted, servers, searches }, warnings }
}

/** A pod's resolver configuration within the limits of resolvers. */
export function podDnsConfig(pod: Pod, settings: DnsSettings): DnsConfig {
  return podDnsWithinLimits(pod, settings).config
}

/** k8s: pkg/kubelet/network/dns getPodDNSType */
function asksClusterFirst({ spec: { dnsPolicy = 'ClusterFirst', hostNetwork } }: Pod): boolean {
  return dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork)
}

/** What is told of a node that knows no DNS server for a pod that wants the cluster's. */
export function missingClusterDns(pod: Pod, { clusterDns }: DnsSettings): string | undefined {
  return asksClusterFirst(pod) && clusterDns.length === 0 ? 'kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.' : undefined
}

/** k8s: pkg/kubelet/network/dns GetPodDNS */
function wantedDns(pod: Pod, { clusterDns, clusterDomain, host }: DnsSettings): DnsConfig {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst'
  let base: DnsConfig
  if (policy === 'None') base = { servers: [], searches: [], options: [] }
  else if (asksClusterFirst(pod) && clusterDns.length > 0) {
    const own = clusterDomain ? [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain] : []
    base = { servers: clusterDns, searches: [...new Set([...own, ...host.searches])], options: ['ndots:5'] }
  } else base = host
  const more = pod.spec.dnsConfig
  if (!more) return base
  const options = new Map<string, string>()
  for (const option of base.options) options.set(option.split(':')[0]!, option)
  for (const { name, value } of more.options ?? []) if (name) options.set(name, value !== undefined ? `${name}:${value}` : name)
  return {
    servers: [...new Set([...base.servers, ...more.nameservers ?? []])], searches: [...new Set([...base.searches, ...more.searches ?? []])], options: [...options.values()],
  }
}

/** The text of /etc/resolv.conf. containerd: pkg/cri/server parseDNSOptions */
export function resolvConf({ servers, searches, options }: DnsConfig): string {
  return [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}\n`] : []), ...servers.map((s) => `nameserver ${s}\n`),
    ...(options.length > 0 ? [`options ${options.join(' ')}\n`] : []),
  ].join('')
}

/** k8s: pkg/kubelet GeneratePodHostNameAndDomain */
export function podHostname(pod: Pod, clusterDomain: string): { hostname: string; domain: string } {
  const full = pod.spec.hostnameOverride ?? pod.spec.hostname ?? pod.metadata.name!
  const hostname = full.length > 63 ? full.slice(0, 63).replace(/[-.]+$/, '') : full
  const domain = pod.spec.hostnameOverride === undefined && pod.spec.subdomain ? `${pod.spec.subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : ''
  return { hostname, domain }
}

/** The text of /etc/hosts. k8s: pkg/kubelet managedHostsFileContent */
export function hostsFile(pod: Pod, ips: readonly string[], hostname: string, domain: string): string {
  const head = pod.spec.hostNetwork ? '# Kubernetes-managed hosts file (host network).\n' : '# Kubernetes-managed hosts file.\n'
  const own = pod.spec.hostNetwork ? '' : ips.map((ip) => domain ? `${ip}\t${hostname}.${domain}\t${hostname}\n` : `${ip}\t${hostname}\n`).join('')
  const aliases = pod.spec.hostAliases ?? []
  const extra = aliases.length > 0 ? `\n# Entries added by HostAliases.\n${aliases.map((a) => `${a.ip}\t${(a.hostnames ?? []).join('\t')}\n`).join('')}` : ''
  return `${head}127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n${own}${extra}`
}
