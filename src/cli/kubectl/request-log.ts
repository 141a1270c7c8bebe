/** What `-v` tells of the client library and its requests. */

/** The client library's feature gates and what they are by default in v1.36. k8s: client-go/features defaultVersionedKubernetesFeatureGates */
const CLIENT_FEATURES: Readonly<Record<string, boolean>> = {
  AtomicFIFO: true, ClientsAllowCARotation: true, ClientsAllowCBOR: false, ClientsAllowTLSCacheGC: true, ClientsPreferCBOR: false, InOrderInformers: true, InOrderInformersBatchProcess: true,
  InformerResourceVersion: true, UnlockWhileProcessingFIFO: true, WatchListClient: true,
}

const BOOLEANS: Readonly<Record<string, boolean>> = { 1: true, t: true, T: true, true: true, TRUE: true, True: true, 0: false, f: false, F: false, false: false, FALSE: false, False: false }

/** A line for each feature gate of the client library; $KUBE_FEATURE_NAME sets those that aren't locked. k8s: client-go/features envVarFeatureGates */
export function clientFeatureLines(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(CLIENT_FEATURES).map(([feature, byDefault]) => {
    const set = BOOLEANS[env[`KUBE_FEATURE_${feature}`] ?? '']
    const changed = set !== undefined && feature !== 'InOrderInformers'
    return `"Feature gate ${changed ? 'updated' : 'default'} state" feature="${feature}" enabled=${changed ? set : byDefault}`
  })
}

/** The line of the client library that a request's body is logged for: each of its calls has its own. k8s: cli-runtime/pkg/resource Helper */
export function requestPlace(method: string, url: string): string {
  const { pathname, searchParams } = new URL(url)
  switch (method) {
    case 'DELETE': return 'helper.go:202'
    case 'POST': return 'helper.go:246'
    case 'PATCH': return 'helper.go:269'
    case 'PUT': return 'helper.go:319'
  }
  const [root, , ...more] = pathname.split('/').slice(1)
  const rest = root === 'apis' ? more.slice(1) : more
  const words = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest
  return words.length === 1 || searchParams.has('limit') ? 'helper.go:113' : 'helper.go:105'
}

/** `HOST:PORT` of an address. */
export function hostAndPort(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}
