import { expect, test } from 'vitest'
import { startLab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

test('ssh leads a local port to a node port, as seen from the node, and takes options behind the host', async () => {
  const lab = await startLab('ssh forwarding')
  try {
    await lab.run('kubectl create deployment web --image=nginx; kubectl expose deployment web --port=80 --type=NodePort; kubectl wait --for=condition=Available deployment/web; sleep 1')
    const { stdout } = await lab.run(`ssh drydock-worker -N -L 8080:localhost:$(kubectl get service web -o jsonpath='{.spec.ports[0].nodePort}') & sleep 1; curl -s localhost:8080 | grep -c 'Welcome to nginx'; kill %1`)
    expect(stdout).toBe('2\n')
    expect(await lab.run('ssh drydock-worker -l root hostname')).toEqual({ stdout: 'drydock-worker\n', stderr: '', code: 0 })
    expect(await lab.run('ssh -p 2222 user@127.0.0.1')).toEqual({ stdout: '', stderr: 'ssh: connect to host 127.0.0.1 port 2222: Connection refused\n', code: 255 })
  } finally {
    await lab.stop()
  }
}, 60_000)
