import { afterEach, expect, test } from 'vitest'
import { startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

let node: TestNode
afterEach(async () => { await node?.stop() })

const ready = (pod: { status?: { conditions?: { type: string; status: string }[] } }) => pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')

test('a bound pod is pulled, started and reported as the real kubelet reports it', async () => {
  node = await startTestNode()
  await node.createPod('web', { command: ['echo', 'hello', 'forever'] })
  const pod = await node.until('web', ready)
  expect(pod.status).toMatchObject({
    phase: 'Running', qosClass: 'BestEffort', hostIP: '10.89.0.3', observedGeneration: 1,
    containerStatuses: [{ name: 'c', ready: true, started: true, restartCount: 0, image: 'docker.io/library/box:1', resources: {}, user: { linux: { uid: 0, gid: 0, supplementalGroups: [0] } } }],
  })
  expect(pod.status.podIP).toMatch(/^10\.244\.1\.\d+$/)
  expect(pod.status.containerStatuses![0]!.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/)
  expect(pod.status.conditions!.map((c) => `${c.type}=${c.status}`)).toEqual(['PodReadyToStartContainers=True', 'Initialized=True', 'Ready=True', 'ContainersReady=True', 'PodScheduled=True'])
  expect(await node.logs('web')).toBe('hello\n')
  expect((await node.events('web')).map((e) => e.replace(/in \d+ms \(\d+ms/, 'in Nms (Nms'))).toEqual([
    'Normal Pulling x1: Pulling image "box:1"',
    'Normal Pulled x1: Successfully pulled image "box:1" in Nms (Nms including waiting). Image size: 10000000 bytes.',
    'Normal Created x1: Container created', 'Normal Started x1: Container started',
  ])
  expect(node.writes.get('web')).toBeLessThanOrEqual(3)
})

test('a failing container backs off longer each time', async () => {
  node = await startTestNode()
  await node.createPod('crash', { command: ['echo', 'starting', 'exit', '9'] })
  const waiting = await node.until('crash', (p) => p.status.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff')
  expect(waiting.status.containerStatuses![0]!.state!.waiting!.message).toBe(`back-off 10s restarting failed container=c pod=crash_default(${waiting.metadata.uid})`)
  expect(waiting.status.containerStatuses![0]!.lastState!.terminated).toMatchObject({ exitCode: 9, reason: 'Error' })
  expect(waiting.status.containerStatuses![0]!.restartCount).toBe(1)
  const later = await node.until('crash', (p) => (p.status.containerStatuses?.[0]?.state?.waiting?.message ?? '').startsWith('back-off 20s'))
  expect(later.status.containerStatuses![0]!.restartCount).toBe(2)
  expect(later.status.phase).toBe('Running')
  expect((await node.events('crash')).some((e) => e.includes(`Warning BackOff x`) && e.endsWith(`Back-off restarting failed container c in pod crash_default(${later.metadata.uid})`))).toBe(true)
  expect(await node.logs('crash', 'c', '?previous=true')).toBe('starting\n')
})

test('pods that run once end as Succeeded or Failed', async () => {
  node = await startTestNode()
  await node.createPod('ok', { restartPolicy: 'Never', command: ['exit', '0'] })
  await node.createPod('bad', { restartPolicy: 'Never', command: ['exit', '3'] })
  const ok = await node.until('ok', (p) => p.status.phase === 'Succeeded')
  expect(ok.status.conditions!.map((c) => `${c.type}=${c.status} ${c.reason ?? ''}`)).toEqual([
    'PodReadyToStartContainers=False ', 'Initialized=True PodCompleted', 'Ready=False PodCompleted', 'ContainersReady=False PodCompleted', 'PodScheduled=True ',
  ])
  const bad = await node.until('bad', (p) => p.status.phase === 'Failed')
  expect(bad.status.containerStatuses![0]!.state!.terminated).toMatchObject({ exitCode: 3, reason: 'Error' })
})

test('a container that ends at once is never seen running', async () => {
  node = await startTestNode()
  await node.createPod('quick', { restartPolicy: 'Never', command: ['sleep', '5', 'exit', '0'] })
  const phases = new Set<string>()
  const { resourceVersion } = (await node.pod('quick')).metadata
  node.api.watch('pods', { namespace: 'default', resourceVersion: resourceVersion! }, (events) => { for (const { object } of events) phases.add(object['status']?.phase ?? '') })
  await node.until('quick', (p) => p.status.phase === 'Succeeded')
  expect([...phases]).toEqual(['Pending', 'Succeeded'])
})

test('deleting a pod stops it gracefully and then removes it', async () => {
  node = await startTestNode()
  await node.createPod('web', { terminationGracePeriodSeconds: 10, command: ['echo', 'up', 'term', '0'] })
  await node.until('web', ready)
  const startMs = node.clock.nowMs()
  await node.api.delete('pods', 'web', 'default')
  await node.gone('web')
  expect(node.clock.nowMs() - startMs).toBeLessThan(2_000)
  expect((await node.events('web')).at(-1)).toBe('Normal Killing x1: Stopping container c')
})

test('a container that ignores the stop signal is killed when its grace is over', async () => {
  node = await startTestNode()
  await node.createPod('deaf', { terminationGracePeriodSeconds: 5, command: ['forever'] })
  await node.until('deaf', ready)
  const startMs = node.clock.nowMs()
  await node.api.delete('pods', 'deaf', 'default')
  await node.gone('deaf')
  expect(node.clock.nowMs() - startMs).toBeGreaterThanOrEqual(5_000)
})

test('images that cannot be pulled say why and back off', async () => {
  node = await startTestNode()
  await node.createPod('notag', { containers: [{ name: 'c', image: 'box:9' }] })
  await node.createPod('badname', { containers: [{ name: 'c', image: 'Box:latest' }] })
  await node.createPod('never', { containers: [{ name: 'c', image: 'box:8', imagePullPolicy: 'Never' }] })
  const pod = await node.until('notag', (p) => p.status.containerStatuses?.[0]?.state?.waiting?.reason === 'ImagePullBackOff')
  expect(pod.status.containerStatuses![0]!.state!.waiting!.message).toBe('Back-off pulling image "box:9": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/box:9": failed to resolve image: docker.io/library/box:9: not found')
  expect(pod.status.phase).toBe('Pending')
  expect(await node.logs('notag')).toBe('container "c" in pod "notag" is waiting to start: trying and failing to pull image')
  expect((await node.events('notag')).map((e) => e.replace(/ x\d+/, ''))).toEqual(expect.arrayContaining(['Warning Failed: Error: ErrImagePull', 'Warning Failed: Error: ImagePullBackOff', 'Normal BackOff: Back-off pulling image "box:9"']))
  const bad = await node.until('badname', (p) => p.status.containerStatuses?.[0]?.state?.waiting?.reason === 'InvalidImageName')
  expect(bad.status.containerStatuses![0]!.state!.waiting!.message).toBe('Failed to apply default image tag "Box:latest": couldn\'t parse image name "Box:latest": invalid reference format: repository name (library/Box) must be lowercase')
  const never = await node.until('never', (p) => p.status.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull')
  expect(never.status.containerStatuses![0]!.state!.waiting!.message).toBe('Container image "box:8" is not present with pull policy of Never')
})

test('a readiness probe opens and closes the gate', async () => {
  node = await startTestNode()
  await node.createPod('gate', { containers: [{ name: 'c', image: 'box:1', args: ['serve', '80', '/status', 'forever'], readinessProbe: { httpGet: { path: '/ok', port: 80 }, periodSeconds: 1, failureThreshold: 1 } }] })
  await node.until('gate', ready)
  await node.exec('gate', ['/bin/run', 'write', '/status', '503'])
  const pod = await node.until('gate', (p) => !ready(p))
  expect(pod.status.conditions!.find((c) => c.type === 'Ready')).toMatchObject({ reason: 'ContainersNotReady', message: 'containers with unready status: [c]' })
  expect((await node.events('gate')).at(-1)).toBe('Warning Unhealthy x1: Readiness probe failed: HTTP probe failed with statuscode: 503')
  await node.exec('gate', ['/bin/run', 'remove', '/status'])
  await node.until('gate', ready)
})

test('a failing liveness probe restarts the container', async () => {
  node = await startTestNode()
  await node.createPod('live', { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'box:1', args: ['write', '/ok', '1', 'term', '0'], livenessProbe: { exec: { command: ['/bin/run', 'need', '/ok'] }, periodSeconds: 1, failureThreshold: 2 } }] })
  await node.until('live', ready)
  await node.exec('live', ['/bin/run', 'remove', '/ok'])
  const pod = await node.until('live', (p) => p.status.containerStatuses?.[0]?.restartCount === 1 && ready(p))
  expect(pod.status.containerStatuses![0]!.lastState!.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' })
  const events = await node.events('live')
  expect(events).toContain('Warning Unhealthy x2: Liveness probe failed: no /ok\n')
  expect(events).toContain('Normal Killing x1: Container c failed liveness probe, will be restarted')
})

test('exec joins the streams and reports exit codes and programs that are missing', async () => {
  node = await startTestNode()
  await node.createPod('box', { command: ['forever'] })
  await node.until('box', ready)
  expect(await node.exec('box', ['/bin/run', 'echo', 'out', 'err', 'oops', 'exit', '4'])).toEqual({
    out: 'out\n', err: 'oops\n',
    status: { metadata: {}, status: 'Failure', message: 'command terminated with non-zero exit code: command terminated with exit code 4', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '4' }] } },
  })
  expect((await node.exec('box', ['/bin/run', 'lines'], 'piped\n')).out).toBe('piped\n')
  expect((await node.exec('box', ['nosuch'])).status.message).toMatch(/^Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "[0-9a-f]{64}": OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in \$PATH$/)
})

test('init containers run one after the other, sidecars stay', async () => {
  node = await startTestNode()
  await node.createPod('two', {
    restartPolicy: 'Never', terminationGracePeriodSeconds: 5,
    initContainers: [
      { name: 'first', image: 'box:1', args: ['write', '/w/one', '1'], volumeMounts: [{ name: 'w', mountPath: '/w' }] },
      { name: 'side', image: 'box:1', restartPolicy: 'Always', args: ['term', '0'] },
      { name: 'second', image: 'box:1', args: ['need', '/w/one', 'write', '/w/two', '2'], volumeMounts: [{ name: 'w', mountPath: '/w' }] },
    ],
    containers: [{ name: 'c', image: 'box:1', args: ['cat', '/w/one', 'cat', '/w/two', 'sleep', '2000'], volumeMounts: [{ name: 'w', mountPath: '/w' }] }],
    volumes: [{ name: 'w', emptyDir: {} }],
  })
  const running = await node.until('two', ready)
  expect(running.status.initContainerStatuses!.map((s) => [s.name, s.state!.terminated?.reason ?? 'running', s.ready])).toEqual([['first', 'Completed', true], ['side', 'running', true], ['second', 'Completed', true]])
  const done = await node.until('two', (p) => p.status.phase === 'Succeeded')
  expect(await node.logs('two')).toBe('12')
  expect(done.status.initContainerStatuses!.find((s) => s.name === 'side')!.state!.terminated).toMatchObject({ exitCode: 0 })
})

test('what comes after a sidecar starts as soon as the sidecar runs', async () => {
  node = await startTestNode()
  await node.createPod('pod', { initContainers: [{ name: 'side', image: 'box:1', args: ['forever'], restartPolicy: 'Always' }, { name: 'other', image: 'box:1', args: ['forever'], restartPolicy: 'Always' }], containers: [{ name: 'c', image: 'box:1', args: ['forever'] }] })
  await node.until('pod', ready, 5_000)
})

test('a missing ConfigMap keeps a container waiting until it exists', async () => {
  node = await startTestNode()
  await node.createPod('nocm', { containers: [{ name: 'c', image: 'box:1', args: ['env', 'A', 'forever'], env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'missing', key: 'a' } } }] }] })
  const pod = await node.until('nocm', (p) => p.status.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError')
  expect(pod.status.containerStatuses![0]!.state!.waiting!.message).toBe('configmap "missing" not found')
  await node.api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'missing', namespace: 'default' }, data: { a: '1' } })
  await node.until('nocm', ready)
  expect(await node.logs('nocm')).toBe('1\n')
})

test('a program that is not in the image makes the container fail to start', async () => {
  node = await startTestNode()
  await node.createPod('nocmd', { containers: [{ name: 'c', image: 'box:1', command: ['nosuchprogram'] }] })
  const pod = await node.until('nocmd', (p) => p.status.containerStatuses?.[0]?.lastState?.terminated?.reason === 'StartError')
  expect(pod.status.containerStatuses![0]!.lastState!.terminated).toMatchObject({
    exitCode: 128, startedAt: '1970-01-01T00:00:00Z',
    message: 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "nosuchprogram": executable file not found in $PATH',
  })
})

test('volumes of ConfigMaps follow the object, sub-paths and environment do not', async () => {
  node = await startTestNode()
  await node.api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf', namespace: 'default' }, data: { color: 'blue' } })
  await node.createPod('reader', {
    volumes: [{ name: 'c', configMap: { name: 'conf' } }],
    containers: [{ name: 'c', image: 'box:1', args: ['forever'], volumeMounts: [{ name: 'c', mountPath: '/c' }, { name: 'c', mountPath: '/one', subPath: 'color' }] }],
  })
  await node.until('reader', ready)
  await node.api.patch('configmaps', 'conf', 'default', 'application/merge-patch+json', { data: { color: 'red' } })
  await node.clock.advance(95_000)
  expect((await node.exec('reader', ['/bin/run', 'cat', '/c/color', 'cat', '/one'])).out).toBe('redblue')
})

test('a claim that gets bound in the same moment is mounted without a word, one that stays unbound is told', async () => {
  node = await startTestNode()
  const claim = (name: string) => node.api.create('persistentvolumeclaims', { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Mi' } }, volumeName: 'disk' } })
  const { uid } = (await claim('soon')).metadata as { uid?: string }
  await claim('never')
  await node.api.create('persistentvolumes', { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk' }, spec: { capacity: { storage: '1Mi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/srv/disk' }, claimRef: { namespace: 'default', name: 'soon', uid } } })
  for (const name of ['soon', 'never']) await node.createPod(name, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: name } }], containers: [{ name: 'c', image: 'box:1', args: ['forever'], volumeMounts: [{ name: 'v', mountPath: '/v' }] }] })
  await node.clock.advance(50)
  await node.api.patch('persistentvolumeclaims', 'soon', 'default', 'application/merge-patch+json', { status: { phase: 'Bound' } }, { subresource: 'status' })
  await node.until('soon', ready)
  expect((await node.events('soon')).filter((event) => event.startsWith('Warning'))).toEqual([])
  await node.clock.advance(5_000)
  expect((await node.events('never')).filter((event) => event.startsWith('Warning')))
    .toEqual(['Warning FailedMount x1: Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: error processing PVC default/never: PVC is not bound'])
})

test('a volume that lies on another node is not mounted', async () => {
  node = await startTestNode()
  const { uid } = (await node.api.create('persistentvolumeclaims', { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'far', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Mi' } }, volumeName: 'disk' } })).metadata as { uid?: string }
  await node.api.patch('persistentvolumeclaims', 'far', 'default', 'application/merge-patch+json', { status: { phase: 'Bound' } }, { subresource: 'status' })
  await node.api.create('persistentvolumes', {
    apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk' },
    spec: {
      capacity: { storage: '1Mi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/srv/disk' }, claimRef: { namespace: 'default', name: 'far', uid },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['elsewhere'] }] }] } },
    },
  })
  await node.createPod('user', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'far' } }], containers: [{ name: 'c', image: 'box:1', args: ['forever'], volumeMounts: [{ name: 'v', mountPath: '/v' }] }] })
  await node.clock.advance(400)
  expect(await node.events('user')).toEqual(['Warning FailedMount x1: MountVolume.NodeAffinity check failed for volume "disk" : no matching NodeSelectorTerms'])
})

test('a volume that cannot be mounted is told and retried', async () => {
  node = await startTestNode()
  await node.createPod('mount', { volumes: [{ name: 'v', configMap: { name: 'missing' } }], containers: [{ name: 'c', image: 'box:1', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] })
  await node.clock.advance(5_000)
  expect((await node.events('mount'))[0]).toMatch(/^Warning FailedMount x\d: MountVolume.SetUp failed for volume "v" : configmap "missing" not found$/)
  expect((await node.pod('mount')).status.containerStatuses![0]!.state).toEqual({ waiting: { reason: 'ContainerCreating' } })
  await node.api.delete('pods', 'mount', 'default')
  await node.gone('mount')
})

test('a kubelet that comes back takes its pods over without a change of their status, and what they printed is still there', async () => {
  node = await startTestNode()
  await node.createPod('web', { volumes: [{ name: 'disk', emptyDir: {} }], containers: [{ name: 'c', image: 'box:1', args: ['echo', 'hello', 'write', '/disk/a', 'kept', 'forever'], volumeMounts: [{ name: 'disk', mountPath: '/disk' }] }] })
  await node.createPod('once', { restartPolicy: 'Never', command: ['forever'] })
  await node.createPod('done', { restartPolicy: 'Never', command: ['echo', 'result', 'exit', '0'] })
  for (const name of ['web', 'once']) await node.until(name, ready)
  await node.until('done', (p) => p.status.phase === 'Succeeded')
  await node.clock.advance(200_000)
  const names = ['web', 'once', 'done']
  const before = await Promise.all(names.map((name) => node.pod(name)))
  await node.restart()
  await node.clock.advance(100_000)
  const after = await Promise.all(names.map((name) => node.pod(name)))
  expect(after.map(({ status }) => status)).toEqual(before.map(({ status }) => status))
  expect(after.map(({ metadata }) => metadata.resourceVersion)).toEqual(before.map(({ metadata }) => metadata.resourceVersion))
  expect((await node.events('web')).filter((e) => e.includes('SandboxChanged'))).toEqual([])
  // The process began anew, in the same container: its log goes on.
  expect(await node.logs('web')).toBe('hello\nhello\n')
  expect(await node.logs('web', 'c', '?sinceSeconds=250')).toBe('hello\n')
  expect(await node.logs('done')).toBe('result\n')
  expect((await node.exec('web', ['/bin/run', 'cat', '/disk/a'])).out).toBe('kept')
  expect(new TextDecoder().decode(node.files.readFile(`/var/log/pods/default_web_${after[0]!.metadata.uid}/c/0.log`)).trim().split('\n')).toHaveLength(2)
})

test('a pod that was being deleted goes, and what pods left that went meanwhile', async () => {
  node = await startTestNode()
  await node.createPod('leaving', { terminationGracePeriodSeconds: 300, command: ['forever'] })
  await node.createPod('staying', { terminationGracePeriodSeconds: 1, command: ['echo', 'half', 'forever'] })
  for (const name of ['leaving', 'staying']) await node.until(name, ready)
  await node.api.delete('pods', 'leaving', 'default')
  await node.clock.advance(1_000)
  node.files.mkdir('/var/log/pods/default_lost_1/c', { recursive: true })
  node.files.mkdir('/var/lib/kubelet/pods/1/volumes', { recursive: true })
  await node.restart()
  await node.gone('leaving', 310_000)
  const { metadata } = await node.until('staying', ready)
  expect(node.files.readdir('/var/log/pods')).toEqual([`default_staying_${metadata.uid}`])
  await node.api.delete('pods', 'staying', 'default')
  await node.gone('staying')
  expect(node.files.readdir('/var/log/pods')).toEqual([])
  expect(node.files.readdir('/var/lib/kubelet/pods')).toEqual([])
})

test('init containers don\'t run again, ephemeral ones go on', async () => {
  node = await startTestNode()
  await node.createPod('pod', { initContainers: [{ name: 'init', image: 'box:1', args: ['echo', 'prepared'] }], containers: [{ name: 'c', image: 'box:1', args: ['forever'] }] })
  await node.until('pod', ready)
  await node.api.patch('pods', 'pod', 'default', 'application/strategic-merge-patch+json', { spec: { ephemeralContainers: [{ name: 'debug', image: 'box:1', args: ['forever'] }] } }, { subresource: 'ephemeralcontainers' })
  const before = await node.until('pod', (p) => p.status.ephemeralContainerStatuses?.[0]?.state?.running !== undefined)
  await node.clock.advance(100_000)
  await node.restart()
  await node.clock.advance(100_000)
  const { status } = await node.pod('pod')
  expect(status.initContainerStatuses).toEqual(before.status.initContainerStatuses)
  expect(status.ephemeralContainerStatuses).toEqual(before.status.ephemeralContainerStatuses)
  expect(await node.logs('pod', 'init')).toBe('prepared\n')
})

test('a container whose configuration can\'t be had any more ends as on a node that was off', async () => {
  node = await startTestNode()
  await node.api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { a: 'b' } })
  await node.createPod('pod', { containers: [{ name: 'c', image: 'box:1', args: ['echo', 'hello', 'forever'], envFrom: [{ configMapRef: { name: 'settings' } }] }] })
  await node.until('pod', ready)
  await node.api.delete('configmaps', 'settings', 'default')
  await node.restart()
  const { status } = await node.until('pod', (p) => p.status.containerStatuses![0]!.state?.waiting?.reason === 'CreateContainerConfigError')
  expect(status.containerStatuses![0]!.lastState!.terminated).toMatchObject({ exitCode: 255, reason: 'Unknown' })
  await node.api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { a: 'b' } })
  await node.until('pod', (p) => ready(p) && p.status.containerStatuses![0]!.restartCount === 1)
  expect(await node.logs('pod', 'c', '?previous=true')).toBe('hello\n')
})

test('a pod whose image was being pulled goes on pulling in its sandbox', async () => {
  node = await startTestNode()
  await node.createPod('new', { initContainers: [{ name: 'init', image: 'box:1', args: ['exit', '0'] }], containers: [{ name: 'c', image: 'userbox:1', args: ['forever'] }] })
  const { metadata: { uid }, status } = await node.until('new', (p) => p.status.conditions?.some((c) => c.type === 'PodReadyToStartContainers' && c.status === 'True'))
  // The kubelet tells that the sandbox is there and nothing more: addresses come with the first container's status.
  expect(status.podIP).toBeUndefined()
  expect(status.containerStatuses![0]!.state!.waiting!.reason).toBe('PodInitializing')
  const { ips } = node.runtime.podSandbox(uid!)!
  await node.restart()
  const pod = await node.until('new', ready)
  expect(pod.status.podIPs).toEqual(ips.map((ip) => ({ ip })))
  expect(pod.status.containerStatuses![0]).toMatchObject({ restartCount: 0, lastState: {} })
})

test('a container that keeps failing goes on counting after its kubelet came back', async () => {
  node = await startTestNode()
  await node.createPod('crash', { command: ['echo', 'oh', 'exit', '9'] })
  await node.until('crash', (p) => p.status.containerStatuses?.[0]?.restartCount === 2 && p.status.containerStatuses[0].state?.waiting?.reason === 'CrashLoopBackOff')
  await node.restart()
  const pod = await node.until('crash', (p) => p.status.containerStatuses?.[0]?.restartCount === 3)
  expect(pod.status.containerStatuses![0]!.lastState!.terminated!.exitCode).toBe(9)
  expect(await node.logs('crash', 'c', '?previous=true')).toBe('oh\n')
})

test('static pods run without the API and show there as mirrors', async () => {
  node = await startTestNode({ staticPods: [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'etcd', namespace: 'default' }, spec: { hostNetwork: true, priorityClassName: undefined, containers: [{ name: 'etcd', image: 'registry.k8s.io/etcd:3' }] } }] })
  const pod = await node.until('etcd-node1', ready)
  expect(pod.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'node1', controller: true }])
  expect(pod.metadata.annotations!['kubernetes.io/config.mirror']).toBe(pod.metadata.annotations!['kubernetes.io/config.hash'])
  expect(pod.status.podIP).toBe('10.89.0.3')
  await node.api.delete('pods', 'etcd-node1', 'default')
  await node.until('etcd-node1', (p) => p.metadata.uid !== pod.metadata.uid && ready(p))
})

test('a pod that does not fit is rejected', async () => {
  node = await startTestNode({ allocatable: { cpu: '1', memory: '1Gi', pods: '110' } })
  await node.createPod('a', { containers: [{ name: 'c', image: 'box:1', resources: { requests: { cpu: '600m' } } }] })
  await node.until('a', ready)
  await node.createPod('b', { containers: [{ name: 'c', image: 'box:1', resources: { requests: { cpu: '600m' } } }] })
  const pod = await node.until('b', (p) => p.status.phase === 'Failed')
  expect(pod.status).toMatchObject({ reason: 'OutOfcpu', message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 600, used: 600, capacity: 1000" })
})

test('a pod bound past the scheduler is rejected where a port of the node is taken', async () => {
  node = await startTestNode()
  const ports = (hostIP?: string) => [{ containerPort: 80, hostPort: 8080, ...(hostIP ? { hostIP } : {}) }]
  await node.createPod('a', { containers: [{ name: 'c', image: 'box:1', ports: ports() }] })
  await node.until('a', ready)
  await node.createPod('b', { containers: [{ name: 'c', image: 'box:1', ports: ports('127.0.0.1') }] })
  const pod = await node.until('b', (p) => p.status.phase === 'Failed')
  expect(pod.status).toMatchObject({ reason: 'NodePorts', message: "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports" })
})

test('a pod that was deleted at once keeps no other one away while it ends', async () => {
  node = await startTestNode()
  const ports = [{ containerPort: 80, hostPort: 8080 }]
  await node.createPod('a', { terminationGracePeriodSeconds: 5, containers: [{ name: 'c', image: 'box:1', args: ['forever'], ports }] })
  await node.until('a', ready)
  await node.api.delete('pods', 'a', 'default', { gracePeriodSeconds: 0 })
  await node.createPod('b', { containers: [{ name: 'c', image: 'box:1', args: ['forever'], ports }] })
  await node.until('b', ready)
})

test('a pod that runs longer than it may is ended', async () => {
  node = await startTestNode()
  await node.createPod('limited', { activeDeadlineSeconds: 3, terminationGracePeriodSeconds: 1, command: ['forever'] })
  const pod = await node.until('limited', (p) => p.status.phase === 'Failed')
  expect(pod.status).toMatchObject({ reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' })
})

test('postStart runs before the container counts as started, preStop before it is stopped', async () => {
  node = await startTestNode()
  await node.createPod('hooks', {
    terminationGracePeriodSeconds: 10,
    containers: [{ name: 'c', image: 'box:1', args: ['term', '0'], lifecycle: { postStart: { exec: { command: ['/bin/run', 'write', '/hook', 'ran'] } }, preStop: { sleep: { seconds: 3 } } } }],
  })
  await node.until('hooks', ready)
  expect((await node.exec('hooks', ['/bin/run', 'cat', '/hook'])).out).toBe('ran')
  const startMs = node.clock.nowMs()
  await node.api.delete('pods', 'hooks', 'default')
  await node.gone('hooks')
  expect(node.clock.nowMs() - startMs).toBeGreaterThanOrEqual(3_000)
  expect(node.clock.nowMs() - startMs).toBeLessThan(6_000)
})

test('a hook over HTTPS that is answered over HTTP is run so, and told', async () => {
  node = await startTestNode()
  await node.createPod('fallback', { containers: [{ name: 'c', image: 'box:1', args: ['serve', '8080', '/status', 'forever'], lifecycle: { postStart: { httpGet: { port: 8080, scheme: 'HTTPS', path: '/hook' } } } }] })
  const { status } = await node.until('fallback', (p) => p.status.phase === 'Running')
  expect(await node.events('fallback')).toContain(`Warning LifecycleHTTPFallback x1: request to HTTPS lifecycle hook ${status.podIP}:8080 got HTTP response, retry with HTTP succeeded`)
})

test('a failed postStart kills the container', async () => {
  node = await startTestNode()
  await node.createPod('badhook', { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'box:1', args: ['forever'], lifecycle: { postStart: { exec: { command: ['/bin/run', 'exit', '1'] } } } }] })
  await node.until('badhook', (p) => p.status.phase === 'Failed')
  const events = await node.events('badhook')
  expect(events).toContain('Warning FailedPostStartHook x1: PostStartHook failed')
  expect(events).toContain('Normal Killing x1: FailedPostStartHook')
})

test('another image restarts the container', async () => {
  node = await startTestNode()
  await node.createPod('web', { terminationGracePeriodSeconds: 1, command: ['term', '0'] })
  await node.until('web', ready)
  await node.api.patch('pods', 'web', 'default', 'application/strategic-merge-patch+json', { spec: { containers: [{ name: 'c', image: 'box:2' }] } })
  const pod = await node.until('web', (p) => p.status.containerStatuses?.[0]?.restartCount === 1 && ready(p))
  expect(pod.status.containerStatuses![0]!.image).toBe('docker.io/library/box:2')
  expect(pod.status.observedGeneration).toBe(2)
  expect(await node.events('web')).toContain('Normal Killing x1: Container c definition changed, will be restarted')
})

test('resources of a running pod follow its spec without a restart', async () => {
  node = await startTestNode({ allocatable: { cpu: '1', memory: '1Gi', pods: '110' } })
  await node.createPod('grow', { containers: [{ name: 'c', image: 'box:1', args: ['forever'], resources: { requests: { cpu: '50m', memory: '32Mi' }, limits: { cpu: '100m', memory: '64Mi' } } }] })
  await node.until('grow', ready)
  const resize = (cpu: string) => node.api.patch('pods', 'grow', 'default', 'application/strategic-merge-patch+json', { spec: { containers: [{ name: 'c', resources: { requests: { cpu }, limits: { cpu } } }] } }, { subresource: 'resize' })
  await resize('150m')
  const pod = await node.until('grow', (p) => p.status.containerStatuses?.[0]?.resources?.limits?.cpu === '150m')
  expect(pod.status.containerStatuses![0]!.restartCount).toBe(0)
  await resize('7')
  const refused = await node.until('grow', (p) => p.status.conditions?.some((c) => c.type === 'PodResizePending'))
  expect(refused.status.conditions!.find((c) => c.type === 'PodResizePending')).toMatchObject({ reason: 'Infeasible', message: "Node didn't have enough capacity: cpu, requested: 7000, capacity: 1000" })
  expect(refused.status.containerStatuses![0]!.resources!.limits!.cpu).toBe('150m')
})

test('resources of a pod as a whole reach its control group, and containers without limits of their own', async () => {
  node = await startTestNode({ allocatable: { cpu: '1', memory: '1Gi', pods: '110' } })
  const resources = (cpu: string) => ({ requests: { cpu, memory: '64Mi' }, limits: { cpu, memory: '64Mi' } })
  await node.createPod('whole', { resources: resources('100m'), containers: [{ name: 'free', image: 'box:1', args: ['forever'] }, { name: 'bound', image: 'box:1', args: ['forever'], resources: { requests: { cpu: '20m' }, limits: { cpu: '50m' } } }] })
  const { uid } = (await node.until('whole', ready)).metadata
  const limits = () => ({ pod: node.runtime.podSandbox(uid!)!.resources, ...Object.fromEntries(node.runtime.listContainers(uid!).map((c) => [c.name, c.resources])) })
  expect(limits()).toMatchObject({ pod: { cpuMillis: 100, memoryBytes: 64 * 2 ** 20, cpuShares: 102 }, free: { cpuMillis: 100, memoryBytes: 64 * 2 ** 20 }, bound: { cpuMillis: 50 } })
  await node.api.patch('pods', 'whole', 'default', 'application/strategic-merge-patch+json', { spec: { resources: resources('200m') } }, { subresource: 'resize' })
  const pod = await node.until('whole', (p) => p.status.resources?.limits?.cpu === '200m' && !p.status.conditions?.some((c) => c.type.startsWith('PodResize')))
  expect(pod.status.containerStatuses!.map((s) => s.restartCount)).toEqual([0, 0])
  expect(limits()).toMatchObject({ pod: { cpuMillis: 200 }, free: { cpuMillis: 200 }, bound: { cpuMillis: 50 } })
})

test('a resize of the pod is over when the containers have restarted that have to', async () => {
  node = await startTestNode({ allocatable: { cpu: '1', memory: '1Gi', pods: '110' } })
  const resources = (memory: string) => ({ requests: { cpu: '100m', memory }, limits: { cpu: '100m', memory } })
  const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' as const }]
  await node.createPod('again', { resources: resources('64Mi'), terminationGracePeriodSeconds: 1, initContainers: [{ name: 'side', image: 'box:1', args: ['forever'], restartPolicy: 'Always', resizePolicy }], containers: [{ name: 'c', image: 'box:1', args: ['forever'], resizePolicy }] })
  await node.until('again', ready)
  await node.api.patch('pods', 'again', 'default', 'application/strategic-merge-patch+json', { spec: { resources: resources('96Mi') } }, { subresource: 'resize' })
  await node.until('again', (p) => p.status.observedGeneration === 2 && !p.status.conditions?.some((c) => c.type.startsWith('PodResize')) && ready(p))
  const pod = await node.pod('again')
  expect([...pod.status.initContainerStatuses!, ...pod.status.containerStatuses!].map((s) => s.restartCount)).toEqual([1, 1])
})

test('a pod whose RuntimeClass names no runtime of the node waits for one', async () => {
  node = await startTestNode()
  await node.api.create('runtimeclasses.node.k8s.io', { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'sandboxed' }, handler: 'kata' } as never)
  await node.createPod('waits', { runtimeClassName: 'sandboxed', command: ['forever'] })
  await node.clock.advance(3_000)
  expect((await node.pod('waits')).status.phase).toBe('Pending')
  expect((await node.events('waits'))[0]).toMatch(/^Warning FailedCreatePodSandBox x\d+: Failed to create pod sandbox: rpc error: code = Unknown desc = unable to get OCI runtime for sandbox "[0-9a-f]{64}": no runtime for "kata" is configured$/)
})

test('a container without a limit reads the one of its pod', async () => {
  node = await startTestNode()
  const of = (name: string, resource: string) => ({ name, valueFrom: { resourceFieldRef: { resource } } })
  await node.createPod('read', { restartPolicy: 'Never', resources: { limits: { cpu: '2', memory: '64Mi' } }, containers: [{ name: 'c', image: 'box:1', args: ['echo', '$(CPU) $(MEMORY)'], env: [of('CPU', 'limits.cpu'), of('MEMORY', 'limits.memory')], resources: { limits: { cpu: '1' } } }] })
  await node.until('read', (p) => p.status.phase === 'Succeeded')
  expect(await node.logs('read')).toBe('1 67108864\n')
})

test('starts, ends and failures are counted', async () => {
  node = await startTestNode()
  await node.createPod('ends', { restartPolicy: 'Never', command: ['exit', '139'] })
  await node.until('ends', (p) => p.status.phase === 'Failed')
  await node.createPod('fails', { hostUsers: false, restartPolicy: 'Never', containers: [{ name: 'c', image: 'box:1', command: ['bogus'] }] })
  await node.until('fails', (p) => p.status.phase === 'Failed')
  const metrics = await (await node.kubelet.handle(node.request('/metrics'))).text()
  for (const line of ['kubelet_started_pods_total 2', 'kubelet_started_user_namespaced_pods_total 1', 'kubelet_started_user_namespaced_pods_errors_total 1', 'kubelet_terminated_containers_total{container_type="container",exit_code="139",reason="Error"} 1', 'kubelet_started_containers_errors_total{container_type="container",code="RunContainerError"} 1'])
    expect(metrics).toContain(`${line}\n`)
})

test('cAdvisor\'s metrics name the control groups of pods and containers with their limits', async () => {
  node = await startTestNode()
  await node.createPod('app', { containers: [{ name: 'c', image: 'box:1', args: ['forever'], resources: { limits: { cpu: '200m', memory: '32Mi' } } }] })
  const { metadata: { uid }, status } = await node.until('app', ready)
  const slice = `/kubepods.slice/kubepods-pod${uid!.replaceAll('-', '_')}.slice`
  const id = status.containerStatuses![0]!.containerID!.replace('containerd://', '')
  const metrics = await (await node.kubelet.handle(node.request('/metrics/cadvisor'))).text()
  const value = (name: string, labels: string) => new RegExp(`^container_${name}\\{${labels}\\} (\\S+)`, 'm').exec(metrics)?.[1]
  expect(value('spec_cpu_quota', `container="c",id="${slice}/cri-containerd-${id}.scope",image="docker.io/library/box:1",name="${id}",namespace="default",pod="app"`)).toBe('20000')
  expect(value('spec_memory_limit_bytes', `container="",id="${slice}",image="",name="",namespace="default",pod="app"`)).toBe('3.3554432e+07')
  expect(value('memory_working_set_bytes', 'container="",id="/",image="",name="",namespace="",pod=""')).toBeDefined()
})

test('memory that a container uses is not taken away by a resize', async () => {
  node = await startTestNode({ allocatable: { cpu: '1', memory: '1Gi', pods: '110' } })
  const resources = (memory: string) => ({ requests: { cpu: '50m', memory }, limits: { cpu: '50m', memory } })
  await node.createPod('full', { containers: [{ name: 'c', image: 'box:1', args: ['fill', '50000000', 'forever'], resources: resources('64Mi') }] })
  await node.until('full', ready)
  await node.api.patch('pods', 'full', 'default', 'application/strategic-merge-patch+json', { spec: { containers: [{ name: 'c', resources: resources('16Mi') }] } }, { subresource: 'resize' })
  const pod = await node.until('full', (p) => p.status.conditions?.some((c) => c.type === 'PodResizeInProgress' && c.reason === 'Error'))
  expect(pod.status.conditions!.find((c) => c.type === 'PodResizeInProgress')!.message).toMatch(/^cannot decrease memory limits: \[attempting to set pod memory limit \(16777216\) below current usage \(\d+\), attempting to set container "c" memory limit \(16777216\) below current usage \(\d+\)\]$/)
  expect([pod.status.containerStatuses![0]!.resources!.limits!.memory, pod.status.resources!.limits!.memory, pod.status.allocatedResources!.memory]).toEqual(['64Mi', '64Mi', '16Mi'])
})

test('containers run as the user and with the groups they are given', async () => {
  node = await startTestNode()
  await node.createPod('sc', {
    restartPolicy: 'Never', securityContext: { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000 },
    containers: [{ name: 'c', image: 'box:1', args: ['id'] }, { name: 'r', image: 'box:1', args: ['write', '/x', '1'], securityContext: { runAsUser: 0, readOnlyRootFilesystem: true } }],
  })
  const pod = await node.until('sc', (p) => p.status.phase === 'Failed')
  expect(await node.logs('sc')).toBe('1000 3000 2000,3000\n')
  expect(pod.status.containerStatuses!.find((s) => s.name === 'r')!.state!.terminated!.exitCode).not.toBe(0)
  await node.createPod('image-user', { restartPolicy: 'Never', containers: [{ name: 'c', image: 'userbox:1', args: ['id'] }] })
  await node.until('image-user', (p) => p.status.phase === 'Succeeded')
  expect(await node.logs('image-user')).toBe('101 102 102,500\n')
})

test('a pod that must not run as root and would is not started', async () => {
  node = await startTestNode()
  await node.createPod('root', { securityContext: { runAsNonRoot: true }, command: ['forever'] })
  const pod = await node.until('root', (p) => p.status.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError')
  expect(pod.status.containerStatuses![0]!.state!.waiting!.message).toBe(`container has runAsNonRoot and image will run as root (pod: "root_default(${pod.metadata.uid})", container: c)`)
})

test('the last words of a container are kept', async () => {
  node = await startTestNode()
  await node.createPod('file', { restartPolicy: 'Never', command: ['write', '/dev/termination-log', 'all well'] })
  await node.createPod('log', { restartPolicy: 'Never', containers: [{ name: 'c', image: 'box:1', args: ['echo', 'it broke', 'exit', '1'], terminationMessagePolicy: 'FallbackToLogsOnError' }] })
  expect((await node.until('file', (p) => p.status.phase === 'Succeeded')).status.containerStatuses![0]!.state!.terminated!.message).toBe('all well')
  expect((await node.until('log', (p) => p.status.phase === 'Failed')).status.containerStatuses![0]!.state!.terminated!.message).toBe('it broke\n')
})

test('a container over its memory limit is killed', async () => {
  node = await startTestNode()
  await node.createPod('greedy', { restartPolicy: 'Never', containers: [{ name: 'c', image: 'box:1', args: ['fill', '50000000', 'forever'], resources: { limits: { memory: '20Mi' } } }] })
  const pod = await node.until('greedy', (p) => p.status.phase === 'Failed')
  expect(pod.status.containerStatuses![0]!.state!.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 })
})

test('containers that together use more memory than their pod may have are killed', async () => {
  node = await startTestNode()
  const hungry = (name: string) => ({ name, image: 'box:1', args: ['fill', '40000000', 'forever'] })
  await node.createPod('both', { restartPolicy: 'Never', resources: { limits: { memory: '64Mi' } }, containers: [hungry('first'), hungry('second')] })
  const pod = await node.until('both', (p) => p.status.containerStatuses?.some((s) => s.state?.terminated))
  expect(pod.status.containerStatuses!.map((s) => s.state!.terminated?.reason ?? 'running')).toEqual(['running', 'OOMKilled'])
})

test('debug containers join a running pod', async () => {
  node = await startTestNode()
  await node.createPod('app', { command: ['forever'] })
  await node.until('app', ready)
  await node.api.patch('pods', 'app', 'default', 'application/strategic-merge-patch+json', { spec: { ephemeralContainers: [{ name: 'dbg', image: 'box:1', args: ['echo', 'in the pod', 'forever'], targetContainerName: 'c' }] } }, { subresource: 'ephemeralcontainers' })
  await node.until('app', (p) => p.status.ephemeralContainerStatuses?.[0]?.state?.running !== undefined)
  expect(await node.logs('app', 'dbg')).toBe('in the pod\n')
  // It shares the processes of its target: pid 1 is not its own.
  expect((await node.exec('app', ['/bin/run', 'cat', '/proc/2/cmdline'])).out).toContain('in the pod')
})

test('containers of a pod can share their processes', async () => {
  node = await startTestNode()
  await node.createPod('share', { shareProcessNamespace: true, terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'box:1', args: ['term', '0'] }, { name: 'd', image: 'box:1', args: ['term', '0'] }] })
  await node.until('share', ready)
  expect((await node.exec('share', ['/bin/run', 'cat', '/proc/1/cmdline', 'cat', '/proc/3/cmdline'])).out.replaceAll('\0', ' ')).toBe('/pause /bin/run term 0 ')
  await node.api.delete('pods', 'share', 'default')
  await node.gone('share')
})

test('the environment comes from all its sources', async () => {
  node = await startTestNode()
  await node.api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf', namespace: 'default' }, data: { a: '1' } })
  await node.api.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'sec', namespace: 'default' }, data: { user: btoa('ann') } })
  await node.createPod('env', {
    restartPolicy: 'Never',
    containers: [{
      name: 'c', image: 'box:1', args: ['env', 'C_a', 'env', 'MIX', 'env', 'CPU', 'env', 'NAME', 'env', 'IP', 'env', 'FROM_IMAGE', 'echo', 'arg $(PLAIN)'],
      resources: { limits: { cpu: '500m' } },
      envFrom: [{ prefix: 'C_', configMapRef: { name: 'conf' } }, { secretRef: { name: 'nothere', optional: true } }],
      env: [
        { name: 'USERNAME', valueFrom: { secretKeyRef: { name: 'sec', key: 'user' } } }, { name: 'PLAIN', value: '1' }, { name: 'MIX', value: '$(PLAIN)-$(USERNAME)-$(NOPE)-$$(PLAIN)' },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }, { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }, { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
    }],
  })
  const pod = await node.until('env', (p) => p.status.phase === 'Succeeded')
  expect(await node.logs('env')).toBe(`1\n1-ann-$(NOPE)-$(PLAIN)\n1\nenv\n${pod.status.podIP}\nyes\narg 1\n`)
})

test('logs can be cut, stamped and followed to the end', async () => {
  node = await startTestNode()
  await node.createPod('talk', { restartPolicy: 'Never', command: ['echo', 'one', 'echo', 'two', 'sleep', '3000', 'echo', 'three', 'print', 'rest'] })
  await node.until('talk', ready)
  expect(await node.logs('talk', 'c', '?tailLines=1')).toBe('two\n')
  expect(await node.logs('talk', 'c', '?limitBytes=6')).toBe('one\ntw')
  expect(await node.logs('talk', 'c', '?follow=true')).toBe('one\ntwo\nthree\nrest')
  expect(await node.logs('talk', 'c', '?timestamps=true&tailLines=2')).toMatch(/^2026-01-01T00:00:\d\d\.\d{9}Z three\n2026-01-01T00:00:\d\d\.\d{9}Z rest$/)
  expect(await node.logs('talk', 'c', '?sinceSeconds=1')).toBe('three\nrest')
})

test('a pod that writes more than its emptyDir may hold is evicted', async () => {
  node = await startTestNode()
  await node.createPod('full', { terminationGracePeriodSeconds: 1, volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Ki' } }], containers: [{ name: 'c', image: 'box:1', args: ['write', '/v/x', 'x'.repeat(2000), 'forever'], volumeMounts: [{ name: 'v', mountPath: '/v' }] }] })
  const pod = await node.until('full', (p) => p.status.phase === 'Failed')
  expect(pod.status).toMatchObject({ reason: 'Evicted', message: 'Usage of EmptyDir volume "v" exceeds the limit "1Ki". ' })
  expect(pod.status.conditions!.find((c) => c.type === 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'TerminationByKubelet' })
})

test('a pod with the node\'s log folder sees what other containers write', async () => {
  node = await startTestNode()
  await node.createPod('talk', { command: ['echo', 'hello', 'forever'] })
  const talk = await node.until('talk', ready)
  await node.createPod('agent', { volumes: [{ name: 'l', hostPath: { path: '/var/log' } }], containers: [{ name: 'c', image: 'box:1', args: ['forever'], volumeMounts: [{ name: 'l', mountPath: '/var/log' }] }] })
  await node.until('agent', ready)
  expect((await node.exec('agent', ['/bin/run', 'cat', `/var/log/pods/default_talk_${talk.metadata.uid}/c/0.log`])).out).toMatch(/^2026-01-01T00:00:\S+Z stdout F hello\n$/)
})

test('a pod sets safe kernel parameters for itself, and is rejected with others', async () => {
  node = await startTestNode()
  await node.createPod('safe', { securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] }, restartPolicy: 'Never', command: ['cat', '/proc/sys/kernel/shm_rmid_forced'] })
  await node.until('safe', (p) => p.status.phase === 'Succeeded')
  expect(await node.logs('safe')).toBe('1\n')
  await node.createPod('unsafe', { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] }, command: ['forever'] })
  const pod = await node.until('unsafe', (p) => p.status.phase === 'Failed')
  expect(pod.status).toMatchObject({ reason: 'SysctlForbidden', message: 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted' })
})
