import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Api } from '../client/api.ts'
import { runController, type Controller } from '../client/controller-runner.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import { createInformers, type Informers } from '../client/informers.ts'
import type { ApiFetch } from '../client/json-client.ts'
import type { WorkQueueMetrics } from '../client/work-queue-metrics.ts'
import { validatingAdmissionPolicyStatusController } from './admission-policy-status/admission-policy-status.ts'
import { bootstrapSigner, tokenCleaner } from './bootstrap-tokens.ts'
import { clusterRoleAggregationController } from './cluster-role-aggregation.ts'
import { cronJobController } from './cronjob/cronjob.ts'
import { daemonSetController } from './daemonset/daemonset.ts'
import { deploymentController } from './deployment/deployment.ts'
import { disruptionController } from './disruption/disruption.ts'
import { endpointSliceMirroringController } from './endpoints/endpoint-slice-mirroring.ts'
import { endpointSliceController } from './endpoints/endpoint-slice.ts'
import { endpointsController } from './endpoints/endpoints.ts'
import { runGarbageCollector } from './garbage-collector/garbage-collector.ts'
import { horizontalPodAutoscalerController } from './horizontal-pod-autoscaler/horizontal-pod-autoscaler.ts'
import { jobController, jobOrphanPodController } from './job/job.ts'
import { legacyTokenCleaner } from './legacy-token-cleaner.ts'
import { namespaceController } from './namespace.ts'
import { nodeIpamController } from './node/node-ipam.ts'
import { nodeLifecycleController } from './node/node-lifecycle.ts'
import { podGcController } from './node/pod-gc.ts'
import { queueNameOf } from './queue-names.ts'
import { nodeTtlController } from './node/node-ttl.ts'
import { taintEvictionController } from './node/taint-eviction.ts'
import { replicaSetController, replicationController } from './replicaset.ts'
import { deviceTaintEvictionController } from './resource-claim/device-taint-eviction.ts'
import { resourceClaimPods, resourceClaims } from './resource-claim/resource-claim.ts'
import { createResourceDirectory } from './resource-directory.ts'
import { resourceQuotaController } from './resource-quota.ts'
import { rootCaPublisher } from './root-ca.ts'
import { serviceCidrController } from './service-cidrs.ts'
import { serviceLoadBalancerController } from './service-load-balancer.ts'
import { serviceAccountTokensController } from './service-account-tokens.ts'
import type { ServiceAccountTokensOptions } from './service-account-tokens.ts'
import { serviceAccountController } from './service-account.ts'
import { statefulSetController } from './statefulset/statefulset.ts'
import { ttlAfterFinishedController } from './ttl-after-finished.ts'
import { attachDetachController } from './volume/attach-detach.ts'
import { expandController } from './volume/expand.ts'
import { claimBinder, volumeBinder } from './volume/claim-binder.ts'
import { ephemeralVolumeController } from './volume/ephemeral-volume.ts'
import { localPathDeleter, localPathProvisioner } from './volume/local-path-provisioner.ts'
import { attributesClassProtectionController, claimProtectionController, volumeProtectionController } from './volume/protection.ts'

export interface ControllerManagerOptions {
  /** The API as a user: each controller is its own service account. */
  apiAs: (userName: string, groups: readonly string[]) => Api
  /** Requests as a user, for what no in-process client has words for. */
  fetchAs: (userName: string, groups: readonly string[]) => ApiFetch
  /** Caches shared by all controllers; by default own ones that read as system:kube-controller-manager. */
  informers?: Informers
  clock: Clock
  random: Random
  log: Log
  /** PEM of the CA that signs the API server's certificate. */
  caCertificatePem: string
  /** Network of the pods, e.g. 10.244.0.0/16; empty: nodes get no ranges of it. */
  clusterCidr: string
  /** Network of the Services' addresses. */
  serviceCidr: string
  /** Makes tokens for Secrets; without, these stay empty. */
  issueToken?: ServiceAccountTokensOptions['issueToken']
  /** Counts the controllers' work. */
  metrics?: WorkQueueMetrics
  /** What differs from the defaults. */
  settings?: ControllerManagerSettings | undefined
  /** Further controllers, such as those of certificates. */
  extra?: readonly { controller: Controller; serviceAccount: string }[]
}

/** Flags of kube-controller-manager; what is undefined is as by default. */
export interface ControllerManagerSettings {
  /** Whether a controller of this name runs, by the names that --controllers takes. */
  isEnabled(name: string): boolean
  nodeMonitorPeriodMs: number | undefined
  nodeMonitorGraceMs: number | undefined
  nodeStartupGraceMs: number | undefined
  /** Time between two nodes that get the taint that evicts pods. */
  evictionIntervalMs: number | undefined
  terminatedPodThreshold: number | undefined
  /** How long a generated token has to go unused until it is taken no more, and then until it goes. */
  legacyTokenCleanUpMs: number | undefined
}

/** Names of controllers that --controllers knows under others. k8s: cmd/kube-controller-manager/names */
const FLAG_NAMES: Readonly<Record<string, string>> = {
  'legacy-service-account-token-cleaner': 'legacy-serviceaccount-token-cleaner-controller',
  'node-controller': 'node-lifecycle-controller', 'pod-garbage-collector': 'pod-garbage-collector-controller', 'job-orphan-pod-controller': 'job-controller', 'tokens-controller': 'serviceaccount-token-controller',
  'horizontal-pod-autoscaler': 'horizontal-pod-autoscaler-controller', 'service-account-controller': 'serviceaccount-controller', 'root-ca-cert-publisher': 'root-ca-certificate-publisher-controller', 'endpoint-controller': 'endpoints-controller',
  'endpoint-slice-controller': 'endpointslice-controller', 'endpoint-slice-mirroring-controller': 'endpointslice-mirroring-controller', 'persistentvolume-controller': 'persistentvolume-binder-controller', 'persistentvolume-volumes-controller': 'persistentvolume-binder-controller',
  'replication-controller': 'replicationcontroller-controller', 'attachdetach-controller': 'persistentvolume-attach-detach-controller', volume_expand: 'persistentvolume-expander-controller', ephemeral_volume: 'ephemeral-volume-controller', 'validatingadmissionpolicy-status': 'validatingadmissionpolicy-status-controller',
}

export interface ControllerManager {
  start(): void
  stop(): void
}

/** The kube-controller-manager: all controllers, each with its own user. k8s: cmd/kube-controller-manager */
export function createControllerManager(options: ControllerManagerOptions): ControllerManager {
  const { clock, log } = options
  const informers = options.informers ?? createInformers({ api: options.apiAs('system:kube-controller-manager', ['system:authenticated']), clock, log })
  const running: { stop(): void }[] = []

  const userOf = (serviceAccount: string) => [`system:serviceaccount:kube-system:${serviceAccount}`, ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated']] as const
  const apiOf = (serviceAccount: string) => options.apiAs(...userOf(serviceAccount))
  const { settings } = options
  const isEnabled = (name: string) => settings?.isEnabled(FLAG_NAMES[name] ?? name) ?? true
  const run = (controller: Controller, serviceAccount: string, component = controller.name) => {
    if (!isEnabled(controller.name)) return
    running.push(startController(controller, apiOf(serviceAccount), informers, options, component))
  }

  return {
    start() {
      const directory = createResourceDirectory(informers)
      run(namespaceController(directory), 'namespace-controller')
      run(serviceAccountController, 'service-account-controller')
      // The one controller that isn't a service account itself.
      if (options.issueToken && isEnabled('tokens-controller')) running.push(startController(serviceAccountTokensController({ caCertificatePem: options.caCertificatePem, issueToken: options.issueToken }), options.apiAs('system:kube-controller-manager', ['system:authenticated']), informers, options))
      run(rootCaPublisher(options.caCertificatePem), 'root-ca-cert-publisher')
      if (options.clusterCidr !== '') run(nodeIpamController(options.clusterCidr), 'node-controller')
      run(nodeLifecycleController(settings), 'node-controller')
      run(taintEvictionController(), 'node-controller')
      run(nodeTtlController(), 'ttl-controller')
      run(deploymentController, 'deployment-controller')
      run(replicaSetController, 'replicaset-controller')
      run(replicationController, 'replication-controller')
      run(endpointSliceController(), 'endpointslice-controller')
      run(endpointsController(), 'endpoint-controller')
      run(endpointSliceMirroringController, 'endpointslicemirroring-controller')
      run(jobController(), 'job-controller')
      run(jobOrphanPodController, 'job-controller', 'job-controller')
      run(ttlAfterFinishedController, 'ttl-after-finished-controller')
      run(daemonSetController(), 'daemon-set-controller')
      run(statefulSetController, 'statefulset-controller')
      run(clusterRoleAggregationController, 'clusterrole-aggregation-controller')
      run(validatingAdmissionPolicyStatusController(options.fetchAs(...userOf('validatingadmissionpolicy-status-controller'))), 'validatingadmissionpolicy-status-controller')
      run(cronJobController, 'cronjob-controller')
      run(disruptionController(options.fetchAs(...userOf('disruption-controller'))), 'disruption-controller', 'controllermanager')
      run(horizontalPodAutoscalerController(options.fetchAs(...userOf('horizontal-pod-autoscaler'))), 'horizontal-pod-autoscaler')
      run(resourceQuotaController(directory), 'resourcequota-controller')
      run(podGcController(settings?.terminatedPodThreshold), 'pod-garbage-collector')
      run(claimBinder(), 'persistent-volume-binder')
      run(volumeBinder, 'persistent-volume-binder', 'persistentvolume-controller')
      run(attachDetachController(), 'attachdetach-controller')
      run(expandController, 'expand-controller')
      run(ephemeralVolumeController, 'ephemeral-volume-controller')
      run(claimProtectionController, 'pvc-protection-controller')
      run(volumeProtectionController, 'pv-protection-controller')
      run(attributesClassProtectionController, 'volumeattributesclass-protection-controller')
      run(resourceClaimPods, 'resource-claim-controller', 'resource_claim')
      run(resourceClaims, 'resource-claim-controller', 'resource_claim')
      run(deviceTaintEvictionController(), 'device-taint-eviction-controller')
      run(serviceCidrController, 'service-cidrs-controller')
      run(bootstrapSigner, 'bootstrap-signer')
      run(tokenCleaner, 'token-cleaner')
      run(legacyTokenCleaner(settings?.legacyTokenCleanUpMs), 'legacy-service-account-token-cleaner')
      for (const { controller, serviceAccount } of options.extra ?? []) run(controller, serviceAccount)
      if (!isEnabled('garbage-collector-controller')) return
      const api = apiOf('generic-garbage-collector')
      const gcLog = log.named('garbage-collector-controller')
      running.push(runGarbageCollector({
        informers, api, clock, log: gcLog, directory, events: createEventRecorder({ api, clock, log: gcLog, component: 'garbage-collector-controller' }),
      }))
    },
    stop() {
      for (const part of running.splice(0)) part.stop()
      if (!options.informers) informers.stop()
    },
  }
}

/** The add-on behind the default StorageClass, with the add-on's rights. */
export function createLocalPathProvisioner(options: Pick<ControllerManagerOptions, 'apiAs' | 'clock' | 'random' | 'log'>): ControllerManager {
  const { clock, log } = options
  const api = options.apiAs('system:serviceaccount:local-path-storage:local-path-provisioner-service-account', ['system:serviceaccounts', 'system:serviceaccounts:local-path-storage', 'system:authenticated'])
  const informers = createInformers({ api, clock, log })
  const running: { stop(): void }[] = []
  return {
    start() {
      for (const controller of [localPathProvisioner, localPathDeleter]) running.push(startController(controller, api, informers, options))
    },
    stop() {
      for (const part of running.splice(0)) part.stop()
      informers.stop()
    },
  }
}

/** What k3s has for a cloud: its load balancer for Services. */
export function createCloudControllerManager(user: string, options: Pick<ControllerManagerOptions, 'apiAs' | 'clock' | 'random' | 'log'>): ControllerManager {
  const { clock, log } = options
  const api = options.apiAs(user, ['system:authenticated'])
  const informers = createInformers({ api, clock, log })
  let running: { stop(): void } | undefined
  return {
    start() { running = startController(serviceLoadBalancerController(), api, informers, options) },
    stop() {
      running?.stop()
      informers.stop()
    },
  }
}

function startController(controller: Controller, api: Api, informers: Informers, { clock, random, log, metrics }: Pick<ControllerManagerOptions, 'clock' | 'random' | 'log' | 'metrics'>, component = controller.name): { stop(): void } {
  const own = log.named(controller.name)
  return runController(controller, { informers, api, clock, log: own, random: random.fork(controller.name), ...(metrics ? { counters: metrics.queue(queueNameOf(controller.name)) } : {}), events: createEventRecorder({ api, clock, log: own, component }) })
}
