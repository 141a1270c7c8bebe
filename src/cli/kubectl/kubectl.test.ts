import { describe, expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { Platform } from '../../base/platform.ts'
import { Random } from '../../base/random.ts'
import { readerOf } from '../../base/streams.ts'
import { UnixError } from '../../unix/types.ts'
import type { FileStat, Proc } from '../../unix/types.ts'
import { completeKubectl } from './completion.ts'
import { kubectl } from './kubectl.ts'

const platform: Platform = { wallMs: () => Date.UTC(2026, 0, 2), monotonicMs: () => 0, setTimer: () => () => {}, macrotask: (fn) => { void Promise.resolve().then(fn) }, randomBytes: (n) => new Uint8Array(n) }

const KUBECONFIG = `apiVersion: v1
kind: Config
current-context: lab
clusters: [{name: lab, cluster: {server: "https://api"}}]
users: [{name: ann, user: {token: t}}]
contexts: [{name: lab, context: {cluster: lab, user: ann}}]
`

const resource = (name: string, kind: string, namespaced = true, shortNames: string[] = [], categories: string[] = []) => ({
  resource: name, responseKind: { group: '', version: 'v1', kind }, scope: namespaced ? 'Namespaced' : 'Cluster', singularResource: kind.toLowerCase(), verbs: ['get', 'list', 'create', 'delete', 'watch'], shortNames, categories,
})
const CORE = { kind: 'APIGroupDiscoveryList', items: [{ metadata: {}, versions: [{ version: 'v1', resources: [resource('configmaps', 'ConfigMap', true, ['cm']), resource('namespaces', 'Namespace', false, ['ns']), resource('pods', 'Pod', true, ['po'], ['all'])] }] }] }
const GROUPS = { kind: 'APIGroupDiscoveryList', items: [{ metadata: { name: 'apps' }, versions: [{ version: 'v1', resources: [resource('deployments', 'Deployment', true, ['deploy'], ['all'])] }] }] }

type Answers = Record<string, unknown | ((request: HttpRequest) => unknown)>
interface Sent { method: string; url: string; body: unknown; headers: Headers }

/** Runs one command line against recorded answers; paths without one are not found. */
async function run(words: string[], answers: Answers = {}, files: Record<string, string> = {}) {
  const out = { stdout: '', stderr: '', sent: [] as Sent[] }
  const proc = fakeProc(words, { '/api': CORE, '/apis': GROUPS, '/openapi/v3': {}, ...answers }, { '/home/ann/.kube/config': KUBECONFIG, ...files }, out)
  const code = await kubectl(proc)
  return { ...out, code }
}

function fakeProc(words: string[], answers: Answers, files: Record<string, string>, out: { stdout: string; stderr: string; sent: Sent[] }): Proc {
  const decoder = new TextDecoder()
  const stat = (path: string): FileStat => {
    const directory = Object.keys(files).some((f) => f.startsWith(`${path}/`))
    if (!directory && files[path] === undefined) throw new UnixError('ENOENT')
    return { type: directory ? 'directory' : 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, modifiedMs: platform.wallMs(), accessedMs: 0, changedMs: 0, inode: 0, links: 1 }
  }
  const proc = {
    pid: 7, ppid: 1, argv: ['kubectl', ...words], env: { HOME: '/home/ann' } as Record<string, string>, cwd: '/home/ann', user: { uid: 0, gid: 0, groups: [], name: 'ann', home: '/home/ann' },
    stdin: readerOf(''), stdout: { write: async (d: Uint8Array | string) => { out.stdout += typeof d === 'string' ? d : decoder.decode(d) }, close() {} }, stderr: { write: async (d: Uint8Array | string) => { out.stderr += typeof d === 'string' ? d : decoder.decode(d) }, close() {} },
    tty: undefined, isTty: () => false, clock: new ClusterClock(platform), random: new Random('1'), machine: { hardware: {} }, killed: new AbortController().signal,
    resolve: (p: string) => p.startsWith('/') ? p : p === '.' ? '/home/ann' : `/home/ann/${p}`,
    fs: {
      exists: (p: string) => { try { stat(p); return true } catch { return false } }, stat, lstat: stat,
      readText: (p: string) => { if (files[p] === undefined) throw new UnixError('ENOENT'); return files[p] }, readFile: (p: string) => new TextEncoder().encode(files[p]),
      writeFile: (p: string, d: string) => { files[p] = d }, mkdir() {}, readdir: (p: string) => [...new Set(Object.keys(files).filter((f) => f.startsWith(`${p}/`)).map((f) => f.slice(p.length + 1).split('/')[0]!))].sort(),
    },
    net: {
      async fetch(request: HttpRequest) {
        const url = new URL(request.url)
        const body = request.body ? await request.text() : ''
        out.sent.push({ method: request.method, url: url.pathname + url.search, body: body ? JSON.parse(body) : undefined, headers: request.headers })
        const answer = answers[`${request.method} ${url.pathname}`] ?? answers[url.pathname]
        const value = typeof answer === 'function' ? (answer as (r: HttpRequest) => unknown)(request) : answer
        if (value instanceof Response) return value
        if (value === undefined) {
          const [resourceName, name] = url.pathname.split('/').slice(-2)
          return Response.json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'NotFound', code: 404, message: `${resourceName} "${name}" not found`, details: { name, kind: resourceName } }, { status: 404 })
        }
        return Response.json(value)
      },
    },
  }
  return proc as unknown as Proc
}

const POD_TABLE = {
  kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: '9' },
  columnDefinitions: [{ name: 'Name', type: 'string', format: 'name' }, { name: 'Ready', type: 'string' }, { name: 'Node', type: 'string', priority: 1 }],
  rows: [{ cells: ['web', '1/1', 'worker'], object: { metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } } } }, { cells: ['database', '0/1', 'worker'], object: { metadata: { name: 'database', namespace: 'default' } } }],
}

test('a table whose rows are null is empty; labels follow the last cell, and nothing is shown beyond the last column', async () => {
  expect(await run(['get', 'pods'], { '/api/v1/namespaces/default/pods': { ...POD_TABLE, rows: null } })).toMatchObject({ stdout: '', stderr: 'No resources found in default namespace.\n' })
  const rows = [{ ...POD_TABLE.rows[0]!, cells: ['web', '1/1', 'worker', '5m'] }]
  expect((await run(['get', 'pods', '--show-labels', '-o', 'wide'], { '/api/v1/namespaces/default/pods': { ...POD_TABLE, rows } })).stdout).toBe('NAME   READY   NODE     LABELS\nweb    1/1     worker   5m\n')
})

describe('the command line', () => {
  test('unknown commands suggest near ones', async () => {
    expect(await run(['gett', 'pods'])).toMatchObject({ code: 1, stderr: 'error: unknown command "gett" for "kubectl"\n\nDid you mean this?\n\tset\n\tget\n' })
  })

  test.each([
    [['get', 'pods', '--nope'], "error: unknown flag: --nope\nSee 'kubectl get --help' for usage.\n"],
    [['get', 'pods', '-Z'], "error: unknown shorthand flag: 'Z' in -Z\nSee 'kubectl get --help' for usage.\n"],
    [['apply', '-f'], "error: flag needs an argument: 'f' in -f\nSee 'kubectl apply --help' for usage.\n"],
    [['scale', 'deploy', 'web', '--replicas', 'three'], 'error: invalid argument "three" for "--replicas" flag: strconv.ParseInt: parsing "three": invalid syntax\nSee \'kubectl scale --help\' for usage.\n'],
    [['create', 'deployment', 'web'], 'error: required flag(s) "image" not set\n'],
    [['rollout', 'nothing'], 'error: unknown command "nothing"\nSee \'kubectl rollout -h\' for help and examples\n'],
    [['get', 'pod/web', 'pod'], "error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'\n"],
    [['get', 'podz'], 'error: the server doesn\'t have a resource type "podz"\n'],
  ])('%j is refused in the real words', async (words, stderr) => {
    expect(await run(words)).toMatchObject({ code: 1, stderr })
  })

  test('every command has help with its usage line', async () => {
    const { stdout } = await run(['rollout', 'status', '--help'])
    expect(stdout).toContain('Usage:\n  kubectl rollout status (TYPE NAME | TYPE/NAME) [flags] [options]')
  })

  test('a kubeconfig may come through a pipe', async () => {
    const out = { stdout: '', stderr: '', sent: [] as Sent[] }
    const proc = fakeProc(['config', 'current-context', '--kubeconfig=/pipe'], {}, { '/pipe': '' }, out)
    const { fs } = proc
    const pipe = readerOf('current-context: piped\n')
    const code = await kubectl({ ...proc, fs: { ...fs, stat: (path) => ({ ...fs.stat(path), type: 'fifo' }), open: () => ({ read: () => pipe.read(), write: async () => {}, close() {} }) } })
    expect([out.stdout, out.stderr, code]).toEqual(['piped\n', '', 0])
  })

  test('a missing kubeconfig leads to localhost, a missing context is named', async () => {
    expect((await run(['--context=nothere', 'get', 'pods'])).stderr).toBe('Error in configuration: context was not found for specified context: nothere\n')
    // Only who needs the context's namespace hears of the whole configuration.
    expect((await run(['--context=nothere', '-n', 'a', 'get', 'pods'])).stderr).toBe('error: context "nothere" does not exist\n')
    expect((await run(['--context=nothere', 'version']))).toMatchObject({ stdout: '', stderr: 'error: context "nothere" does not exist\n' })
    expect((await run(['--cluster=nothere', 'get', 'pods'])).stderr).toBe('error: no server found for cluster "nothere"\n')
    expect((await run(['--cluster=nothere', 'api-versions'])).stderr).toBe('error: cluster "nothere" does not exist\n')
  })

  test.each([
    'apply', 'replace', 'create configmap a --from-literal=wrong', 'create job a', 'run a --image=b', 'certificate approve', 'autoscale deployment a --max=2', 'expose deployment a', 'set env',
  ])('%s finds out that a context is missing before it looks for anything else', async (command) => {
    expect((await run(['--context=nothere', ...command.split(' ')])).stderr).toBe('error: context "nothere" does not exist\n')
  })

  test.each(['taint', 'debug a --profile=wrong', 'create token a'])('%s asks for the namespace first', async (command) => {
    expect((await run(['--context=nothere', ...command.split(' ')])).stderr).toBe('Error in configuration: context was not found for specified context: nothere\n')
  })

  test('profiles of debug have names of their own', async () => {
    expect((await run(['debug', 'a', '--image=b', '--profile=constructor'])).stderr).toBe('error: unknown profile: constructor\n')
  })

  test('what is wrong with several items of a list alike is told once', async () => {
    const list = 'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1}\n- {apiVersion: v1}\n'
    expect((await run(['apply', '-f', '/list.yaml'], {}, { '/list.yaml': list })).stderr).toBe('error: error validating "/list.yaml": error validating data: kind not set; if you choose to ignore these errors, turn validation off with --validate=false\n')
  })

  test('kubectl version warns of servers that are too far away, by the version that they tell', async () => {
    const asked = (gitVersion: string, ...words: string[]) => run(['version', ...words], { '/version': Response.json({ major: '1', minor: '36', gitVersion }) })
    const warning = 'version difference between client (1.36) and server (1.34) exceeds the supported minor version skew of +/-1\n'
    expect((await asked('v1.35.9-eks-1234')).stderr).toBe('')
    expect(await asked('v1.34.1+k3s1')).toMatchObject({ code: 0, stdout: expect.stringContaining('Server Version: v1.34.1+k3s1\n'), stderr: `Warning: ${warning}` })
    expect((await asked('v1.34.1', '-o', 'json')).stderr).toBe(`Warning: ${warning}`)
    expect(await asked('v1.34.1', '--warnings-as-errors')).toMatchObject({ code: 1, stderr: `error: ${warning}` })
    expect((await asked('v2.36.0')).stderr).toContain('server (2.36)')
    expect((await asked('v1')).stderr).toBe('error: server version error: illegal version string "v1"\n')
    expect((await asked('v1.36.3~own')).stderr).toBe('error: server version error: could not parse pre-release/metadata (~own) in version "v1.36.3~own"\n')
  })

  test('a version that a definition does not serve is validated by the server all the same', async () => {
    const definitions = { kind: 'CustomResourceDefinitionList', items: [{ spec: { group: 'example.com', names: { kind: 'Widget' } } }] }
    const warned = (kind: string) => run(['apply', '-f', '/a.yaml', '--validate=warn'], { '/apis/apiextensions.k8s.io/v1/customresourcedefinitions': definitions }, { '/a.yaml': `apiVersion: example.com/v2\nkind: ${kind}\nmetadata: {name: a}\n` })
    expect((await warned('Widget')).stderr).not.toContain('skipping validation')
    expect((await warned('Gadget')).stderr).toContain('cannot perform warn validation if server-side field validation is unsupported, skipping validation')
  })
})

describe('preferences', () => {
  const kuberc = `apiVersion: kubectl.config.k8s.io/v1beta1
kind: Preference
defaults: [{command: get, options: [{name: output, default: name}]}]
aliases: [{name: cms, command: get, prependArgs: [cm], options: [{name: namespace, default: other}]}]
`
  const files = { '/home/ann/.kube/kuberc': kuberc }
  const answers = { '/api/v1/namespaces/default/configmaps': { kind: 'ConfigMapList', apiVersion: 'v1', metadata: {}, items: [{ metadata: { name: 'a' } }] } }

  test('change defaults, but not what the command line says', async () => {
    expect((await run(['get', 'cm'], answers, files)).stdout).toBe('configmap/a\n')
    expect((await run(['get', 'cm', '-o', 'jsonpath={.items[*].metadata.name}'], answers, files)).stdout).toBe('a')
    expect(await run(['get', 'cm', '--namespace'], answers, files)).toMatchObject({ code: 1, stderr: "error: flag needs an argument: --namespace\nSee 'kubectl get --help' for usage.\n" })
  })

  test('give commands other names', async () => {
    expect((await run(['cms', '-o', 'name'], {}, files)).sent.at(-1)!.url).toContain('/api/v1/namespaces/other/configmaps')
  })

  test('that say nothing sensible stop every command', async () => {
    const stderr = 'error occurred while applying preferences invalid alias name, can only include alphabetical characters\n'
    expect(await run(['version', '--client'], {}, { '/home/ann/.kube/kuberc': kuberc.replace('cms', 'c-m') })).toMatchObject({ code: 1, stderr })
  })
})

test('--record keeps the command line in an annotation', async () => {
  const { sent, stderr } = await run(['annotate', 'cm', 'a', 'x=y', '--record'], { '/api/v1/namespaces/default/configmaps/a': { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } } })
  expect(sent.find((s) => s.method === 'PATCH')!.body).toEqual({ metadata: { annotations: { 'kubernetes.io/change-cause': 'kubectl annotate cm a x=y --record=true', x: 'y' } } })
  expect(stderr).toBe('Flag --record has been deprecated, --record will be removed in the future\n')
})

describe('get', () => {
  test('prints the server\'s table, wide columns and labels on demand', async () => {
    const answers = { '/api/v1/namespaces/default/pods': POD_TABLE }
    expect((await run(['get', 'po'], answers)).stdout).toBe('NAME       READY\nweb        1/1\ndatabase   0/1\n')
    expect((await run(['get', 'pods', '-o', 'wide', '--show-labels', '--no-headers'], answers)).stdout).toBe('web        1/1   worker   app=web\ndatabase   0/1   worker   <none>\n')
    expect((await run(['get', 'pods', '--show-kind', '-L', 'app'], answers)).stdout).toBe('NAME           READY   APP\npod/web        1/1     web\npod/database   0/1     \n')
  })

  test('says where nothing was found', async () => {
    const empty = { ...POD_TABLE, rows: [] }
    expect(await run(['get', 'pods', '-n', 'other'], { '/api/v1/namespaces/other/pods': empty })).toMatchObject({ code: 0, stdout: '', stderr: 'No resources found in other namespace.\n' })
    expect(await run(['get', 'pods', '-A'], { '/api/v1/pods': empty })).toMatchObject({ stderr: 'No resources found\n' })
  })

  test('reports each missing name', async () => {
    expect(await run(['get', 'pods', 'a', 'b'])).toMatchObject({ code: 1, stderr: 'Error from server (NotFound): pods "a" not found\nError from server (NotFound): pods "b" not found\n' })
  })

  test('wraps lists, follows continue tokens and leaves managedFields out', async () => {
    const page = (name: string, next?: string) => ({ kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: '1', ...(next ? { continue: next } : {}) }, items: [{ metadata: { name, managedFields: [{}] } }] })
    const { stdout } = await run(['get', 'cm', '-o', 'yaml'], { '/api/v1/namespaces/default/configmaps': (r: HttpRequest) => new URL(r.url).searchParams.get('continue') ? page('b') : page('a', 'more') })
    expect(stdout).toBe('apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: a\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: b\nkind: List\nmetadata:\n  resourceVersion: ""\n')
  })

  test('sends who is to be impersonated', async () => {
    const { sent } = await run(['get', 'pods', '--as=bob', '--as-group=devs'], { '/api/v1/namespaces/default/pods': POD_TABLE })
    expect(Object.fromEntries(sent.at(-1)!.headers)).toMatchObject({ authorization: 'Bearer t', 'impersonate-user': 'bob', 'impersonate-group': 'devs' })
  })
})

describe('kinds that a command knows', () => {
  const dep = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'default', labels: { a: 'b' } }, spec: { template: { spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1500m' } }, env: [{ name: 'N', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } }, { name: 'R', valueFrom: { resourceFieldRef: { containerName: 'c', resource: 'requests.cpu' } } }, { name: 'X', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }] }] } } } }
  const path = '/apis/apps/v1/namespaces/default/deployments/d'

  test('are printed as JSON in the order of their Go types', async () => {
    expect((await run(['create', 'cm', 'a', '--from-literal=k=v', '--dry-run=client', '-o', 'json'])).stdout).toBe('{\n    "kind": "ConfigMap",\n    "apiVersion": "v1",\n    "metadata": {\n        "name": "a"\n    },\n    "data": {\n        "k": "v"\n    }\n}\n')
    const list = { kind: 'ConfigMapList', apiVersion: 'v1', metadata: {}, items: [] }
    expect((await run(['get', 'cm', '-o', 'json'], { '/api/v1/namespaces/default/configmaps': list })).stdout).toMatch(/^\{\n {4}"apiVersion": "v1",\n {4}"items": \[\],\n {4}"kind"/)
  })

  test('set env looks up what the client can know of references', async () => {
    expect(await run(['set', 'env', 'deploy/d', '--list', '--resolve'], { [path]: dep })).toMatchObject({ stdout: '# Deployment d, container c\nN=b\nR=2\n# X from field path spec.nodeName\n', stderr: 'error retrieving reference for X: unsupported fieldPath: spec.nodeName\n' })
    expect((await run(['set', 'env', 'deploy/d', '--list'], { [path]: dep })).stdout).toContain('# R from resource field c/requests.cpu\n')
  })

  test('what cannot be altered is named', async () => {
    const cm = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }
    expect((await run(['set', 'image', 'cm/a', 'c=i'], { '/api/v1/namespaces/default/configmaps/a': cm })).stderr).toBe('error: configmaps/a the object is not a pod or does not have a pod template: *v1.ConfigMap\n')
    expect((await run(['autoscale', 'cm', 'a', '--max=3'], { '/api/v1/namespaces/default/configmaps/a': cm })).stderr).toBe('error: cannot autoscale a ConfigMap: could not find scale subresource for /v1, Resource=configmaps in discovery information\n')
  })
})

describe('what a client makes of odd answers', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'w', namespace: 'default' }, spec: { containers: [{ name: 'c' }] }, status: { phase: 'Pending' } }
  const path = '/api/v1/namespaces/default/pods/w'

  test('-v=7 shows requests with their headers, -v=8 the bodies, too', async () => {
    const shown = async (level: number) => (await run(['get', '--raw', '/version', `-v=${level}`], { '/version': Response.json({ gitVersion: 'v1' }) })).stderr.replace(/^I\d{4} [\d:.]+ +\d+ (?:loader|envvar).go.*\n/gm, '').replace(/^I\d{4} [\d:.]+ +\d+ \S+ /gm, '')
    expect(await shown(6)).toMatch(/^"Response" verb="GET" url="\S+\/version" status="200 OK" milliseconds=\d+\n$/)
    expect(await shown(7)).toMatch(/^"Request" verb="GET" url="\S+\/version" headers=<\n\tAccept: \S+\n\tAuthorization: Bearer <masked>\n\tUser-Agent: .+\n >\n"Response" status="200 OK" milliseconds=\d+\n$/)
    expect(await shown(8)).toMatch(/^"Request Body" body=""\n/)
  })

  test('-v=4 shows the Status behind an error, -v=6 which files and features count', async () => {
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'pods "w" not found', reason: 'NotFound', code: 404 }
    const shown = async (level: number) => (await run(['logs', 'w', `-v=${level}`], { [path]: Response.json(status, { status: 404 }) })).stderr
    expect(await shown(3)).not.toContain('server response object')
    expect((await run(['get', '--raw', '/nope', '-v=4'], { '/nope': Response.json(status, { status: 404 }) })).stderr).toMatch(/^I.* helpers\.go:246\] server response object: %s\[\{\n {2}"kind": "Status",\n[^]*\n\}\]\nError from server \(NotFound\): pods "w" not found\n$/m)
    expect(await shown(1)).toMatch(/envvar\.go:195\] "Feature gate default state" feature="WatchListClient" enabled=true\n/)
    expect(await shown(6)).toMatch(/^I.* loader\.go:407\] Config loaded from file: {2}\S+\n/)
  })

  test('--vmodule is a list of files and levels', async () => {
    expect(await run(['version', '--client', '--vmodule=foo=a'])).toMatchObject({ code: 1, stderr: 'error: invalid argument "foo=a" for "--vmodule" flag: syntax error: expect comma-separated list of filename=N\nSee \'kubectl version --help\' for usage.\n' })
    expect(await run(['version', '--client', '--vmodule=foo=1,bar*=2,'])).toMatchObject({ code: 0 })
    expect((await run(['get', '--vmodule=a=-1'])).stderr).toBe('error: invalid argument "a=-1" for "--vmodule" flag: negative value for vmodule level\nSee \'kubectl get --help\' for usage.\n')
    expect((await run(['--vmodule=a=99999999999'])).stderr).toContain('syntax error')
    expect((await run(['options'])).stdout).toContain('    --vmodule=:\n')
  })

  test('a flag in front of an unknown command takes its value, and no plugin is looked for', async () => {
    expect(await run(['-n', 'foo', 'bar'])).toMatchObject({ code: 1, stderr: 'Error: flags cannot be placed before plugin name: -n\n' })
    expect((await run(['-n', 'foo'])).stdout).toMatch(/^kubectl controls/)
  })

  test('a refused session is quoted, and a second refusal of the other kind of upgrade counts', async () => {
    expect((await run(['exec', 'w', '--', 'ls'], { [path]: pod, [`${path}/exec`]: new Response('container not found ("c")\n', { status: 500 }) })).stderr).toBe('error: unable to upgrade connection: container not found ("c")\n')
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'BadRequest', code: 400, message: 'pod w does not have a host assigned' }
    expect((await run(['exec', 'w', '--', 'ls'], { [path]: pod, [`${path}/exec`]: Response.json(status, { status: 400 }) })).stderr).toBe('error: unable to upgrade connection: pod w does not have a host assigned\n')
  })

  test('no content is an empty log', async () => {
    expect(await run(['logs', 'w'], { [path]: pod, [`${path}/log`]: new Response(null, { status: 204 }) })).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  test('a line break in a custom column begins a new line of the table', async () => {
    const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: [{ ...pod, metadata: { name: 'a\n' } }, pod] }
    expect((await run(['get', 'pods', '-o', 'custom-columns=N:.metadata.name,P:.status.phase', '--no-headers'], { '/api/v1/namespaces/default/pods': list })).stdout).toBe('a\n      Pending\nw     Pending\n')
  })

  test('overrides that do not fit the kind are refused before anything is sent', async () => {
    const { stderr, sent } = await run(['run', 'x', '--image=i', '--overrides={"spec":{"containers":[{"name":"x","resources":{"requests":{"memory":"1G1"}}}]}}'])
    expect([stderr, sent.length]).toEqual(["error: unable to parse quantity's suffix\n", 0])
  })
})

describe('create and apply', () => {
  const CM = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n'

  test('a client dry run prints the object and sends nothing', async () => {
    const { stdout, sent } = await run(['create', 'cm', 'a', '--from-literal=k=v', '--dry-run=client', '-o', 'yaml'])
    expect(stdout).toBe('apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  name: a\n')
    expect(sent).toEqual([])
  })

  test('apply creates with the annotation, then patches only what changed', async () => {
    const first = await run(['apply', '-f', 'a.yaml'], { 'POST /api/v1/namespaces/default/configmaps': (r: HttpRequest) => { void r; return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } } } }, { '/home/ann/a.yaml': CM })
    expect(first).toMatchObject({ code: 0, stdout: 'configmap/a created\n' })
    const post = first.sent.find((s) => s.method === 'POST')!
    expect(post.url).toContain('fieldManager=kubectl-client-side-apply')
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"a","namespace":"default"}}\n' }
    expect(post.body).toMatchObject({ metadata: { annotations } })
    const live = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default', annotations }, data: { k: 'v' } }
    const path = '/api/v1/namespaces/default/configmaps/a'
    expect((await run(['apply', '-f', 'a.yaml'], { [path]: live }, { '/home/ann/a.yaml': CM })).stdout).toBe('configmap/a unchanged\n')
    const changed = await run(['apply', '-f', 'a.yaml'], { [path]: live, [`PATCH ${path}`]: live }, { '/home/ann/a.yaml': CM.replace('k: v', 'k: w') })
    expect(changed.stdout).toBe('configmap/a configured\n')
    expect(changed.sent.find((s) => s.method === 'PATCH')!.body).toMatchObject({ data: { k: 'w' } })
  })

  test('several findings become a list', async () => {
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'Invalid', code: 422, message: 'x', details: { kind: 'ConfigMap', name: 'a', causes: [{ field: 'data', message: 'bad' }, { field: 'metadata.name', message: 'worse' }] } }
    expect((await run(['create', '-f', 'a.yaml'], { 'POST /api/v1/namespaces/default/configmaps': Response.json(status, { status: 422 }) }, { '/home/ann/a.yaml': CM })).stderr).toBe('The ConfigMap "a" is invalid: \n* data: bad\n* metadata.name: worse\n')
  })

  test.each([
    ['not read\n', 'error: error validating "a.yaml": error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false\n'],
    ['metadata: {name: x}\n', 'error: error validating "a.yaml": error validating data: [apiVersion not set, kind not set]; if you choose to ignore these errors, turn validation off with --validate=false\n'],
    ['apiVersion: x/v1\nkind: Yam\nmetadata: {name: m1}\n', 'error: resource mapping not found for name: "m1" namespace: "" from "a.yaml": no matches for kind "Yam" in version "x/v1"\nensure CRDs are installed first\n'],
    ['', 'error: no objects passed to apply\n'],
  ])('%j is refused', async (text, stderr) => {
    expect(await run(['apply', '-f', 'a.yaml'], {}, { '/home/ann/a.yaml': text })).toMatchObject({ code: 1, stderr })
  })

  test('warnings of the server go to standard error once', async () => {
    const answer = Response.json({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }, { headers: { Warning: '299 - "old \\"thing\\"", 299 - "other"' } })
    expect((await run(['create', '-f', 'a.yaml'], { 'POST /api/v1/namespaces/default/configmaps': answer }, { '/home/ann/a.yaml': CM })).stderr).toBe('Warning: old "thing"\nWarning: other\n')
  })
})

describe('discovery', () => {
  const forbidden = () => Response.json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'Forbidden', code: 403, message: 'forbidden: User "x" cannot get path "/api"' }, { status: 403 })
  const empty = { ...POD_TABLE, rows: [] }
  const cacheFile = '/home/ann/.kube/cache/discovery/api/drydock.json'

  test('is kept on disk, so that who may not look up kinds is told about the object itself', async () => {
    const files: Record<string, string> = { '/home/ann/.kube/config': KUBECONFIG }
    const first = { stdout: '', stderr: '', sent: [] as Sent[] }
    await kubectl(fakeProc(['get', 'pods'], { '/api': CORE, '/apis': GROUPS, '/api/v1/namespaces/default/pods': empty }, files, first))
    expect(Object.keys(files)).toContain(cacheFile)
    const second = { stdout: '', stderr: '', sent: [] as Sent[] }
    await kubectl(fakeProc(['get', 'deploy', 'web'], { '/api': forbidden(), '/apis': forbidden() }, files, second))
    expect(second.sent.map((s) => s.url)).toEqual(['/apis/apps/v1/namespaces/default/deployments/web'])
  })

  test('asks the server again for kinds that the cache does not know', async () => {
    const stale = JSON.stringify([{ name: '', versions: [{ version: 'v1', resources: [] }] }])
    const answer = await run(['get', 'pods'], { '/api/v1/namespaces/default/pods': empty }, { [cacheFile]: stale })
    expect(answer.stderr).toBe('No resources found in default namespace.\n')
  })

  test('lists a resource that the preferred version of its group does not have', async () => {
    const group = { metadata: { name: 'apps.example.com' }, versions: [{ version: 'v1', resources: [resource('sets', 'Set')] }, { version: 'v1alpha1', resources: [resource('sets', 'Set'), resource('jobs', 'Job')] }] }
    const { stdout } = await run(['api-resources', '--no-headers'], { '/api': { kind: 'APIGroupDiscoveryList', items: [] }, '/apis': { kind: 'APIGroupDiscoveryList', items: [group] } })
    expect(stdout.split('\n').map((line) => line.split(/ +/).slice(0, 2))).toEqual([['jobs', 'apps.example.com/v1alpha1'], ['sets', 'apps.example.com/v1'], ['']])
  })

  test('without a cache the failure is logged for each of the mapper\'s tries', async () => {
    const { stderr } = await run(['get', 'pods'], { '/api': forbidden() })
    expect(stderr.split('\n').map((l) => l.replace(/^E.*memcache/, 'memcache'))).toEqual([...Array(5).fill('memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group list: unknown"'), 'Error from server (Forbidden): unknown', ''])
  })
})

describe('explain', () => {
  const gvk = { group: 'apps', version: 'v1', kind: 'Deployment' }
  const schema = { type: 'object', properties: { spec: { type: 'object' } }, 'x-kubernetes-group-version-kind': [gvk] }
  const answers = {
    '/openapi/v3': { paths: { 'apis/apps/v1': { serverRelativeURL: '/openapi/v3/apis/apps/v1' }, 'apis/batch/v1': { serverRelativeURL: '/openapi/v3/apis/batch/v1' } } },
    '/openapi/v3/apis/apps/v1': { paths: { '/apis/apps/v1/namespaces/{namespace}/deployments': { get: { 'x-kubernetes-group-version-kind': gvk } } }, components: { schemas: { 'apps.v1.Deployment': schema } } },
    '/openapi/v3/apis/batch/v1': { paths: {}, components: { schemas: {} } },
  }

  test('takes what follows the group for a field, unless a version is asked for', async () => {
    expect((await run(['explain', 'deployments.apps.spec'], answers)).stdout).toContain('FIELD: spec <Object>')
    expect((await run(['explain', 'deployments.spec', '--api-version', 'apps/v1'], answers)).stdout).toContain('FIELD: spec <Object>')
    expect((await run(['explain', 'deployments.apps.spec', '--api-version', 'apps/v1'], answers)).stderr).toBe('error: field "spec" does not exist\n')
  })

  test('says which resource the version asked for does not have', async () => {
    expect((await run(['explain', 'deployments', '--api-version', 'apps/v2'], answers)).stderr).toBe('error: couldn\'t find resource for "apps/v2, Resource=deployments"\n')
    expect((await run(['explain', 'deployments', '--api-version', 'batch/v1'], answers)).stderr).toBe('error: GVR (batch/v1, Resource=deployments) not found in OpenAPI schema\n')
  })
})

describe('wait', () => {
  test.each([
    [['wait', 'pod/w'], 'error: unrecognized condition: []\n'],
    [['wait', 'pod/w', '--for=sunrise'], 'error: unrecognized condition: "sunrise"\n'],
    [['wait', 'pod/w', '--for=jsonpath={.a}='], "error: jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3\n"],
    [['wait', 'pod/w', '--for=jsonpath={.a}=b=c'], "error: jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'\n"],
  ])('%j is refused', async (words, stderr) => {
    expect(await run(words)).toMatchObject({ code: 1, stderr })
  })

  test('with a time-out of zero it looks once', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'w' }, status: { phase: 'Pending', conditions: [{ type: 'ok', status: 'x' }] } }
    const answers = { '/api/v1/namespaces/default/pods/w': pod, '/api/v1/namespaces/default/pods': { metadata: { resourceVersion: '1' }, items: [pod] } }
    expect(await run(['wait', 'pod/w', '--for=jsonpath={.status.phase}=Running', '--timeout=0'], answers)).toMatchObject({ code: 1, stderr: 'error: condition not met for pods/w\n' })
    expect(await run(['wait', 'pod/w', '--for=jsonpath={.status.conditions[?(@.type=="ok")].status}=x', '--timeout=0'], answers)).toMatchObject({ code: 0, stdout: 'pod/w condition met\n' })
  })
})

describe('nodes', () => {
  const core = { kind: 'APIGroupDiscoveryList', items: [{ metadata: {}, versions: [{ version: 'v1', resources: [resource('nodes', 'Node', false, ['no']), resource('pods', 'Pod')] }] }] }
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { taints: [{ key: 'team', value: 'blue', effect: 'NoSchedule' }] } }
  const answers = { '/api': core, '/api/v1/nodes/n': node }

  test.each([
    [['team=green:NoSchedule'], 'error: node n already has team taint(s) with same effect(s) and --overwrite is false\n', ''],
    [['team=green:NoSchedule', '--overwrite'], '', 'node/n modified\n'],
    [['stop:NoExecute'], '', 'node/n tainted\n'],
    [['team-'], '', 'node/n untainted\n'],
    [['gone:NoSchedule-'], 'error: taint "gone:NoSchedule" not found\n', ''],
    [['a=b:Never'], "error: invalid taint effect: Never, unsupported taint effect\nSee 'kubectl taint -h' for help and examples\n", ''],
    [[], 'error: at least one taint update is required\n', ''],
    [['team=x:NoSchedule', 'team-'], 'error: can not both modify and remove the following taint(s) in the same command: team=\n', ''],
  ])('taint nodes n %j', async (words, stderr, stdout) => {
    expect(await run(['taint', 'nodes', 'n', ...words], answers)).toMatchObject({ stderr, stdout })
  })

  test('a drain names what stands against it, a line per reason', async () => {
    const pod = (name: string, spec: object, owner?: string) => ({ metadata: { name, namespace: 'd', ...(owner ? { ownerReferences: [{ kind: owner, name: 'o', controller: true }] } : {}) }, spec, status: { phase: 'Running' } })
    const items = [pod('a', {}), pod('b', { volumes: [{ emptyDir: {} }] }, 'ReplicaSet'), pod('c', {}, 'DaemonSet')]
    const all = { ...answers, 'PATCH /api/v1/nodes/n': node, '/api/v1/pods': { metadata: {}, items }, '/apis/apps/v1/namespaces/d/daemonsets/o': {} }
    const { stderr, code } = await run(['drain', 'n'], all)
    const reasons = ['cannot delete Pods that declare no controller (use --force to override): d/a', 'cannot delete Pods with local storage (use --delete-emptydir-data to override): d/b', 'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): d/c']
    expect([stderr, code]).toEqual([`error: unable to drain node "n" due to error: [${reasons.join(', ')}], continuing command...\nThere are pending nodes to be drained:\n n\n${reasons.join('\n')}\n`, 1])
    const dry = await run(['drain', 'n', '--force', '--ignore-daemonsets', '--delete-emptydir-data', '--dry-run=client'], all)
    expect([dry.stderr, dry.stdout]).toEqual(['Warning: deleting Pods that declare no controller: d/a; ignoring DaemonSet-managed Pods: d/c\n', 'node/n cordoned (dry run)\nevicting pod d/a (dry run)\nevicting pod d/b (dry run)\nnode/n drained (dry run)\n'])
  })
})

describe('completion', () => {
  const POD = { metadata: { name: 'web', namespace: 'default' }, spec: { initContainers: [{ name: 'prepare' }], containers: [{ name: 'main', ports: [{ containerPort: 80 }] }] } }
  const answers = { '/api': CORE, '/apis': GROUPS, '/api/v1/namespaces/default/pods': { items: [POD, { metadata: { name: 'db', namespace: 'default' } }] }, '/api/v1/namespaces/default/pods/web': { apiVersion: 'v1', kind: 'Pod', ...POD } }
  const complete = (...words: string[]) => completeKubectl(words, fakeProc([], answers, { '/home/ann/.kube/config': KUBECONFIG }, { stdout: '', stderr: '', sent: [] }))
  const words = async (...line: string[]) => (await complete(...line)).candidates.map((candidate) => candidate.split('\t')[0])

  test('proposes commands, types, names and flags', async () => {
    expect(await words('ro')).toEqual(['rollout'])
    expect(await words('get', 'po')).toEqual(['pods'])
    expect(await words('get', 'pods', '')).toEqual(['web', 'db'])
    expect(await words('get', 'pods', 'db', '')).toEqual(['web'])
    expect(await words('describe', 'pod/w')).toEqual(['pod/web'])
    expect(await words('get', 'pods', '--all-n')).toEqual(['--all-namespaces'])
    expect(await words('get', 'pods', '-o', 'jsonpath-')).toEqual(['jsonpath-as-json', 'jsonpath-file'])
    expect(await words('help', 'rollout', 're')).toEqual(['restart', 'resume'])
    expect(await words('debug', 'pod/w')).toEqual(['pod/web'])
    expect(await words('completion', '')).toEqual(['bash', 'zsh', 'fish', 'powershell'])
    const ofRoot = (await words('--')).map((name) => name!)
    expect(ofRoot).toEqual([...ofRoot].sort())
  })

  test('says what commands and flags are for, unless a shell wants the words alone', async () => {
    expect((await complete('rollout', 'undo', '--to-')).candidates[0]).toMatch(/^--to-revision\t./)
    expect((await run(['__complete', 'uncor'])).stdout).toMatch(/^uncordon\t.+\n:4\n$/)
    expect((await run(['__completeNoDesc', 'uncor'])).stdout).toBe('uncordon\n:4\n')
  })

  test('a required flag stands before all others until it is given', async () => {
    expect(await words('run', 'x', '-')).toEqual(['--image'])
    expect(await words('scale', '')).toEqual(['--replicas', 'deployment', 'replicaset', 'replicationcontroller', 'statefulset'])
    expect(await words('run', 'x', '--image=a', '--image-')).toEqual(['--image-pull-policy'])
  })

  test('a flag that was given is offered again only where it may be given several times', async () => {
    expect(await words('get', '--watch', '--wat')).toEqual(['--watch-only'])
    expect(await words('get', '-f', 'x', '--filen')).toEqual(['--filename'])
  })

  test('containers and ports are those of the pod', async () => {
    expect(await words('logs', 'web', '')).toEqual(['prepare', 'main'])
    expect(await words('exec', 'web', '-c', 'm')).toEqual(['main'])
    expect(await words('port-forward', 'web', '')).toEqual(['80:80'])
    expect(await words('port-forward', 'web', '8080')).toEqual(['8080:80'])
  })

  test('says how shells go on', async () => {
    expect(await complete('apply', '-f', '')).toEqual({ candidates: ['json', 'yaml', 'yml'], directive: 8 })
    expect(await complete('wait', '')).toMatchObject({ candidates: [], directive: 0 })
    expect(await complete('logs', 'dep')).toEqual({ candidates: ['deployments/'], directive: 6 })
    expect(await complete('get', '--help', '')).toEqual({ candidates: [], directive: 4 })
    expect(await run(['__complete', 'get', '--bogus', ''])).toMatchObject({ stdout: ':0\n', stderr: '[Debug] [Error] Error while parsing flags from args [--bogus]: unknown flag: --bogus\nCompletion ended with directive: ShellCompDirectiveDefault\n' })
    expect(await complete('zz', '')).toMatchObject({ error: 'unable to find a command for arguments: [zz]' })
  })
})

describe('auth reconcile', () => {
  const AT = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings'
  const binding = (fields: object = {}, metadata: object = { namespace: 'default' }) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'b', ...metadata }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'ann' }], ...fields })
  const reconcile = (wanted: object, answers: Answers, ...flags: string[]) => run(['auth', 'reconcile', '-f', 'b.json', ...flags], answers, { '/home/ann/b.json': JSON.stringify(wanted) })
  const writes = (sent: Sent[]) => sent.filter(({ method }) => method !== 'GET').map(({ method, url }) => `${method} ${url}`)

  test('an object without a namespace has none, whatever the context says', async () => {
    expect(await reconcile(binding({}, {}), {})).toMatchObject({ code: 1, stdout: '', stderr: 'error: resource name may not be empty\n' })
  })

  test('the namespace of what is created is created as well', async () => {
    const { sent, stdout } = await reconcile(binding(), { 'POST /api/v1/namespaces': {}, [`POST ${AT}`]: binding() })
    expect(writes(sent)).toEqual(['POST /api/v1/namespaces', `POST ${AT}`])
    expect(stdout).toBe('rolebinding.rbac.authorization.k8s.io/b reconciled\n')
  })

  test('another role means another binding', async () => {
    const live = binding({ roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'other' } }, { namespace: 'default', uid: 'u' })
    const { sent, stderr } = await reconcile(binding(), { [`GET ${AT}/b`]: live, [`DELETE ${AT}/b`]: {}, '/api/v1/namespaces/default': {}, [`POST ${AT}`]: binding() })
    expect(writes(sent)).toEqual([`DELETE ${AT}/b`, `POST ${AT}`])
    expect(sent.find(({ method }) => method === 'DELETE')!.body).toMatchObject({ preconditions: { uid: 'u' } })
    expect(stderr).toBe('\treconciliation required recreate\n')
  })

  test('labels are added, never changed, and what opted out is left alone', async () => {
    const wanted = binding({}, { namespace: 'default', labels: { a: 'new', b: 'new' } })
    const live = (annotations = {}) => binding({}, { namespace: 'default', labels: { a: 'old' }, annotations })
    const { sent } = await reconcile(wanted, { [`${AT}/b`]: live() })
    expect(sent.at(-1)!.body).toMatchObject({ metadata: { labels: { a: 'old', b: 'new' } } })
    const out = await reconcile(wanted, { [`${AT}/b`]: live({ 'rbac.authorization.kubernetes.io/autoupdate': 'false' }) })
    expect([writes(out.sent), out.stderr]).toEqual([[], '\treconciliation required update, but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)\n'])
  })

  test('a dry run is the client\'s', async () => {
    expect((await reconcile(binding(), {}, '--dry-run=server')).stderr).toBe('error: --dry-run=server for command reconcile is not supported yet\n')
  })
})

describe('set of local files', () => {
  const files = { '/home/ann/d.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: e1}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: nginx, env: [{name: A, value: "1"}]}]}}}
` }

  test('prints what Go\'s types print, empty structs too', async () => {
    const { stdout } = await run(['set', 'env', '-f', 'd.yaml', '--local', 'B=2', '-o', 'yaml'], {}, files)
    expect(stdout).toContain('  strategy: {}\n')
    expect(stdout).toContain('        - name: B\n          value: "2"\n        image: nginx\n        name: c\n        resources: {}\nstatus: {}\n')
  })

  test('an object is named by its kind and group, as no server tells its resource', async () => {
    expect((await run(['set', 'env', '-f', 'd.yaml', '--local', 'A=2', '--overwrite=false'], {}, files)).stderr).toBe("error: deployment.apps/e1\n 'A' already has a value (1), and --overwrite is false\n")
  })

  test('an image without a container is taken for a resource, which local files leave no room for', async () => {
    expect((await run(['set', 'image', '-f', 'd.yaml', 'c', '--local'], {}, files)).stderr).toMatch(/^error: you must specify resources by --filename when --local is set\./)
  })
})

test('a kubeconfig whose values are of the wrong types is refused in the words of Go', async () => {
  const problem = async (text: string) => (await run(['config', 'view'], {}, { '/home/ann/.kube/config': text })).stderr
  expect(await problem('contexts: x\n')).toBe('error: error loading config file "/home/ann/.kube/config": json: cannot unmarshal string into Go struct field Config.contexts of type []v1.NamedContext\n')
  const user = (text: string) => problem(`users: [{name: a, user: {${text}}}]\n`)
  const at = 'error: error loading config file "/home/ann/.kube/config": '
  expect(await user('as: 5')).toBe(`${at}json: cannot unmarshal number into Go struct field AuthInfo.users.user.as of type string\n`)
  expect(await user('as-groups: x')).toBe(`${at}json: cannot unmarshal string into Go struct field AuthInfo.users.user.as-groups of type []string\n`)
  expect(await user('as-user-extra: {k: v}')).toBe(`${at}json: cannot unmarshal string into Go struct field AuthInfo.users.user.as-user-extra of type []string\n`)
  expect(await user('exec: {env: [{name: 5}]}')).toBe(`${at}json: cannot unmarshal number into Go struct field ExecEnvVar.users.user.exec.env.name of type string\n`)
  expect(await user('client-key-data: "??"')).toBe(`${at}illegal base64 data at input byte 0\n`)
  expect(await user('act-as: 5')).toBe('')
  expect(await problem('kind: 5\n')).toBe(`${at}couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string\n`)
  expect(await problem('clusters: [{name: a, cluster: {server: 5}}]\n')).toBe('error: error loading config file "/home/ann/.kube/config": json: cannot unmarshal number into Go struct field Cluster.clusters.cluster.server of type string\n')
})

describe('several objects', () => {
  const pod = (name: string, ready: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', resourceVersion: '5' }, status: { conditions: [{ type: 'Ready', status: ready }] } })
  const pods = (...items: ReturnType<typeof pod>[]): Answers => ({
    ...Object.fromEntries(items.map((item) => [`/api/v1/namespaces/default/pods/${item.metadata.name}`, item])),
    '/api/v1/namespaces/default/pods': (request: HttpRequest) => {
      const { searchParams } = new URL(request.url)
      const found = items.filter(({ metadata }) => (searchParams.get('fieldSelector') ?? `metadata.name=${metadata.name}`) === `metadata.name=${metadata.name}`)
      if (searchParams.get('watch')) return new Response(found.map((object) => `${JSON.stringify({ type: 'MODIFIED', object })}\n`).join(''))
      return { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '9' }, items: found }
    },
  })
  const NOT_FOUND = 'Error from server (NotFound): pods "nope" not found\n'

  test('wait looks at each of them, and says last what was wrong', async () => {
    expect(await run(['wait', '--for=condition=Ready', 'pod/a', 'pod/nope', 'pod/b'], pods(pod('a', 'True'), pod('b', 'True')))).toMatchObject({ code: 1, stdout: 'pod/a condition met\npod/b condition met\n', stderr: NOT_FOUND })
    expect(await run(['wait', '--for=condition=Ready', 'pod/a', 'pod/b', '--timeout=0'], pods(pod('a', 'False'), pod('b', 'False')))).toMatchObject({ code: 1, stdout: '', stderr: 'condition not met for pods/a\ncondition not met for pods/b\n' })
  })

  test('waiting for deletion takes missing ones for deleted; waiting for creation takes all of them', async () => {
    expect(await run(['wait', '--for=delete', 'pod/x', 'pod/y'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await run(['wait', '--for=create', 'pod/nope', 'pod/a', '--timeout=1ms'], pods(pod('a', 'True')))).toMatchObject({ code: 1, stdout: '', stderr: 'error: timed out waiting for the condition\n' })
    expect(await run(['wait', '--for=create', 'pod/b', 'pod/a', '--timeout=1ms'], pods(pod('a', 'True'), pod('b', 'True')))).toMatchObject({ code: 0, stdout: 'pod/b condition met\npod/a condition met\n' })
  })

  test('get --watch-only knows the columns from what it does not print', async () => {
    const table = (columns: unknown, phase: string) => ({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: {}, columnDefinitions: columns, rows: [{ cells: ['a', phase], object: pod('a', 'True') }] })
    const columns = ['Name', 'Phase'].map((name) => ({ name, type: 'string', format: '', description: '', priority: 0 }))
    const answers: Answers = {
      '/api/v1/namespaces/default/pods/a': table(columns, 'Pending'),
      '/api/v1/namespaces/default/pods': () => new Response([table(columns, 'Pending'), table(null, 'Running')].map((object) => `${JSON.stringify({ type: 'MODIFIED', object })}\n`).join('')),
    }
    expect((await run(['get', 'pod', 'a', '--watch-only'], answers)).stdout).toBe('NAME   PHASE\na      Running\n')
    // In an event they aren't looked at.
    expect((await run(['get', 'pod', 'a', '--watch-only', '--output-watch-events'], answers)).stdout.trimEnd()).toBe('EVENT\nMODIFIED')
  })

  test('get --watch prints those that are named before it refuses to watch them', async () => {
    expect(await run(['get', '-w', 'pods', 'a', 'b', '-o', 'name'], pods(pod('a', 'True'), pod('b', 'True')))).toMatchObject({ code: 1, stdout: 'pod/a\npod/b\n', stderr: 'error: you may only watch a single resource or type of resource at a time\n' })
  })

  test('--output-watch-events prints a line of JSON for each event, and names alone', async () => {
    const events = async (format: string) => (await run(['get', '-w', 'pods', '--output-watch-events', '-o', format], pods(pod('a', 'True')))).stdout
    const lines = (await events('json')).trimEnd().split('\n').map((line) => JSON.parse(line) as { type: string; object: { metadata: { name: string } } })
    expect(lines.map(({ type, object }) => [type, object.metadata.name])).toEqual([['ADDED', 'a'], ['MODIFIED', 'a']])
    expect(await events('name')).toBe('pod/a\npod/a\n')
  })

  test('events have no names to print, as lists of Go\'s own types', async () => {
    const answers = { '/api/v1/namespaces/default/events': { kind: 'EventList', apiVersion: 'v1', metadata: {}, items: [{ metadata: { name: 'e' }, involvedObject: { kind: 'Pod', name: 'a' }, reason: 'Started', message: 'm', type: 'Normal', lastTimestamp: '2026-01-01T00:00:00Z' }] } }
    expect(await run(['events', '-o', 'name'], answers)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await run(['events'], answers)).stdout).toContain('Started')
  })

  test('annotated ones are parted as documents of YAML', async () => {
    const files = { '/home/ann/two.yaml': ['a', 'b'].map((name) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`).join('---\n') }
    expect((await run(['annotate', '-f', 'two.yaml', '--local', 'x=y', '-o', 'yaml'], {}, files)).stdout.match(/^---$/gm)).toHaveLength(1)
    expect((await run(['label', '-f', 'two.yaml', '--local', 'x=y', '-o', 'yaml'], {}, files)).stdout).not.toContain('---')
  })
})

test('a rule of an ingress with more than one part behind its host has no TLS', async () => {
  const tls = async (rule: string) => (await run(['create', 'ingress', 'i', `--rule=${rule}`, '--dry-run=client', '-o', 'jsonpath={.spec.tls}'])).stdout
  expect(await tls('a.b/x=web:80,tls=s')).toBe('[{"hosts":["a.b"],"secretName":"s"}]')
  expect(await tls('a.b/x=web:80,tls=s,tls=t')).toBe('')
})

test('config delete-user asks for its one user', async () => {
  for (const names of [[], ['ann', 'ben']]) expect(await run(['config', 'delete-user', ...names])).toMatchObject({ code: 1, stderr: "error: user to delete is required\nSee 'kubectl config delete-user -h' for help and examples\n" })
  expect(await run(['config', 'delete-user', 'ann'])).toMatchObject({ code: 0, stdout: 'deleted user ann from /home/ann/.kube/config\n' })
})

test('the version of the client has no facts of a build that it never had', async () => {
  expect(JSON.parse((await run(['version', '--client', '-o', 'json'])).stdout)).toEqual({ clientVersion: { major: '1', minor: '36', gitVersion: 'v1.36.3', platform: 'linux/amd64' }, kustomizeVersion: 'v5.8.1' })
})

test('shells are told whole names of resources and whether file names may follow', async () => {
  expect(await run(['__complete', 'get', 'd'])).toMatchObject({ code: 0, stdout: 'deployments.apps\n:4\n', stderr: 'Completion ended with directive: ShellCompDirectiveNoFileComp\n' })
  expect((await run(['__complete', 'get', 'p'])).stdout).toBe('pods\n:4\n')
  expect(await run(['__complete', 'apply', '-f', ''])).toMatchObject({ stdout: 'json\nyaml\nyml\n:8\n' })
})

test('what is no object is refused in the words of the decoder that a command reads with', async () => {
  const problem = async (...argv: string[]) => (await run([...argv, '-f', 'x.yaml'], {}, { '/home/ann/x.yaml': 'x\n' })).stderr
  expect(await problem('delete')).toBe('error: unable to decode "x.yaml": json: cannot unmarshal string into Go value of type unstructured.detector\n')
  expect(await problem('rollout', 'status')).toBe('error: unable to decode "x.yaml": couldn\'t get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }\n')
})
