import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parseLesson } from '../src/lessons/lesson.ts'
import { startLab } from './lab.ts'

/** Who finds another way to what a step asks for has done the step: goals are about the cluster, not about what was typed. */
const folder = path.resolve(import.meta.dirname, '../lessons')

/** By lesson and step, what a learner might do instead of the solution. */
const WAYS: Record<string, Record<string, string>> = {
  '1-pods': {
    first: `kubectl create -f - <<'END'\n{"apiVersion":"v1","kind":"Pod","metadata":{"name":"hello"},"spec":{"containers":[{"name":"web","image":"docker.io/library/nginx:1.27"}]}}\nEND\nkubectl wait --for=condition=Ready pod/hello`,
    inside: 'echo "Ahoy there" > index.html; kubectl cp index.html hello:/usr/share/nginx/html/index.html',
    manifest: 'kubectl create -f watchman.yaml --validate=strict',
    once: 'kubectl run once --image=busybox:1.37 --restart=OnFailure -- echo ashore',
    typo: 'kubectl run typo --image=nginx:1.72; sleep 5; kubectl delete pod typo --now; kubectl run typo --image=docker.io/library/nginx:1.27',
    delete: 'kubectl delete pod/hello --now',
    'clean-up': 'kubectl get pods -o name | xargs kubectl delete --force',
  },
  '2-labels': {
    give: 'kubectl run cart --image=nginx:1.27; kubectl label pod cart app=shop env=test',
    fleet: 'for each in checkout:test cart-live:prod checkout-live:prod; do kubectl run ${each%:*} --image=nginx:1.27 -l app=shop,env=${each#*:}; done',
    select: 'kubectl label pods cart-live checkout-live tier=frontend',
    change: `kubectl patch pod cart -p '{"metadata":{"labels":{"env":"staging"}}}'`,
    remove: `kubectl patch pod checkout-live --type=json -p '[{"op":"remove","path":"/metadata/labels/tier"}]'`,
    owners: 'kubectl create deployment kiosk --image=nginx:1.27; kubectl scale deployment/kiosk --replicas=3',
    annotate: `kubectl patch pod cart -p '{"metadata":{"annotations":{"owner":"team-shop@example.com"}}}'`,
    cleanup: 'kubectl delete pods cart checkout cart-live checkout-live --now',
  },
  '3-services': {
    deploy: 'kubectl create deployment web --image=nginx:1.27; kubectl scale deploy web --replicas=2',
    expose: 'kubectl create service clusterip web --tcp=80:80',
    endpoints: `kubectl patch deployment web -p '{"spec":{"replicas":3}}'`,
    repair: 'kubectl delete service web; kubectl expose deployment web --port=80',
    ready: `kubectl patch deployment web --type=json -p '[{"op":"replace","path":"/spec/template/spec/containers/0/readinessProbe/httpGet/path","value":"/"}]'`,
    outside: `kubectl get service web -o json | jq '.metadata = {name: "web-outside"} | .spec = {type: "NodePort", selector: .spec.selector, ports: [{port: 80}]}' | kubectl create -f -`,
  },
  '4-rbac': {
    role: `printf 'apiVersion: rbac.authorization.k8s.io/v1\\nkind: Role\\nmetadata: {name: pod-reader, namespace: harbour}\\nrules: [{apiGroups: [""], resources: [pods], verbs: [watch, list, get]}]\\n' | kubectl apply -f -`,
    logs: `kubectl create role log-reader --verb=get --resource=deployments,pods/log -n harbour; kubectl create rolebinding mias-logs --role=log-reader --user=mia -n harbour`,
    clusterrole: `printf 'apiVersion: rbac.authorization.k8s.io/v1\\nkind: RoleBinding\\nmetadata: {name: team, namespace: harbour}\\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}\\nsubjects:\\n- {kind: User, name: anna, apiGroup: rbac.authorization.k8s.io}\\n- {kind: Group, name: dockers, apiGroup: rbac.authorization.k8s.io}\\n' | kubectl apply -f -`,
    act: `kubectl patch deployment boats --subresource=scale -p '{"spec":{"replicas":3}}' --type=merge -n harbour --as=system:serviceaccount:harbour:crane`,
    revoke: 'kubectl delete rolebindings --all -n harbour',
  },
  '5-configmaps': {
    create: `printf 'COLOUR=green\\nMESSAGE=All clear\\n' > signal.env; kubectl create configmap signal --from-env-file=signal.env`,
    unchanged: `kubectl get configmap signal -o yaml | sed 's/green/red/' | kubectl replace -f -`,
    restart: 'kubectl delete pod lamp --now; kubectl apply -f lamp.yaml',
    file: `kubectl create configmap page --from-literal=index.html='<h1>Welcome aboard</h1>'`,
    update: `kubectl patch configmap page -p '{"data":{"index.html":"Fair winds"}}'`,
    help: `printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: chart}\\ndata: {position: "54N"}\\n' | kubectl apply -f -`,
  },
  '6-jobs': {
    pod: `kubectl create job hello --image=busybox:1.37 --dry-run=client -o yaml -- echo ahoy | kubectl apply -f -`,
    why: `sed -i 's/exit 7/true/' leak.yaml; kubectl replace --force -f leak.yaml`,
    schedule: `kubectl create cronjob bell --image=busybox:1.37 --schedule='* * * * *' -- sh -c 'echo ding; date'`,
    suspend: `kubectl get cronjob bell -o yaml | sed 's/suspend: false/suspend: true/' | kubectl replace -f -`,
  },
  '7-deployments': {
    create: `kubectl create deployment ferry --image=nginx:1.27 --replicas=2; kubectl patch deployment ferry -p '{"spec":{"minReadySeconds":5}}'`,
    scale: 'kubectl scale deployment ferry --replicas=4',
    update: 'kubectl set image deployment/ferry "*=nginx:1.28"',
    undo: 'kubectl rollout undo deployment/ferry --to-revision=2',
    pause: `kubectl rollout pause deployment/ferry; kubectl set resources deployment/ferry --requests=cpu=0.05; kubectl patch deployment ferry -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","env":[{"name":"GREETING","value":"ahoy"}]}]}}}}'`,
    careful: `kubectl patch deployment ferry -p '{"spec":{"strategy":{"rollingUpdate":{"maxUnavailable":"0%"}}}}'; kubectl rollout restart deployment/ferry`,
  },
  '8-probes': {
    'ready-again': `POD=$(kubectl get pods -l app=beacon | grep 0/1 | cut -d ' ' -f 1); echo back > page.html; kubectl cp page.html "$POD":/usr/share/nginx/html/index.html`,
    liveness: `kubectl patch deployment beacon -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","livenessProbe":{"httpGet":{"path":"/","port":80},"periodSeconds":5,"failureThreshold":2}}]}}}}'`,
    calm: `kubectl delete pod nervous --now; sed -e 's/httpGet:/tcpSocket:/' -e '/path:/d' nervous.yaml | kubectl apply -f -`,
    'pre-stop': `kubectl patch deployment beacon -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","lifecycle":{"preStop":{"exec":{"command":["sleep","5"]}}}}]}}}}'`,
    'clean-up': 'kubectl delete deployment,service beacon; kubectl delete pod nervous slow crew --now',
  },
  '9-storage': {
    'two-places': `kubectl apply -f notes.yaml; kubectl wait --for=condition=Ready pod/notes; echo a | kubectl exec -i notes -- tee /usr/share/nginx/html/loose.txt; echo b > note.txt; kubectl cp note.txt notes:/usr/share/nginx/html/kept/note.txt`,
    gone: 'kubectl replace --force -f notes.yaml',
    claim: 'sed "s/1Gi/1024Mi/" cargo.yaml | kubectl apply -f -',
    retain: `kubectl get pv -o name | xargs -I{} kubectl patch {} --type=json -p '[{"op":"replace","path":"/spec/persistentVolumeReclaimPolicy","value":"Retain"}]'`,
    salvage: `kubectl patch "$(kubectl get pv -o name)" --type=json -p '[{"op":"remove","path":"/spec/claimRef"}]'; kubectl apply -f cargo.yaml -f reader.yaml`,
    repair: `kubectl delete -f spare.yaml --now; sed '/storageClassName/d' spare.yaml | kubectl apply -f -`,
  },
  '10-scheduling': {
    requests: 'sed "s/1200m/1.2/" crane.yaml | kubectl apply -f -',
    fit: 'sed -i -e "s/1200m/0.5/" -e "s/replicas: 2/replicas: 3/" crane.yaml; kubectl apply -f crane.yaml',
    toleration: `kubectl apply -f chartroom.yaml; kubectl patch pod chartroom -p '{"spec":{"tolerations":[{"key":"dedicated","operator":"Exists"}]}}'`,
    drain: 'kubectl cordon drydock-worker2; kubectl get pods --field-selector spec.nodeName=drydock-worker2 -o name | xargs kubectl delete --now',
    back: 'kubectl uncordon drydock-worker2; kubectl delete pods -l app=crane',
    budget: 'kubectl create poddisruptionbudget crane --selector=app=crane --max-unavailable=1; kubectl drain drydock-worker2 --ignore-daemonsets --force',
  },
}

const PATIENCE_MS = 240_000

for (const [file, ways] of Object.entries(WAYS)) {
  const lesson = parseLesson(`${file}.en.md`, fs.readFileSync(path.join(folder, `${file}.en.md`), 'utf8'))
  test(`${lesson.title}: other ways than the solutions are right, too`, async () => {
    expect(Object.keys(ways).filter((id) => !lesson.steps.some((step) => step.id === id))).toEqual([])
    const lab = await startLab(`ways of ${lesson.id}`)
    const refused: string[] = []
    for (const step of lesson.steps.filter(({ goals }) => goals.length > 0)) {
      const met = async () => Promise.all(step.goals.map((goal) => lab.met(goal)))
      for (const block of step.blocks) if (block.type === 'file') lab.writeFile(block.name, block.text)
      expect(await met(), `${step.id}: all goals are met before the learner acts`).toContain(false)
      const result = await lab.run(ways[step.id] ?? step.solution!, { withinMs: 300_000 })
      const deadlineMs = lab.cluster.clock.nowMs() + PATIENCE_MS
      while ((await met()).includes(false) && lab.cluster.clock.nowMs() < deadlineMs) await lab.cluster.clock.advance(1_000)
      const now = await met()
      for (const [i, goal] of step.goals.entries()) if (!now[i]) refused.push(`${step.id}: ${goal.text}\n${result.stdout}${result.stderr}`)
    }
    expect(refused).toEqual([])
    await lab.stop()
  }, 300_000)
}
