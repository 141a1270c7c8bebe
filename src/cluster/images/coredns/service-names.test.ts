import { expect, test } from 'vitest'
import { lookupClusterName } from './service-names.ts'
import type { NameSource, ServiceObject } from './service-names.ts'

const services: Record<string, ServiceObject> = {
  'default/web': { metadata: { name: 'web', namespace: 'default' }, spec: { clusterIP: '10.96.3.4', clusterIPs: ['10.96.3.4'], ports: [{ name: 'http', port: 80 }] } },
  'default/db': { metadata: { name: 'db', namespace: 'default' }, spec: { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] } },
  'default/out': { metadata: { name: 'out', namespace: 'default' }, spec: { type: 'ExternalName', externalName: 'example.com' } },
}
const source: NameSource = {
  service: (namespace, name) => services[`${namespace}/${name}`],
  slices: (_, service) => service === 'db' ? [{ metadata: { name: 'db-1', namespace: 'default' }, addressType: 'IPv4', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }], endpoints: [{ addresses: ['10.244.1.2'], hostname: 'db-0' }, { addresses: ['10.244.2.3'], conditions: { ready: false } }] }] : [],
  hasNamespace: (name) => name === 'default',
  reverse: () => [],
}
const ask = (name: string, type: 'A' | 'AAAA' | 'SRV' | 'CNAME' = 'A') => {
  const { code, records } = lookupClusterName(`${name}.cluster.local`, type, source, { zone: 'cluster.local', ttlSeconds: 30, pods: 'insecure' })
  return [code, ...records.map((r) => `${r.type} ${r.data}`)]
}

test('a Service has its cluster address, and no other type', () => {
  expect(ask('web.default.svc')).toEqual(['NOERROR', 'A 10.96.3.4'])
  expect(ask('web.default.svc', 'AAAA')).toEqual(['NOERROR'])
})

test('a headless Service has the addresses of its ready endpoints, each with a name', () => {
  expect(ask('db.default.svc')).toEqual(['NOERROR', 'A 10.244.1.2'])
  expect(ask('db-0.db.default.svc')).toEqual(['NOERROR', 'A 10.244.1.2'])
  expect(ask('db-1.db.default.svc')).toEqual(['NXDOMAIN'])
  expect(ask('_sql._tcp.db.default.svc', 'SRV')).toEqual(['NOERROR', 'SRV 0 100 5432 db-0.db.default.svc.cluster.local'])
})

test('an ExternalName is an alias', () => {
  expect(ask('out.default.svc')).toEqual(['NOERROR', 'CNAME example.com'])
})

test('what isn\'t there is NXDOMAIN, what only has no such record is empty', () => {
  expect(ask('nothere.default.svc')).toEqual(['NXDOMAIN'])
  expect(ask('web.elsewhere.svc')).toEqual(['NXDOMAIN'])
  expect(ask('default.svc')).toEqual(['NOERROR'])
})

test('pods have names made of their address', () => {
  expect(ask('10-244-1-9.default.pod')).toEqual(['NOERROR', 'A 10.244.1.9'])
  expect(ask('web.default.pod')).toEqual(['NXDOMAIN'])
})
