import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeRelease } from '../src/cli/helm/release/release.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('helm') }, 60_000)
afterAll(() => lab.stop())

describe('helm on the learner\'s machine', () => {
  test('makes a chart, installs it, and waits until its pods are ready', async () => {
    expect(await lab.out('helm create web')).toBe('Creating web\n')
    expect(await lab.out('helm install web web --wait --set replicaCount=2 | grep -v DEPLOYED')).toContain('NAME: web\nNAMESPACE: default\nSTATUS: deployed\nREVISION: 1\nNOTES:\n')
    expect(await lab.out('kubectl get deployment web -o jsonpath="{.status.readyReplicas} {.metadata.labels.app\\.kubernetes\\.io/managed-by} {.metadata.annotations.meta\\.helm\\.sh/release-name}"')).toBe('2 Helm web')
    expect(await lab.out('helm list -o json')).toMatch(/^\[\{"name":"web","namespace":"default","revision":"1","updated":"[^"]* \+0000 UTC","status":"deployed","chart":"web-0\.1\.0","app_version":"1\.16\.0"\}\]\n$/)
  })

  test('keeps releases in Secrets as every Helm reads them', async () => {
    const secret = JSON.parse(await lab.out('kubectl get secret sh.helm.release.v1.web.v1 -o json')) as { type: string; metadata: { labels: Record<string, string> }; data: { release: string } }
    expect(secret.type).toBe('helm.sh/release.v1')
    expect(secret.metadata.labels).toMatchObject({ name: 'web', owner: 'helm', status: 'deployed', version: '1' })
    const release = decodeRelease(atob(secret.data.release))
    expect(release.config).toEqual({ replicaCount: 2 })
    expect(release.manifest).toContain('# Source: web/templates/deployment.yaml')
  })

  test('upgrades, tells the history, and rolls back', async () => {
    await lab.out('helm upgrade web web --reuse-values --set service.port=8080 && helm upgrade web web --set replicaCount=1 && helm rollback web 2')
    expect(await lab.out('helm get values web')).toBe('USER-SUPPLIED VALUES:\nreplicaCount: 2\nservice:\n  port: 8080\n')
    expect(await lab.out('helm history web -o json | jq -r ".[] | [.revision, .status, .description] | @tsv"')).toBe('1\tsuperseded\tInstall complete\n2\tsuperseded\tUpgrade complete\n3\tsuperseded\tUpgrade complete\n4\tdeployed\tRollback to 2\n')
    expect(await lab.out('kubectl get service web -o jsonpath="{.spec.ports[0].port}"')).toBe('8080')
  })

  test('leaves what belongs to somebody else alone', async () => {
    await lab.out('kubectl create configmap taken && mkdir -p mini/templates && printf "apiVersion: v2\\nname: mini\\nversion: 0.1.0\\n" > mini/Chart.yaml && printf "apiVersion: v1\\nkind: ConfigMap\\nmetadata:\\n  name: taken\\n" > mini/templates/cm.yaml')
    const { stderr, code } = await lab.run('helm install mini ./mini')
    expect(code).toBe(1)
    expect(stderr).toBe('Error: INSTALLATION FAILED: Unable to continue with install: ConfigMap "taken" in namespace "default" exists and cannot be imported into the current release: invalid ownership metadata; label validation error: missing key "app.kubernetes.io/managed-by": must be set to "Helm"; annotation validation error: missing key "meta.helm.sh/release-name": must be set to "mini"; annotation validation error: missing key "meta.helm.sh/release-namespace": must be set to "default"\n')
  })

  test('carries out hooks by weight and goes back when an atomic upgrade fails', async () => {
    lab.writeFile('hooked/Chart.yaml', 'apiVersion: v2\nname: hooked\nversion: 0.1.0\n')
    lab.writeFile('hooked/templates/cm.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settled}\ndata: {colour: {{ .Values.colour | default "blue" }}}\n')
    lab.writeFile('hooked/templates/job.yaml', `apiVersion: batch/v1
kind: Job
metadata:
  name: before
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: before-hook-creation}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox, command: [sh, -c, "exit {{ .Values.code | default 0 }}"]}]}}
`)
    await lab.out('helm install hooked ./hooked')
    expect(await lab.out('kubectl get job before -o jsonpath="{.status.succeeded}"')).toBe('1')
    const { stderr, code } = await lab.run('helm upgrade hooked ./hooked --set code=3,colour=red --atomic')
    expect(code).toBe(1)
    expect(stderr).toContain('Error: UPGRADE FAILED: release hooked failed, and has been rolled back due to atomic being set: pre-upgrade hooks failed: 1 error occurred:\n\t* job before failed: BackoffLimitExceeded')
    expect(await lab.out('kubectl get configmap settled -o jsonpath="{.data.colour}"')).toBe('blue')
  })

  test('lets templates look at the cluster, but not in a dry run', async () => {
    lab.writeFile('looking/Chart.yaml', 'apiVersion: v2\nname: looking\nversion: 0.1.0\n')
    lab.writeFile('looking/templates/cm.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: found}\ndata:\n  ip: {{ (lookup "v1" "Service" "default" "kubernetes").spec.clusterIP | default "none" | quote }}\n  nodes: "{{ len (lookup "v1" "Node" "" "").items }}"\n')
    await lab.out('helm install looking ./looking')
    expect(await lab.out('kubectl get configmap found -o jsonpath="{.data.ip} {.data.nodes}"')).toBe('10.96.0.1 3')
    expect((await lab.run('helm template ./looking')).stderr).toContain('nil pointer evaluating interface {}.clusterIP')
    await lab.out('helm uninstall looking')
  })

  test('tells of a chart what the cluster would not take', async () => {
    lab.writeFile('old/Chart.yaml', 'apiVersion: v2\nname: old\nversion: 0.1.0\n')
    lab.writeFile('old/values.yaml', '')
    lab.writeFile('old/templates/budget.yaml', 'apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: 1st}\n')
    const { stdout, code } = await lab.run('helm lint old')
    expect(code).toBe(0)
    expect(stdout).toContain('[WARNING] templates/budget.yaml: policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 PodDisruptionBudget\n')
    expect(stdout).toContain('object name does not conform to Kubernetes naming requirements: "1st": metadata.name: Invalid value: "1st": a DNS-1035 label must consist')
    expect((await lab.run('helm lint old --kube-version 1.20')).stdout).not.toContain('deprecated')
  })

  test('takes charts from repositories', async () => {
    const archives = new Map<string, Uint8Array>()
    const server = lab.laptop.net.listenHttp(8879, (request) => {
      const data = archives.get(new URL(request.url).pathname)
      return data ? new Response(Uint8Array.from(data)) : new Response('gone', { status: 404 })
    })
    await lab.out('mkdir -p repo && helm package mini -d repo --app-version 2.0 && helm package mini -d repo --version 0.2.0 && helm repo index repo')
    for (const name of lab.laptop.fs.readdir('/home/learner/repo')) archives.set(`/${name}`, lab.laptop.fs.readFile(`/home/learner/repo/${name}`))
    expect(await lab.out('helm repo add local http://127.0.0.1:8879 && helm repo update')).toBe('"local" has been added to your repositories\nHang tight while we grab the latest from your chart repositories...\n...Successfully got an update from the "local" chart repository\nUpdate Complete. ⎈Happy Helming!⎈\n')
    expect(await lab.out('helm search repo mini -l')).toBe('NAME      \tCHART VERSION\tAPP VERSION\tDESCRIPTION\nlocal/mini\t0.2.0        \t           \t           \nlocal/mini\t0.1.0        \t2.0        \t           \n')
    expect(await lab.out('helm show chart local/mini --version "<0.2"')).toBe('apiVersion: v2\nappVersion: "2.0"\nname: mini\nversion: 0.1.0\n\n')
    expect((await lab.run('helm repo add gone http://127.0.0.1:8879/nowhere')).stderr).toBe('Error: looks like "http://127.0.0.1:8879/nowhere" is not a valid chart repository or cannot be reached: failed to fetch http://127.0.0.1:8879/nowhere/index.yaml : 404 Not Found\n')
    lab.writeFile('outer/Chart.yaml', 'apiVersion: v2\nname: outer\nversion: 0.1.0\ndependencies: [{name: mini, version: ^0.1.0, repository: "@local"}]\n')
    expect((await lab.run('helm template outer')).stderr).toContain('You may need to run `helm dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: mini')
    await lab.out('helm dependency update outer')
    expect(await lab.out('helm dependency list outer; helm template outer')).toBe('NAME\tVERSION\tREPOSITORY\tSTATUS\nmini\t^0.1.0 \t@local    \tok    \n\n---\n# Source: outer/charts/mini/templates/cm.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: taken\n')
    server.close()
  })

  test('gives a release up on ^C and writes that down', async () => {
    const { stdout, stderr, code } = await lab.run('timeout --preserve-status -s INT 5 helm install stuck web --wait --set image.tag=never')
    expect({ stdout, stderr, code }).toEqual({ stdout: 'Release stuck has been cancelled.\n', stderr: 'Error: INSTALLATION FAILED: context canceled\n', code: 1 })
    expect(await lab.out('helm list -a --filter stuck -o json | jq -r ".[].status"; helm history stuck | grep -o "Release .*"')).toBe('failed\nRelease "stuck" failed: context canceled\n')
    expect((await lab.run('timeout --preserve-status -s INT 5 helm upgrade stuck web --wait --set image.tag=never')).stderr).toBe('Error: UPGRADE FAILED: context canceled\n')
    await lab.out('helm upgrade stuck web --wait --reset-values && helm uninstall stuck')
  })

  test('tests a release and takes it away', async () => {
    expect(await lab.out('helm test web --logs | grep -A4 "TEST SUITE" | grep -v Last')).toContain('TEST SUITE:     web-test-connection\nPhase:          Succeeded\n')
    expect(await lab.out('helm uninstall web hooked')).toBe('release "web" uninstalled\nrelease "hooked" uninstalled\n')
    expect((await lab.run('helm status web')).stderr).toBe('Error: release: not found\n')
  })
})
