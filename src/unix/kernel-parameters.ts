import { KERNEL_RELEASE } from './kernel.ts'
import { errno } from './errno.ts'

/** Kernel parameters as they are after a start. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'kernel.osrelease': KERNEL_RELEASE, 'kernel.pid_max': '4194304', 'kernel.dmesg_restrict': '1', 'kernel.shm_rmid_forced': '0', 'kernel.shmmax': '18446744073692774399', 'kernel.shmall': '18446744073692774399', 'kernel.msgmax': '8192', 'kernel.sem': '32000\t1024000000\t500\t32000',
  'net.core.somaxconn': '4096', 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.all.route_localnet': '0', 'net.ipv4.ip_local_port_range': '32768\t60999', 'net.ipv4.ip_local_reserved_ports': '', 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0\t2147483647',
  'net.ipv4.tcp_syncookies': '1', 'net.ipv4.tcp_keepalive_time': '7200', 'net.ipv4.tcp_keepalive_intvl': '75', 'net.ipv4.tcp_keepalive_probes': '9', 'net.ipv4.tcp_fin_timeout': '60', 'net.ipv4.tcp_rmem': '4096\t131072\t6291456', 'net.ipv4.tcp_wmem': '4096\t16384\t4194304',
  'fs.file-max': '9223372036854775807', 'fs.inotify.max_user_watches': '65536', 'fs.inotify.max_user_instances': '128', 'vm.overcommit_memory': '0', 'vm.max_map_count': '65530', 'vm.swappiness': '60',
}

/** Parameters that every network or IPC namespace has for itself. */
const NAMESPACED = /^(?:net\.|kernel\.(?:shm|msg|sem)|fs\.mqueue\.)/
/** What can be read only. */
const FIXED: ReadonlySet<string> = new Set(['kernel.osrelease'])

/** What /proc/sys holds: a computer's parameters, or those of a namespace in it, which leads to the computer's for the rest. */
export class KernelParameters {
  readonly #values: Map<string, string>
  readonly #computer: KernelParameters | undefined

  /** @param values those that differ from what they are after a start */
  constructor(values: Readonly<Record<string, string>> = {}, computer?: KernelParameters) {
    this.#values = new Map(Object.entries(values))
    this.#computer = computer
  }

  names(): string[] {
    return [...new Set([...Object.keys(DEFAULTS), ...this.#values.keys()])]
  }

  /** The value of a parameter, by its dotted name. */
  get(name: string): string {
    const own = this.#values.get(name)
    if (own !== undefined) return own
    return (this.#computer && !NAMESPACED.test(name) ? this.#computer.get(name) : DEFAULTS[name]) ?? ''
  }

  /** @throws UnixError EACCES, EINVAL */
  set(name: string, value: string): void {
    if (FIXED.has(name)) throw errno('EACCES', name)
    if (this.#computer && !NAMESPACED.test(name)) return this.#computer.set(name, value)
    const now = this.get(name)
    if (/^\d[\d\s]*$/.test(now) && !/^\d+(?:\s+\d+)*$/.test(value)) throw errno('EINVAL', name)
    this.#values.set(name, value.split(/\s+/).join('\t'))
  }
}
