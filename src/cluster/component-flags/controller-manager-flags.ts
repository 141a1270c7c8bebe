import type { ControllerManagerSettings } from '../controllers/controller-manager.ts'
import { LaunchError } from './component-flags.ts'
import type { ComponentFlags } from './component-flags.ts'
import { requireFiles } from './launch-files.ts'
import type { LaunchPlace } from './launch-files.ts'

// @k8s part: kube-controller-manager flags: controllers, node-monitor-period, node-monitor-grace-period, node-startup-grace-period, node-eviction-rate, terminated-pod-gc-threshold, legacy-service-account-token-clean-up-period, and the files that flags name; other flags are checked and change nothing

/** Names that --controllers takes. k8s: cmd/kube-controller-manager/names */
const CONTROLLERS = ('bootstrap-signer-controller certificatesigningrequest-approving-controller certificatesigningrequest-cleaner-controller certificatesigningrequest-signing-controller '
  + 'clusterrole-aggregation-controller cronjob-controller daemonset-controller deployment-controller device-taint-eviction-controller disruption-controller endpoints-controller endpointslice-controller '
  + 'endpointslice-mirroring-controller kube-apiserver-serving-clustertrustbundle-publisher-controller podcertificaterequest-cleaner-controller podgroup-protection-controller resourcepoolstatusrequest-controller ephemeral-volume-controller garbage-collector-controller horizontal-pod-autoscaler-controller job-controller legacy-serviceaccount-token-cleaner-controller '
  + 'namespace-controller node-ipam-controller node-lifecycle-controller node-route-controller cloud-node-lifecycle-controller persistentvolume-attach-detach-controller persistentvolume-binder-controller '
  + 'persistentvolume-expander-controller persistentvolume-protection-controller persistentvolumeclaim-protection-controller pod-garbage-collector-controller replicaset-controller '
  + 'replicationcontroller-controller resourceclaim-controller resourcequota-controller root-ca-certificate-publisher-controller selinux-warning-controller service-cidr-controller '
  + 'service-lb-controller serviceaccount-controller serviceaccount-token-controller statefulset-controller storage-version-migrator-controller storageversion-garbage-collector-controller '
  + 'taint-eviction-controller token-cleaner-controller ttl-after-finished-controller ttl-controller validatingadmissionpolicy-status-controller volumeattributesclass-protection-controller').split(' ')
/** Their names of before. k8s: cmd/kube-controller-manager/names KCMControllerAliases */
const ALIASES: Readonly<Record<string, string>> = {
  'serviceaccount-token': 'serviceaccount-token-controller', endpoint: 'endpoints-controller', endpointslice: 'endpointslice-controller', replicationcontroller: 'replicationcontroller-controller', podgc: 'pod-garbage-collector-controller',
  resourcequota: 'resourcequota-controller', namespace: 'namespace-controller', serviceaccount: 'serviceaccount-controller', garbagecollector: 'garbage-collector-controller', daemonset: 'daemonset-controller', job: 'job-controller',
  deployment: 'deployment-controller', replicaset: 'replicaset-controller', horizontalpodautoscaling: 'horizontal-pod-autoscaler-controller', disruption: 'disruption-controller', statefulset: 'statefulset-controller', cronjob: 'cronjob-controller',
  csrsigning: 'certificatesigningrequest-signing-controller', csrapproving: 'certificatesigningrequest-approving-controller', csrcleaner: 'certificatesigningrequest-cleaner-controller', ttl: 'ttl-controller',
  bootstrapsigner: 'bootstrap-signer-controller', tokencleaner: 'token-cleaner-controller', nodeipam: 'node-ipam-controller', nodelifecycle: 'node-lifecycle-controller', 'persistentvolume-binder': 'persistentvolume-binder-controller',
  attachdetach: 'persistentvolume-attach-detach-controller', 'persistentvolume-expander': 'persistentvolume-expander-controller', 'clusterrole-aggregation': 'clusterrole-aggregation-controller', 'pvc-protection': 'persistentvolumeclaim-protection-controller',
  'pv-protection': 'persistentvolume-protection-controller', 'ttl-after-finished': 'ttl-after-finished-controller', 'root-ca-cert-publisher': 'root-ca-certificate-publisher-controller', 'ephemeral-volume': 'ephemeral-volume-controller',
  endpointslicemirroring: 'endpointslice-mirroring-controller', 'legacy-service-account-token-cleaner': 'legacy-serviceaccount-token-cleaner-controller',
}
/** Off unless somebody names them. */
const OFF_BY_DEFAULT = ['bootstrap-signer-controller', 'token-cleaner-controller', 'selinux-warning-controller']

/** What kube-controller-manager is told by its flags. @throws LaunchError */
export function controllerManagerSettings(flags: ComponentFlags, place: LaunchPlace): ControllerManagerSettings {
  for (const name of flags.list('kubeconfig')) if (!place.fs.exists(name)) throw new LaunchError(`stat ${name}: no such file or directory`)
  const wanted = flags.has('controllers') ? flags.list('controllers') : ['*']
  const named = new Map(wanted.filter((name) => name !== '*').map((name) => [ALIASES[name.replace(/^-/, '')] ?? name.replace(/^-/, ''), !name.startsWith('-')] as const))
  const unknown = wanted.find((name) => name !== '*' && !CONTROLLERS.includes(ALIASES[name.replace(/^-/, '')] ?? name.replace(/^-/, '')))
  if (unknown !== undefined) throw new LaunchError(`${JSON.stringify(unknown.replace(/^-/, ''))} is not in the list of known controllers`)
  requireFiles(place, flags, ['authentication-kubeconfig', 'authorization-kubeconfig', 'client-ca-file', 'requestheader-client-ca-file', 'service-account-private-key-file', 'root-ca-file', 'cluster-signing-cert-file', 'cluster-signing-key-file'])
  const evictionRate = flags.number('node-eviction-rate')
  return {
    isEnabled: (name) => named.get(name) ?? (wanted.includes('*') && !OFF_BY_DEFAULT.includes(name)),
    nodeMonitorPeriodMs: flags.durationMs('node-monitor-period'), nodeMonitorGraceMs: flags.durationMs('node-monitor-grace-period'), nodeStartupGraceMs: flags.durationMs('node-startup-grace-period'),
    evictionIntervalMs: evictionRate === undefined ? undefined : evictionRate === 0 ? Infinity : 1000 / evictionRate,
    terminatedPodThreshold: flags.number('terminated-pod-gc-threshold'), legacyTokenCleanUpMs: flags.durationMs('legacy-service-account-token-clean-up-period'),
  }
}
