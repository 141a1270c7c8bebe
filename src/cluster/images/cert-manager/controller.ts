import type { Proc } from '../../../unix/types.ts'
import type { Ingress, Secret } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { backgroundExit } from '../in-cluster/background-exit.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { inClusterEvents } from '../in-cluster/events.ts'
import { klog } from '../in-cluster/klog.ts'
import { runLeaderElection } from '../in-cluster/leader-election.ts'
import { watchResource } from '../in-cluster/watched-resource.ts'
import { Certificates } from './certificates.ts'
import { certManagerFlags } from './flags.ts'
import { judgeIssuer } from './issuers.ts'
import { GROUP, withCondition } from './types.ts'
import type { Certificate, CertificateRequest, Issuer } from './types.ts'

const API = `/apis/${GROUP}/v1`
/** Annotations by which Ingresses ask for Certificates. */
const PREFIX = 'cert-manager.io/'
const FOLLOWED = new Set(['issuer', 'cluster-issuer', 'common-name', 'duration', 'renew-before'])
const MEMORY_BYTES = 45 * 2 ** 20
const RETRY_MS = 5_000
const LEASE_MS = 60_000

/** cert-manager's controller: issuers, Certificates, their requests, and Ingresses that ask for Certificates. */
export async function controller(proc: Proc, version: string): Promise<number> {
  // Those of ACME are the manifest's: without its servers nobody solves challenges.
  const flags = await certManagerFlags(proc, ['cluster-resource-namespace', 'acme-http01-solver-image', 'max-concurrent-challenges'])
  if (!flags) return 1
  klog(proc, 'I', 'controller.go:89', `"starting cert-manager controller" logger="cert-manager" version="${version}"`)
  proc.useMemory(MEMORY_BYTES)
  proc.useCpuSteadily(2)
  proc.net.listenHttp(9402, (request) => (new URL(request.url).pathname === '/metrics' ? new Response('') : new Response('404 page not found\n', { status: 404 })))
  proc.net.listenHttp(9403, (request) => (['/livez', '/healthz'].includes(new URL(request.url).pathname) ? new Response('ok') : new Response('404 page not found\n', { status: 404 })))
  const client = clusterClient(proc, `cert-manager-controller/${version} (linux/${proc.machine.hardware.architecture ?? 'amd64'}) cert-manager/drydock`)
  const namespace = flags.get('leader-election-namespace') ?? 'kube-system'
  const { ended, isExit } = backgroundExit()
  runLeaderElection({
    proc, client, namespace, name: 'cert-manager-controller', identity: `${proc.net.hostname}-external-cert-manager-controller`, leaseDurationMs: LEASE_MS,
    onStartedLeading: () => { follow(proc, client, flags).catch(() => {}) }, onStoppedLeading: () => proc.exit(1), onNewLeader: () => {},
  }).catch(isExit)
  await Promise.race([proc.signal('SIGTERM', 'SIGINT'), ended])
  return 0
}

async function follow(proc: Proc, client: ReturnType<typeof clusterClient>, flags: ReadonlyMap<string, string>): Promise<void> {
  const clusterResourceNamespace = flags.get('cluster-resource-namespace') || 'kube-system'
  const events = (component: string) => inClusterEvents(proc, client, component)
  const [issuerEvents, shimEvents] = [events('cert-manager-issuers'), events('cert-manager-ingress-shim')]
  let wake = () => {}
  let isDirty = true
  const changed = () => { isDirty = true; wake() }
  const watch = <T extends { metadata: { name?: string; resourceVersion?: string } }>(path: string) => watchResource<T>(proc, client, path, changed, (message) => klog(proc, 'E', 'reflector.go:204', `"Failed to watch" err=${JSON.stringify(message)}`))
  const [issuers, clusterIssuers, certificates, requests, secrets, ingresses] = [watch<Issuer>(`${API}/issuers`), watch<Issuer>(`${API}/clusterissuers`), watch<Certificate>(`${API}/certificates`), watch<CertificateRequest>(`${API}/certificaterequests`), watch<Secret>('/api/v1/secrets'), watch<Ingress>('/apis/networking.k8s.io/v1/ingresses')]
  await Promise.all([issuers, clusterIssuers, certificates, requests, secrets, ingresses].map(({ synced }) => synced))
  const work = new Certificates({ proc, client, events: events('cert-manager-certificates'), issuers: issuers.objects, clusterIssuers: clusterIssuers.objects, secrets: secrets.objects, requests: requests.objects, clusterResourceNamespace })

  const syncIssuer = async (issuer: Issuer, secretsIn: string, path: string) => {
    const { condition, event } = judgeIssuer(issuer, (name) => secrets.objects.get(`${secretsIn}/${name}`))
    const known = issuer.status?.conditions?.find(({ type }) => type === 'Ready')
    if (known && known.status === condition.status && known.reason === condition.reason && known.message === condition.message && known.observedGeneration === condition.observedGeneration) return
    if (event) issuerEvents.event(issuer, event.type, event.reason, event.message)
    await apiCall(client, 'PUT', `${path}/status`, { ...issuer, status: { ...issuer.status, conditions: withCondition(issuer.status?.conditions, condition, proc.clock.nowMs()) } })
  }
  /** k8s: pkg/controller/certificate-shim */
  const syncIngress = async (ingress: Ingress) => {
    const { annotations = {}, namespace, name, uid } = ingress.metadata
    const [issuer, clusterIssuer] = [annotations['cert-manager.io/issuer'], annotations['cert-manager.io/cluster-issuer']]
    if (issuer === undefined && clusterIssuer === undefined) return
    if (issuer !== undefined && clusterIssuer !== undefined) return shimEvents.event(ingress, 'Warning', 'BadConfig', 'Could not determine issuer for ingress due to bad annotations: "cert-manager.io/issuer" and "cert-manager.io/cluster-issuer" cannot both be set')
    const strange = Object.keys(annotations).find((key) => key.startsWith(PREFIX) && !FOLLOWED.has(key.slice(PREFIX.length)))
    if (strange !== undefined) return shimEvents.event(ingress, 'Warning', 'BadConfig', `annotation ${strange} is not supported by this build`)
    for (const { secretName, hosts } of ingress.spec.tls ?? []) {
      if (!secretName || !hosts?.length) continue
      const known = certificates.objects.get(`${namespace}/${secretName}`)
      if (known) {
        if (!known.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid) || known.spec.dnsNames?.join() === hosts.join()) continue
        await apiCall(client, 'PUT', `${API}/namespaces/${namespace}/certificates/${secretName}`, { ...known, spec: { ...known.spec, dnsNames: hosts } })
        shimEvents.event(ingress, 'Normal', 'UpdateCertificate', `Successfully updated Certificate "${secretName}"`)
        continue
      }
      await apiCall(client, 'POST', `${API}/namespaces/${namespace}/certificates`, {
        apiVersion: `${GROUP}/v1`, kind: 'Certificate', metadata: { name: secretName, namespace, ownerReferences: [{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name, uid, controller: true, blockOwnerDeletion: true }] },
        spec: { dnsNames: hosts, secretName, issuerRef: { name: issuer ?? clusterIssuer, kind: issuer === undefined ? 'ClusterIssuer' : 'Issuer', group: GROUP }, usages: ['digital signature', 'key encipherment'], ...annotations['cert-manager.io/common-name'] ? { commonName: annotations['cert-manager.io/common-name'] } : {}, ...annotations['cert-manager.io/duration'] ? { duration: annotations['cert-manager.io/duration'] } : {}, ...annotations['cert-manager.io/renew-before'] ? { renewBefore: annotations['cert-manager.io/renew-before'] } : {} },
      })
      shimEvents.event(ingress, 'Normal', 'CreateCertificate', `Successfully created Certificate "${secretName}"`)
    }
  }

  for (;;) {
    isDirty = false
    let nextMs = Infinity
    const guarded = async (what: string, run: () => Promise<unknown>) => {
      try { await run() } catch (error) {
        if (proc.killed.aborted) throw error
        nextMs = Math.min(nextMs, proc.clock.nowMs() + RETRY_MS)
        if (!isStatusError(error, 'Conflict')) klog(proc, 'E', 'controller.go:164', `"re-queuing item due to error processing" err=${JSON.stringify((error as Error).message)} logger="cert-manager.controller" key="${what}"`)
      }
    }
    for (const [key, issuer] of issuers.objects) await guarded(key, () => syncIssuer(issuer, issuer.metadata.namespace!, `${API}/namespaces/${issuer.metadata.namespace}/issuers/${issuer.metadata.name}`))
    for (const [key, issuer] of clusterIssuers.objects) await guarded(key, () => syncIssuer(issuer, clusterResourceNamespace, `${API}/clusterissuers/${issuer.metadata.name}`))
    for (const [key, ingress] of ingresses.objects) await guarded(key, () => syncIngress(ingress))
    for (const [key, certificate] of certificates.objects) await guarded(key, async () => { nextMs = Math.min(nextMs, await work.sync(certificate) ?? Infinity) })
    for (const [key, request] of requests.objects) await guarded(key, () => work.syncRequest(request))
    // Their own writes come back by the watches; until then the same step would be done twice.
    await proc.sleep(200)
    while (!isDirty && proc.clock.nowMs() < nextMs) {
      const waitMs = Math.min(nextMs - proc.clock.nowMs(), 3600_000)
      const timer = proc.clock.after(waitMs, () => wake())
      await new Promise<void>((resolve) => { wake = resolve })
      timer.cancel()
    }
  }
}
