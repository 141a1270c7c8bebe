import { expect, test } from 'vitest'
import { discoveryTags, staticGroup } from './aws-provider.ts'
import { autoscalerFlags } from './flags.ts'

test('flags of manifests are followed, known ones taken, others told', () => {
  const { options, verbosity, autoDiscovery } = autoscalerFlags(['--v=4', '--stderrthreshold=info', '--expander=priority,least-waste', '--scale-down-unneeded-time=1m30s', '--skip-nodes-with-local-storage=false', '--balance-similar-node-groups', '--node-group-auto-discovery', 'asg:tag=a,b=c'])
  expect(options).toMatchObject({ expander: ['priority', 'least-waste'], scaleDownUnneededTimeMs: 90_000, skipNodesWithLocalStorage: false, scanIntervalMs: 10_000 })
  expect(verbosity).toBe(4)
  expect(discoveryTags(autoDiscovery[0]!)).toEqual(new Map([['a', ''], ['b', 'c']]))
  expect(() => autoscalerFlags(['--scale-quickly'])).toThrow('unknown flag: --scale-quickly')
  expect(() => autoscalerFlags(['--scan-interval=10'])).toThrow('invalid argument "10" for "--scan-interval" flag: time: missing unit in duration "10"')
  expect(() => autoscalerFlags(['--expander=cheapest'])).toThrow('Expander cheapest not supported')
})

test('flags that change nothing take their value, and none where they mean yes', () => {
  const { options } = autoscalerFlags(['--blocking-system-pod-distruption-timeout=30m', '--enable-proactive-scaleup', '--record-duplicated-events', '--kube-api-content-type', 'application/json', '--max-startup-time=1m', '--expander=random'])
  expect(options).toMatchObject({ systemPodsBlockMs: 1_800_000, expander: ['random'] })
})

test('a group by its name', () => {
  expect(staticGroup('1:5:workers')).toEqual({ name: 'workers', minSize: 1, maxSize: 5 })
  expect(staticGroup('5:1:workers')).toBeUndefined()
})
