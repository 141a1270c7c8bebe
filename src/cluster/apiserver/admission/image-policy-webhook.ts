import type { Clock } from '../../../base/clock.ts'
import { httpRequest } from '../../../base/http.ts'
import type { Pod } from '../../kinds/generated/types.ts'
import type { AdmissionPlugin, ClusterDialer } from '../seams.ts'
import { forbidden, isAbout } from './forbidden.ts'

/** Whom to ask about images, and what holds where nobody answers. k8s: plugin/pkg/admission/imagepolicy */
export interface ImagePolicySettings {
  /** `https://host[:port]/path` */
  server: string
  caPem: string | undefined
  /** Milliseconds for which an answer counts. */
  allowMs: number
  denyMs: number
  defaultAllow: boolean
}

interface ImageReview {
  status?: { allowed?: boolean; reason?: string }
}

/** How long an answer is waited for, in milliseconds. */
const PATIENCE_MS = 30_000

/** Asks a webhook about the images of each new pod. */
// @k8s part: ImagePolicyWebhook: clients' certificates of its kubeconfig aren't shown
export function imagePolicyWebhook({ server, caPem, allowMs, denyMs, defaultAllow }: ImagePolicySettings, { clock, dialer }: { clock: Clock; dialer: ClusterDialer }): AdmissionPlugin {
  const known = new Map<string, { untilMs: number; review: ImageReview }>()
  const url = new URL(server)
  const port = Number(url.port || 443)
  const ask = async (text: string): Promise<ImageReview> => {
    const cached = known.get(text)
    if (cached && cached.untilMs > clock.nowMs()) return cached.review
    const limit = new AbortController()
    const late = clock.sleep(PATIENCE_MS, limit.signal).then(() => { throw new Error('context deadline exceeded') })
    late.catch(() => {})
    try {
      const response = await Promise.race([dialer.http(url.hostname, port, httpRequest(server, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' }, body: text }), { tls: caPem === undefined ? { insecure: true } : { caPem } }), late])
      if (!response.ok) throw new Error(`Error contacting webhook: ${response.status}`)
      const review = await response.json() as ImageReview
      known.set(text, { review, untilMs: clock.nowMs() + (review.status?.allowed ? allowMs : denyMs) })
      return review
    } catch (error) {
      const { message } = error as Error
      throw /^Error contacting/.test(message) ? error : new Error(`Post ${JSON.stringify(server)}: ${message}`)
    } finally {
      limit.abort()
    }
  }
  return {
    name: 'ImagePolicyWebhook',
    async validate(attributes) {
      if ((attributes.operation !== 'CREATE' && attributes.operation !== 'UPDATE') || !isAbout(attributes, 'pods') || !attributes.object) return
      const { metadata, spec } = attributes.object as Pod
      const containers = [...spec.containers, ...spec.initContainers ?? [], ...spec.ephemeralContainers ?? []].map(({ image }) => ({ image }))
      const annotations = Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => key.includes('.image-policy.k8s.io/')))
      const review = { kind: 'ImageReview', apiVersion: 'imagepolicy.k8s.io/v1alpha1', metadata: { creationTimestamp: null }, spec: { containers, ...(Object.keys(annotations).length > 0 ? { annotations } : {}), namespace: attributes.namespace }, status: { allowed: false } }
      let answer: ImageReview
      try {
        answer = await ask(JSON.stringify(review))
      } catch (error) {
        if (!defaultAllow) throw forbidden(attributes, (error as Error).message)
        attributes.annotate('imagepolicywebhook.image-policy.k8s.io/failed-open', 'true')
        return
      }
      if (answer.status?.allowed) return
      throw forbidden(attributes, answer.status?.reason ? `image policy webhook backend denied one or more images: ${answer.status.reason}` : 'one or more images rejected by webhook backend')
    },
  }
}
