import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/jupyter/server.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('jupyter') })
afterAll(() => lab.stop())

test('the notebook server opens with the token of its log, keeps notebooks as files, and runs no cells', async () => {
  lab.writeFile('jupyter.yaml', `apiVersion: apps/v1
kind: Deployment
metadata: {labels: {run: jupyter}, name: jupyter, namespace: jupyter}
spec:
  replicas: 1
  selector: {matchLabels: {run: jupyter}}
  template:
    metadata: {labels: {run: jupyter}}
    spec:
      containers: [{image: "jupyter/scipy-notebook:abdb27a6dfbb", name: jupyter}]
`)
  await lab.out('kubectl create namespace jupyter && kubectl create -f jupyter.yaml')
  await lab.out('kubectl rollout status -n jupyter deploy/jupyter --timeout=110s')
  const log = await lab.out(`pod_name=$(kubectl get pods --namespace jupyter --no-headers | awk '{print $1}') && kubectl logs --namespace jupyter \${pod_name}`)
  const token = /login with a token:\n {8}http:\/\/localhost:8888\/\?token=([0-9a-f]{48})\n/.exec(log)?.[1]
  expect(token).toBeDefined()
  const forward = (script: string) => lab.out(`kubectl port-forward -n jupyter deploy/jupyter 8888:8888 >/dev/null & sleep 2; ${script}; kill %1`)
  expect(await forward(`curl -s -o /dev/null -w '%{http_code}' localhost:8888/tree; curl -sL localhost:8888/ | grep -c 'Password or token'; curl -s -o /dev/null -w '%{http_code}' -X POST 'localhost:8888/api/contents?token=wrong'`)).toBe('3021\n403')
  expect(await forward(`curl -sL -c jar -b jar 'localhost:8888/?token=${token}'`)).toContain('<a href="/tree/work">work/</a>')
  expect(await forward(`curl -s -o /dev/null -w '%{http_code}' -b jar -d action=notebook localhost:8888/tree/work`)).toBe('403')
  await forward(`xsrf=$(sed -n 's/.*_xsrf\t//p' jar); curl -s -b jar -d _xsrf=$xsrf -d action=notebook localhost:8888/tree/work; curl -s -b jar -d _xsrf=$xsrf -d action=save -d type=code --data-urlencode 'source=print("<b>")' localhost:8888/notebooks/work/Untitled.ipynb`)
  expect(await forward(`curl -s -b jar localhost:8888/notebooks/work/Untitled.ipynb`)).toContain('>print(&quot;&lt;b&gt;&quot;)</textarea>')
  expect(JSON.parse(await lab.out('kubectl exec -n jupyter deploy/jupyter -- cat work/Untitled.ipynb'))).toMatchObject({ nbformat: 4, cells: [{ cell_type: 'code', source: ['print("<b>")'] }] })
  expect(JSON.parse(await forward(`curl -s -X POST -H 'authorization: token ${token}' localhost:8888/api/kernels`))).toMatchObject({ message: expect.stringContaining('no kernel can be started') as string })
  expect(JSON.parse(await forward(`curl -s -X PUT -d '{"type":"file","format":"text","content":"hi"}' 'localhost:8888/api/contents/work/a.txt?token=${token}'; curl -s 'localhost:8888/api/contents/work/a.txt?token=${token}' -o answer; cat answer >/dev/null`))).toMatchObject({ path: 'work/a.txt', type: 'file' })
  expect(await forward(`curl -s -o /dev/null -w '%{http_code}' 'localhost:8888/api/contents/..%2f..%2fetc%2fpasswd?token=${token}'`)).toBe('404')
  expect(await forward(`curl -s -o /dev/null -w '%{http_code}' -X DELETE 'localhost:8888/api/contents/?token=${token}'`)).toBe('400')
  expect(await lab.out('kubectl exec -n jupyter deploy/jupyter -- cat work/a.txt')).toBe('hi')
  expect((await lab.run('kubectl exec -n jupyter deploy/jupyter -- python3 -c 1')).stderr).toContain('there is no Python in this image')
}, 60_000)
