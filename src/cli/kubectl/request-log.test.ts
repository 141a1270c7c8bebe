import { expect, test } from 'vitest'
import { clientFeatureLines, requestPlace } from './request-log.ts'

test('the environment sets feature gates, except with what is no boolean and where they are locked', () => {
  const lines = clientFeatureLines({ KUBE_FEATURE_WatchListClient: 'F', KUBE_FEATURE_ClientsAllowCBOR: 'constructor', KUBE_FEATURE_InOrderInformers: 'false', KUBE_FEATURE_AtomicFIFO: 'true' })
    .map(({ severity, place, text }) => `${severity} ${place} ${text}`)
  expect(lines.slice(0, 2)).toEqual([
    'E envvar.go:176 "Could not set feature gate" err="strconv.ParseBool: parsing \\"constructor\\": invalid syntax" feature="ClientsAllowCBOR" desiredState="constructor"',
    'E envvar.go:179 "Could not set feature gate, feature is locked" feature="InOrderInformers" desiredState="false" lockedState=true',
  ])
  expect(lines).toContain('I envvar.go:192 "Feature gate updated state" feature="WatchListClient" enabled=false')
  expect(lines).toContain('I envvar.go:192 "Feature gate updated state" feature="AtomicFIFO" enabled=true')
  expect(lines).toContain('I envvar.go:195 "Feature gate default state" feature="ClientsAllowCBOR" enabled=false')
  expect(lines).toContain('I envvar.go:195 "Feature gate default state" feature="InOrderInformers" enabled=true')
})

test('lists and single objects are asked for by different calls', () => {
  const place = (path: string) => requestPlace('GET', `https://10.0.0.1:6443${path}`)
  expect(['/api/v1/nodes?limit=500', '/apis/apps/v1/namespaces/a/deployments', '/api/v1/namespaces'].map(place)).toEqual(Array(3).fill('helper.go:113'))
  expect(['/api/v1/nodes/a', '/apis/apps/v1/namespaces/a/deployments/b', '/api/v1/namespaces/a'].map(place)).toEqual(Array(3).fill('helper.go:105'))
})
