import { parse } from 'yaml'

/** What Contour's configuration file says. */
export interface Settings {
  disablePermitInsecure: boolean
  ingressStatusAddress: string
  envoyServiceName: string
  envoyServiceNamespace: string
}

const FOLLOWED = new Set(['disablePermitInsecure', 'ingress-status-address', 'envoy-service-name', 'envoy-service-namespace', 'incluster'])

/** @throws Error for what isn't YAML, and for settings that nothing here follows. k8s: contour/pkg/config Parameters */
export function readSettings(text: string): Settings {
  const given = (parse(text) ?? {}) as Record<string, unknown>
  for (const [key, value] of Object.entries(given)) {
    if (FOLLOWED.has(key) || isEmpty(value)) continue
    if (key === 'accesslog-format' && value === 'envoy') continue
    throw new Error(`setting "${key}" is not supported by this build`)
  }
  const string = (key: string) => (typeof given[key] === 'string' ? given[key] : '')
  return { disablePermitInsecure: given.disablePermitInsecure === true, ingressStatusAddress: string('ingress-status-address'), envoyServiceName: string('envoy-service-name'), envoyServiceNamespace: string('envoy-service-namespace') }
}

/** Whether a setting says nothing: sections whose lines are comments. */
function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === false || (typeof value === 'object' && Object.values(value).every(isEmpty))
}
