import { expect, test } from 'vitest'
import { prometheusText } from '../../../base/prometheus.ts'
import { requestInfo } from '../request-info.ts'
import { AdmissionMetrics } from './admission-metrics.ts'
import { RequestMetrics } from './request-metrics.ts'

const observed = (method: string, url: string, isServed = true, isDeprecated = false) => {
  const { pathname: path, searchParams: query } = new URL(url, 'http://test')
  return { method, info: requestInfo(method, path, query), contentType: null, dryRun: query.get('dryRun') ?? '', path, isServed, isDeprecated }
}
const linesOf = (metrics: { families(): Parameters<typeof prometheusText>[0] }, name: string) => prometheusText(metrics.families()).split('\n').filter((line) => line.startsWith(`${name}{`))

test('requests are counted by what handles them, under the labels of a real API server', () => {
  const metrics = new RequestMetrics()
  for (const [method, url, code] of [
    ['GET', '/api/v1/nodes', 200], ['GET', '/api/v1/namespaces/default/pods?watch=true', 200], ['DELETE', '/api/v1/namespaces/default/configmaps', 200],
    ['POST', '/api/v1/namespaces/default/configmaps?dryRun=All', 201], ['GET', '/api/v1/namespaces/default/pods/a/log', 404], ['GET', '/livez', 200], ['GET', '/openapi/v3/apis/apps/v1', 200],
  ] as const) metrics.ended(observed(method, url), code, 3, 500)
  expect(linesOf(metrics, 'apiserver_request_total')).toEqual([
    'apiserver_request_total{code="200",component="",dry_run="",group="",resource="",scope="",subresource="/livez",verb="GET",version=""} 1',
    'apiserver_request_total{code="200",component="",dry_run="",group="",resource="",scope="",subresource="openapi/v3/",verb="GET",version=""} 1',
    'apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="configmaps",scope="namespace",subresource="",verb="DELETE",version="v1"} 1',
    'apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="nodes",scope="cluster",subresource="",verb="LIST",version="v1"} 1',
    'apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="namespace",subresource="",verb="WATCH",version="v1"} 1',
    'apiserver_request_total{code="201",component="apiserver",dry_run="All",group="",resource="configmaps",scope="resource",subresource="",verb="POST",version="v1"} 1',
    'apiserver_request_total{code="404",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="log",verb="CONNECT",version="v1"} 1',
  ])
  expect(linesOf(metrics, 'apiserver_response_sizes_count')).toHaveLength(4)
})

test('what nothing was made to handle leaves no series', () => {
  const metrics = new RequestMetrics()
  for (const [method, url, isServed] of [['GET', '/nope', false], ['GET', '/version', false], ['GET', '/api/v1/nopes', false], ['OPTIONS', '/api/v1/nodes', true], ['BREW', '/api/v1/nodes', true]] as const) metrics.ended(observed(method, url, isServed), 404, 1, 0)
  expect(linesOf(metrics, 'apiserver_request_total')).toEqual([])
})

test('deprecated APIs are named once somebody asked for them', () => {
  const metrics = new RequestMetrics()
  for (const url of ['/api/v1/namespaces/default/endpoints', '/api/v1/namespaces/default/endpoints/a']) metrics.ended(observed('GET', url, true, true), 200, 1, 10)
  expect(linesOf(metrics, 'apiserver_requested_deprecated_apis')).toEqual(['apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"} 1'])
})

test('admission is timed by step, plugin and webhook', () => {
  const metrics = new AdmissionMetrics()
  metrics.observe('step', '', 'admit', 'CREATE', false, 7)
  metrics.observe('controller', 'LimitRanger', 'admit', 'CREATE', true, 7)
  expect(linesOf(metrics, 'apiserver_admission_step_admission_duration_seconds_count')).toEqual(['apiserver_admission_step_admission_duration_seconds_count{operation="CREATE",rejected="false",type="admit"} 1'])
  expect(linesOf(metrics, 'apiserver_admission_controller_admission_duration_seconds_bucket').slice(0, 2)).toEqual([
    'apiserver_admission_controller_admission_duration_seconds_bucket{name="LimitRanger",operation="CREATE",rejected="true",type="admit",le="0.005"} 0',
    'apiserver_admission_controller_admission_duration_seconds_bucket{name="LimitRanger",operation="CREATE",rejected="true",type="admit",le="0.025"} 1',
  ])
})
