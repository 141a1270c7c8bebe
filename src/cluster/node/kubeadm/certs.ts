import * as x509 from '../../../base/x509.ts'
import { humanDuration } from '../../kinds/duration.ts'
import { accessOf } from '../kubeconfig-client.ts'
import { adminAccess, tabbed } from './command.ts'
import type { Command } from './command.ts'
import { readClusterConfiguration } from './cluster-configuration.ts'

const KUBERNETES = '/etc/kubernetes'
/** Name, file below the folder of certificates, and authority, in kubeadm's order. */
const CERTIFICATES: readonly (readonly [name: string, file: string, authority: string])[] = [
  ['admin.conf', `${KUBERNETES}/admin.conf`, 'ca'], ['apiserver', 'apiserver.crt', 'ca'], ['apiserver-etcd-client', 'apiserver-etcd-client.crt', 'etcd-ca'],
  ['apiserver-kubelet-client', 'apiserver-kubelet-client.crt', 'ca'], ['controller-manager.conf', `${KUBERNETES}/controller-manager.conf`, 'ca'], ['etcd-healthcheck-client', 'etcd/healthcheck-client.crt', 'etcd-ca'],
  ['etcd-peer', 'etcd/peer.crt', 'etcd-ca'], ['etcd-server', 'etcd/server.crt', 'etcd-ca'], ['front-proxy-client', 'front-proxy-client.crt', 'front-proxy-ca'],
  ['scheduler.conf', `${KUBERNETES}/scheduler.conf`, 'ca'], ['super-admin.conf', `${KUBERNETES}/super-admin.conf`, 'ca'],
]
const AUTHORITIES: readonly (readonly [name: string, file: string])[] = [['ca', 'ca.crt'], ['etcd-ca', 'etcd/ca.crt'], ['front-proxy-ca', 'front-proxy-ca.crt']]

/** `kubeadm certs check-expiration`. k8s: cmd/kubeadm/app/cmd/certs.go */
export const checkExpiration: Command = async (context, args) => {
  const { proc, out } = context
  const { fs, clock } = proc
  const folder = args.flag('cert-dir') ?? `${KUBERNETES}/pki`
  await readClusterConfiguration(context, adminAccess(context, args), 'check-expiration')
  const endOf = (file: string): number | undefined => {
    const path = file.startsWith('/') ? file : `${folder}/${file}`
    if (!fs.exists(path)) return undefined
    const text = fs.readText(path)
    const pem = path.endsWith('.conf') ? accessOf(text, (each) => fs.readText(each)).clientCertificatePem : text
    return pem === undefined ? undefined : new x509.X509Certificate(pem).notAfter.getTime()
  }
  const row = (name: string, endMs: number | undefined, rest: readonly string[]): string[] =>
    endMs === undefined ? [`!MISSING! ${name}`, '', '', ...rest.map(() => '')] : [name, dateText(endMs), humanDuration(endMs - clock.nowMs()), ...rest]
  await out(`\n${tabbed([['CERTIFICATE', 'EXPIRES', 'RESIDUAL TIME', 'CERTIFICATE AUTHORITY', 'EXTERNALLY MANAGED'], ...CERTIFICATES.map(([name, file, authority]) => row(name, endOf(file), [authority, 'no      ']))])}`)
  await out(`\n${tabbed([['CERTIFICATE AUTHORITY', 'EXPIRES', 'RESIDUAL TIME', 'EXTERNALLY MANAGED'], ...AUTHORITIES.map(([name, file]) => row(name, endOf(file), ['no      ']))])}`)
}

/** Go's layout `Jan 02, 2006 15:04 MST`. */
function dateText(ms: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\d\d:\d\d)/.exec(new Date(ms).toUTCString())!
  return `${month} ${day}, ${year} ${time} UTC`
}
