import { afterAll, beforeAll, expect, test } from 'vitest'
import { singleNodeTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
import '../src/cluster/k3s/server-controllers.ts'
import '../src/cluster/images/klipper-helm/entry.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('k3s-manifests', singleNodeTopology(undefined, ['metrics-server'])) }, 60_000)
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)
const FOLDER = '/var/lib/rancher/k3s/server/manifests'
const onServer = (script: string) => out(`ssh drydock '${script}'`)
const events = async (kind: string, name: string) => (await out(`kubectl get events -n kube-system --field-selector involvedObject.kind=${kind},involvedObject.name=${name} -o jsonpath="{range .items[*]}{.type} {.source.component} {.reason}: {.message}{'\\n'}{end}"`)).trim().split('\n')

test('what a server comes with lies in a folder of its disk, and each file is an Addon', async () => {
  expect(await onServer(`ls ${FOLDER}`)).toBe('ccm.yaml\ncoredns.yaml\nlocal-storage.yaml\ntraefik.yaml\n')
  expect(await out('kubectl get addons -n kube-system -o jsonpath="{.items[*].metadata.name}"')).toBe('ccm coredns local-storage traefik')
  const [name, source, checksum] = (await out('kubectl get addon coredns -n kube-system --no-headers')).split(/\s+/)
  expect([name, source]).toEqual(['coredns', `${FOLDER}/coredns.yaml`])
  expect(checksum).toBe((await onServer(`sha256sum ${FOLDER}/coredns.yaml`)).split(' ')[0])
  expect(await out('kubectl get deployment coredns -n kube-system -o jsonpath="{.metadata.labels.objectset\\.rio\\.cattle\\.io/hash}"')).toBe('bce283298811743a0386ab510f2f67ef74240c57')
  expect(await out('kubectl get pods -n kube-system --no-headers | grep traefik | grep -v svclb')).toMatch(/^(?=[^]*^helm-install-traefik-crd-\w+ +0\/1 +Completed )(?=[^]*^helm-install-traefik-(?!crd)\w+ +0\/1 +Completed )[^]*^traefik-\S+ +1\/1 +Running/m)
  expect(await out('kubectl api-resources --api-group=helm.cattle.io --no-headers -o name')).toBe('helmchartconfigs.helm.cattle.io\nhelmcharts.helm.cattle.io\n')
})

test('a manifest that is put there is applied; what it no longer names goes, and without it everything stays', async () => {
  const text = (names: string[]) => names.map((name) => `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: default}\n`).join('')
  const put = (content: string) => out(`cat > /tmp/m.yaml <<'EOF'\n${content}EOF\nssh drydock 'cat > ${FOLDER}/own.yaml' < /tmp/m.yaml; sleep 20`)
  await put(text(['one', 'two']))
  expect(await out('kubectl get configmaps -o name | grep -v kube-root')).toBe('configmap/one\nconfigmap/two\n')
  expect(await events('Addon', 'own')).toEqual([`Normal deploy ApplyingManifest: Applying manifest at "${FOLDER}/own.yaml"`, `Normal deploy AppliedManifest: Applied manifest at "${FOLDER}/own.yaml"`])
  await put(text(['two']))
  expect(await out('kubectl get configmaps -o name | grep -v kube-root')).toBe('configmap/two\n')
  await put('kind: Nothing\n')
  expect((await events('Addon', 'own')).at(-1)).toContain('Warning deploy ')
  await onServer(`rm ${FOLDER}/own.yaml; sleep 20`)
  expect(await out('kubectl get configmaps -o name | grep -v kube-root; kubectl get addon own -n kube-system -o name')).toBe('configmap/two\naddon.k3s.cattle.io/own\n')
})

test('a .skip file beside a manifest has it ignored', async () => {
  await onServer(`touch ${FOLDER}/later.yaml.skip; echo "{apiVersion: v1, kind: Namespace, metadata: {name: later}}" > ${FOLDER}/later.yaml; sleep 20`)
  expect((await lab.run('kubectl get namespace later')).stderr).toContain('"later" not found')
  await onServer(`rm ${FOLDER}/later.yaml.skip; sleep 20`)
  expect(await out('kubectl get namespace later -o name')).toBe('namespace/later\n')
})

test('a HelmChart is installed by a job, upgraded when its values change, and uninstalled when it goes', async () => {
  await out(`mkdir -p mini/templates && printf 'apiVersion: v2\\nname: mini\\nversion: 0.1.0\\n' > mini/Chart.yaml && printf 'colour: blue\\nsize: 1\\n' > mini/values.yaml &&
    printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: paint}\\ndata: {colour: {{ .Values.colour }}, size: "{{ .Values.size }}"}\\n' > mini/templates/cm.yaml && helm package mini > /dev/null`)
  const chart = (values: string) => `kubectl apply -f - <<EOF
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: mini, namespace: kube-system}
spec:
  targetNamespace: paints
  createNamespace: true
  chartContent: $(base64 -w0 mini-0.1.0.tgz)
  valuesContent: |-
    ${values}
EOF`
  const paint = () => out('kubectl get configmap paint -n paints -o jsonpath="{.data.colour} {.data.size}"')
  expect(await out(`${chart('colour: red')}\nsleep 30`)).toBe('helmchart.helm.cattle.io/mini created\n')
  expect(await paint()).toBe('red 1')
  expect(await out('kubectl get job -n kube-system helm-install-mini -o jsonpath="{.status.succeeded} {.spec.template.spec.containers[0].image} {.spec.template.spec.serviceAccountName}"')).toBe('1 rancher/klipper-helm:v0.9.18-build20260428 helm-mini')
  expect(await out('kubectl logs -n kube-system job/helm-install-mini')).toMatch(/\+ helm install --namespace paints --create-namespace mini \/tmp\/mini\.tgz --values \/config\/values-0-000-HelmChart-ValuesContent\.yaml\n[^]*NAME: mini\n[^]*STATUS: deployed\n/)
  expect(await out('kubectl get helmchart mini -n kube-system -o jsonpath="{.status.jobName} {.status.conditions[1].status}"')).toBe('helm-install-mini False')
  expect(await out('helm list -n paints -o json | jq -r ".[0] | [.name, .revision, .status] | @tsv"')).toBe('mini\t1\tdeployed\n')
  expect(await events('HelmChart', 'mini')).toEqual(['Normal helm-controller ApplyJob: Applying HelmChart from inline spec.chartContent using Job kube-system/helm-install-mini'])

  await out(`${chart('colour: green')}\nsleep 40`)
  expect(await paint()).toBe('green 1')
  await out(`kubectl apply -f - <<EOF
apiVersion: helm.cattle.io/v1
kind: HelmChartConfig
metadata: {name: mini, namespace: kube-system}
spec: {valuesContent: "size: 7"}
EOF
sleep 40`)
  expect(await paint()).toBe('green 7')
  expect(await out('helm history mini -n paints -o json | jq length')).toBe('3\n')

  await out('kubectl delete helmchart mini -n kube-system')
  expect((await lab.run('kubectl get configmap paint -n paints')).stderr).toContain('"paint" not found')
  await out('sleep 10')
  expect(await out('helm list -n paints -q; kubectl get jobs,serviceaccounts,secrets,configmaps -n kube-system -o name | grep mini || true; kubectl get clusterrolebindings -o name | grep helm-kube-system-mini || true')).toBe('')
  expect(await events('HelmChart', 'mini')).toContain('Normal helm-controller RemoveJob: Uninstalled HelmChart using Job kube-system/helm-delete-mini, removing resources')
})

test('all of it is there after a reload, and nothing is applied anew', async () => {
  const version = await out('kubectl get addon coredns -n kube-system -o jsonpath="{.metadata.resourceVersion}"')
  lab = await lab.reload()
  await out('sleep 30')
  expect(await out('kubectl get addon coredns -n kube-system -o jsonpath="{.metadata.resourceVersion}"')).toBe(version)
  await onServer(`echo "{apiVersion: v1, kind: Namespace, metadata: {name: afterwards}}" > ${FOLDER}/afterwards.yaml; sleep 20`)
  expect(await out('kubectl get namespace afterwards -o name')).toBe('namespace/afterwards\n')
})
