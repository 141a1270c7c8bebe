// @k8s part: kubelet flags: --config, --max-pods, --node-labels, --register-with-taints and --provider-id take effect; the others are known and change nothing

/** The flags that a kubelet takes. Facts of Kubernetes v1.36.3. k8s: cmd/kubelet/app/options */
const KNOWN = new Set(`
address allowed-unsafe-sysctls anonymous-auth authentication-token-webhook authentication-token-webhook-cache-ttl authorization-mode authorization-webhook-cache-authorized-ttl 
authorization-webhook-cache-unauthorized-ttl bootstrap-kubeconfig cert-dir cgroup-driver cgroup-root cgroups-per-qos client-ca-file cloud-provider cluster-dns cluster-domain 
config config-dir container-log-max-files container-log-max-size container-runtime-endpoint contention-profiling cpu-cfs-quota cpu-cfs-quota-period cpu-manager-policy 
cpu-manager-policy-options cpu-manager-reconcile-period enable-controller-attach-detach enable-debugging-handlers enable-server enforce-node-allocatable event-burst event-qps 
eviction-hard eviction-max-pod-grace-period eviction-minimum-reclaim eviction-pressure-transition-period eviction-soft eviction-soft-grace-period exit-on-lock-contention 
experimental-allocatable-ignore-eviction experimental-mounter-path fail-cgroupv1 fail-swap-on feature-gates file-check-frequency hairpin-mode healthz-bind-address healthz-port 
hostname-override http-check-frequency image-credential-provider-bin-dir image-credential-provider-config image-gc-high-threshold image-gc-low-threshold image-service-endpoint 
kernel-memcg-notification kube-api-burst kube-api-content-type kube-api-qps kube-reserved kube-reserved-cgroup kubeconfig kubelet-cgroups local-storage-capacity-isolation 
lock-file make-iptables-util-chains manifest-url manifest-url-header max-open-files max-pods maximum-dead-containers maximum-dead-containers-per-container memory-manager-policy 
minimum-container-ttl-duration minimum-image-ttl-duration node-ip node-labels node-status-max-images node-status-update-frequency oom-score-adj pod-cidr pod-manifest-path 
pod-max-pids pods-per-core port protect-kernel-defaults provider-id qos-reserved read-only-port register-node register-with-taints registry-burst registry-qps reserved-cpus 
reserved-memory resolv-conf root-dir rotate-certificates rotate-server-certificates runonce runtime-cgroups runtime-request-timeout seccomp-default serialize-image-pulls 
streaming-connection-idle-timeout sync-frequency system-cgroups system-reserved system-reserved-cgroup tls-cert-file tls-cipher-suites tls-min-version tls-private-key-file 
topology-manager-policy topology-manager-policy-options topology-manager-scope volume-plugin-dir volume-stats-agg-period windows-priorityclass windows-service 
pod-infra-container-image help version v vmodule log-flush-frequency logging-format
`.trim().split(/\s+/))
/** Those that need no value. */
const SWITCHES = new Set('help version anonymous-auth authentication-token-webhook contention-profiling cpu-cfs-quota enable-controller-attach-detach enable-debugging-handlers enable-server exit-on-lock-contention fail-swap-on kernel-memcg-notification keep-terminated-pod-volumes local-storage-capacity-isolation log-json-split-stream log-text-split-stream make-iptables-util-chains protect-kernel-defaults register-node register-schedulable rotate-certificates rotate-server-certificates runonce seccomp-default serialize-image-pulls show-hidden-metrics-for-version'.split(' '))

/** What a kubelet's command line says. @throws Error in its words */
export function parseKubeletFlags(argv: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>()
  const words = argv.slice(1)
  for (let i = 0; i < words.length; i++) {
    const [, name, given] = /^--([^=]+)(?:=(.*))?$/s.exec(words[i]!) ?? []
    if (name === undefined) throw new Error(words[i]!.startsWith('-') ? `failed to parse kubelet flag: unknown shorthand flag: '${words[i]![1] ?? ''}' in ${words[i]}` : `unknown command ${words[i]}`)
    if (!KNOWN.has(name)) throw new Error(`failed to parse kubelet flag: unknown flag: --${name}`)
    const value = given ?? (SWITCHES.has(name) ? 'true' : words[++i])
    if (value === undefined) throw new Error(`failed to parse kubelet flag: flag needs an argument: --${name}`)
    flags.set(name, value)
  }
  return flags
}
