import { serveGrpc } from '../../../unix/net/grpc.ts'
import type { Proc } from '../../../unix/types.ts'
import { klog } from '../in-cluster/klog.ts'
import { awaitDriver, serveHealth, sidecarFlags } from './sidecar.ts'

const KNOWN = new Set(['plugin-registration-path', 'kubelet-registration-path', 'health-port', 'mode', 'enable-pprof'])

/** The sidecar that tells the node's kubelet of a driver, by a socket where the kubelet looks for plugins. */
// node-driver-registrar cmd/csi-node-driver-registrar
export async function nodeDriverRegistrar(proc: Proc): Promise<number> {
  const flags = await sidecarFlags(proc, KNOWN)
  if (!flags) return 2
  const endpoint = flags.get('kubelet-registration-path') ?? ''
  if (endpoint === '') {
    klog(proc, 'E', 'main.go:135', '"kubelet-registration-path is a required parameter"')
    return 1
  }
  const mode = flags.get('mode') ?? ''
  if (mode !== '' && mode !== 'registration') {
    klog(proc, 'E', 'main.go:135', `"drydock: this mode is not supported" mode=${JSON.stringify(mode)}`)
    return 1
  }
  klog(proc, 'I', 'main.go:146', `"Running node-driver-registrar" mode=${JSON.stringify(mode)}`)
  const address = flags.get('csi-address') ?? '/run/csi/socket'
  klog(proc, 'I', 'main.go:163', `"Attempting to open a gRPC connection" csiAddress=${JSON.stringify(address)}`)
  const stopped = proc.signal('SIGTERM', 'SIGINT')
  const driver = await Promise.race([awaitDriver(proc, address), stopped.then(() => undefined)])
  if (!driver) return 0
  klog(proc, 'I', 'main.go:180', `"CSI driver name" csiDriverName=${JSON.stringify(driver.name)}`)
  const socket = `${flags.get('plugin-registration-path') ?? '/registration'}/${driver.name}-reg.sock`
  proc.fs.remove(socket, { force: true })
  klog(proc, 'I', 'node_register.go:56', `"Starting Registration Server" socketPath=${JSON.stringify(socket)}`)
  let failed: () => void = () => {}
  const refused = new Promise<'refused'>((resolve) => { failed = () => resolve('refused') })
  serveGrpc(proc, socket, {
    'pluginregistration.Registration/GetInfo': () => ({ type: 'CSIPlugin', name: driver.name, endpoint, supportedVersions: ['1.0.0'] }),
    'pluginregistration.Registration/NotifyRegistrationStatus': ({ pluginRegistered, error }: { pluginRegistered: boolean; error: string }) => {
      klog(proc, 'I', 'main.go:102', `"Received NotifyRegistrationStatus call" status="&RegistrationStatus{PluginRegistered:${pluginRegistered},Error:${error},}"`)
      if (!pluginRegistered) {
        klog(proc, 'E', 'main.go:104', `"Registration process failed with error, restarting registration container" err=${JSON.stringify(error)}`)
        failed()
      }
      return {}
    },
  })
  klog(proc, 'I', 'node_register.go:87', `"Registration Server started" socketPath=${JSON.stringify(socket)}`)
  const healthPort = flags.get('health-port')
  serveHealth(proc, flags.get('http-endpoint') ?? (healthPort ? `:${healthPort}` : ''), () => proc.fs.exists(socket))
  const end = await Promise.race([stopped, refused])
  proc.fs.remove(socket, { force: true })
  return end === 'refused' ? 1 : 0
}
