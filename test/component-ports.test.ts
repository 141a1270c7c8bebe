import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/component-server/component-server.ts'
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('component ports')
  await lab.run('kubectl create deployment web --image=nginx --replicas=2; kubectl wait --for=condition=Available deployment/web')
  await lab.run('kubectl create serviceaccount scraper; kubectl create clusterrole metrics --verb=get --non-resource-url=/metrics,/configz,/flagz,/statusz; kubectl create clusterrolebinding metrics --clusterrole=metrics --serviceaccount=default:scraper')
})
afterAll(() => lab.stop())

/** What a port of the control plane's node answers. */
async function ask(port: number, path: string, token = ''): Promise<string> {
  const bearer = token === '' ? '' : `-H "Authorization: Bearer ${token}"`
  return (await lab.run(`ssh drydock-control-plane 'curl -sk ${bearer} "https://127.0.0.1:${port}${path}"'`, { withinMs: 60_000 })).stdout
}
const token = async () => (await lab.run('kubectl create token scraper')).stdout.trim()

test('everybody may ask for health, nobody else for more than their rights', async () => {
  expect(await ask(10259, '/healthz')).toBe('ok')
  expect(await ask(10259, '/readyz?verbose')).toBe('[+]leaderElection ok\n[+]shutdown ok\n[+]sched-handler-sync ok\nreadyz check passed\n')
  expect(await ask(10257, '/healthz?verbose')).toMatch(/^\[\+\]leaderElection ok\n(?:\[\+\][a-z-]+-controller ok\n)+healthz check passed\n$/)
  expect(JSON.parse(await ask(10259, '/metrics'))).toMatchObject({ kind: 'Status', message: 'forbidden: User "system:anonymous" cannot get path "/metrics"', reason: 'Forbidden', code: 403 })
  expect(JSON.parse(await ask(10257, '/metrics', 'nonsense'))).toMatchObject({ message: 'Unauthorized', code: 401 })
  expect(JSON.parse(await ask(10257, '/debug/pprof/', await token()))).toMatchObject({ message: 'forbidden: User "system:serviceaccount:default:scraper" cannot get path "/debug/pprof/"' })
})

test('the scheduler counts what it does', async () => {
  const value = (text: string, line: string) => Number(text.split('\n').find((each) => each.startsWith(`${line} `))?.split(' ').at(-1))
  const scheduled = 'scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"}'
  const before = await ask(10259, '/metrics', await token())
  await lab.run('kubectl scale deployment web --replicas=4; kubectl rollout status deployment web; kubectl run stuck --image=nginx --overrides=\'{"spec":{"nodeSelector":{"a":"b"}}}\'; sleep 1')
  const after = await ask(10259, '/metrics', await token())
  expect(value(after, scheduled) - value(before, scheduled)).toBe(2)
  expect(value(after, 'scheduler_pending_pods{queue="unschedulable"}')).toBe(1)
  expect(value(after, 'scheduler_unschedulable_pods{plugin="NodeAffinity",profile="default-scheduler"}')).toBe(1)
  const rejected = scheduled.replace('scheduled"', 'unschedulable"')
  expect(value(after, rejected) - value(before, rejected)).toBe(1)
  expect(value(after, 'scheduler_pod_scheduling_attempts_bucket{le="+Inf"}')).toBe(value(after, scheduled))
  expect(after).toMatch(/^kubernetes_build_info\{.*\} 1$/m)
})

test('the controller manager counts the work of its queues', async () => {
  const text = await ask(10257, '/metrics', await token())
  for (const name of ['deployment', 'replicaset', 'serviceaccount', 'endpoint_slice']) expect(Number(new RegExp(`^workqueue_adds_total\\{name="${name}"\\} (\\d+)`, 'm').exec(text)?.[1])).toBeGreaterThan(0)
  expect(text).toContain('workqueue_depth{name="deployment"} 0\n')
  expect(text).toMatch(/^workqueue_work_duration_seconds_count\{name="deployment"\} [1-9]/m)
})

test('components show their configuration and their flags', async () => {
  const own = await token()
  expect(JSON.parse(await ask(10259, '/configz', own))).toMatchObject({ componentconfig: { kind: 'KubeSchedulerConfiguration', leaderElection: { leaderElect: true, resourceName: 'kube-scheduler' }, clientConnection: { kubeconfig: '/etc/kubernetes/scheduler.conf' } } })
  expect(JSON.parse(await ask(10257, '/configz', own))).toMatchObject({ 'kubecontrollermanager.config.k8s.io': { Generic: { Controllers: ['*', 'bootstrap-signer-controller', 'token-cleaner-controller'] }, KubeCloudShared: { AllocateNodeCIDRs: true, ClusterCIDR: '10.244.0.0/16' }, DaemonSetController: { ConcurrentDaemonSetSyncs: 2 } } })
  expect(await ask(10257, '/flagz', own)).toMatch(/^\nkube-controller-manager flagz\nWarning: [^]*\nbind-address: 127\.0\.0\.1\n[^]*\nsecure-port: 10257\n/)
  expect(await ask(10259, '/statusz', own)).toMatch(/^\nkube-scheduler statusz\nWarning: [^]*\nPaths: \/configz \/flagz \/healthz \/livez \/metrics \/readyz\n$/)
  expect(await ask(10259, '/nope', own)).toContain('cannot get path')
})
