import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { writeCredentials } from './cni-credentials.ts'
import { calicoLog } from './log.ts'
import { calicoClient } from './node-client.ts'

const HERE = '/opt/cni/bin'
const TARGETS = ['/host/opt/cni/bin', '/host/secondary-bin-dir']
const FOLDER = '/host/etc/cni/net.d'

/** `install`: puts the network plugins on the node, and their configuration. calico: cni-plugin/pkg/install */
export function install(version: string): Program {
  return async (proc) => {
    const log = calicoLog(proc, 'cni-installer')
    const { env, fs } = proc
    const fatal = (at: string | undefined, text: string, details?: Readonly<Record<string, string>>) => {
      log('FATAL', at, text, details)
      return 1
    }
    try {
      log('INFO', 'install.go 134', 'Running as a Kubernetes pod')
      const skipped = (env.SKIP_CNI_BINARIES ?? '').split(',')
      let isWritten = false
      for (const target of TARGETS) {
        if (!fs.exists(target)) {
          log('INFO', 'install.go 181', `${target} is not writeable, skipping`)
          continue
        }
        for (const name of fs.readdir(HERE)) {
          if (name === 'install' || skipped.includes(name)) continue
          if (fs.exists(`${target}/${name}`) && env.UPDATE_CNI_BINARIES === 'false') {
            log('INFO', 'install.go 204', `Skipping installation of ${target}/${name}`)
            continue
          }
          copy(proc, `${HERE}/${name}`, `${target}/${name}`)
          log('INFO', 'install.go 220', `Installed ${target}/${name}`)
        }
        log('INFO', 'install.go 224', `Wrote Calico CNI binaries to ${target}\n`)
        log('INFO', 'install.go 229', `CNI plugin version: ${version}`)
        isWritten = true
      }
      if (!isWritten) return fatal('install.go 235', 'found no writeable directory, exiting')
      await writeCredentials(proc, calicoClient(proc).call)
      const failure = writeConfiguration(proc, (at, text) => log('INFO', at, text))
      if (failure !== undefined) return fatal(...failure)
      const sleeps = (env.SLEEP || 'true') === 'true'
      log('INFO', 'install.go 249', `Done configuring CNI.  Sleep= ${sleeps}`)
      if (sleeps) await proc.signal('SIGTERM', 'SIGINT')
      return 0
    } catch (error) {
      if (proc.killed.aborted || !(error instanceof Error)) throw error
      return error instanceof UnixError ? fatal(undefined, `${error.path ?? ''}: ${error.message}`) : fatal('install.go 475', 'Unable to create token for CNI kubeconfig', { error: error.message })
    }
  }
}

function copy({ fs }: Proc, source: string, target: string): void {
  const { mode } = fs.stat(source)
  fs.writeFile(`${target}.tmp`, fs.readFile(source), { mode })
  fs.rename(`${target}.tmp`, target)
}

/** @returns what is wrong with the configuration, and where that is said */
function writeConfiguration(proc: Proc, info: (at: string, text: string) => void): [at: string | undefined, text: string] | undefined {
  const { env, fs } = proc
  let text = env.CNI_NETWORK_CONFIG ?? ''
  if (text) info('install.go 314', 'Using CNI config template from CNI_NETWORK_CONFIG environment variable.')
  if (env.CNI_NETWORK_CONFIG_FILE) {
    info('install.go 318', 'Using CNI config template from CNI_NETWORK_CONFIG_FILE')
    text = fs.readText(env.CNI_NETWORK_CONFIG_FILE)
  }
  if (!text) return [undefined, 'drydock: the configuration has to be given by CNI_NETWORK_CONFIG']
  const values: Readonly<Record<string, string>> = {
    LOG_LEVEL: env.LOG_LEVEL || 'info', LOG_FILE_PATH: env.LOG_FILE_PATH || '/var/log/calico/cni/cni.log', DATASTORE_TYPE: env.DATASTORE_TYPE || 'kubernetes', KUBERNETES_NODE_NAME: env.KUBERNETES_NODE_NAME || proc.net.hostname,
    KUBECONFIG_FILEPATH: `${env.CNI_NET_DIR || '/etc/cni/net.d'}/calico-kubeconfig`, CNI_MTU: env.CNI_MTU || '1500', KUBERNETES_SERVICE_HOST: env.KUBERNETES_SERVICE_HOST ?? '', KUBERNETES_SERVICE_PORT: env.KUBERNETES_SERVICE_PORT ?? '',
  }
  text = text.replace(/__([A-Z_]+?)__/g, (whole, name: string) => values[name] ?? whole)
  try {
    JSON.parse(text)
  } catch (error) {
    return ['install.go 385', `CNI config is not valid JSON: ${(error as Error).message}`]
  }
  const name = env.CNI_CONF_NAME || '10-calico.conflist'
  fs.writeFile(`${FOLDER}/${name}`, text, { mode: 0o600 })
  info('install.go 411', `Created ${FOLDER}/${name}`)
  const old = env.CNI_OLD_CONF_NAME || '10-calico.conflist'
  if (old !== name && fs.exists(`${FOLDER}/${old}`)) fs.remove(`${FOLDER}/${old}`)
  return undefined
}

/** `calico-ipam`: a plugin, or with `-upgrade` what makes Calico's addresses of those that host-local gave. */
export const calicoIpam: Program = async (proc) => {
  const log = calicoLog(proc, 'ipam-plugin')
  const [, flag] = proc.argv
  if (flag !== '-upgrade' && flag !== '--upgrade') {
    await proc.stdout.write(flag === undefined ? 'drydock: the plugin is run by the node\'s container runtime\n' : `flag provided but not defined: ${flag}\n`)
    return 1
  }
  log('INFO', 'ipam_plugin.go 80', 'migrating from host-local to calico-ipam...')
  const folder = '/var/lib/cni/networks/k8s-pod-network'
  if (proc.fs.exists(folder) && proc.fs.readdir(folder).length > 0) {
    log('FATAL', undefined, 'drydock: addresses of host-local are not taken over')
    return 1
  }
  log('INFO', 'migrate.go 63', 'host-local IPAM data dir not found; no migration necessary, successfully exiting...', { node: proc.env.KUBERNETES_NODE_NAME ?? '' })
  log('INFO', 'ipam_plugin.go 110', 'migration from host-local to calico-ipam complete', { node: proc.env.KUBERNETES_NODE_NAME ?? '' })
  return 0
}
