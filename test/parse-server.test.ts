import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/parse-server/server.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('parse') })
afterAll(() => lab.stop())

const server = (image: string, extra = '') => `apiVersion: apps/v1
kind: Deployment
metadata: {name: parse-server}
spec:
  replicas: 1
  selector: {matchLabels: {run: parse-server}}
  template:
    metadata: {labels: {run: parse-server}}
    spec:
      containers:
      - name: parse-server
        image: ${image}
        env:
        - {name: PARSE_SERVER_DATABASE_URI, value: "mongodb://mongo-0.mongo:27017/dev?replicaSet=rs0"}
        - {name: PARSE_SERVER_APPLICATION_ID, value: my-app-id}
        - {name: PARSE_SERVER_MASTER_KEY, value: my-master-key}
${extra}`
const MONGO = `apiVersion: v1
kind: Service
metadata: {name: mongo}
spec: {ports: [{port: 27017, name: peer}], clusterIP: None, selector: {app: mongo}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: mongo}
spec:
  serviceName: mongo
  selector: {matchLabels: {app: mongo}}
  template:
    metadata: {labels: {app: mongo}}
    spec: {containers: [{name: mongodb, image: "mongo:8", command: [mongod, --replSet, rs0, --bind_ip_all], ports: [{containerPort: 27017}]}]}
`

test('Parse Server keeps objects and users in a replica set of MongoDB, and ends without one', async () => {
  lab.writeFile('parse.yaml', server('parseplatform/parse-server:8'))
  await lab.out('kubectl apply -f parse.yaml; sleep 60')
  expect(await lab.out(`kubectl get pod -l run=parse-server -o jsonpath='{.items[0].status.containerStatuses[0]..exitCode}'`)).toMatch(/^1( 1)?$/)
  expect(await lab.out('kubectl logs -l run=parse-server --previous')).toMatch(/appId: my-app-id\n[\s\S]*masterKey: \*\*\*REDACTED\*\*\*\n[\s\S]*MongoServerSelectionError: getaddrinfo ENOTFOUND mongo-0\.mongo\n$/)
  lab.writeFile('mongo.yaml', MONGO)
  lab.writeFile('parse.yaml', server('parseplatform/parse-server:6'))
  await lab.out(`kubectl apply -f mongo.yaml && kubectl rollout status sts/mongo --timeout=110s; sleep 3; kubectl exec mongo-0 -- mongosh --quiet --eval 'rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongo-0.mongo:27017" }] })' >/dev/null`)
  await lab.out('sleep 15; kubectl apply -f parse.yaml && kubectl rollout status deploy/parse-server --timeout=100s; sleep 5')
  await lab.out('kubectl expose deploy parse-server --port=1337')
  expect(await lab.out('kubectl logs deploy/parse-server')).toContain('[1] parse-server running on http://localhost:1337/parse\n')
  const ask = (path: string, args = '', id = 'my-app-id') => lab.out(`kubectl port-forward svc/parse-server 1337 >/dev/null & sleep 2; curl -s -g -H 'X-Parse-Application-Id: ${id}' ${args} 'localhost:1337/parse/${path}'; kill %1`).then((text) => JSON.parse(text) as Record<string, unknown>)
  expect(await ask('classes/GameScore', '', 'wrong')).toEqual({ error: 'unauthorized' })
  const made = await ask('classes/GameScore', `-d '{"score":1337,"playerName":"Sean"}' -H 'content-type: application/json'`)
  expect(made).toEqual({ objectId: expect.stringMatching(/^\w{10}$/) as string, createdAt: expect.any(String) as string })
  const id = String(made.objectId)
  expect(await ask(`classes/GameScore/${id}`, `-X PUT -d '{"score":{"__op":"Increment","amount":1}}'`)).toMatchObject({ score: 1338 })
  expect(await ask('classes/GameScore?where={"score":{"$gt":1000}}&count=1')).toMatchObject({ results: [{ objectId: id, score: 1338, playerName: 'Sean' }], count: 1 })
  expect(await ask('classes/GameScore?where={"score":{"$gt":2000}}')).toEqual({ results: [] })
  expect(await ask('classes/GameScore', `-d '{"score":"many"}'`)).toEqual({ code: 111, error: 'schema mismatch for GameScore.score; expected Number but got String' })
  expect(await ask('classes/GameScore/nothing')).toEqual({ code: 101, error: 'Object not found.' })
  const user = await ask('users', `-d '{"username":"ada","password":"secret"}'`)
  expect(await ask('users', `-d '{"username":"ada","password":"other"}'`)).toEqual({ code: 202, error: 'Account already exists for this username.' })
  expect(await ask('users/me', `-H 'X-Parse-Session-Token: ${String(user.sessionToken)}'`)).toMatchObject({ username: 'ada' })
  expect(await ask('login?username=ada&password=wrong')).toEqual({ code: 101, error: 'Invalid username/password.' })
  expect(JSON.stringify(await ask('login?username=ada&password=secret'))).not.toContain('assword')
  await ask(`users/${String(user.objectId)}`, `-X PUT -d '{"password":"changed"}' -H 'X-Parse-Session-Token: ${String(user.sessionToken)}'`)
  expect(await ask('login?username=ada&password=secret')).toMatchObject({ code: 101 })
  expect(JSON.stringify(await ask('login?username=ada&password=changed'))).toMatch(/"username":"ada"(?!.*changed)/)
  expect(await ask('classes/GameScore?where={"_hashed_password":{"$regex":"a"}}')).toMatchObject({ code: 105 })
  expect(await lab.out(`kubectl exec mongo-0 -- mongosh --quiet dev --eval 'db.GameScore.findOne({}, { _id: 0, score: 1, playerName: 1 })'`)).toBe("{ score: 1338, playerName: 'Sean' }\n")
  await lab.out('kubectl delete pod -l run=parse-server >/dev/null; kubectl rollout status deploy/parse-server --timeout=60s >/dev/null; sleep 5')
  expect(await ask(`classes/GameScore/${id}`)).toMatchObject({ score: 1338 })
}, 60_000)
