import { expect, test } from 'vitest'
import { startLab } from './lab.ts'

test('a drain that waits for many pods at once leaves no pile of listeners on its process', async () => {
  const warnings: string[] = []
  const onWarning = (warning: Error) => { warnings.push(warning.name) }
  process.on('warning', onWarning)
  const lab = await startLab('drain')
  try {
    const drained = await lab.run('kubectl cordon drydock-worker2; kubectl create deployment many --image=registry.k8s.io/pause:3.10 --replicas=14; kubectl rollout status deployment/many; kubectl drain drydock-worker --ignore-daemonsets', { withinMs: 600_000 })
    expect(drained.stdout).toContain('node/drydock-worker drained')
    expect(warnings).toEqual([])
  } finally {
    process.off('warning', onWarning)
    await lab.stop()
  }
}, 120_000)
