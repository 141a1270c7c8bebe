import type { Proc } from '../../../unix/types.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { klog } from '../in-cluster/klog.ts'
import { watchResource } from '../in-cluster/watched-resource.ts'
import { certManagerFlags } from './flags.ts'
import type { Certificate } from './types.ts'

interface Target {
  metadata: { name: string; namespace?: string; resourceVersion?: string; annotations?: Record<string, string> }
  webhooks?: { clientConfig: { caBundle?: string } }[]
  spec?: { caBundle?: string; conversion?: { webhook?: { clientConfig?: { caBundle?: string } } } }
}

const PREFIX = 'cert-manager.io/inject-ca-from'
const ADMISSION = '/apis/admissionregistration.k8s.io/v1'
const PATHS = [`${ADMISSION}/mutatingwebhookconfigurations`, `${ADMISSION}/validatingwebhookconfigurations`, '/apis/apiregistration.k8s.io/v1/apiservices', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions']

/** Tells webhooks, API services and definitions the authority that their annotation names. k8s: cert-manager/pkg/controller/cainjector */
export async function cainjector(proc: Proc): Promise<number> {
  if (!await certManagerFlags(proc, [])) return 1
  const client = clusterClient(proc, 'cert-manager-cainjector')
  proc.useMemory(30 * 2 ** 20)
  let isDue = false
  const changed = () => {
    if (isDue) return
    isDue = true
    void proc.sleep(100).then(() => { isDue = false; return inject() }).catch(() => {})
  }
  const targets = PATHS.map((path) => ({ path, ...watchResource<Target>(proc, client, path, changed) }))
  const secrets = watchResource<Secret>(proc, client, '/api/v1/secrets', changed)
  const certificates = watchResource<Certificate>(proc, client, '/apis/cert-manager.io/v1/certificates', changed)
  const inject = async () => {
    for (const { path, objects } of targets) {
      for (const target of objects.values()) {
        const { annotations = {}, name } = target.metadata
        const direct = annotations[`${PREFIX}-secret`]
        const [namespace = '', certificate = ''] = (annotations[PREFIX] ?? '').split('/')
        const secretName = certificates.objects.get(`${namespace}/${certificate}`)?.spec.secretName
        const secret = secrets.objects.get(direct ?? `${namespace}/${secretName}`)
        if (!secret || (direct !== undefined && secret.metadata.annotations?.['cert-manager.io/allow-direct-injection'] !== 'true')) continue
        const caBundle = secret.data?.['ca.crt']
        if (!caBundle) continue
        const { webhooks, spec } = target
        const conversion = spec?.conversion?.webhook?.clientConfig
        const next: Target = webhooks ? { ...target, webhooks: webhooks.map((each) => ({ ...each, clientConfig: { ...each.clientConfig, caBundle } })) }
          : path.endsWith('apiservices') ? { ...target, spec: { ...spec, caBundle } } : conversion ? { ...target, spec: { ...spec, conversion: { ...spec!.conversion, webhook: { ...spec!.conversion!.webhook, clientConfig: { ...conversion, caBundle } } } } } : target
        if (JSON.stringify(next) === JSON.stringify(target)) continue
        try {
          await apiCall(client, 'PUT', `${path}/${name}`, next)
          klog(proc, 'I', 'reconciler.go:142', `"Updated object" logger="cert-manager" name="${name}"`)
        } catch (error) {
          if (proc.killed.aborted) throw error
          if (!isStatusError(error, 'Conflict')) klog(proc, 'E', 'reconciler.go:119', `"unable to update" err=${JSON.stringify((error as Error).message)} logger="cert-manager" name="${name}"`)
        }
      }
    }
  }
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}
