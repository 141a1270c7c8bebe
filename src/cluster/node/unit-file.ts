import type { FileSystem } from '../../unix/types.ts'

/** Where the units of a node are. */
export const UNIT_FOLDER = '/etc/systemd/system'

/** A service as its files say: what is started, with which variables. */
export interface UnitFile {
  description: string
  /** Files that add to it, by name. */
  dropIns: readonly string[]
  /** The command, not expanded yet. */
  command: string
  environment: Readonly<Record<string, string>>
  /** Files with more variables; read when it starts. A minus in front: it may be missing. */
  environmentFiles: readonly string[]
  /** All that was read, to see whether it has changed. */
  text: string
}

/** What kubeadm's packages and kind's image leave on a node, and the packages of container runtimes. */
const NODE_UNITS: Readonly<Record<string, string>> = {
  'kubelet.service': '[Unit]\nDescription=kubelet: The Kubernetes Node Agent\nDocumentation=https://kubernetes.io/docs/\nWants=network-online.target\nAfter=network-online.target\n\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\nStartLimitInterval=0\nRestartSec=10\n\n[Install]\nWantedBy=multi-user.target\n',
  'kubelet.service.d/10-kubeadm.conf': '# Note: This dropin only works with kubeadm and kubelet v1.11+\n[Service]\nEnvironment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"\nEnvironment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"\n# This is a file that "kubeadm init" and "kubeadm join" generates at runtime, populating the KUBELET_KUBEADM_ARGS variable dynamically\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\n# This is a file that the user can use for overrides of the kubelet args as a last resort. Preferably, the user should use\n# the .NodeRegistration.KubeletExtraArgs object in the configuration files instead. KUBELET_EXTRA_ARGS should be sourced from this file.\nEnvironmentFile=-/etc/default/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n',
  'containerd.service': '[Unit]\nDescription=containerd container runtime\nDocumentation=https://containerd.io\nAfter=network.target local-fs.target\n\n[Service]\nExecStart=/usr/local/bin/containerd\nType=notify\nDelegate=yes\nKillMode=process\nRestart=always\nRestartSec=1\n\n[Install]\nWantedBy=multi-user.target\n',
  'crio.service': '[Unit]\nDescription=Container Runtime Interface for OCI (CRI-O)\nDocumentation=https://github.com/cri-o/cri-o\nWants=network-online.target\nBefore=kubelet.service\nAfter=network-online.target\n\n[Service]\nType=notify\nEnvironmentFile=-/etc/sysconfig/crio\nExecStart=/usr/bin/crio $CRIO_CONFIG_OPTIONS\nExecReload=/bin/kill -s HUP $MAINPID\nTasksMax=infinity\nLimitNOFILE=1048576\nLimitNPROC=1048576\nOOMScoreAdjust=-999\nTimeoutStartSec=0\nRestart=on-failure\nRestartSec=10\n\n[Install]\nWantedBy=multi-user.target\nAlias=cri-o.service\n',
}

/** Puts the units of kubelet and container runtime on a disk. @param runtime the unit of the latter */
export function writeUnitFiles(files: FileSystem, runtime: string): void {
  files.mkdir('/etc/default', { recursive: true })
  for (const [name, text] of Object.entries(NODE_UNITS)) {
    if (![runtime, 'kubelet'].includes(name.slice(0, name.indexOf('.')))) continue
    const path = `${UNIT_FOLDER}/${name}`
    files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    if (!files.exists(path)) files.writeFile(path, text)
  }
}

/** Whether a service's files are as they were installed. */
export function isUnitAsInstalled(files: FileSystem, name: string): boolean {
  const installed = Object.entries(NODE_UNITS).filter(([path]) => path.startsWith(`${name}.service`)).map(([, text]) => text).join('')
  return (readUnitFile(files, name)?.text ?? installed) === installed
}

/** Reads a service's unit and its drop-ins; undefined where there is none. systemd.service(5) */
export function readUnitFile(files: FileSystem, name: string): UnitFile | undefined {
  const main = `${UNIT_FOLDER}/${name}.service`
  if (!files.exists(main)) return undefined
  const folder = `${main}.d`
  const dropIns = files.exists(folder) ? files.readdir(folder).filter((each) => each.endsWith('.conf')).sort() : []
  const text = [main, ...dropIns.map((each) => `${folder}/${each}`)].map((path) => files.readText(path)).join('')
  let description = name
  let command = ''
  const environment: Record<string, string> = {}
  const environmentFiles: string[] = []
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    const [, key, value = ''] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (key === 'Description') description = value
    // An empty one takes back what was there before.
    if (key === 'ExecStart') command = value
    if (key === 'Environment') for (const [, quoted, plain] of value.matchAll(/"([^"]*)"|(\S+)/g)) assign(environment, quoted ?? plain ?? '')
    if (key === 'EnvironmentFile') environmentFiles.push(value)
  }
  return { description, dropIns, command, environment, environmentFiles, text }
}

/** The words that are started: `$NAME` becomes words, `${NAME}` part of one; quotes keep one together. */
export function argvOf(unit: UnitFile, files: FileSystem): string[] {
  const variables = variablesOf(unit, files)
  return (unit.command.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? []).flatMap((word) => {
    const [, name] = /^\$(\w+)$/.exec(word) ?? []
    return name === undefined ? [word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2').replace(/\$\{(\w+)\}/g, (_, each: string) => variables[each] ?? '')] : (variables[name] ?? '').split(/\s+/).filter(Boolean)
  })
}

/** The variables that a service is started with. */
export function variablesOf({ environment, environmentFiles }: UnitFile, files: FileSystem): Record<string, string> {
  const variables: Record<string, string> = { ...environment }
  for (const file of environmentFiles) {
    const path = file.replace(/^-/, '')
    if (!files.exists(path)) continue
    for (const line of files.readText(path).split('\n')) if (!/^\s*[#;]/.test(line)) assign(variables, line.trim().replace(/^(\w+)=(["'])(.*)\2$/, '$1=$3'))
  }
  return variables
}

function assign(variables: Record<string, string>, text: string): void {
  const at = text.indexOf('=')
  if (at > 0) variables[text.slice(0, at)] = text.slice(at + 1)
}
