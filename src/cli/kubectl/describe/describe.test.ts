import { expect, test } from 'vitest'
import type { DescribeContext } from './describe.ts'
import { describeEvents } from './describe.ts'
import { DESCRIBERS } from './kinds.ts'
import { DescribeWriter } from './writer.ts'

/** What the real kubectl v1.36.3 wrote of the same objects. */
async function described(kind: string, object: object): Promise<string> {
  const w = new DescribeWriter()
  const context = { nowMs: Date.parse('2026-01-01T00:00:00Z'), f: { rest: () => ({ list: () => Promise.resolve({ items: [] }) }) }, list: () => Promise.resolve([]) } as unknown as DescribeContext
  await DESCRIBERS[kind]!(object, w, context)
  return w.text
}

const claim = (source: object) => described('/PersistentVolume', { metadata: { name: 'v' }, spec: source }).then((text) => text.slice(text.indexOf('Source:\n') + 8))
const volumes = (...list: object[]) => described('/Pod', { metadata: { name: 'p' }, spec: { containers: [], volumes: list } }).then((text) => text.slice(text.indexOf('Volumes:\n') + 9, text.indexOf('QoS Class')))

test('volumes of former plugins, with Secrets as Go prints pointers', async () => {
  expect(await volumes({ name: 'a', rbd: { monitors: ['m1', 'm2'], image: 'i' } }, { name: 'b', cephfs: { monitors: [], secretRef: { name: 's' } } })).toBe(
    `  a:
    Type:          RBD (a Rados Block Device mount on the host that shares a pod's lifetime)
    CephMonitors:  [m1 m2]
    RBDImage:      i
    FSType:        
    RBDPool:       
    RadosUser:     
    Keyring:       
    SecretRef:     nil
    ReadOnly:      false
  b:
    Type:        CephFS (a CephFS mount on the host that shares a pod's lifetime)
    Monitors:    []
    Path:        
    User:        
    SecretFile:  
    SecretRef:   &LocalObjectReference{Name:s,}
    ReadOnly:    false
`)
  expect(await claim({ azureFile: { secretName: 's', shareName: 'x' } })).toBe(
    `    Type:             AzureFile (an Azure File Service mount on the host and bind mount to the pod)
    SecretName:       s
    SecretNamespace:  
    ShareName:        x
    ReadOnly:         false
`)
  expect(await claim({ iscsi: { targetPortal: 't', lun: 0, secretRef: { name: 's', namespace: 'n' } } })).toMatch(/ISCSIInterface {4,}\n[^]*SecretRef: +&SecretReference\{Name:s,Namespace:n,\}\n/)
})

test('the claim of an ephemeral volume is indented piece by piece', async () => {
  expect(await volumes({ name: 'e', ephemeral: { volumeClaimTemplate: { metadata: { annotations: { a: 'b' } }, spec: { volumeName: 'v', dataSource: { apiGroup: '', kind: 'K', name: 'n' } } } } })).toBe(
    `  e:
    Type:          EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)
    StorageClass:  
    Volume:        v
    Labels:            <none>
    Annotations:       a: b
    Capacity:      0
    Access Modes:  
    DataSource:
      APIGroup:  
      Kind:      K
      Name:      n
`)
})

test('addresses of probes, states of containers, devices and the scheduling group', async () => {
  const text = await described('/Pod', {
    metadata: { name: 'p' },
    spec: {
      schedulingGroup: { podGroupName: 'g' },
      containers: [{
        name: 'c', livenessProbe: { httpGet: { host: 'a/b', port: '100%', path: 'x y', scheme: 'HTTP' } }, env: [{ name: 'E', valueFrom: { resourceFieldRef: { resource: 'pods' } } }],
        volumeDevices: [{ name: 'b', devicePath: '/b' }, { name: 'a', devicePath: '/a' }],
      }],
    },
    status: { containerStatuses: [{ name: 'c', state: { waiting: { reason: 'W' }, terminated: { exitCode: 1 } } }] },
  })
  expect(text).toContain('http-get http://a%2Fb:100%25/x%20y delay')
  expect(text).toMatch(/State: +Waiting\n +Reason: +W\n/)
  expect(text).toMatch(/E: +\(pods\)\n/)
  expect(text).toMatch(/\/a from a\n +\/b from b\n/)
  expect(text).toMatch(/SchedulingGroup:\n {2}PodGroupName: +g\n$/)
})

test('kinds that were told field by field', async () => {
  expect(await described('storage.k8s.io/CSINode', { metadata: { name: 'n', creationTimestamp: '2026-01-01T00:00:00Z' }, spec: { drivers: [{ name: 'd', nodeID: 'i', allocatable: { count: 3 }, topologyKeys: ['a', 'b'] }] } })).toBe(
    `Name:               n
Labels:             <none>
Annotations:        <none>
CreationTimestamp:  Thu, 01 Jan 2026 00:00:00 +0000
Spec:
  Drivers:
    d:
      Node ID:  i
      Allocatables:
        Count:        3
      Topology Keys:  [a b]
`)
  expect(await described('storage.k8s.io/VolumeAttributesClass', { metadata: { name: 'v' }, driverName: 'd', parameters: { b: '1', a: '2' } })).toBe('Name:         v\nAnnotations:  <none>\nDriverName:   d\nParameters:   a=2,b=1\n')
  expect(await described('networking.k8s.io/IPAddress', { metadata: { name: '10.0.0.1' }, spec: { parentRef: { resource: 'services', namespace: 'default', name: 's' } } })).toBe(
    'Name:         10.0.0.1\nLabels:       <none>\nAnnotations:  <none>\nParent Reference:\n  Group:      \n  Resource:   services\n  Namespace:  default\n  Name:       s\n')
  expect(await described('networking.k8s.io/ServiceCIDR', { metadata: { name: 'k' }, spec: { cidrs: ['10.0.0.0/16', 'fd00::/112'] } })).toBe('Name:         k\nLabels:       <none>\nAnnotations:  <none>\nCIDRs:        10.0.0.0/16, fd00::/112\n')
})

test('events without type, reason and count', () => {
  const w = new DescribeWriter()
  describeEvents([{ series: {} }], w, 0)
  expect(w.text).toBe('Events:\n  Type  Reason  Age                            From  Message\n  ----  ------  ----                           ----  -------\n                <unknown> (x0 over <unknown>)        \n')
})
