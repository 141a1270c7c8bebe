import { afterAll, beforeAll, expect, test } from 'vitest'
import { singleNodeTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/klipper-helm/entry.ts'
import '../src/cluster/images/traefik/main.ts'
import '../src/cluster/k3s/charts/chart-archives.ts'
import '../src/cluster/k3s/server-controllers.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('k3s-traefik-handover', singleNodeTopology(undefined, ['metrics-server'])) }, 60_000)
afterAll(() => lab.stop())

const MANIFEST = '/var/lib/rancher/k3s/server/manifests/traefik.yaml'

test('a saved cluster whose manifest is Traefik itself keeps it, its definitions and what people made of them: the charts take them over', async () => {
  const out = (script: string) => lab.out(script)
  const uids = 'kubectl get crd/ingressroutes.traefik.io ingressroute/mine -o jsonpath="{.items[*].metadata.uid}"; kubectl get -n kube-system deployment/traefik service/traefik serviceaccount/traefik -o jsonpath="{.items[*].metadata.uid}"; kubectl get clusterrole/traefik-kube-system clusterrolebinding/traefik-kube-system ingressclass/traefik -o jsonpath="{.items[*].metadata.uid}"'
  // What the charts come to, as manifests named it before there were charts.
  await out('helm get manifest -n kube-system traefik > old.yaml; helm get manifest -n kube-system traefik-crd > crd.yaml; kubectl create --dry-run=client -o json -f crd.yaml | jq -c "select(.spec.group == \\"traefik.io\\")" | while read -r each; do echo ---; echo "$each"; done >> old.yaml')
  await out(`ssh drydock 'touch ${MANIFEST}.skip'; kubectl delete helmchart -n kube-system traefik traefik-crd; sleep 30; ssh drydock 'cat > ${MANIFEST}; rm ${MANIFEST}.skip' < old.yaml; sleep 30`)
  expect(await out('kubectl get helmcharts -A 2>&1; helm list -A -q; kubectl get addon -n kube-system traefik -o jsonpath="{.metadata.annotations}"')).toMatch(/^No resources found\n.*CustomResourceDefinition/)
  lab.writeFile('route.yaml', 'apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: mine}\nspec: {entryPoints: [web], routes: [{kind: Rule, match: Host(`a.example.com`), services: [{name: web, port: 80}]}]}\n')
  await out('kubectl create deployment web --image=nginx; kubectl expose deployment web --port=80; kubectl rollout status deployment/web; kubectl apply -f route.yaml')
  const before = await out(uids)

  lab = await lab.reload()
  await out('sleep 60')
  expect(await out('helm list -n kube-system -o json | jq -r ".[] | [.name, .revision, .status] | @tsv"')).toBe('traefik\t1\tdeployed\ntraefik-crd\t1\tdeployed\n')
  expect(await out(uids)).toBe(before)
  expect(await out('curl -s -H "Host: a.example.com" http://10.89.0.2/')).toContain('Welcome to nginx!')
  expect(await out('kubectl get crd,deployments -A -l objectset.rio.cattle.io/hash -o name | grep traefik || true')).toBe('')
}, 120_000)
