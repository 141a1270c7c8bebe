import type { KubeObject } from '../kinds/object.ts'

const VERSION = 'v1.36.3'

/** Flags of components besides those that kubeadm chooses, by component. */
export type ExtraArgs = Readonly<Partial<Record<string, readonly { name: string; value: string }[]>>>

/** What kind has kubeadm add. */
const KIND_ARGS: ExtraArgs = { etcd: [{ name: 'unsafe-no-fsync', value: 'true' }], 'kube-controller-manager': [{ name: 'enable-hostpath-provisioner', value: 'true' }] }

/** k8s: cmd/kubeadm/app/util ArgumentsToCommand */
function withArgs([program, ...args]: readonly string[], extra: readonly { name: string; value: string }[]): string[] {
  const own = new Set(extra.map(({ name }) => name))
  return [program!, ...args.filter((arg) => !own.has(/^--([^=]+)/.exec(arg)?.[1] ?? '')), ...extra.map(({ name, value }) => `--${name}=${value}`)]
}

interface HealthProbes {
  host: string
  scheme: 'HTTP' | 'HTTPS'
  livez: string
  readyz?: string
  startup: string
}

interface Component {
  name: string
  image: string
  command: string[]
  port: number
  cpu: string
  memory?: string
  probes: HealthProbes
  annotations?: Record<string, string>
  /** Name, path, type and read-only of host paths. */
  hostPaths: [name: string, path: string, readOnly: boolean, type?: string][]
}

/**
 * The control plane's static pods, as kubeadm writes them to /etc/kubernetes/manifests.
 * k8s: cmd/kubeadm/app/phases/controlplane, phases/etcd
 * @param options `etcdMembers`: those of the cluster that the node joins; `podCidr` may be empty; `extraArgs`: flags that components are given besides, kind's by default
 */
export function staticPods(node: { name: string; ip: string }, options: { clusterName: string; podCidr: string; serviceCidr: string; clusterDomain: string; etcdMembers?: readonly { name: string; ip: string }[]; extraArgs?: ExtraArgs }): KubeObject[] {
  // Who joins names those who were there, itself the last.
  const members = [...options.etcdMembers ?? [], node].map(({ name, ip }) => `${name}=https://${ip}:2380`).join()
  const pki = '/etc/kubernetes/pki'
  const allocates = (flag: string) => options.podCidr === '' ? [] : [flag]
  const certificates: Component['hostPaths'] = [
    ['usr-local-share-ca-certificates', '/usr/local/share/ca-certificates', true],
    ['usr-share-ca-certificates', '/usr/share/ca-certificates', true],
  ]
  const components: Component[] = [
    {
      name: 'etcd',
      image: 'registry.k8s.io/etcd:3.6.8-0',
      annotations: { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': `https://${node.ip}:2379` },
      command: [
        'etcd', `--advertise-client-urls=https://${node.ip}:2379`, `--cert-file=${pki}/etcd/server.crt`, '--client-cert-auth=true', '--data-dir=/var/lib/etcd',
        '--feature-gates=InitialCorruptCheck=true', `--initial-advertise-peer-urls=https://${node.ip}:2380`, `--initial-cluster=${members}`, ...(options.etcdMembers ? ['--initial-cluster-state=existing'] : []),
        `--key-file=${pki}/etcd/server.key`, `--listen-client-urls=https://127.0.0.1:2379,https://${node.ip}:2379`, '--listen-metrics-urls=http://127.0.0.1:2381',
        `--listen-peer-urls=https://${node.ip}:2380`, `--name=${node.name}`, `--peer-cert-file=${pki}/etcd/peer.crt`, '--peer-client-cert-auth=true',
        `--peer-key-file=${pki}/etcd/peer.key`, `--peer-trusted-ca-file=${pki}/etcd/ca.crt`, '--snapshot-count=10000', `--trusted-ca-file=${pki}/etcd/ca.crt`,
        '--watch-progress-notify-interval=5s',
      ],
      port: 2381, cpu: '100m', memory: '100Mi',
      probes: { host: '127.0.0.1', scheme: 'HTTP', livez: '/livez', readyz: '/readyz', startup: '/readyz' },
      hostPaths: [['etcd-data', '/var/lib/etcd', false], ['etcd-certs', `${pki}/etcd`, false]],
    },
    {
      name: 'kube-apiserver',
      image: `registry.k8s.io/kube-apiserver:${VERSION}`,
      annotations: { 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': `${node.ip}:6443` },
      command: [
        'kube-apiserver', `--advertise-address=${node.ip}`, '--allow-privileged=true', '--authorization-mode=Node,RBAC', `--client-ca-file=${pki}/ca.crt`,
        '--enable-admission-plugins=NodeRestriction', '--enable-bootstrap-token-auth=true', `--etcd-cafile=${pki}/etcd/ca.crt`, `--etcd-certfile=${pki}/apiserver-etcd-client.crt`,
        `--etcd-keyfile=${pki}/apiserver-etcd-client.key`, '--etcd-servers=https://127.0.0.1:2379', `--kubelet-client-certificate=${pki}/apiserver-kubelet-client.crt`,
        `--kubelet-client-key=${pki}/apiserver-kubelet-client.key`, '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
        `--proxy-client-cert-file=${pki}/front-proxy-client.crt`, `--proxy-client-key-file=${pki}/front-proxy-client.key`, '--requestheader-allowed-names=front-proxy-client',
        `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`, '--requestheader-extra-headers-prefix=X-Remote-Extra-', '--requestheader-group-headers=X-Remote-Group',
        '--requestheader-username-headers=X-Remote-User', '--secure-port=6443', `--service-account-issuer=https://kubernetes.default.svc.${options.clusterDomain}`,
        `--service-account-key-file=${pki}/sa.pub`, `--service-account-signing-key-file=${pki}/sa.key`, `--service-cluster-ip-range=${options.serviceCidr}`,
        `--tls-cert-file=${pki}/apiserver.crt`, `--tls-private-key-file=${pki}/apiserver.key`,
      ],
      port: 6443, cpu: '250m',
      probes: { host: node.ip, scheme: 'HTTPS', livez: '/livez', readyz: '/readyz', startup: '/livez' },
      hostPaths: [['ca-certs', '/etc/ssl/certs', true], ['k8s-certs', pki, true], ...certificates],
    },
    {
      name: 'kube-controller-manager',
      image: `registry.k8s.io/kube-controller-manager:${VERSION}`,
      command: [
        'kube-controller-manager', ...allocates('--allocate-node-cidrs=true'), '--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf',
        '--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf', '--bind-address=127.0.0.1', `--client-ca-file=${pki}/ca.crt`, ...allocates(`--cluster-cidr=${options.podCidr}`),
        `--cluster-name=${options.clusterName}`, `--cluster-signing-cert-file=${pki}/ca.crt`, `--cluster-signing-key-file=${pki}/ca.key`, '--controllers=*,bootstrapsigner,tokencleaner',
        '--kubeconfig=/etc/kubernetes/controller-manager.conf', '--leader-elect=true', `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`, `--root-ca-file=${pki}/ca.crt`,
        `--service-account-private-key-file=${pki}/sa.key`, ...allocates(`--service-cluster-ip-range=${options.serviceCidr}`), '--use-service-account-credentials=true',
      ],
      port: 10257, cpu: '200m',
      probes: { host: '127.0.0.1', scheme: 'HTTPS', livez: '/healthz', startup: '/healthz' },
      hostPaths: [['ca-certs', '/etc/ssl/certs', true], ['k8s-certs', pki, true], ['kubeconfig', '/etc/kubernetes/controller-manager.conf', true, 'FileOrCreate'], ...certificates],
    },
    {
      name: 'kube-scheduler',
      image: `registry.k8s.io/kube-scheduler:${VERSION}`,
      command: [
        'kube-scheduler', '--authentication-kubeconfig=/etc/kubernetes/scheduler.conf', '--authorization-kubeconfig=/etc/kubernetes/scheduler.conf', '--bind-address=127.0.0.1',
        '--kubeconfig=/etc/kubernetes/scheduler.conf', '--leader-elect=true',
      ],
      port: 10259, cpu: '100m',
      probes: { host: '127.0.0.1', scheme: 'HTTPS', livez: '/livez', readyz: '/readyz', startup: '/livez' },
      hostPaths: [['kubeconfig', '/etc/kubernetes/scheduler.conf', true, 'FileOrCreate']],
    },
  ]
  const { extraArgs = KIND_ARGS } = options
  return components.map((component) => podOf({ ...component, command: withArgs(component.command, extraArgs[component.name] ?? []) }))
}

function podOf(component: Component): KubeObject {
  const { host, scheme, livez, readyz, startup } = component.probes
  const get = (path: string) => ({ host, path, port: 'probe-port', scheme })
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: component.name, namespace: 'kube-system', labels: { component: component.name, tier: 'control-plane' },
      ...(component.annotations ? { annotations: component.annotations } : {}),
    },
    spec: {
      containers: [{
        name: component.name, image: component.image, imagePullPolicy: 'IfNotPresent', command: component.command,
        livenessProbe: { httpGet: get(livez), initialDelaySeconds: 10, periodSeconds: 10, timeoutSeconds: 15, failureThreshold: 8 },
        ...(readyz ? { readinessProbe: { httpGet: get(readyz), periodSeconds: 1, timeoutSeconds: 15, failureThreshold: 3 } } : {}),
        startupProbe: { httpGet: get(startup), initialDelaySeconds: 10, periodSeconds: 10, timeoutSeconds: 15, failureThreshold: 24 },
        ports: [{ containerPort: component.port, name: 'probe-port', protocol: 'TCP' }],
        resources: { requests: { cpu: component.cpu, ...(component.memory ? { memory: component.memory } : {}) } },
        volumeMounts: component.hostPaths.map(([name, mountPath, readOnly]) => ({ name, mountPath, ...(readOnly ? { readOnly } : {}) })),
      }],
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      priority: 2000001000,
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: component.hostPaths.map(([name, path, , type]) => ({ name, hostPath: { path, type: type ?? 'DirectoryOrCreate' } })),
    },
  }
}
