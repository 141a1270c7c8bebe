import { describe, expect, test } from 'vitest'
import { UnixError } from '../../../unix/types.ts'
import { parseYaml, splitYamlDocuments } from '../../yaml.ts'
import type { Factory } from '../factory.ts'
import { buildKustomization } from './build.ts'

const folder = { type: 'directory' }
const factory = (files: Record<string, string>) => {
  const errors: string[] = []
  const isFolder = (path: string) => Object.keys(files).some((file) => file.startsWith(`${path}/`))
  const read = (path: string) => { if (files[path] === undefined) throw new UnixError('ENOENT'); return files[path] }
  const normal = (path: string) => new URL(path, 'file:///w/').pathname.replace(/\/$/, '')
  const f = {
    proc: { env: {}, resolve: normal, fs: { exists: (p: string) => files[p] !== undefined || isFolder(p), stat: (p: string) => isFolder(p) ? folder : { type: 'file' }, readText: read, readFile: (p: string) => new TextEncoder().encode(read(p)) } },
    io: { err: (text: string) => errors.push(text) },
  } as unknown as Factory
  return { f, errors }
}

const build = (files: Record<string, string>, path = '/w') => buildKustomization(factory(files).f, path, { reorder: 'legacy', anyPath: false })
const objects = async (files: Record<string, string>, path = '/w') => splitYamlDocuments(await build(files, path)).map((document) => parseYaml(document) as any)

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: "nginx:1", envFrom: [{configMapRef: {name: conf}}]}
`

describe('a kustomization', () => {
  test('renames, moves and labels, and references follow', async () => {
    const [config, deployment] = await objects({
      '/w/kustomization.yaml': 'resources: [base]\nnamePrefix: a-\nnamespace: prod\nlabels: [{pairs: {env: x}, includeSelectors: true}]\nimages: [{name: nginx, newTag: "2"}]\nreplicas: [{name: web, count: 3}]\n',
      '/w/base/kustomization.yaml': 'resources: [d.yaml]\nconfigMapGenerator: [{name: conf, literals: [k=v]}]\n', '/w/base/d.yaml': DEPLOYMENT,
    })
    expect(config.metadata).toEqual({ name: expect.stringMatching(/^a-conf-[a-z0-9]{10}$/), namespace: 'prod', labels: { env: 'x' } })
    expect(deployment.spec).toMatchObject({ replicas: 3, selector: { matchLabels: { app: 'web', env: 'x' } }, template: { spec: { containers: [{ image: 'nginx:2', envFrom: [{ configMapRef: { name: config.metadata.name } }] }] } } })
  })

  test('yes, off and their like are texts', async () => {
    const [config] = await objects({ '/w/kustomization.yaml': 'resources: [c.yaml]\n', '/w/c.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: y, b: off, c: "true"}\n' })
    expect(config.data).toEqual({ a: 'y', b: 'off', c: 'true' })
    expect(await build({ '/w/kustomization.yaml': 'resources: [c.yaml]\n', '/w/c.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: y}\n' })).toContain('a: "y"')
  })

  test('what a built-in plugin was to do begins the story of its failure', async () => {
    const files = { '/w/p.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n' }
    await expect(build({ ...files, '/w/kustomization.yaml': 'resources: [p.yaml]\npatches: [{path: none.yaml}]\n' })).rejects.toThrow("trouble configuring builtin PatchTransformer with config: `\npath: none.yaml\n`: failed to get the patch file from path(none.yaml): evalsymlink failure on '/w/none.yaml' : lstat /w/none.yaml: no such file or directory")
    await expect(build({ ...files, '/w/kustomization.yaml': 'helmCharts: [{name: x, version: "1"}]\n' })).rejects.toThrow('trouble configuring builtin HelmChartInflationGenerator with config: `\nname: x\nversion: "1"\n`: must specify --enable-helm')
  })

  test('a component changes what its parent has so far', async () => {
    const [pod] = await objects({
      '/w/kustomization.yaml': 'resources: [p.yaml]\ncomponents: [comp]\n', '/w/p.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n',
      '/w/comp/kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{target: {kind: Pod}, patch: "[{op: add, path: /metadata/labels, value: {a: b}}]"}]\n',
    })
    expect(pod.metadata).toEqual({ name: 'p', labels: { a: 'b' } })
  })

  test('replacements copy values, into parts of texts as well', async () => {
    const [config, pod] = await objects({
      '/w/kustomization.yaml': 'resources: [r.yaml]\nreplacements:\n- source: {kind: ConfigMap, fieldPath: data.port}\n  targets: [{select: {kind: Pod}, fieldPaths: ["spec.containers.[name=c].args.0"], options: {delimiter: ":", index: 1}}]\n',
      '/w/r.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {port: "80"}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, args: ["host:1"]}]}\n',
    })
    expect([config.kind, pod.spec.containers[0].args]).toEqual(['ConfigMap', ['host:80']])
  })

  test.each([
    [{ '/w/kustomization.yaml': 'foo: bar\n' }, 'invalid Kustomization: json: unknown field "foo"'],
    [{ '/w/kustomization.yaml': 'resources: [x.yaml]\n' }, "accumulating resources: accumulation err='accumulating resources from 'x.yaml': evalsymlink failure on '/w/x.yaml' : lstat /w/x.yaml: no such file or directory': must build at directory: not a valid directory: evalsymlink failure on '/w/x.yaml' : lstat /w/x.yaml: no such file or directory"],
    [{ '/w/kustomization.yaml': 'resources: [../w]\n' }, "accumulating resources: accumulation err='accumulating resources from '../w': '/w' must resolve to a file': cycle detected: candidate root '/w' contains visited root '/w'"],
    [{ '/w/kustomization.yaml': 'patches: [{patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: zz}}"}]\n' }, 'no resource matches strategic merge patch "ConfigMap.v1.[noGrp]/zz.[noNs]": no matches for Id ConfigMap.v1.[noGrp]/zz.[noNs]; failed to find unique target for patch ConfigMap.v1.[noGrp]/zz.[noNs]'],
  ])('%j is refused', async (files, message) => {
    await expect(build(files as unknown as Record<string, string>)).rejects.toThrow(message)
  })
})
