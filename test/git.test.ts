import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
import '../src/cluster/images/git/git-sync.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('git') })
afterAll(() => lab.stop())

test('an earlier state of the manifests is applied again after checking it out', async () => {
  await lab.out(`git init -q ~/config && cd ~/config
kubectl create configmap web --from-literal=color=red --dry-run=client -o yaml > web.yaml
git add . && git commit -qm 'Add the web settings' && git tag v1.0 && kubectl apply -f .
sed -i s/red/blue/ web.yaml && git commit -qam 'Paint it blue' && kubectl apply -f .`)
  expect(await lab.out('kubectl get configmap web -o jsonpath={.data.color}')).toBe('blue')
  expect((await lab.run('cd ~/config && git checkout -q v1.0 -- . && kubectl diff -f .')).stdout).toContain('-  color: blue\n+  color: red\n')
  expect(await lab.out('cd ~/config && kubectl apply -f . && git status -s && kubectl get configmap web -o jsonpath={.data.color}')).toBe('configmap/web configured\nM  web.yaml\nred')
})

test('git-sync brings what is pushed to a web server beside it', async () => {
  lab.writeFile('site.yaml', `apiVersion: v1
kind: Pod
metadata: {name: repo, labels: {app: repo}}
spec:
  containers:
  - name: daemon
    image: alpine/git
    command: [sh, -c, "git init -q --bare -b main /srv/git/site.git && exec git daemon --base-path=/srv/git --export-all --enable=receive-pack"]
    ports: [{containerPort: 9418}]
---
apiVersion: v1
kind: Service
metadata: {name: repo}
spec: {selector: {app: repo}, ports: [{port: 9418}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {fsGroup: 65533}
  volumes: [{name: content, emptyDir: {}}]
  containers:
  - name: nginx
    image: nginx
    command: [sh, -c, "rm -rf /usr/share/nginx/html && ln -s /git/site /usr/share/nginx/html && exec nginx -g 'daemon off;'"]
    volumeMounts: [{name: content, mountPath: /git}]
  - name: git-sync
    image: registry.k8s.io/git-sync/git-sync:v4.4.0
    args: [--repo=git://repo/site, --ref=main, --period=5s, --max-failures=-1]
    volumeMounts: [{name: content, mountPath: /git}]
`)
  await lab.out('kubectl apply -f site.yaml && kubectl wait --for=condition=Ready pod/repo pod/web')
  await lab.out(`git init -q ~/site && cd ~/site && echo first > index.html && git add . && git commit -qm first && git remote add origin git://localhost:9418/site.git
kubectl port-forward svc/repo 9418:9418 > /dev/null & sleep 1; cd ~/site && git push -q origin main; kill %1`)
  const page = async () => (await lab.run('sleep 12; kubectl exec web -c nginx -- curl -s localhost')).stdout
  expect(await page()).toBe('first\n')
  await lab.out(`cd ~/site && echo second > index.html && git commit -qam second
kubectl port-forward svc/repo 9418:9418 > /dev/null & sleep 1; git push -q origin main; kill %1`)
  expect(await page()).toBe('second\n')
  expect((await lab.run('kubectl logs web -c git-sync')).stdout).toMatch(/"msg":"updated successfully","ref":"main","remote":"[0-9a-f]{40}","syncCount":2/)
})

test('git-sync ends with an error where it is asked for what it does not do', async () => {
  await lab.out('kubectl run hooked --image=registry.k8s.io/git-sync/git-sync:v4.4.0 --restart=Never -- --repo=git://repo/site --webhook-url=http://web && kubectl wait --for=jsonpath={.status.phase}=Failed pod/hooked')
  expect((await lab.run('kubectl logs hooked')).stdout).toBe('unsupported flag: --webhook-url=http://web does nothing in this git-sync\n')
})

test('pods clone from a web server that has a repository as files', async () => {
  lab.writeFile('files.yaml', `apiVersion: v1
kind: Pod
metadata: {name: files, labels: {app: files}}
spec:
  volumes: [{name: html, emptyDir: {}}]
  initContainers:
  - name: repository
    image: alpine/git
    command: [sh, -ec, "cd /html && git config --global user.name me && git config --global user.email me@here && git init -q /tmp/w && cd /tmp/w && echo hello > readme && git add . && git commit -qm hello && git clone -q --bare . /html/w.git && cd /html/w.git && git update-server-info"]
    volumeMounts: [{name: html, mountPath: /html}]
  containers:
  - {name: nginx, image: nginx, volumeMounts: [{name: html, mountPath: /usr/share/nginx/html}]}
`)
  await lab.out('kubectl apply -f files.yaml && kubectl wait --for=condition=Ready pod/files && kubectl expose pod files --port=80')
  expect((await lab.run(`kubectl run cloner --image=alpine/git --restart=Never --command -- sh -c 'git clone http://files/w.git && cat w/readme && git clone http://files/nothing; git clone http://nowhere/x'
kubectl wait --for=jsonpath={.status.phase}=Failed pod/cloner; kubectl logs cloner`)).stdout).toContain("Cloning into 'w'...\nhello\nCloning into 'nothing'...\nfatal: repository 'http://files/nothing/' not found\nCloning into 'x'...\nfatal: unable to access 'http://nowhere/x/': Could not resolve host: nowhere\n")
})
