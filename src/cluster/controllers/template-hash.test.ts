import { expect, test } from 'vitest'
import { computeTemplateHash } from './template-hash.ts'

const defaults = { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst', securityContext: {}, schedulerName: 'default-scheduler' } as const
const container = { resources: {}, terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', imagePullPolicy: 'IfNotPresent' } as const

test('a Deployment made by `kubectl create` has the template hash that every cluster gives it', () => {
  expect(computeTemplateHash({ metadata: { labels: { app: 'web' } }, spec: { ...defaults, containers: [{ name: 'nginx', image: 'nginx:1.28', ...container }] } }, undefined)).toBe('697578869')
})

test('quantities, embedded structs, maps and ports are hashed as Go lays them out', () => {
  expect(computeTemplateHash({
    metadata: { labels: { app: 'web', a: 'b' }, annotations: { x: 'y' } },
    spec: {
      containers: [{
        name: 'nginx', image: 'nginx:1.28', resources: { requests: { cpu: '100m', memory: '64Mi', 'ephemeral-storage': '1500M' }, limits: { cpu: '1', memory: '1Gi' } },
        livenessProbe: { httpGet: { path: '/', port: 80, scheme: 'HTTP' } }, env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }], terminationMessagePath: '/dev/termination-log',
      }],
      restartPolicy: 'Always', terminationGracePeriodSeconds: 30, securityContext: {},
      volumes: [{ name: 'v', emptyDir: { sizeLimit: '2500Mi' } }, { name: 'c', configMap: { name: 'c', defaultMode: 420 } }],
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { a: 'b' } } }],
    },
  }, undefined)).toBe('55dbd7db6b')
})
