import { expect, test } from 'vitest'
import { unifiedDiff } from '../difflib.ts'
import { specDiff } from './spec-diff.ts'

test('a change of a pod\'s spec is told in the API server\'s internal types', () => {
  const before = { containers: [{ name: 'c', resources: { requests: { cpu: '100m' } } }], hostNetwork: true, restartPolicy: 'Always', affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z', labelSelector: { matchLabels: { x: 'y' } } }] } } }
  const after = { ...before, nodeName: 'n' }
  expect(specDiff('PodSpec', before, after)).toBe(`@@ -44,7 +44,7 @@
  "NodeSelector": null,
  "ServiceAccountName": "",
  "AutomountServiceAccountToken": null,
- "NodeName": "",
+ "NodeName": "n",
  "SecurityContext": {
   "HostNetwork": true,
   "HostPID": false,
`)
})

test('far apart changes have a block each, with lines that only one side has', () => {
  const a = 'abcdefghijklmnop'.split('')
  expect(unifiedDiff(a, a)).toBe('')
  expect(unifiedDiff(a, ['a', ...a.slice(2, 14), 'x', 'y', 'p'])).toBe('@@ -1,5 +1,4 @@\n a\n-b\n c\n d\n e\n@@ -12,5 +11,6 @@\n l\n m\n n\n-o\n+x\n+y\n p\n')
})
