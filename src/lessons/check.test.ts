import { describe, expect, test } from 'vitest'
import { checkGoal } from './check.ts'
import type { Ask } from './check.ts'
import { parseGoalCondition } from './goal.ts'

const pod = {
  metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'shop' } },
  spec: { containers: [{ name: 'main', image: 'nginx:1.27' }, { name: 'side', image: 'busybox:1.37' }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }], restarts: 3 },
}
const asked: string[] = []
const ask: Ask = async (method, path, body) => {
  asked.push(`${method} ${path}`)
  if (method === 'POST') return { status: 201, body: JSON.stringify({ status: { allowed: (body as any).spec.resourceAttributes.verb === 'get' || (body as any).spec.groups.includes('listers') } }) }
  if (path.startsWith('/api/v1/namespaces/default/pods/a/log')) return { status: 200, body: 'one\nall is well\n' }
  if (path.startsWith('/api/v1/namespaces/default/pods/a:80/proxy/')) return { status: 200, body: 'Welcome' }
  if (path === '/apis/harbour.example/v1/namespaces/default/boats/anna') return { status: 200, body: JSON.stringify({ spec: { berth: 3 } }) }
  if (path === '/api/v1/namespaces/default/pods/a') return { status: 200, body: JSON.stringify(pod) }
  if (path.startsWith('/api/v1/namespaces/default/pods?') || path === '/api/v1/namespaces/default/pods') return { status: 200, body: JSON.stringify({ items: [pod, { ...pod, status: { phase: 'Pending' } }] }) }
  return { status: 404, body: '{}' }
}
/** Further clusters: kind/east is like the first one, kind/quorum has lost its majority, kind/west is off. */
const further = (cluster: string) => ({ 'kind/east': { ask }, 'kind/quorum': { ask: async (_: string, path: string) => path === '/hangs' ? Promise.reject(new Error('EOF')) : { status: 500, body: '{}' } }, 'kind/west': {} } as Record<string, { ask?: Ask }>)[cluster]
const met = async (line: string) => (await checkGoal({ text: '', source: line, condition: parseGoalCondition(line) }, ask, further)).met

describe('goals', () => {
  for (const [line, expected] of [
    ['pod/a exists', true], ['pod/b exists', false], ['pod/a absent', false], ['pod/b absent', true],
    ['pod/a .status.phase == Running', true], ['pod/a .status.phase != Running', false], ['pod/b .status.phase != Running', false],
    ['pod/a .status.restarts >= 3', true], ['pod/a .status.restarts > 3', false], ['pod/a .status.restarts == 3.0', true], ['pod/a .status.phase < 3', false],
    ['pod/a .metadata.labels["app.kubernetes.io/name"] == shop', true],
    ['pod/a .spec.containers[1].image =~ ^busybox:', true], ['pod/a .spec.containers[name=side].image contains 1.37', true], ['pod/a .spec.containers[*].name == side', true],
    ['pod/a .spec.nodeName absent', true], ['pod/a .spec.nodeName exists', false], ['pod/b .spec.nodeName absent', false],
    ['pod/a condition Ready', false], ['pod/a condition Ready == False', true], ['pod/a condition Other == Unknown', true],
    ['pod/a log contains "all is well"', true], ['pod/a log =~ ^all', true], ['pod/b log contains x', false],
    ['pods count == 2', true], ['pods -l app=x count > 2', false],
    ['pods every .status.phase =~ Running|Pending', true], ['pods every .status.phase == Running', false], ['pods some .status.phase == Pending', true], ['pods none .status.phase == Failed', true], ['pods none .status.phase == Pending', false],
    ['can get pods -n default as system:serviceaccount:default:robot', true], ['can list pods -n default as jane', false], ['cannot list pods as jane', true], ['can list pods as jane group listers', true], ['cannot list pods -n default as jane group listers', false],
    ['boats.v1.harbour.example/anna .spec.berth == 3', true], ['boats.v1.harbour.example/berta absent', true], ['cannot list boats.v1.harbour.example as jane', true],
    ['get /api/v1/namespaces/default/pods/a:80/proxy/ contains Welcome', true], ['get /nowhere contains x', false],
    ['get /nowhere fails', false], ['in kind/quorum get /readyz fails', true], ['in kind/quorum get /hangs fails', true], ['in kind/west get /readyz fails', false],
    ['in kind/east pod/a exists', true], ['in kind/east pod/b exists', false], ['in kind/east pods count == 2', true], ['in kind/west pod/a exists', false], ['in kind/west pod/a absent', false], ['in kind/north pod/a absent', false],
    ['cluster kind/east exists', true], ['cluster kind/west exists', true], ['cluster kind/north exists', false], ['cluster kind/east absent', false], ['cluster kind/north absent', true],
    ['get /nowhere absent', true], ['get /api/v1/namespaces/default/pods/a:80/proxy/ absent', false],
  ] as const) test(`${line}: ${expected ? 'met' : 'not met'}`, async () => { expect(await met(line)).toBe(expected) })

  test('selectors reach the server', async () => {
    await met('pods -n default -l app=a,tier!=b --field-selector status.phase=Running count == 0')
    expect(asked.at(-1)).toBe('GET /api/v1/namespaces/default/pods?labelSelector=app%3Da%2Ctier%21%3Db&fieldSelector=status.phase%3DRunning')
  })
})
