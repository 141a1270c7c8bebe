import type { FileSystem } from '../../../unix/types.ts'
import { enableUnit } from '../unit-state.ts'

/** The only release that there is here. */
export const K3S_RELEASE = 'v1.36.3+k3s1'
/** Where the machine's programs that stand for k3s' are; files that were downloaded lead there. */
export const K3S_PROGRAM = '/usr/lib/drydock/k3s'
/** What k3s' program is as a file. */
export const K3S_BINARY = `#!${K3S_PROGRAM}\n`
const K3S_PATH = '/usr/local/bin/k3s'

/** systemd's unit of k3s up to what it runs, as the installer writes it. @param environment the file of the service's variables */
export function unitHead(environment: string): string {
  return `[Unit]
Description=Lightweight Kubernetes
Documentation=https://k3s.io
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type=notify
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/sysconfig/%N
EnvironmentFile=-${environment}
KillMode=process
Delegate=yes
User=root
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
`
}

/** systemd's unit of k3s. @param command `server` or `agent` with its flags */
function unitText(unit: string, command: string): string {
  return `${unitHead(`/etc/systemd/system/${unit}.service.env`)}ExecStart=${K3S_PATH} \\
    ${command}

`
}

/** What the installer leaves on a server's disk, where the cluster came with it. What is there stays. */
export function installK3s(files: FileSystem, disabled: readonly string[]): void {
  const unit = '/etc/systemd/system/k3s.service'
  if (!files.exists(K3S_PATH)) {
    files.mkdir('/usr/local/bin', { recursive: true })
    files.writeFile(K3S_PATH, K3S_BINARY, { mode: 0o755 })
  }
  if (files.exists(unit)) return
  files.mkdir('/etc/systemd/system', { recursive: true })
  files.writeFile(unit, unitText('k3s', ['server', ...disabled.map((name) => `--disable=${name}`)].join(' ')))
  enableUnit(files, 'k3s')
}
