/** What metrics call the queues of controllers: the names that upstream's constructors give them. */
const QUEUES: Readonly<Record<string, string>> = {
  'bootstrap-signer-controller': 'bootstrap_signer_queue', 'certificatesigningrequest-approving-controller': 'certificate', 'certificatesigningrequest-signing-controller': 'certificate', 'clusterrole-aggregation-controller': 'ClusterRoleAggregator',
  'cronjob-controller': 'cronjob', 'daemonset-controller': 'daemonset', 'deployment-controller': 'deployment', 'disruption-controller': 'disruption', 'endpoint-controller': 'endpoint', 'endpoint-slice-controller': 'endpoint_slice',
  'endpoint-slice-mirroring-controller': 'endpoint_slice_mirroring', 'horizontal-pod-autoscaler': 'horizontalpodautoscaler', 'job-controller': 'job', 'job-orphan-pod-controller': 'job_orphan_pod', 'namespace-controller': 'namespace',
  'node-controller': 'node_lifecycle_controller', 'node-ipam-controller': 'cidrallocator_node', 'persistentvolume-protection-controller': 'pvprotection', 'persistentvolumeclaim-protection-controller': 'pvcprotection', 'pod-garbage-collector': 'orphaned_pods_nodes',
  'replicaset-controller': 'replicaset', 'replication-controller': 'replicationmanager', 'resourceclaim-controller': 'resource_claim', 'resourcequota-controller': 'resourcequota_primary', 'root-ca-cert-publisher': 'root_ca_cert_publisher',
  'service-account-controller': 'serviceaccount', 'statefulset-controller': 'statefulset', 'taint-eviction-controller': 'noexec_taint_pod', 'token-cleaner-controller': 'token_cleaner', 'tokens-controller': 'serviceaccount_tokens_service',
  'ttl-after-finished-controller': 'ttl_jobs_to_delete', 'ttl-controller': 'ttlcontroller', 'volumeattributesclass-protection-controller': 'vacprotection', 'persistentvolume-controller': 'claims',
  'persistentvolume-volumes-controller': 'volumes', 'attachdetach-controller': 'pvcs',
}

/** The queue of a controller; its own name, as upstream's newer ones do, where the table has none. */
export function queueNameOf(controller: string): string {
  return QUEUES[controller] ?? controller
}
