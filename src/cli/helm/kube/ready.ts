import { deepEqual } from '../../../base/freeze.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { resourcePath } from '../../kubectl/discovery.ts'
import type { Factory } from '../../kubectl/factory.ts'
import type { Info } from '../../kubectl/resources.ts'
import { selectorQuery } from '../../kubectl/selectors.ts'

type Json = Record<string, any>

/** Whether an object is ready, as `--wait` means it. k8s: helm.sh/helm/v3/pkg/kube ReadyChecker @throws StatusError, Error for jobs that failed */
export async function isReady(f: Factory, info: Info, withJobs: boolean): Promise<boolean> {
  const { group, kind } = info.mapping
  const look = () => f.rest().json<Json>('GET', resourcePath(info.mapping, info.namespace, info.name))
  switch (`${group}/${kind}`) {
    case '/Pod': return podReady(await look())
    case 'batch/Job': return withJobs ? jobReady(await look()) : true
    case 'apps/Deployment': return deploymentReady(f, await look())
    case '/PersistentVolumeClaim': return (await look())['status']?.phase === 'Bound'
    case '/Service': return serviceReady(await look())
    case 'apps/DaemonSet': return daemonSetReady(await look())
    case 'apiextensions.k8s.io/CustomResourceDefinition': return definitionReady(await look())
    case 'apps/StatefulSet': return statefulSetReady(await look())
    case '/ReplicationController': case 'apps/ReplicaSet': {
      const object = await look()
      return observed(object) && await podsReady(f, info.namespace, kind === 'ReplicaSet' ? object['spec'].selector.matchLabels : object['spec'].selector)
    }
    default: return true
  }
}

const observed = (object: Json) => (object['status']?.observedGeneration ?? 0) === (object['metadata'].generation ?? 0)
const podReady = (pod: Json) => ((pod['status']?.conditions ?? []) as Json[]).some((c) => c['type'] === 'Ready' && c['status'] === 'True')

async function podsReady(f: Factory, namespace: string, labels: Record<string, string>): Promise<boolean> {
  const list = await f.rest().list<KubeObject>(`/api/v1/namespaces/${namespace}/pods`, { labelSelector: selectorQuery({ matchLabels: labels }) })
  return list.items.every((pod) => podReady(pod))
}

function jobReady(job: Json): boolean {
  const { metadata, spec, status = {} } = job
  if ((status.failed ?? 0) > (spec.backoffLimit ?? 6)) throw new Error(`job is failed: ${metadata.namespace}/${metadata.name}`)
  return spec.completions === undefined || (status.succeeded ?? 0) >= spec.completions
}

function serviceReady({ spec, status }: Json): boolean {
  if (spec.type === 'ExternalName') return true
  if (!spec.clusterIP) return false
  return spec.type !== 'LoadBalancer' || (spec.externalIPs?.length ?? 0) > 0 || status?.loadBalancer?.ingress !== undefined
}

/** A number or a share of a whole. */
function scaled(value: number | string | undefined, whole: number, up: boolean): number {
  if (typeof value !== 'string') return value ?? 0
  const share = Number(value.replace('%', '')) * whole / 100
  return up ? Math.ceil(share) : Math.floor(share)
}

/** k8s: pkg/controller/deployment/util MaxUnavailable */
function maxUnavailable({ spec }: Json): number {
  const replicas = spec.replicas ?? 1
  if (spec.strategy?.type !== 'RollingUpdate' || replicas === 0) return 0
  const surge = scaled(spec.strategy.rollingUpdate?.maxSurge, replicas, true)
  const unavailable = scaled(spec.strategy.rollingUpdate?.maxUnavailable, replicas, false)
  return Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas)
}

async function deploymentReady(f: Factory, deployment: Json): Promise<boolean> {
  const { metadata, spec } = deployment
  if (spec.paused) return true
  const sets = await f.rest().list<KubeObject & Json>(`/apis/apps/v1/namespaces/${metadata.namespace}/replicasets`, { labelSelector: selectorQuery(spec.selector) })
  const template = (of: Json) => {
    const { 'pod-template-hash': _, ...labels } = of['metadata']?.labels ?? {}
    return { ...of, metadata: { ...of['metadata'], labels } }
  }
  const newest = sets.items.find((set) => set.metadata.ownerReferences?.some((owner) => owner.uid === metadata.uid) && deepEqual(template(set['spec'].template), template(spec.template)))
  if (!newest || !observed(newest) || !observed(deployment)) return false
  return (newest['status']?.readyReplicas ?? 0) >= (spec.replicas ?? 1) - maxUnavailable(deployment)
}

function daemonSetReady(set: Json): boolean {
  if (!observed(set)) return false
  const { spec, status } = set
  if (spec.updateStrategy?.type !== 'RollingUpdate') return true
  const desired = status.desiredNumberScheduled ?? 0
  if ((status.updatedNumberScheduled ?? 0) !== desired) return false
  return (status.numberReady ?? 0) >= desired - scaled(spec.updateStrategy.rollingUpdate?.maxUnavailable, desired, true)
}

function statefulSetReady(set: Json): boolean {
  if (!observed(set)) return false
  const { spec, status } = set
  if (spec.updateStrategy?.type !== 'RollingUpdate') return true
  const partition = spec.updateStrategy.rollingUpdate?.partition ?? 0
  const replicas = spec.replicas ?? 1
  if ((status.updatedReplicas ?? 0) < replicas - partition || (status.readyReplicas ?? 0) !== replicas) return false
  return partition !== 0 || status.currentRevision === status.updateRevision
}

function definitionReady({ status }: Json): boolean {
  return ((status?.conditions ?? []) as Json[]).some((c) => (c['type'] === 'Established' && c['status'] === 'True') || (c['type'] === 'NamesAccepted' && c['status'] === 'False'))
}
