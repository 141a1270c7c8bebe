import type { VersionInfo } from './non-resource-handler.ts'
import type { Encoding } from './media-types.ts'
import { parseAccept } from './media-types.ts'
import { apiError } from '../kinds/status-error.ts'

/**
 * A server's age and version, as `/statusz` tells them. k8s: component-base/zpages/statusz
 */
export interface ServerState {
  startedMs: number
  nowMs: number
  version: VersionInfo
  /** Which component it is, and what it serves; absent: the API server. */
  component?: { name: string; paths: readonly string[] }
}

const API_SERVER = { name: 'apiserver', paths: ['/flagz', '/healthz', '/livez', '/metrics', '/readyz', '/statusz', '/version'] }
const VERSIONS = ['v1beta1', 'v1alpha1']
const ENCODINGS: Readonly<Record<string, Encoding>> = { json: 'json', yaml: 'yaml' }

/** The form of `/statusz` or `/flagz` (`kind`) that a client gets: text for people, or an object for who asks for it by its whole name. @throws StatusError 406 */
export function zpageForm(accept: string | null, kind: 'Statusz' | 'Flagz'): 'text' | { encoding: Encoding; version: string; contentType: string } {
  if (!accept) return 'text'
  for (const { type, subType, parameters } of parseAccept(accept)) {
    if ((type === 'text' && (subType === 'plain' || subType === '*')) || (type === '*' && subType === '*')) return 'text'
    const encoding = type === 'application' && Object.hasOwn(ENCODINGS, subType) ? ENCODINGS[subType]! : undefined
    const version = parameters['v'] ?? ''
    if (encoding && parameters['as'] === kind && parameters['g'] === 'config.k8s.io' && VERSIONS.includes(version))
      return { encoding, version, contentType: `application/${subType};g=config.k8s.io;v=${version};as=${kind}` }
  }
  throw apiError.generic(406, 'NotAcceptable', 'only the following media types are accepted: application/json, application/yaml, text/plain')
}

const binaryVersion = (version: VersionInfo) => version['gitVersion']?.replace(/^v/, '').replace(/\+.*$/, '') ?? ''
const emulationVersion = (version: VersionInfo) => `${version['emulationMajor'] ?? ''}.${version['emulationMinor'] ?? ''}`
const upSecondsOf = ({ startedMs, nowMs }: ServerState) => Math.floor((nowMs - startedMs) / 1000)

/** For programs. */
export function statuszObject(state: ServerState, version: string): Record<string, unknown> {
  const { name, paths } = state.component ?? API_SERVER
  return {
    kind: 'Statusz', apiVersion: `config.k8s.io/${version}`, metadata: { name }, startTime: new Date(state.startedMs).toISOString().replace(/\.\d+Z$/, 'Z'), uptimeSeconds: upSecondsOf(state),
    goVersion: state.version['goVersion'] ?? '', binaryVersion: binaryVersion(state.version), emulationVersion: emulationVersion(state.version), paths,
  }
}

/** For people. */
export function statuszText(state: ServerState): string {
  const { name, paths } = state.component ?? API_SERVER
  const upSeconds = upSecondsOf(state)
  const two = (value: number) => String(value).padStart(2, '0')
  const started = new Date(state.startedMs).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/, (_, day: string, date: string, month: string, year: string, time: string) => `${day} ${month} ${date.replace(/^0/, ' ')} ${time} UTC ${year}`)
  return `\n${name} statusz\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n\n`
    + `Started: ${started}\nUp: ${Math.floor(upSeconds / 3600)} hr ${two(Math.floor(upSeconds / 60) % 60)} min ${two(upSeconds % 60)} sec\n`
    + `Go version: ${state.version['goVersion'] ?? ''}\nBinary version: ${binaryVersion(state.version)}\nEmulation version: ${emulationVersion(state.version)}\nPaths: ${paths.join(' ')}\n`
}
