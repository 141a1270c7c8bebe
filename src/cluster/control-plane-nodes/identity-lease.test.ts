import { expect, test } from 'vitest'
import { Random } from '../../base/random.ts'
import { silentLog } from '../../base/log.ts'
import { startTestControlPlane } from '../controllers/test-control-plane.ts'
import type { Lease } from '../kinds/generated/types.ts'
import { apiServerId, identityLease } from './identity-lease.ts'

const LEASES = 'leases.coordination.k8s.io'

test('an API server is called by the hash of its host', async () => expect(await apiServerId('vm')).toBe('apiserver-wlv32tlttr4jl3gtroqexyxapa'))

test('an API server renews its Lease, also where somebody deletes it, and takes away those that have run out', async () => {
  const plane = await startTestControlPlane({ controllers: false, scheduler: false })
  const part = identityLease({ api: plane.api, clock: plane.clock, random: new Random('identity'), log: silentLog, host: 'vm', ip: '10.0.0.10', port: 6443, canWrite: () => true })
  part.start()
  try {
    const get = () => plane.api.get<Lease>(LEASES, 'apiserver-wlv32tlttr4jl3gtroqexyxapa', 'kube-system')
    await plane.clock.advance(1_000)
    const first = await get()
    expect(first).toMatchObject({
      metadata: { labels: { 'apiserver.kubernetes.io/identity': 'kube-apiserver', 'kubernetes.io/hostname': 'vm' }, annotations: { 'kubernetes.io/peer-advertise-address': '10.0.0.10:6443' } },
      spec: { holderIdentity: expect.stringMatching(/^apiserver-wlv32tlttr4jl3gtroqexyxapa_[0-9a-f-]{36}$/), leaseDurationSeconds: 3600 },
    })
    expect(first.metadata.managedFields).toMatchObject([{ manager: 'kube-apiserver', operation: 'Update' }])
    await plane.clock.advance(11_000)
    expect((await get()).spec!.renewTime! > first.spec!.renewTime!).toBe(true)
    await plane.api.delete(LEASES, first.metadata.name!, 'kube-system')
    await plane.api.create<Lease>(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'apiserver-gone', namespace: 'kube-system', labels: { 'apiserver.kubernetes.io/identity': 'kube-apiserver' } }, spec: { holderIdentity: 'apiserver-gone_x', leaseDurationSeconds: 3600, renewTime: '2025-12-31T23:59:00.000000Z' } } as Lease)
    await plane.clock.advance(15_000)
    expect((await get()).metadata.uid).not.toBe(first.metadata.uid)
    await plane.clock.advance(3_700_000)
    expect((await plane.api.list<Lease>(LEASES, { namespace: 'kube-system' })).items.map(({ metadata }) => metadata.name)).toEqual([first.metadata.name])
  } finally {
    await part.stop()
    plane.stop()
  }
})
