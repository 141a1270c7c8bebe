import { silentLog } from '../../../base/log.ts'
import type { Proc } from '../../../unix/types.ts'
import { ClusterAutoscaler } from '../../autoscaler/autoscaler.ts'
import { createInformers } from '../../client/informers.ts'
import { backgroundExit } from '../in-cluster/background-exit.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { inClusterEvents } from '../in-cluster/events.ts'
import { httpApi } from '../in-cluster/http-api.ts'
import { klog } from '../in-cluster/klog.ts'
import { runLeaderElection } from '../in-cluster/leader-election.ts'
import { AwsClient } from './aws-client.ts'
import { AwsProvider, discoveryTags, staticGroup } from './aws-provider.ts'
import { FlagError, autoscalerFlags } from './flags.ts'
import type { AutoscalerFlags } from './flags.ts'

const MEMORY_BYTES = 45 * 2 ** 20

/** The program; its version stands in a file beside it. k8s: cluster-autoscaler/main.go */
// @k8s part: cluster-autoscaler: its image scales the node groups of clusters that eksctl makes (--cloud-provider=aws; it reaches Amazon's API at the address of the metadata service), and Google's and Microsoft's clusters have it beside their control plane; the expanders random, most-pods, least-waste and priority; other providers are refused, and balancing of similar groups, limits of cores and memory, GPUs, ProvisioningRequests, capacity buffers, machines that never become nodes, pods that are safe to evict on completion, per-group settings and metrics are missing, and flags for what is missing change nothing
export async function clusterAutoscaler(proc: Proc): Promise<number> {
  let flags: AutoscalerFlags
  try {
    flags = autoscalerFlags(proc.argv.slice(1))
  } catch (error) {
    if (!(error instanceof FlagError)) throw error
    await proc.stderr.write(`${error.message}\n`)
    return 2
  }
  const fatal = (at: string, text: string) => { klog(proc, 'F', at, text); return 255 }
  const version = proc.fs.readText('/etc/cluster-autoscaler-version').trim()
  if (flags.verbosity >= 1) klog(proc, 'I', 'main.go:255', `Cluster Autoscaler ${version}`)
  if (flags.cloudProvider !== 'aws') return fatal('cloud_provider_builder.go:69', `the cloud provider ${flags.cloudProvider} is not available in Drydock's image; there is aws`)
  const named = flags.nodes.map((text) => ({ text, group: staticGroup(text) }))
  const wrong = named.find(({ group }) => !group)
  if (wrong) return fatal('aws_cloud_provider.go:400', `Failed to create AWS Manager: failed to parse node group spec: invalid node group spec ${JSON.stringify(wrong.text)}`)
  const tags = flags.autoDiscovery.map((text) => ({ text, tags: discoveryTags(text) }))
  const unreadable = tags.find((each) => !each.tags)
  if (unreadable) return fatal('aws_cloud_provider.go:400', `Failed to create AWS Manager: invalid ASG auto discovery spec specified: invalid spec ${JSON.stringify(unreadable.text)}`)
  const aws = new AwsClient(proc)
  try {
    await aws.region()
  } catch (error) {
    return fatal('aws_cloud_provider.go:405', `Failed to generate AWS EC2 Instance Types: unable to load EC2 Instance Type list: ${(error as Error).message}`)
  }
  proc.useMemory(MEMORY_BYTES)
  proc.useCpuSteadily(3)
  const client = clusterClient(proc, 'cluster-autoscaler')
  proc.net.listenHttp(Number(flags.address.split(':').pop()), (request) => new URL(request.url).pathname === '/health-check' ? new Response('OK') : new Response('404 page not found\n', { status: 404 }))
  const begin = () => {
    const api = httpApi(proc, client)
    const informers = createInformers({ api, clock: proc.clock, log: silentLog })
    const autoscaler = new ClusterAutoscaler({
      api, informers, clock: proc.clock, random: proc.random, events: inClusterEvents(proc, client, 'cluster-autoscaler'), options: flags.options,
      cloud: new AwsProvider(aws, { named: named.map(({ group }) => group!), tags: tags.map((each) => each.tags!) }), log: (severity, level, at, text) => { if (level <= flags.verbosity) klog(proc, severity, at, text) },
    })
    proc.killed.addEventListener('abort', () => { autoscaler.stop(); informers.stop() }, { once: true })
    autoscaler.run().catch((error: unknown) => { if (!proc.killed.aborted) klog(proc, 'E', 'main.go:200', (error as Error).message) })
  }
  const { ended, isExit } = backgroundExit()
  if (!flags.leaderElect) begin()
  else void runLeaderElection({
    proc, client, namespace: flags.options.namespace, name: flags.leaseName, identity: proc.machine.hostname, leaseDurationMs: flags.leaseDurationMs,
    onStartedLeading: begin, onStoppedLeading: () => { klog(proc, 'F', 'main.go:302', 'lost master'); proc.exit(255) }, onNewLeader: () => {},
  }).catch(isExit)
  await Promise.race([proc.signal('SIGTERM', 'SIGINT', 'SIGQUIT'), ended])
  return 0
}
