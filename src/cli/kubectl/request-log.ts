import { parseBool } from './flags.ts'

/** What `-v` tells of the client library and its requests. */

/** The client library's feature gates and what they are by default in v1.36. k8s: client-go/features defaultVersionedKubernetesFeatureGates */
const CLIENT_FEATURES: Readonly<Record<string, boolean>> = {
  AtomicFIFO: true, ClientsAllowCARotation: true, ClientsAllowCBOR: false, ClientsAllowTLSCacheGC: true, ClientsPreferCBOR: false, InOrderInformers: true, InOrderInformersBatchProcess: true,
  InformerResourceVersion: true, UnlockWhileProcessingFIFO: true, WatchListClient: true,
}

/** Those that can't be changed any more. */
const LOCKED_FEATURES: ReadonlySet<string> = new Set(['InOrderInformers'])

/** A line of the logging library: news or an error, the place in the source that tells it, and what it says. */
export interface LogLine { severity: 'I' | 'E'; place: string; text: string }

/** A line for each feature gate of the client library, behind what is wrong with the environment's KUBE_FEATURE_NAME that set them. k8s: client-go/features envVarFeatureGates */
export function clientFeatureLines(env: Readonly<Record<string, string | undefined>>): LogLine[] {
  const problems: LogLine[] = []
  const states = Object.entries(CLIENT_FEATURES).map(([feature, byDefault]): LogLine => {
    const wanted = env[`KUBE_FEATURE_${feature}`]
    const set = wanted === undefined ? undefined : settingOf(feature, wanted, byDefault, problems)
    return set === undefined
      ? { severity: 'I', place: 'envvar.go:195', text: `"Feature gate default state" feature="${feature}" enabled=${byDefault}` }
      : { severity: 'I', place: 'envvar.go:192', text: `"Feature gate updated state" feature="${feature}" enabled=${set}` }
  })
  return [...problems, ...states]
}

function settingOf(feature: string, wanted: string, byDefault: boolean, problems: LogLine[]): boolean | undefined {
  const desired = `feature="${feature}" desiredState=${JSON.stringify(wanted)}`
  try {
    const set = parseBool(wanted)
    if (set === byDefault || !LOCKED_FEATURES.has(feature)) return set
    problems.push({ severity: 'E', place: 'envvar.go:179', text: `"Could not set feature gate, feature is locked" ${desired} lockedState=${byDefault}` })
  } catch (error) {
    problems.push({ severity: 'E', place: 'envvar.go:176', text: `"Could not set feature gate" err=${JSON.stringify((error as Error).message)} ${desired}` })
  }
  return undefined
}

/** The line of the client library that a request's body is logged for: each of its calls has its own. k8s: cli-runtime/pkg/resource Helper */
export function requestPlace(method: string, url: string): string {
  const { pathname } = new URL(url)
  switch (method) {
    case 'DELETE': return 'helper.go:202'
    case 'POST': return 'helper.go:246'
    case 'PATCH': return 'helper.go:269'
    case 'PUT': return 'helper.go:319'
  }
  const [root, , ...more] = pathname.split('/').slice(1)
  const rest = root === 'apis' ? more.slice(1) : more
  const words = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest
  return words.length === 1 ? 'helper.go:113' : 'helper.go:105'
}

/** `HOST:PORT` of an address. */
export function hostAndPort(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}
