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
    const fatal = (text: string) => {
      log('FATAL', 'install.go 200', text)
      return 1
    }
    try {
      log('INFO', 'install.go 132', 'Running as a Kubernetes pod')
      const skipped = (env.SKIP_CNI_BINARIES ?? '').split(',')
      let isWritten = false
      for (const target of TARGETS) {
        if (!fs.exists(target)) {
          log('INFO', 'install.go 178', `${target} is not writeable, skipping`)
          continue
        }
        for (const name of fs.readdir(HERE)) {
          if (name === 'install' || skipped.includes(name)) continue
          if (fs.exists(`${target}/${name}`) && env.UPDATE_CNI_BINARIES === 'false') {
            log('INFO', 'install.go 202', `Skipping installation of ${target}/${name}`)
            continue
          }
          copy(proc, `${HERE}/${name}`, `${target}/${name}`)
          log('INFO', 'install.go 219', `Installed ${target}/${name}`)
        }
        log('INFO', 'install.go 223', `Wrote Calico CNI binaries to ${target}\n`)
        log('INFO', 'install.go 228', `CNI plugin version: ${version}`)
        isWritten = true
      }
      if (!isWritten) return fatal('found no writeable directory, exiting')
      await writeCredentials(proc, calicoClient(proc).call)
      const failure = writeConfiguration(proc, (text) => log('INFO', 'install.go 410', text))
      if (failure !== undefined) return fatal(failure)
      const sleeps = (env.SLEEP || 'true') === 'true'
      log('INFO', 'install.go 246', `Done configuring CNI.  Sleep= ${sleeps}`)
      if (sleeps) await proc.signal('SIGTERM', 'SIGINT')
      return 0
    } catch (error) {
      if (proc.killed.aborted || !(error instanceof Error)) throw error
      return fatal(error instanceof UnixError ? `${error.path ?? ''}: ${error.message}` : `Unable to create token for CNI kubeconfig error=${error.message}`)
    }
  }
}

function copy({ fs }: Proc, source: string, target: string): void {
  const { mode } = fs.stat(source)
  fs.writeFile(`${target}.tmp`, fs.readFile(source), { mode })
  fs.rename(`${target}.tmp`, target)
}

/** @returns what is wrong with the configuration */
function writeConfiguration(proc: Proc, info: (text: string) => void): string | undefined {
  const { env, fs } = proc
  let text = env.CNI_NETWORK_CONFIG ?? ''
  if (env.CNI_NETWORK_CONFIG_FILE) text = fs.readText(env.CNI_NETWORK_CONFIG_FILE)
  else if (text) info('Using CNI config template from CNI_NETWORK_CONFIG environment variable.')
  else return 'drydock: the configuration has to be given by CNI_NETWORK_CONFIG'
  const values: Readonly<Record<string, string>> = {
    LOG_LEVEL: env.LOG_LEVEL || 'info', LOG_FILE_PATH: env.LOG_FILE_PATH || '/var/log/calico/cni/cni.log', DATASTORE_TYPE: env.DATASTORE_TYPE || 'kubernetes', KUBERNETES_NODE_NAME: env.KUBERNETES_NODE_NAME || proc.net.hostname,
    KUBECONFIG_FILEPATH: `${env.CNI_NET_DIR || '/etc/cni/net.d'}/calico-kubeconfig`, CNI_MTU: env.CNI_MTU || '1500', KUBERNETES_SERVICE_HOST: env.KUBERNETES_SERVICE_HOST ?? '', KUBERNETES_SERVICE_PORT: env.KUBERNETES_SERVICE_PORT ?? '',
  }
  text = text.replace(/__([A-Z_]+?)__/g, (whole, name: string) => values[name] ?? whole)
  try {
    JSON.parse(text)
  } catch (error) {
    return `CNI config is not valid JSON: ${(error as Error).message}`
  }
  const name = env.CNI_CONF_NAME || '10-calico.conflist'
  fs.writeFile(`${FOLDER}/${name}`, text, { mode: 0o600 })
  info(`Created ${FOLDER}/${name}`)
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
    log('FATAL', 'migrate.go 72', 'drydock: addresses of host-local are not taken over')
    return 1
  }
  log('INFO', 'migrate.go 69', 'host-local IPAM data dir not found; no migration necessary, successfully exiting...', { node: proc.env.KUBERNETES_NODE_NAME ?? '' })
  log('INFO', 'ipam_plugin.go 110', 'migration from host-local to calico-ipam complete', { node: proc.env.KUBERNETES_NODE_NAME ?? '' })
  return 0
}
