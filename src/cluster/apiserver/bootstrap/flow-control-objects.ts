import type { KubeObject } from '../../kinds/object.ts'

const API_VERSION = 'flowcontrol.apiserver.k8s.io/v1'

const everything = { nonResourceRules: [{ nonResourceURLs: ['*'], verbs: ['*'] }], resourceRules: [{ apiGroups: ['*'], clusterScope: true, namespaces: ['*'], resources: ['*'], verbs: ['*'] }] }
const leases = (verbs: string[]) => ({ apiGroups: ['coordination.k8s.io'], namespaces: ['*'], resources: ['leases'], verbs })

const group = (name: string) => ({ kind: 'Group', group: { name } })
const user = (name: string) => ({ kind: 'User', user: { name } })
const kubeSystemAccounts = { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'kube-system' } }
const everyone = [group('system:unauthenticated'), group('system:authenticated')]

/** k8s: apiserver/pkg/apis/flowcontrol/bootstrap/default.go */
export function flowControlObjects(): { priorityLevels: KubeObject[]; flowSchemas: KubeObject[] } {
  return {
    priorityLevels: [
      priorityLevel('catch-all', { type: 'Limited', limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } } }),
      priorityLevel('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
      queued('global-default', 20, 50, 128, 6),
      queued('leader-election', 10, 0, 16, 4),
      queued('node-high', 40, 25, 64, 6),
      queued('system', 30, 33, 64, 6),
      queued('workload-high', 40, 50, 128, 6),
      queued('workload-low', 100, 90, 128, 6),
    ],
    flowSchemas: [
      flowSchema('catch-all', 'catch-all', 10_000, 'ByUser', [{ ...everything, subjects: everyone }]),
      flowSchema('exempt', 'exempt', 1, undefined, [{ ...everything, subjects: [group('system:masters')] }]),
      flowSchema('global-default', 'global-default', 9_900, 'ByUser', [{ ...everything, subjects: everyone }]),
      flowSchema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', [{ ...everything, subjects: [user('system:kube-controller-manager')] }]),
      flowSchema('kube-scheduler', 'workload-high', 800, 'ByNamespace', [{ ...everything, subjects: [user('system:kube-scheduler')] }]),
      flowSchema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', [{ ...everything, subjects: [kubeSystemAccounts] }]),
      flowSchema('probes', 'exempt', 2, undefined, [{ nonResourceRules: [{ nonResourceURLs: ['/healthz', '/readyz', '/livez'], verbs: ['get'] }], subjects: everyone }]),
      flowSchema('service-accounts', 'workload-low', 9_000, 'ByUser', [{ ...everything, subjects: [group('system:serviceaccounts')] }]),
      flowSchema('system-leader-election', 'leader-election', 100, 'ByUser', [
        { resourceRules: [leases(['get', 'create', 'update'])], subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler'), kubeSystemAccounts] },
      ]),
      flowSchema('system-node-high', 'node-high', 400, 'ByUser', [
        { resourceRules: [{ apiGroups: [''], clusterScope: true, namespaces: ['*'], resources: ['nodes', 'nodes/status'], verbs: ['*'] }, leases(['*'])], subjects: [group('system:nodes')] },
      ]),
      flowSchema('system-nodes', 'system', 500, 'ByUser', [{ ...everything, subjects: [group('system:nodes')] }]),
    ],
  }
}

const metadata = (name: string) => ({ name, annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } })

function priorityLevel(name: string, spec: Record<string, unknown>): KubeObject {
  return { apiVersion: API_VERSION, kind: 'PriorityLevelConfiguration', metadata: metadata(name), spec }
}

function queued(name: string, nominalConcurrencyShares: number, lendablePercent: number, queues: number, handSize: number): KubeObject {
  return priorityLevel(name, { type: 'Limited', limited: { nominalConcurrencyShares, lendablePercent, limitResponse: { type: 'Queue', queuing: { handSize, queueLengthLimit: 50, queues } } } })
}

function flowSchema(name: string, level: string, matchingPrecedence: number, distinguisher: string | undefined, rules: unknown[]): KubeObject {
  return {
    apiVersion: API_VERSION, kind: 'FlowSchema', metadata: metadata(name),
    spec: { ...(distinguisher ? { distinguisherMethod: { type: distinguisher } } : {}), matchingPrecedence, priorityLevelConfiguration: { name: level }, rules },
  }
}
