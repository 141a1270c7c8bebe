import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

/** What readers of textbooks type: longer ways through the cluster, each of which went wrong once. */
let lab: Lab
beforeAll(async () => { lab = await startLab('textbook') })
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)

test('a rollout history shows the change-cause that a pod template carries', async () => {
  await out(`kubectl create deployment web --image=gcr.io/kuar-demo/kuard-amd64:blue; kubectl rollout status deployment/web
    kubectl patch deployment web -p '{"spec":{"template":{"metadata":{"annotations":{"kubernetes.io/change-cause":"To green"}},"spec":{"containers":[{"name":"kuard-amd64","image":"gcr.io/kuar-demo/kuard-amd64:green"}]}}}}'; kubectl rollout status deployment/web`)
  expect(await out('kubectl rollout history deployment web')).toBe('deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         To green\n\n')
  await out('kubectl delete deployment web')
})

test('a directory is applied without what links in it lead to', async () => {
  await out(`mkdir -p app/v1 app/v2; ln -s v1 app/canary
    for v in v1 v2; do kubectl create configmap $v --from-literal=a=b --dry-run=client -o yaml > app/$v/map.yaml; done`)
  expect(await out('kubectl apply -R -f app')).toBe('configmap/v1 created\nconfigmap/v2 created\n')
  expect(await out('kubectl apply -f app/canary/')).toBe('configmap/v1 unchanged\n')
  expect((await lab.run('kubectl apply -f app/canary')).stderr).toBe('error: error parsing app/canary: read app/canary: is a directory\n')
})

test('a short name is looked for in every search domain, and BusyBox tells of each', async () => {
  await out('kubectl create service clusterip db --tcp=80; kubectl run box --image=busybox:1.37 -- sleep 10000; kubectl wait --for=condition=Ready pod/box')
  const short = await lab.run('kubectl exec box -- nslookup db')
  expect([short.code, short.stdout]).toEqual([1, expect.stringMatching(/^Server:\t\t10\.96\.0\.10\nAddress:\t10\.96\.0\.10:53\n\nName:\tdb\.default\.svc\.cluster\.local\nAddress: 10\.\S+\n\n\*\* server can't find db\.svc\.cluster\.local: NXDOMAIN\n\n\*\* server can't find db\.cluster\.local: NXDOMAIN\n\n\n\*\* server can't find/)])
  expect(await out('kubectl exec box -- nslookup db.default.svc.cluster.local')).toMatch(/:53\n\nName:\tdb\.default\.svc\.cluster\.local\nAddress: 10\.\S+\n\n\n$/)
  expect((await lab.run('kubectl exec box -- nslookup db.default')).stdout).toContain("** server can't find db.default: NXDOMAIN\n")
})

test('the volume of a ConfigMap is on disk, that of a Secret in memory', async () => {
  await out(`kubectl create configmap c --from-literal=a=b; kubectl create secret generic s --from-literal=a=b
    kubectl run mounts --image=busybox:1.37 --overrides='{"spec":{"containers":[{"name":"mounts","image":"busybox:1.37","command":["sleep","10000"],"volumeMounts":[{"name":"c","mountPath":"/c"},{"name":"s","mountPath":"/s"}]}],"volumes":[{"name":"c","configMap":{"name":"c"}},{"name":"s","secret":{"secretName":"s"}}]}}'
    kubectl wait --for=condition=Ready pod/mounts`)
  expect(await out(`kubectl exec mounts -- mount | grep -E ' /(c|s) '`)).toMatch(/ on \/c type ext4 \(ro,[^]* on \/s type tmpfs \(ro,/)
})

test('built-in roles that were changed come back when the API server starts anew, unless they are told not to', async () => {
  await out(`kubectl delete clusterrole view; kubectl patch clusterrole system:node-proxier --type=json -p '[{"op":"replace","path":"/rules","value":[]}]'
    kubectl patch clusterrole system:kube-dns -p '{"metadata":{"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}},"rules":[]}'
    ssh drydock-control-plane 'crictl stop $(crictl ps -q --name kube-apiserver)'; sleep 15`)
  expect(await out(`kubectl get clusterrole view -o name; for role in node-proxier kube-dns; do kubectl get clusterrole system:$role -o jsonpath='{.rules[0].resources}{"\\n"}'; done`)).toBe('clusterrole.rbac.authorization.k8s.io/view\n["endpoints"]\n\n')
})

test('a deleted node stays away, its pods go, and it comes back when its kubelet starts anew', async () => {
  await out('kubectl create deployment spread --image=nginx:1.27 --replicas=4; kubectl rollout status deployment/spread; kubectl delete node drydock-worker2; sleep 75')
  expect(await out('kubectl get nodes -o name; kubectl get lease -n kube-node-lease -o name')).not.toContain('worker2')
  expect(await out(`kubectl get pods -l app=spread -o jsonpath='{.items[*].spec.nodeName}'`)).toBe(Array(4).fill('drydock-worker').join(' '))
  await out('ssh drydock-worker2 systemctl restart kubelet; sleep 5; kubectl wait --for=condition=Ready node/drydock-worker2')
})

test('a pull secret that is not there is told, and kept out of the way of images that need none', async () => {
  await out(`kubectl run pulls --image=busybox:1.37 --overrides='{"spec":{"imagePullSecrets":[{"name":"registry"}]}}' -- sleep 10000; kubectl wait --for=condition=Ready pod/pulls`)
  expect(await out(`kubectl get events --field-selector involvedObject.name=pulls,reason=FailedToRetrieveImagePullSecret -o jsonpath='{.items[0].type} {.items[0].message}'`)).toBe('Warning Unable to retrieve some image pull secrets (registry); attempting to pull the image may not succeed.')
})

test('etcdctl shows in what form objects are stored, to who has a certificate of etcd', async () => {
  const etcdctl = 'kubectl exec -n kube-system etcd-drydock-control-plane -- etcdctl --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key'
  await out('kubectl create namespace kept; kubectl create secret generic plain -n kept --from-literal=password=hunter2; kubectl create configmap gone -n kept')
  expect(await out(`${etcdctl} get /registry/secrets/kept/plain`)).toMatch(/^\/registry\/secrets\/kept\/plain\nk8s\0\n\f\n\x02v1\x12\x06Secret[^]*\x08password\x12\x07hunter2[^]*\x06Opaque/)
  expect(await out(`${etcdctl} get /registry/configmaps/kept --prefix --keys-only`)).toBe('/registry/configmaps/kept/gone\n\n/registry/configmaps/kept/kube-root-ca.crt\n\n')
  expect(await out(`timeout 3 ${etcdctl} watch /registry/configmaps/kept/ --prefix & sleep 1; kubectl delete configmap gone -n kept >/dev/null; kubectl create configmap gone -n kept >/dev/null; wait || true`)).toMatch(/^DELETE\n\/registry\/configmaps\/kept\/gone\n\nPUT\n\/registry\/configmaps\/kept\/gone\nk8s\0/)
  expect(await out(`${etcdctl} del /registry/configmaps/kept/gone; kubectl get configmaps -n kept -o name`)).toBe('1\nconfigmap/kube-root-ca.crt\n')
  expect(await out(`${etcdctl} put mine 1; ${etcdctl} get mine --print-value-only; ${etcdctl} member list`)).toMatch(/^OK\n1\n4179273edd2158ad, started, drydock-control-plane, https:\/\/10\.\S+:2380, https:\/\/10\.\S+:2379, false\n$/)
  const stranger = await lab.run('kubectl exec -n kube-system etcd-drydock-control-plane -- etcdctl get mine')
  expect([stranger.stdout, stranger.stderr]).toEqual(['', expect.stringContaining('\nError: context deadline exceeded\n')])
})
