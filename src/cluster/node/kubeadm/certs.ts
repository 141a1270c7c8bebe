import { BACKDATE_MS, YEAR_MS, generateKeys, importPrivateKey, privateKeyPem, serialOf, signCertificate, subjectName } from '../../../base/certificates.ts'
import type { CertificateAndKey, CertificateAuthority, CertificateTemplate } from '../../../base/certificates.ts'
import * as x509 from '../../../base/x509.ts'
import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { humanDuration, parseGoDuration } from '../../kinds/duration.ts'
import { printYaml } from '../../kinds/print-yaml.ts'
import { parseYaml } from '../../kinds/yaml-text.ts'
import { accessOf } from '../kubeconfig-client.ts'
import { adminAccess, tabbed } from './command.ts'
import type { Command } from './command.ts'
import { readClusterConfiguration } from './cluster-configuration.ts'

const KUBERNETES = '/etc/kubernetes'
/** A certificate of kubeadm's: its file below the folder of certificates or a kubeconfig, its authority, and how it is called. */
interface Known {
  name: string
  file: string
  authority: string
  longName: string
}

const inKubeconfig = (name: string, whose: string): Known => ({ name, file: `${KUBERNETES}/${name}`, authority: 'ca', longName: `certificate embedded in the kubeconfig file for the ${whose}` })
/** In kubeadm's order. k8s: cmd/kubeadm/app/phases/certs/certlist.go, renewal/manager.go */
const CERTIFICATES: readonly Known[] = [
  inKubeconfig('admin.conf', 'admin to use and for kubeadm itself'),
  { name: 'apiserver', file: 'apiserver.crt', authority: 'ca', longName: 'certificate for serving the Kubernetes API' },
  { name: 'apiserver-etcd-client', file: 'apiserver-etcd-client.crt', authority: 'etcd-ca', longName: 'certificate the apiserver uses to access etcd' },
  { name: 'apiserver-kubelet-client', file: 'apiserver-kubelet-client.crt', authority: 'ca', longName: 'certificate for the API server to connect to kubelet' },
  inKubeconfig('controller-manager.conf', 'controller manager to use'),
  { name: 'etcd-healthcheck-client', file: 'etcd/healthcheck-client.crt', authority: 'etcd-ca', longName: 'certificate for liveness probes to healthcheck etcd' },
  { name: 'etcd-peer', file: 'etcd/peer.crt', authority: 'etcd-ca', longName: 'certificate for etcd nodes to communicate with each other' },
  { name: 'etcd-server', file: 'etcd/server.crt', authority: 'etcd-ca', longName: 'certificate for serving etcd' },
  { name: 'front-proxy-client', file: 'front-proxy-client.crt', authority: 'front-proxy-ca', longName: 'certificate for the front proxy client' },
  inKubeconfig('scheduler.conf', 'scheduler manager to use'),
  inKubeconfig('super-admin.conf', 'super-admin'),
]
/** What `kubeadm certs renew` takes. */
export const CERTIFICATE_NAMES = CERTIFICATES.map(({ name }) => name)
const AUTHORITIES: readonly (readonly [name: string, file: string])[] = [['ca', 'ca.crt'], ['etcd-ca', 'etcd/ca.crt'], ['front-proxy-ca', 'front-proxy-ca.crt']]

/** `kubeadm certs check-expiration`. k8s: cmd/kubeadm/app/cmd/certs.go */
export const checkExpiration: Command = async (context, args) => {
  const { proc, out } = context
  const { fs, clock } = proc
  const folder = args.flag('cert-dir') ?? `${KUBERNETES}/pki`
  await readClusterConfiguration(context, adminAccess(context, args), 'check-expiration')
  // Whoever took the key away looks after it.
  const isExternal = (authority: string) => (fs.exists(`${folder}/${AUTHORITIES.find(([each]) => each === authority)![1].replace(/\.crt$/, '.key')}`) ? 'no' : 'yes').padEnd(8)
  const endOf = (file: string): number | undefined => {
    const path = file.startsWith('/') ? file : `${folder}/${file}`
    if (!fs.exists(path)) return undefined
    const text = fs.readText(path)
    const pem = path.endsWith('.conf') ? accessOf(text, (each) => fs.readText(each)).clientCertificatePem : text
    return pem === undefined ? undefined : new x509.X509Certificate(pem).notAfter.getTime()
  }
  const row = (name: string, endMs: number | undefined, rest: readonly string[]): string[] =>
    endMs === undefined ? [`!MISSING! ${name}`, '', '', ...rest.map(() => '')] : [name, dateText(endMs), humanDuration(endMs - clock.nowMs()), ...rest]
  await out(`\n${tabbed([['CERTIFICATE', 'EXPIRES', 'RESIDUAL TIME', 'CERTIFICATE AUTHORITY', 'EXTERNALLY MANAGED'], ...CERTIFICATES.map(({ name, file, authority }) => row(name, endOf(file), [authority, isExternal(authority)]))])}`)
  await out(`\n${tabbed([['CERTIFICATE AUTHORITY', 'EXPIRES', 'RESIDUAL TIME', 'EXTERNALLY MANAGED'], ...AUTHORITIES.map(([name, file]) => row(name, endOf(file), [isExternal(name)]))])}`)
}

/** Go's layout `Jan 02, 2006 15:04 MST`. */
function dateText(ms: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\d\d:\d\d)/.exec(new Date(ms).toUTCString())!
  return `${month} ${day}, ${year} ${time} UTC`
}

/** An authority as its files are; undefined where its certificate or its key isn't there. */
export async function authorityOf({ proc }: UtilityContext, folder: string, name: string): Promise<CertificateAuthority | undefined> {
  const base = `${folder}/${AUTHORITIES.find(([each]) => each === name)![1].replace(/\.crt$/, '')}`
  const { fs, clock } = proc
  if (!fs.exists(`${base}.crt`) || !fs.exists(`${base}.key`)) return undefined
  const certificatePem = fs.readText(`${base}.crt`)
  return { certificatePem, certificate: new x509.X509Certificate(certificatePem), key: await clock.outside(importPrivateKey(fs.readText(`${base}.key`))) }
}

/** A new key with a certificate for it. */
export async function issued(context: UtilityContext, authority: CertificateAuthority, template: Pick<CertificateTemplate, 'subject' | 'extendedKeyUsages' | 'alternativeNames'>, validMs = YEAR_MS): Promise<CertificateAndKey> {
  const { clock } = context.proc
  const nowMs = clock.nowMs()
  return clock.outside((async () => {
    const { publicKey, privateKey } = await generateKeys()
    const certificatePem = await signCertificate(authority, {
      ...template, publicKey, serialNumber: await serialOf(await crypto.subtle.exportKey('spki', publicKey)), notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + validMs,
      keyUsages: x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
    })
    return { certificatePem, keyPem: await privateKeyPem(privateKey) }
  })())
}

/** `kubeadm certs renew NAME`, or all of them: the same once more, for another year. k8s: cmd/kubeadm/app/phases/certs/renewal */
export const renew = (only?: string): Command => async (context, args) => {
  const { proc: { fs }, out } = context
  const folder = args.flag('cert-dir') ?? `${KUBERNETES}/pki`
  await readClusterConfiguration(context, adminAccess(context, args), 'renew')
  await out('\n')
  for (const { name, file, authority: authorityName, longName } of CERTIFICATES) {
    if (only !== undefined && name !== only) continue
    const path = file.startsWith('/') ? file : `${folder}/${file}`
    if (!fs.exists(path)) { await out(`MISSING! ${longName}\n`); continue }
    const authority = await authorityOf(context, folder, authorityName)
    if (!authority) { await out(`Detected external ${authorityName}, ${longName} can't be renewed\n`); continue }
    const text = fs.readText(path)
    const isKubeconfig = path.endsWith('.conf')
    const old = new x509.X509Certificate(isKubeconfig ? accessOf(text, (each) => fs.readText(each)).clientCertificatePem! : text)
    const names = old.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON()
    const { certificatePem, keyPem } = await issued(context, authority, {
      subject: old.subjectName.toJSON(), extendedKeyUsages: (old.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? []) as string[], ...(names ? { alternativeNames: names } : {}),
    })
    if (isKubeconfig) fs.writeFile(path, text.replace(/client-certificate-data: \S+/, `client-certificate-data: ${btoa(certificatePem)}`).replace(/client-key-data: \S+/, `client-key-data: ${btoa(keyPem)}`))
    else {
      fs.writeFile(path, certificatePem)
      fs.writeFile(path.replace(/\.crt$/, '.key'), keyPem)
    }
    await out(`${longName} renewed\n`)
  }
  if (only === undefined) await out('\nDone renewing certificates. You must restart the kube-apiserver, kube-controller-manager, kube-scheduler and etcd, so that they can use the new certificates.\n')
}

/** `kubeadm kubeconfig user --client-name NAME [--org GROUP]`. k8s: cmd/kubeadm/app/cmd/kubeconfig.go */
export const kubeconfigUser: Command = async (context, args) => {
  const name = args.flag('client-name')
  if (name === undefined) throw new Error('required flag(s) "client-name" not set')
  const access = adminAccess(context, args)
  const configuration = parseYaml(await readClusterConfiguration({ ...context, out: context.err }, access, 'kubeconfig')).value as { clusterName?: string } | null
  const authority = await authorityOf(context, `${KUBERNETES}/pki`, 'ca')
  if (!authority) throw new Error(`couldn't load CA certificate ca: failed to load certificate: open ${KUBERNETES}/pki/ca.key: no such file or directory`)
  const validText = args.flag('validity-period')
  const validMs = validText === undefined ? undefined : parseGoDuration(validText)
  if (validText !== undefined && validMs === undefined) throw new Error(`invalid argument ${JSON.stringify(validText)} for "--validity-period" flag: time: invalid duration ${JSON.stringify(validText)}`)
  const token = args.flag('token')
  const user = token !== undefined ? { token } : await issued(context, authority, { subject: subjectName(name, args.all('org')), extendedKeyUsages: [x509.ExtendedKeyUsage.clientAuth] }, validMs)
    .then(({ certificatePem, keyPem }) => ({ 'client-certificate-data': btoa(certificatePem), 'client-key-data': btoa(keyPem) }))
  const cluster = configuration?.clusterName ?? 'kubernetes'
  await context.out(printYaml({
    apiVersion: 'v1', kind: 'Config', 'current-context': `${name}@${cluster}`,
    clusters: [{ name: cluster, cluster: { 'certificate-authority-data': btoa(authority.certificatePem), server: access.server } }],
    contexts: [{ name: `${name}@${cluster}`, context: { cluster, user: name } }], users: [{ name, user }],
  }))
}
