import type { HttpRequest } from '../base/http.ts'
import { manifestText } from '../cluster/k3s/manifest-text.ts'
import type { KubeObject } from '../cluster/kinds/object.ts'
import type { Clock } from '../base/clock.ts'

/** Releases of the Gateway API whose definitions are known. */
const RELEASE = /^https:\/\/github\.com\/kubernetes-sigs\/gateway-api\/releases\/download\/(v1\.4\.[01])\/standard-install\.yaml$/

/** The manifest by which the Gateway API's definitions are installed, which browsers may not read from where it is; undefined: another place. */
export function gatewayApiSite({ url, method }: HttpRequest, clock: Clock): Promise<Response> | undefined {
  const [, version] = RELEASE.exec(url) ?? []
  if (version === undefined) return undefined
  return clock.outside(import('../cluster/k3s/charts/gateway-definitions.json', { with: { type: 'json' } })).then(async ({ default: definitions }) => {
    const text = await manifestText((definitions as unknown as KubeObject[]).map((definition) => released(definition, version)), clock)
    return new Response(method === 'HEAD' ? null : text, { headers: { 'content-type': 'application/octet-stream' } })
  })
}

function released({ metadata: { annotations: { 'helm.sh/resource-policy': _, ...annotations } = {}, ...metadata }, ...definition }: KubeObject, version: string): KubeObject {
  const spec = definition['spec'] as { names: { kind: string }; versions: { name: string }[] }
  // v1.4.0 had forgotten that policies have a status of their own.
  const versions = version === 'v1.4.0' || spec.names.kind !== 'BackendTLSPolicy' ? spec.versions : spec.versions.map((each) => (each.name === 'v1' ? { ...each, subresources: { status: {} } } : each))
  return { ...definition, metadata: { ...metadata, annotations: { ...annotations, 'gateway.networking.k8s.io/bundle-version': version } }, spec: { ...spec, versions } } as KubeObject
}
