import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

// Loaded when first used, which takes real time.
import '../src/cluster/images/elasticsearch/node.ts'
import '../src/cluster/images/fluent/fluentd-program.ts'
import '../src/cluster/images/fluent/fluent-bit-program.ts'

/** Log agents on every node, and the place where what they read is searched. */
let lab: Lab
beforeAll(async () => { lab = await startLab('logging-agents') }, 120_000)
afterAll(() => lab.stop())

async function sh(script: string): Promise<string> {
  const { stdout, stderr, code } = await lab.run(`(${script}) 2>&1`, { withinMs: 900_000 })
  return stdout + stderr + (code === 0 ? '' : `exit ${code}\n`)
}
const account = (name: string) => `
apiVersion: v1
kind: ServiceAccount
metadata: { name: ${name}, namespace: kube-system }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: ${name} }
rules: [{ apiGroups: [''], resources: [pods, namespaces], verbs: [get, list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: ${name} }
roleRef: { kind: ClusterRole, name: ${name}, apiGroup: rbac.authorization.k8s.io }
subjects: [{ kind: ServiceAccount, name: ${name}, namespace: kube-system }]
---
`
const agent = (name: string, container: string, volumes = '') => `${account(name)}
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: ${name}, namespace: kube-system }
spec:
  selector: { matchLabels: { k8s-app: ${name} } }
  template:
    metadata: { labels: { k8s-app: ${name} } }
    spec:
      serviceAccountName: ${name}
      terminationGracePeriodSeconds: 5
      containers:
      - name: agent
${container}
        volumeMounts: [{ name: varlog, mountPath: /var/log }${volumes && ', { name: config, mountPath: /fluent-bit/etc/conf }'}]
      volumes:
      - { name: varlog, hostPath: { path: /var/log } }
${volumes}`

/** Asks Elasticsearch through its Service. */
const ask = (path: string, body?: object) => sh(`kubectl exec client -- curl -s '${'http://elasticsearch.kube-system:9200'}${path}'${body ? ` -H 'content-type: application/json' -d '${JSON.stringify(body)}'` : ''}`)
const json = async (path: string, body?: object) => JSON.parse(await ask(path, body)) as { hits: { total: { value: number }; hits: { _index: string; _source: Record<string, unknown> }[] }; count: number; aggregations: { nodes: { buckets: { key: string; doc_count: number }[] } } }

it('fluentd on every node sends what pods print to Elasticsearch, with the names of pods, nodes and labels', async () => {
  lab.writeFile('es.yaml', `
apiVersion: apps/v1
kind: Deployment
metadata: { name: elasticsearch, namespace: kube-system }
spec:
  selector: { matchLabels: { app: elasticsearch } }
  template:
    metadata: { labels: { app: elasticsearch } }
    spec:
      containers:
      - name: elasticsearch
        image: docker.elastic.co/elasticsearch/elasticsearch:8.13.4
        env: [{ name: discovery.type, value: single-node }, { name: xpack.security.enabled, value: "false" }]
        readinessProbe: { httpGet: { path: /_cluster/health, port: 9200 } }
---
apiVersion: v1
kind: Service
metadata: { name: elasticsearch, namespace: kube-system }
spec: { selector: { app: elasticsearch }, ports: [{ port: 9200 }] }
`)
  lab.writeFile('fluentd.yaml', agent('fluentd', `        image: fluent/fluentd-kubernetes-daemonset:v1.16-debian-elasticsearch8-1
        env: [{ name: FLUENT_ELASTICSEARCH_HOST, value: elasticsearch }, { name: FLUENT_ELASTICSEARCH_PORT, value: "9200" }]`))
  await sh('kubectl apply -f es.yaml; kubectl create deployment talker --image=busybox:1.36 --replicas=4 -- sh -c \'i=0; while true; do echo "hello number $i from $(hostname)"; i=$((i+1)); sleep 5; done\'; kubectl run client --image=curlimages/curl:8.10.1 --command -- sleep 1d')
  await sh('kubectl -n kube-system rollout status deployment/elasticsearch --timeout=120s; kubectl apply -f fluentd.yaml; kubectl -n kube-system rollout status daemonset/fluentd --timeout=120s; kubectl wait --for=condition=Ready pod/client --timeout=60s; sleep 30')
  const found = await json('/logstash-*/_search?size=3', { query: { bool: { must: [{ match: { message: 'hello' } }], filter: [{ term: { 'kubernetes.labels.app.keyword': 'talker' } }, { range: { '@timestamp': { gte: 'now-10m' } } }] } }, aggs: { nodes: { terms: { field: 'kubernetes.host.keyword' } } }, sort: [{ '@timestamp': 'desc' }] })
  expect(found.hits.total.value).toBeGreaterThan(15)
  expect(found.hits.hits[0]).toMatchObject({ _index: 'logstash-2026.06.01', _source: { stream: 'stdout', kubernetes: { namespace_name: 'default', container_name: 'busybox', labels: { app: 'talker' } } } })
  const nodes = (await sh("kubectl get pods -l app=talker -o jsonpath='{range .items[*]}{.spec.nodeName}{\"\\n\"}{end}' | sort -u")).trim().split('\n')
  expect(found.aggregations.nodes.buckets.map(({ key }) => key).sort()).toEqual(nodes)
  expect((await json('/logstash-*/_count', { query: { match_phrase: { message: 'number 0 from' } } })).count).toBe(4)
  expect((await json('/logstash-*/_count?q=nosuchword')).count).toBe(0)
  expect(await ask('/logstash-*/_search?scroll=1m')).toContain('contains unrecognized parameter: [scroll]')
  expect(await ask('/logstash-*/_search', { query: { match: { message: { query: 'helo', fuzziness: 'AUTO' } } } })).toContain('[match] query does not support [fuzziness]')
  expect(await ask('/_cat/indices?h=health,status,index')).toBe('yellow open logstash-2026.06.01\n')
  expect(await sh('kubectl -n kube-system logs daemonset/fluentd')).toContain('adding match pattern="**" type="elasticsearch"')
})

it('positions survive the agent: nothing is sent twice, nothing is lost', async () => {
  await sh('kubectl -n kube-system delete pod -l k8s-app=fluentd; kubectl -n kube-system rollout status daemonset/fluentd --timeout=120s; sleep 30')
  expect((await json('/logstash-*/_count', { query: { match_phrase: { message: 'number 0 from' } } })).count).toBe(4)
  expect((await json('/logstash-*/_count', { query: { match_phrase: { message: 'number 8 from' } } })).count).toBe(4)
})

it('Fluent Bit does the same with a ConfigMap, and keeps only what its filters let through', async () => {
  lab.writeFile('bit.yaml', agent('fluent-bit', `        image: cr.fluentbit.io/fluent/fluent-bit:3.2.2
        args: [-c, /fluent-bit/etc/conf/fluent-bit.conf]`, '      - { name: config, configMap: { name: fluent-bit } }\n'))
  lab.writeFile('fluent-bit.conf', `[SERVICE]
    Flush 1
    HTTP_Server On
    Health_Check On
[INPUT]
    Name tail
    Path /var/log/containers/talker-*.log
    multiline.parser docker, cri
    Tag kube.*
    DB /var/log/flb.db
    Read_From_Head On
[FILTER]
    Name kubernetes
    Match kube.*
    K8S-Logging.Exclude On
[FILTER]
    Name grep
    Match *
    Regex log number [01] from
[FILTER]
    Name modify
    Match *
    Add cluster lab
[OUTPUT]
    Name es
    Match *
    Host elasticsearch
    Index bits
    Suppress_Type_Name On
[OUTPUT]
    Name stdout
    Match *
`)
  await sh('kubectl run talker-private --image=busybox:1.36 --annotations=fluentbit.io/exclude=true --restart=Never -- echo number 0 from nobody')
  await sh('kubectl -n kube-system create configmap fluent-bit --from-file=fluent-bit.conf; kubectl apply -f bit.yaml; kubectl -n kube-system rollout status daemonset/fluent-bit --timeout=120s; sleep 20')
  const found = await json('/bits/_search?size=20')
  expect(found.hits.total.value).toBe(8)
  expect(found.hits.hits[0]!._source).toMatchObject({ cluster: 'lab', stream: 'stdout', _p: 'F', kubernetes: { namespace_name: 'default', labels: { app: 'talker' } } })
  expect(await sh(`kubectl exec client -- curl -s $(kubectl -n kube-system get pod -l k8s-app=fluent-bit -o jsonpath='{.items[0].status.podIP}'):2020/api/v1/health`)).toBe('ok\n')
  expect(await sh('kubectl -n kube-system logs -l k8s-app=fluent-bit --tail=-1 | grep -c "number 0 from"')).toBe('4\n')
})

it('configurations that can not be followed are refused', async () => {
  expect(await sh(`docker run --rm fluent/fluentd:v1.16 sh -c 'printf "<match **>\\n  @type nonsense\\n</match>\\n" > /tmp/f; fluentd -c /tmp/f'`)).toMatch(/\[error\]: config error file="\/tmp\/f" error_class=Fluent::NotFoundPluginError error="Unknown output plugin 'nonsense'\. Run 'gem search -rd fluent-plugin' to find plugins.*\nexit 1\n$/)
  expect(await sh('docker run --rm docker.elastic.co/elasticsearch/elasticsearch:7.17.10')).toContain('max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]')
})
