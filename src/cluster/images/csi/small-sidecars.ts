import { callGrpc } from '../../../unix/net/grpc.ts'
import type { Proc } from '../../../unix/types.ts'
import { klog } from '../in-cluster/klog.ts'
import { awaitDriver, runSidecar, serveHealth, sidecarFlags } from './sidecar.ts'

/** The sidecar that answers the kubelet's liveness probe for a driver: it asks the driver each time. */
export async function livenessProbe(proc: Proc): Promise<number> {
  const flags = await sidecarFlags(proc, new Set(['probe-timeout', 'health-port']))
  if (!flags) return 2
  const path = (flags.get('csi-address') ?? '/run/csi/socket').replace(/^unix:\/\//, '')
  const main = (async () => {
    const driver = await awaitDriver(proc, path)
    klog(proc, 'I', 'main.go:191', `"CSI driver name" driver=${JSON.stringify(driver.name)}`)
    serveHealth(proc, flags.get('http-endpoint') ?? `:${flags.get('health-port') ?? '9808'}`, async () => {
      try {
        await callGrpc(proc.fs, path, 'csi.v1.Identity/Probe', {}, { clock: proc.clock, timeoutMs: 1_000 })
        return true
      } catch (error) {
        klog(proc, 'E', 'main.go:73', `"Health check failed" err=${JSON.stringify((error as Error).message)}`)
        return false
      }
    })
  })()
  main.catch(() => { /* the process has ended */ })
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

/** The sidecar that reports volumes in bad health as events; no volume here ever is, so that it only takes its part in the election. */
export const healthMonitorController = (proc: Proc) => runSidecar(proc, {
  known: ['monitor-interval', 'volume-list-add-interval', 'node-list-add-interval', 'list-volumes-interval', 'enable-node-watcher'], lock: (driver) => `external-health-monitor-leader-${driver.replace(/[^a-zA-Z0-9]/g, '-')}`, run() {},
})
