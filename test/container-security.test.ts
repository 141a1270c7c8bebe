import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

/** What containers may do: users, capabilities, filters of system calls, profiles. */
let lab: Lab
beforeAll(async () => { lab = await startLab('container-security') }, 60_000)
afterAll(() => lab.stop())

/** Both streams of a script, and its exit code where that isn't 0. */
async function sh(script: string): Promise<string> {
  const { stdout, stderr, code } = await lab.run(`(${script}) 2>&1`, { withinMs: 900_000 })
  return stdout + stderr + (code === 0 ? '' : `exit ${code}\n`)
}
/** Runs a command in a pod's container. */
const inPod = (pod: string, command: string) => sh(`kubectl exec ${pod} -c c -- sh -c '${command}; echo "= $?"'`)

/** A pod with one container that sleeps. */
async function pod(name: string, securityContext: object, { image = 'busybox:1.36', spec = {}, command = ['sleep', '1d'] }: { image?: string; spec?: object; command?: string[] | null } = {}): Promise<void> {
  lab.writeFile(`${name}.yaml`, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image, ...(command ? { command } : {}), securityContext }], ...spec } }))
  await sh(`kubectl apply -f ${name}.yaml`)
}
const ready = (...names: string[]) => sh(`kubectl wait --for=condition=Ready ${names.map((name) => `pod/${name}`).join(' ')} --timeout=120s`)

describe('capabilities', () => {
  it('root without capabilities is like anybody else, and each capability gives back what it stands for', async () => {
    await pod('plain', {})
    await pod('bare', { capabilities: { drop: ['ALL'] } })
    await pod('owner', { capabilities: { drop: ['ALL'], add: ['CHOWN', 'KILL'] } })
    await ready('plain', 'bare', 'owner')
    expect(await inPod('plain', 'touch /tmp/a && chown 1000:1000 /tmp/a && chmod 600 /tmp/a && cat /tmp/a')).toBe('= 0\n')
    expect(await inPod('bare', 'touch /tmp/a && chown 1000:1000 /tmp/a')).toBe('chown: /tmp/a: Operation not permitted\n= 1\n')
    expect(await inPod('owner', 'touch /tmp/a && chown 1000:1000 /tmp/a && chmod 600 /tmp/a')).toBe('chmod: /tmp/a: Operation not permitted\n= 1\n')
    expect(await inPod('owner', 'touch /tmp/b && chmod 600 /tmp/b && chown 1000 /tmp/b && cat /tmp/b')).toBe("cat: can't open '/tmp/b': Permission denied\n= 1\n")
    expect(await inPod('bare', 'su nobody -s /bin/sh -c id')).toBe("su: can't set groups: Operation not permitted\n= 1\n")
    expect(await inPod('plain', 'su nobody -s /bin/sh -c "id -u"')).toBe('65534\n= 0\n')
    expect(await inPod('plain', 'chroot / echo in')).toBe('in\n= 0\n')
    expect(await inPod('bare', 'chroot / echo in')).toBe("chroot: can't change root directory to '/': Operation not permitted\n= 1\n")
    expect(await inPod('bare', 'mknod /tmp/n c 1 3')).toBe('mknod: /tmp/n: Operation not permitted\n= 1\n')
    expect(await inPod('plain', 'mknod /tmp/n c 1 3; echo x > /tmp/n; cat /tmp/n')).toBe('= 0\n')
  })

  it('volumes of the default class can be written to by whatever user a container runs as, and directories that a hostPath makes by root alone', async () => {
    const claim = JSON.stringify({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'open' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } })
    lab.writeFile('open.yaml', claim)
    await sh('kubectl apply -f open.yaml')
    const volumes = [{ name: 'claim', persistentVolumeClaim: { claimName: 'open' } }, { name: 'path', hostPath: { path: '/srv/closed', type: 'DirectoryOrCreate' } }]
    const container = { name: 'c', image: 'busybox:1.36', command: ['sleep', '1d'], securityContext: { runAsUser: 1000 }, volumeMounts: [{ name: 'claim', mountPath: '/claim' }, { name: 'path', mountPath: '/path' }] }
    await pod('writer', {}, { spec: { volumes, containers: [container] } })
    await ready('writer')
    expect(await inPod('writer', 'stat -c %a /claim && touch /claim/a && touch /path/a')).toBe('777\ntouch: /path/a: Permission denied\n= 1\n')
  })

  it('what takes more than the usual capabilities fails in the words of its utility', async () => {
    expect(await inPod('plain', 'mount -t tmpfs none /mnt 2>&1 || mkdir /mnt; mount -t tmpfs none /mnt')).toContain('mount: permission denied (are you root?)\n= 1\n')
    expect(await inPod('plain', 'hostname other')).toBe('hostname: sethostname: Operation not permitted\n= 1\n')
    expect(await inPod('plain', 'ip link add dummy0 type dummy')).toBe('ip: RTNETLINK answers: Operation not permitted\n= 2\n')
    expect(await inPod('plain', 'date -s 2030-01-01 | head -1')).toMatch(/^date: can't set date: Operation not permitted\nTue Jan {2}1 00:00:00 UTC 2030\n/)
    expect(await inPod('plain', 'dmesg')).toBe('dmesg: klogctl: Operation not permitted\n= 1\n')
    expect(await inPod('plain', 'sysctl -w vm.max_map_count=262144')).toBe("sysctl: error setting key 'vm.max_map_count': Read-only file system\n= 1\n")
    expect(await inPod('plain', 'unshare -m true')).toBe('unshare: unshare(0x20000): Operation not permitted\n= 1\n')
  })

  it('the ports below ip_unprivileged_port_start and echo requests take capabilities where the pod says so', async () => {
    const sysctls = [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '1024' }, { name: 'net.ipv4.ping_group_range', value: '1 0' }]
    await pod('strict', { capabilities: { drop: ['ALL'] } }, { spec: { securityContext: { sysctls } } })
    await pod('served', { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'NET_RAW'] } }, { spec: { securityContext: { sysctls } } })
    await ready('strict', 'served')
    expect(await inPod('strict', 'ping -c1 127.0.0.1')).toBe('ping: permission denied (are you root?)\n= 1\n')
    expect(await inPod('bare', 'ping -c1 127.0.0.1 | tail -2')).toContain('1 packets transmitted, 1 packets received')
    expect(await inPod('served', 'ping -c1 127.0.0.1 | tail -2')).toContain('1 packets transmitted, 1 packets received')
    expect(await inPod('strict', 'httpd -f -p 80')).toContain('Permission denied')
    expect(await inPod('served', 'httpd -p 80 && wget -qO- localhost:80/none')).toContain('404')
  })

  it('privileged containers may mount, name themselves and set kernel parameters, which all of the node see', async () => {
    await pod('boss', { privileged: true }, { spec: { hostPID: true, nodeName: 'drydock-worker' } })
    await pod('neighbour', {}, { spec: { nodeName: 'drydock-worker' } })
    await ready('boss', 'neighbour')
    expect(await inPod('boss', 'mkdir -p /a /b; mount -t tmpfs mine /a && echo x > /a/f && mount --bind /a /b && cat /b/f && mount | grep -c mine; umount /b && ls /b')).toBe('x\n1\n= 0\n')
    expect(await inPod('boss', 'ip link add dummy1 type dummy; ip link add dummy1 type dummy; ip link show dummy1 | head -1; ip link set dummy1 up; ip -br link | grep -c dummy1; ip link del dummy1 && ip link del dummy1')).toMatch(/^ip: RTNETLINK answers: File exists\n\d+: dummy1: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN qlen 1000\n1\nip: can't find device 'dummy1'\n= 1\n$/)
    expect(await inPod('boss', 'hostname other && hostname')).toBe('other\n= 0\n')
    expect(await inPod('neighbour', 'sysctl -n vm.max_map_count')).toBe('65530\n= 0\n')
    expect(await inPod('boss', 'sysctl -w vm.max_map_count=262144')).toBe('vm.max_map_count = 262144\n= 0\n')
    expect(await inPod('neighbour', 'sysctl -n vm.max_map_count')).toBe('262144\n= 0\n')
    expect(await inPod('boss', 'nsenter -t 1 -m -- hostname')).toBe('drydock-worker\n= 0\n')
    expect(await inPod('neighbour', 'nsenter -t 1 -m -- hostname')).toBe("nsenter: setns(): can't reassociate to namespace 'mnt': Operation not permitted\n= 1\n")
  })

  it('a container that mounts the kernel\'s control groups finds those of all pods of its node, with what each pod as a whole may have', async () => {
    const resources = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '500m', memory: '64Mi' } }
    await pod('groups', {}, { spec: { nodeName: 'drydock-worker2', volumes: [{ name: 'groups', hostPath: { path: '/sys/fs/cgroup', type: 'Directory' } }], containers: [{ name: 'c', image: 'busybox:1.36', command: ['sleep', '1d'], resources, volumeMounts: [{ name: 'groups', mountPath: '/groups', readOnly: true }] }] } })
    await ready('groups')
    const uid = (await sh("kubectl get pod groups -o jsonpath='{.metadata.uid}'")).replaceAll('-', '_')
    const slice = `/groups/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid}.slice`
    expect(await inPod('groups', `find /groups -name "*${uid}*"`)).toBe(`${slice}\n= 0\n`)
    expect(await inPod('groups', `cd ${slice} && cat cpu.max cpu.weight memory.max && cat */cgroup.procs | wc -l`)).toBe('50000 100000\n35\n67108864\n4\n= 0\n')
    expect(await inPod('groups', 'grep Cpus_allowed_list /proc/self/status')).toMatch(/^Cpus_allowed_list:\t0(-\d+)?\n/)
  })

  it('entrypoints that stop being root say why they cannot', async () => {
    await pod('web', { capabilities: { drop: ['ALL'] } }, { image: 'nginx:1.27', command: null })
    await pod('half', { capabilities: { drop: ['ALL'], add: ['CHOWN', 'NET_BIND_SERVICE'] } }, { image: 'nginx:1.27', command: null })
    await pod('cache', { capabilities: { drop: ['SETUID', 'SETGID'] } }, { image: 'redis:7', command: null })
    await pod('fine', {}, { image: 'redis:7', command: null })
    await ready('half', 'fine')
    await sh('kubectl wait --for=jsonpath={.status.containerStatuses[0].restartCount}=1 pod/web pod/cache --timeout=120s')
    expect(await sh('kubectl logs web')).toContain('[emerg] 1#1: chown("/var/cache/nginx/client_temp", 101) failed (1: Operation not permitted)')
    expect(await sh('kubectl logs half')).toMatch(/setgid\(101\) failed \(1: Operation not permitted\)\n.*\n.*exited with fatal code 2 and cannot be respawned/)
    expect(await sh('kubectl logs cache')).toBe('error: failed switching to "redis": operation not permitted\n')
    expect(await sh('kubectl exec fine -- redis-cli ping')).toBe('PONG\n')
  })
})

describe('users', () => {
  it('set-user-ID files give rights unless allowPrivilegeEscalation is false', async () => {
    const prepare = 'cp /bin/cat /shared/cat && chmod 4755 /shared/cat; echo secret > /shared/s && chmod 600 /shared/s; sleep 1d'
    const spec = (allow: boolean) => ({
      volumes: [{ name: 'v', emptyDir: {} }], initContainers: [{ name: 'make', image: 'busybox:1.36', command: ['sh', '-c', prepare.replace('sleep 1d', 'true')], volumeMounts: [{ name: 'v', mountPath: '/shared' }] }],
      containers: [{ name: 'c', image: 'busybox:1.36', command: ['sleep', '1d'], securityContext: { runAsUser: 1000, allowPrivilegeEscalation: allow }, volumeMounts: [{ name: 'v', mountPath: '/shared' }] }],
    })
    await pod('escalating', {}, { spec: spec(true) })
    await pod('staying', {}, { spec: spec(false) })
    await ready('escalating', 'staying')
    await pod('gaining', { runAsUser: 1000 }, { image: 'registry.k8s.io/e2e-test-images/nonewprivs:1.3', command: null, spec: { restartPolicy: 'Never' } })
    await pod('kept', { runAsUser: 1000, allowPrivilegeEscalation: false }, { image: 'registry.k8s.io/e2e-test-images/nonewprivs:1.3', command: null, spec: { restartPolicy: 'Never' } })
    await sh('kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/gaining pod/kept --timeout=60s')
    expect(await sh('kubectl logs gaining; kubectl logs kept')).toBe('Effective uid: 0\nEffective uid: 1000\n')
    expect(await inPod('escalating', 'cat /shared/s')).toBe("cat: can't open '/shared/s': Permission denied\n= 1\n")
    expect(await inPod('escalating', '/shared/cat /shared/s; /shared/cat /proc/self/status | grep -E "Uid|CapEff"')).toBe('secret\nUid:\t1000\t0\t0\t0\nCapEff:\t00000000a80425fb\n= 0\n')
    expect(await inPod('staying', '/shared/cat /shared/s; grep -E "NoNewPrivs|CapEff" /proc/self/status')).toBe("cat: can't open '/shared/s': Permission denied\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n= 0\n")
  })
})

describe('docker run', () => {
  it('gives and takes the same rights', async () => {
    expect(await sh('docker run --rm --cap-drop ALL busybox chown 1000 /tmp')).toContain('chown: /tmp: Operation not permitted\nexit 1\n')
    expect(await sh('docker run --rm --cap-drop ALL --cap-add chown busybox chown 1000 /tmp')).toBe('')
    expect(await sh('docker run --rm --cap-add NONSENSE busybox true')).toContain('invalid CapAdd: unknown capability: "CAP_NONSENSE"')
    expect(await sh('docker run --rm busybox unshare -U true')).toContain('unshare: unshare(0x10000000): Operation not permitted\nexit 1\n')
    lab.writeFile('nochmod.json', JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['chmod', 'fchmodat'], action: 'SCMP_ACT_ERRNO' }] }))
    expect(await sh('docker run --rm --security-opt seccomp=nochmod.json busybox chmod 700 /tmp')).toBe('chmod: /tmp: Operation not permitted\nexit 1\n')
    expect(await sh('docker run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status')).toBe('NoNewPrivs:\t1\n')
    expect(await sh('docker run --rm --privileged busybox mount -t tmpfs none /tmp')).toBe('')
    expect(await sh('docker run --rm --read-only busybox touch /x')).toBe('touch: /x: Read-only file system\nexit 1\n')
  })
})

describe('seccomp', () => {
  const profiles = '/var/lib/kubelet/seccomp/profiles'
  const put = (name: string, profile: object) => sh(`for node in $(kubectl get nodes -o name | cut -d/ -f2); do ssh $node "mkdir -p ${profiles}; echo ${btoa(JSON.stringify(profile))} | base64 -d > ${profiles}/${name}.json"; done`)
  const localhost = (name: string) => ({ seccompProfile: { type: 'Localhost', localhostProfile: `profiles/${name}.json` } })

  it('a profile that refuses everything keeps the container from starting', async () => {
    await put('violation', { defaultAction: 'SCMP_ACT_ERRNO' })
    await pod('violation', { allowPrivilegeEscalation: false }, { spec: { securityContext: localhost('violation') } })
    await sh('kubectl wait --for=jsonpath={.status.containerStatuses[0].restartCount}=1 pod/violation --timeout=120s')
    expect(await sh('kubectl get events --field-selector involvedObject.name=violation,reason=Failed -o jsonpath="{.items[0].message}"')).toBe('Error: failed to start containerd task "c": cannot start a stopped process')
    expect(await sh('kubectl get pod violation -o jsonpath="{.status.containerStatuses[0].lastState.terminated.reason}"')).toBe('StartError')
  })

  it('single calls are refused, reported or deadly, and the rest goes on', async () => {
    const rule = (names: string[], action: string, errnoRet?: number) => ({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action, ...(errnoRet ? { errnoRet } : {}) }] })
    await put('nomkdir', rule(['mkdir', 'chmod', 'fchmodat'], 'SCMP_ACT_ERRNO'))
    await put('deadly', rule(['mkdir'], 'SCMP_ACT_KILL_PROCESS'))
    await put('audit', { defaultAction: 'SCMP_ACT_LOG' })
    await pod('nomkdir', {}, { spec: { securityContext: localhost('nomkdir') } })
    await pod('deadly', {}, { spec: { securityContext: localhost('deadly') } })
    await pod('audit', {}, { spec: { securityContext: localhost('audit'), nodeName: 'drydock-worker' } })
    await pod('usual', {}, { spec: { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } } })
    await ready('nomkdir', 'deadly', 'audit', 'usual')
    expect(await inPod('nomkdir', 'touch /tmp/f && mkdir /tmp/d')).toBe("mkdir: can't create directory '/tmp/d': Operation not permitted\n= 1\n")
    expect(await inPod('nomkdir', 'chmod 600 /tmp/f; ls /tmp')).toBe('chmod: /tmp/f: Operation not permitted\nf\n= 0\n')
    expect(await inPod('deadly', 'mkdir /tmp/d')).toBe('Bad system call\n= 159\n')
    expect(await inPod('audit', 'mkdir /tmp/d && ls -d /tmp/d')).toBe('/tmp/d\n= 0\n')
    expect(await sh('ssh drydock-worker "dmesg | grep comm=.mkdir | grep -c sig=0.*syscall=83"')).toBe('1\n')
    expect(await inPod('usual', 'unshare -U true')).toBe('unshare: unshare(0x10000000): Operation not permitted\n= 1\n')
    expect(await inPod('usual', 'grep Seccomp: /proc/self/status; mkdir /tmp/d')).toBe('Seccomp:\t2\n= 0\n')
  })

  it('a file that is missing or no profile is complained about when the container is made', async () => {
    await sh(`ssh drydock-worker "echo =nonsense > ${profiles}/broken.json"`)
    await pod('broken', {}, { spec: { securityContext: localhost('broken'), nodeName: 'drydock-worker' } })
    await sh('kubectl wait --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CreateContainerError pod/broken --timeout=60s')
    expect(await sh('kubectl get pod broken -o jsonpath="{.status.containerStatuses[0].state.waiting.message}"')).toBe(`failed to create containerd container: decoding seccomp profile failed "/var/lib/kubelet/seccomp/profiles/broken.json": invalid character '=' looking for beginning of value`)
  })
})

describe('AppArmor', () => {
  it('a profile that is loaded on the node confines the container, and one that is not keeps it from being made', async () => {
    await sh(`for node in $(kubectl get nodes -o name | cut -d/ -f2); do ssh $node 'apparmor_parser -q <<EOF
#include <tunables/global>

profile k8s-apparmor-example-deny-write flags=(attach_disconnected) {
  #include <abstractions/base>

  file,

  # Deny all file writes.
  deny /** w,
}
EOF'; done`)
    expect(await sh('ssh drydock-worker sudo cat /sys/kernel/security/apparmor/profiles')).toBe('cri-containerd.apparmor.d (enforce)\nk8s-apparmor-example-deny-write (enforce)\n')
    const appArmor = (name: string) => ({ securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: name } } })
    await pod('hello-apparmor', {}, { spec: appArmor('k8s-apparmor-example-deny-write'), command: ['sh', '-c', "echo 'Hello AppArmor!' && sleep 1h"] })
    await pod('hello-apparmor-2', {}, { spec: appArmor('k8s-apparmor-example-allow-write') })
    await ready('hello-apparmor')
    expect(await sh('kubectl exec hello-apparmor -- cat /proc/1/attr/current')).toBe('k8s-apparmor-example-deny-write (enforce)\n')
    expect(await sh('kubectl exec hello-apparmor -- touch /tmp/test')).toBe('touch: /tmp/test: Permission denied\ncommand terminated with exit code 1\nexit 1\n')
    expect(await sh('kubectl exec hello-apparmor -- head -1 /etc/passwd')).toBe('root:x:0:0:root:/root:/bin/sh\n')
    expect(await sh('kubectl get events --field-selector involvedObject.name=hello-apparmor-2,reason=Failed -o jsonpath="{.items[0].message}"')).toBe('Error: failed to get container spec opts: failed to generate apparmor spec opts: apparmor profile not found k8s-apparmor-example-allow-write')
  })

  it('capabilities do not help against the runtime\'s own profile, which forbids mounting', async () => {
    await pod('admin', { capabilities: { add: ['SYS_ADMIN'] } })
    await pod('free', { capabilities: { add: ['SYS_ADMIN'] }, appArmorProfile: { type: 'Unconfined' } })
    await ready('admin', 'free')
    expect(await inPod('admin', 'mkdir /m; mount -t tmpfs none /m')).toBe('mount: mounting none on /m failed: Permission denied\n= 255\n')
    expect(await inPod('free', 'mkdir /m; mount -t tmpfs none /m && mount | grep -c " /m "')).toBe('1\n= 0\n')
  })

  it('profiles can be replaced and removed, and wrong ones are refused', async () => {
    expect(await sh(`ssh drydock-worker 'echo "profile mine { file, }" > /etc/apparmor.d/mine && apparmor_parser /etc/apparmor.d/mine && apparmor_parser /etc/apparmor.d/mine'`)).toBe('apparmor_parser: Unable to add "mine".  Profile already exists\nexit 239\n')
    expect(await sh(`ssh drydock-worker 'apparmor_parser -r /etc/apparmor.d/mine && aa-status | head -3; apparmor_parser -R /etc/apparmor.d/mine; grep -c mine /sys/kernel/security/apparmor/profiles'`)).toContain('apparmor module is loaded.\n3 profiles are loaded.\n3 profiles are in enforce mode.\n0\n')
    expect(await sh(`ssh drydock-worker 'echo "profile mine { file }" | apparmor_parser'`)).toContain('AppArmor parser error at line 1: syntax error')
  })
})
