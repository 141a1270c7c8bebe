import { expect, it } from 'vitest'
import { createMemoryFileSystem } from '../unix/file-system.ts'
import { flagForCluster } from './learners-context.ts'

const HOME = '/home/learner'
const PAGES = '/etc/drydock/admin.conf'

/** A home directory with a kubeconfig of contexts that lead to ports. */
function homeWith(current: string, contexts: Record<string, string>) {
  const fs = createMemoryFileSystem({ clock: { nowMs: () => 0 } })
  fs.mkdir(`${HOME}/.kube`, { recursive: true })
  const names = Object.keys(contexts)
  fs.writeFile(`${HOME}/.kube/config`, JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': current,
    clusters: names.map((name) => ({ name, cluster: { server: contexts[name] } })), contexts: names.map((name) => ({ name, context: { cluster: name, user: name } })), users: [],
  }))
  return fs
}

it('needs no flag where the current context leads to the cluster', () => {
  expect(flagForCluster(homeWith('drydock', { drydock: 'https://127.0.0.1:6443' }), HOME, { server: '127.0.0.1:6443', kubeconfig: PAGES })).toBeUndefined()
})

it('names another context that leads there, quoted where the shell would take it apart', () => {
  const fs = homeWith('drydock', { drydock: 'https://127.0.0.1:6443', 'kind-kind': 'https://127.0.0.1:40001', "my 'dev": 'https://localhost:40002' })
  expect(flagForCluster(fs, HOME, { server: '127.0.0.1:40001', kubeconfig: PAGES })).toBe('--context kind-kind')
  expect(flagForCluster(fs, HOME, { server: '127.0.0.1:40002', kubeconfig: PAGES })).toBe("--context 'my '\\''dev'")
})

it("names the page's own kubeconfig where the learner's leads nowhere near, is broken or is gone", () => {
  const fs = homeWith('drydock', { drydock: 'https://127.0.0.1:64430' })
  expect(flagForCluster(fs, HOME, { server: '127.0.0.1:6443', kubeconfig: PAGES })).toBe(`--kubeconfig ${PAGES}`)
  fs.writeFile(`${HOME}/.kube/config`, 'a: [')
  expect(flagForCluster(fs, HOME, { server: '127.0.0.1:6443', kubeconfig: PAGES })).toBe(`--kubeconfig ${PAGES}`)
  expect(flagForCluster(fs, HOME, { server: '10.0.0.2:6443', kubeconfig: '/etc/drydock/libvirt-my lab; ls.conf' })).toBe("--kubeconfig '/etc/drydock/libvirt-my lab; ls.conf'")
  fs.remove(`${HOME}/.kube/config`)
  expect(flagForCluster(fs, HOME, { server: '127.0.0.1:6443', kubeconfig: PAGES })).toBe(`--kubeconfig ${PAGES}`)
})
