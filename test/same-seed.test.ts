import { expect, test } from 'vitest'
import { startLab } from './lab.ts'

/** Everything in a cluster that something happened in: names, uids, addresses and revisions. */
async function story(seed: string): Promise<string> {
  const lab = await startLab(seed)
  try {
    await lab.out('kubectl create deployment web --image=nginx:1.27 --replicas=5')
    await lab.out('kubectl rollout status deployment web')
    await lab.run('kubectl delete pod -l app=web --wait=false; kubectl run typo --image=nginx:nope; kubectl expose deployment web --port=80')
    await lab.out('kubectl rollout status deployment web')
    return await lab.out('kubectl get nodes,pods,replicasets,serviceaccounts,configmaps,endpointslices,events -A -o custom-columns=K:.kind,N:.metadata.name,U:.metadata.uid,V:.metadata.resourceVersion,T:.metadata.creationTimestamp,I:.status.podIP,O:.spec.nodeName,E:.endpoints[*].addresses[0] --no-headers')
  } finally {
    await lab.stop()
  }
}

test('the same seed gives the same run, another one another', async () => {
  const first = await story('one')
  expect(first.split('\n').length).toBeGreaterThan(100)
  expect(await story('one')).toBe(first)
  expect(await story('two')).not.toBe(first)
}, 120_000)
