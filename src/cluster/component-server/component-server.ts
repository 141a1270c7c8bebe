import type { Clock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import { PROMETHEUS_TYPE, prometheusText, type MetricFamily } from '../../base/prometheus.ts'
import type { HttpHandler } from '../../unix/types.ts'
import { flagzObject, flagzText, withFlags } from '../apiserver/flagz.ts'
import { jsonText } from '../apiserver/json-text.ts'
import { buildInfo, startTime } from '../apiserver/metrics/process-metrics.ts'
import type { VersionInfo } from '../apiserver/non-resource-handler.ts'
import { answer, pathNotFound, plainText, statusAnswer } from '../apiserver/responses.ts'
import { statuszObject, statuszText, zpageForm } from '../apiserver/statusz.ts'
import type { Api } from '../client/api.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { ComponentAccess } from './component-access.ts'
import { configzOf } from './configz.ts'
import defaults from './flag-defaults.json' with { type: 'json' }

export type ServingComponent = 'kube-controller-manager' | 'kube-scheduler'

export interface ComponentServerOptions {
  component: ServingComponent
  /** The component's own client. */
  api: Api
  clock: Clock
  clientCaPem: string
  argv: readonly string[]
  /** When its process began. */
  startedMs: number
  version: VersionInfo
  /** Whether a controller of this name runs. */
  isEnabled(controller: string): boolean
  /** What it counts. */
  families(): readonly MetricFamily[]
}

/** The paths that `/statusz` names. k8s: cmd/kube-scheduler/app, cmd/kube-controller-manager/app */
const PATHS: Readonly<Record<ServingComponent, readonly string[]>> = {
  'kube-controller-manager': ['/configz', '/flagz', '/healthz', '/metrics'],
  'kube-scheduler': ['/configz', '/flagz', '/healthz', '/livez', '/metrics', '/readyz'],
}

/** Controllers that run with kubeadm's flags. */
const CONTROLLERS = ('bootstrap-signer-controller certificatesigningrequest-approving-controller certificatesigningrequest-cleaner-controller certificatesigningrequest-signing-controller clusterrole-aggregation-controller cronjob-controller '
  + 'daemonset-controller deployment-controller device-taint-eviction-controller disruption-controller endpoints-controller endpointslice-controller endpointslice-mirroring-controller ephemeral-volume-controller garbage-collector-controller '
  + 'horizontal-pod-autoscaler-controller job-controller legacy-serviceaccount-token-cleaner-controller namespace-controller node-ipam-controller node-lifecycle-controller persistentvolume-attach-detach-controller persistentvolume-binder-controller '
  + 'persistentvolume-expander-controller persistentvolume-protection-controller persistentvolumeclaim-protection-controller pod-garbage-collector-controller replicaset-controller replicationcontroller-controller resourceclaim-controller '
  + 'resourcequota-controller root-ca-certificate-publisher-controller service-cidr-controller serviceaccount-controller serviceaccount-token-controller statefulset-controller taint-eviction-controller token-cleaner-controller '
  + 'ttl-after-finished-controller ttl-controller validatingadmissionpolicy-status-controller volumeattributesclass-protection-controller').split(' ')

// @k8s part: Ports of kube-controller-manager (10257) and kube-scheduler (10259): health, /metrics, /configz, /flagz and /statusz, with delegated authentication and authorization; what only a real process has (memory, garbage collection, profiles, latencies of its client) is left out

/** What a component serves besides its work. k8s: newEndpointsHandler, genericcontrollermanager.NewBaseHandler */
export function createComponentServer({ component, api, clock, clientCaPem, argv, startedMs, version, isEnabled, families }: ComponentServerOptions): HttpHandler {
  const flags = withFlags(defaults[component], argv)
  const checks = healthChecks(component, flags, isEnabled)
  const access = new ComponentAccess({ api, clock, clientCaPem, openPaths: (flags['authorization-always-allow-paths'] ?? '').replace(/^\[|\]$/g, '').split(',') })
  const noStore = (response: Response) => {
    response.headers.set('cache-control', 'no-cache, private')
    return response
  }

  function zpage(accept: string | null, kind: 'Statusz' | 'Flagz'): Response {
    const form = zpageForm(accept, kind)
    const state = { startedMs, nowMs: clock.nowMs(), version, component: { name: component, paths: PATHS[component] } }
    if (form === 'text') return new Response(kind === 'Statusz' ? statuszText(state) : flagzText(flags, component), { headers: { 'content-type': 'text/plain; charset=utf-8' } })
    const response = answer(200, jsonText(kind === 'Statusz' ? statuszObject(state, form.version) : flagzObject(flags, form.version, component)), { encoding: form.encoding, pretty: true })
    response.headers.set('content-type', form.contentType)
    return response
  }

  function serve({ url, headers }: HttpRequest): Response {
    const { pathname, searchParams } = new URL(url)
    const [, endpoint = '', ...rest] = pathname.split('/')
    if (Object.hasOwn(checks, endpoint)) return health(endpoint, rest.join('/'), checks[endpoint]!, searchParams)
    switch (pathname) {
      case '/metrics': return new Response(prometheusText([buildInfo(version), startTime(startedMs), ...families()]), { headers: { 'content-type': PROMETHEUS_TYPE } })
      case '/configz': return new Response(JSON.stringify(configzOf(component, flags)), { headers: { 'content-type': 'application/json' } })
      case '/flagz': return zpage(headers.get('accept'), 'Flagz')
      case '/statusz': return zpage(headers.get('accept'), 'Statusz')
      default: return pathNotFound()
    }
  }

  return async (request, peer) => {
    const refusal = await access.refusal(request, peer)
    if (refusal) return noStore(refusal)
    try {
      return noStore(serve(request))
    } catch (error) {
      if (!isStatusError(error)) throw error
      return noStore(statusAnswer(error, { encoding: 'json', pretty: true }))
    }
  }
}

/** What is checked, by endpoint. k8s: cmd/kube-scheduler/app Run, cmd/kube-controller-manager/app StartControllers */
function healthChecks(component: ServingComponent, flags: Readonly<Record<string, string>>, isEnabled: (controller: string) => boolean): Readonly<Record<string, readonly string[]>> {
  const election = flags['leader-elect'] === 'true' ? ['leaderElection'] : []
  if (component === 'kube-controller-manager') return { healthz: [...election, ...CONTROLLERS.filter(isEnabled)] }
  const alive = election.length > 0 ? election : ['ping']
  return { healthz: alive, livez: alive, readyz: [...election, 'shutdown', 'sched-handler-sync'] }
}

/** All checks pass once the component runs at all. k8s: server/healthz */
function health(endpoint: string, check: string, known: readonly string[], query: URLSearchParams): Response {
  if (check !== '') return known.includes(check) ? new Response('ok', { headers: { 'content-type': 'text/plain; charset=utf-8' } }) : pathNotFound()
  if (!query.has('verbose')) return plainText(200, 'ok')
  const excluded = query.getAll('exclude')
  const unknown = excluded.filter((name) => !known.includes(name)).sort()
  const lines = known.map((name) => excluded.includes(name) ? `[+]${name} excluded: ok\n` : `[+]${name} ok\n`)
  return plainText(200, `${lines.join('')}${unknown.length > 0 ? `warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(',')}\n` : ''}${endpoint} check passed\n`)
}
