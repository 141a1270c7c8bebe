import { hardwareAddress } from '../../unix/net/addresses.ts'

/** What flannel's annotations of nodes begin with. */
export const FLANNEL_PREFIX = 'flannel.alpha.coreos.com'

/** By what a node tells the others how its range for pods is reached. flannel: pkg/subnet/kube AcquireLease @param vni the tunnel's, of vxlan */
export function flannelAnnotations({ backend, vni, range, publicIp }: { backend: string; vni: number; range: string; publicIp: string }): Record<string, string> {
  return {
    [`${FLANNEL_PREFIX}/backend-data`]: backend === 'vxlan' ? JSON.stringify({ VNI: vni, VtepMAC: hardwareAddress(range.split('/')[0]!) }) : 'null', [`${FLANNEL_PREFIX}/backend-type`]: backend,
    [`${FLANNEL_PREFIX}/kube-subnet-manager`]: 'true', [`${FLANNEL_PREFIX}/public-ip`]: publicIp,
  }
}

/** Whether a node has other ones than it should. */
export const lacks = (annotations: Readonly<Record<string, string>> | undefined, wanted: Readonly<Record<string, string>>): boolean => Object.entries(wanted).some(([name, value]) => annotations?.[name] !== value)
