import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

const MYSQL = `apiVersion: v1
kind: Service
metadata:
  name: mysql
spec:
  ports: [{port: 3306}]
  selector: {app: mysql}
  clusterIP: None
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: mysql-pv-claim
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 20Gi}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: mysql
spec:
  selector: {matchLabels: {app: mysql}}
  strategy: {type: Recreate}
  template:
    metadata: {labels: {app: mysql}}
    spec:
      containers:
      - name: mysql
        image: mysql:9
        env: [{name: MYSQL_ROOT_PASSWORD, value: password}]
        ports: [{containerPort: 3306, name: mysql}]
        livenessProbe: {tcpSocket: {port: 3306}, initialDelaySeconds: 30}
        volumeMounts: [{name: data, mountPath: /var/lib/mysql}]
      volumes:
      - name: data
        persistentVolumeClaim: {claimName: mysql-pv-claim}
`

describe('a database in a pod', () => {
  let lab: Lab
  beforeAll(async () => { lab = await startLab('databases') })
  afterAll(() => lab.stop())

  it('is MySQL on a volume, which a client in another pod reaches by its Service', async () => {
    lab.writeFile('mysql.yaml', MYSQL)
    await lab.out('kubectl apply -f mysql.yaml && kubectl rollout status deploy/mysql --timeout=180s')
    expect(await lab.out(`until kubectl run mysql-client -i --rm --image=mysql:9 --restart=Never -- mysql -h mysql -ppassword -e 'create database shop; create table shop.t (n int); insert into shop.t values (5)' >/dev/null 2>&1; do sleep 3; done; kubectl exec deploy/mysql -- sh -c 'mysql -uroot -p"$MYSQL_ROOT_PASSWORD" -e "select * from shop.t"' 2>/dev/null`)).toBe('n\n5\n')
    await lab.out('kubectl delete pod -l app=mysql && kubectl rollout status deploy/mysql --timeout=180s && sleep 20')
    expect(await lab.out(`kubectl run c -i --rm --image=mysql:9 --restart=Never -- mysql -h mysql -ppassword -e 'select * from shop.t' 2>/dev/null`)).toContain('n\n5\n')
    expect(await lab.out('kubectl logs deploy/mysql')).toMatch(/ready for connections. Version: '9.5.0'/)
  })
})

const mongo = (image: string, extra = '') => `apiVersion: v1
kind: Service
metadata:
  name: mongo
spec:
  ports: [{port: 27017, name: peer}]
  clusterIP: None
  selector: {app: mongo}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: mongo
spec:
  serviceName: mongo
  replicas: 3
  selector: {matchLabels: {app: mongo}}
  template:
    metadata: {labels: {app: mongo}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: mongodb
        image: ${image}
        command: [mongod, --replSet, rs0${image.includes('3.4') ? '' : ', --bind_ip_all'}]
        ports: [{containerPort: 27017, name: peer}]
${extra}`

describe('MongoDB in a StatefulSet', () => {
  let lab: Lab
  beforeAll(async () => { lab = await startLab('mongo') })
  afterAll(() => lab.stop())

  it('becomes a replica set by hand, which elects a primary, copies its data and survives its loss', async () => {
    lab.writeFile('mongo.yaml', mongo('mongo:8'))
    await lab.out('kubectl apply -f mongo.yaml && kubectl rollout status sts/mongo --timeout=300s; sleep 3')
    const sh = (pod: number, script: string) => lab.out(`kubectl exec mongo-${pod} -c mongodb -- mongosh --quiet --eval '${script}'`)
    expect(await sh(0, 'rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongo-0.mongo:27017" }] }).ok')).toBe('1\n')
    expect(await sh(0, 'rs.add("mongo-1.mongo:27017").ok')).toBe('1\n')
    expect(await sh(0, 'rs.add("mongo-2.mongo:27017").ok')).toBe('1\n')
    await lab.out('sleep 20')
    expect(await sh(0, 'rs.status().members.map(m => m.name + " " + m.stateStr).join("\\n")')).toBe('mongo-0.mongo:27017 PRIMARY\nmongo-1.mongo:27017 SECONDARY\nmongo-2.mongo:27017 SECONDARY\n')
    expect(await sh(0, 'db.a.insertOne({ _id: 1, from: "zero" })')).toBe('{ acknowledged: true, insertedId: 1 }\n')
    expect(await sh(0, 'db.b.insertOne({ _id: 1 }, { writeConcern: { w: 3 } })')).toBe('{ acknowledged: true, insertedId: 1 }\n')
    expect(await sh(0, 'db.runCommand({ insert: "b", documents: [{ _id: 2 }], writeConcern: { w: 4 } }).writeConcernError.errmsg')).toBe('Not enough data-bearing nodes\n')
    await lab.out('sleep 3')
    expect(await sh(2, 'db.a.find()')).toBe("[ { _id: 1, from: 'zero' } ]\n")
    expect((await lab.run(`kubectl exec mongo-1 -c mongodb -- mongosh --quiet --eval 'db.a.insertOne({ _id: 2 })'`)).stderr).toContain('MongoServerError[NotWritablePrimary]: not primary\n')
    expect(await lab.out(`kubectl exec mongo-2 -c mongodb -- mongosh --quiet 'mongodb://mongo-9.mongo,mongo-1.mongo/test?replicaSet=rs0' --eval 'db.hello().me'`)).toBe('mongo-0.mongo:27017\n')
    await lab.out('kubectl delete pod mongo-0 --grace-period=0 --force 2>/dev/null; sleep 45; kubectl rollout status sts/mongo --timeout=300s')
    const primary = (await sh(1, 'db.hello().primary')).trim()
    expect(primary).toMatch(/^mongo-[12]\.mongo:27017$/)
    expect(await sh(Number(primary[6]), 'db.a.insertOne({ _id: 3, from: "new primary" })')).toBe('{ acknowledged: true, insertedId: 3 }\n')
    // Its disk was the container's: it has copied everything anew.
    await lab.out('sleep 20')
    expect(await sh(0, 'db.a.countDocuments()')).toBe('2\n')
  }, 60_000)
})

const INIT = `#!/bin/bash
until ping -c 1 \${HOSTNAME}.mongo; do
  echo "waiting for DNS (\${HOSTNAME}.mongo) ..."
  sleep 2
done
until /usr/bin/mongo --eval 'printjson(db.serverStatus())'; do
  echo "connecting to local mongo ..."
  sleep 2
done
HOST=mongo-0.mongo:27017
until /usr/bin/mongo --host=\${HOST} --eval 'printjson(db.serverStatus())'; do
  echo "connecting to remote mongo ..."
  sleep 2
done
if [[ "\${HOSTNAME}" != 'mongo-0' ]]; then
  until /usr/bin/mongo --host=\${HOST} --eval="printjson(rs.status())" | grep -v "no replset config has been received"; do
    echo "waiting for the replica set"
    sleep 2
  done
  echo "adding self to mongo-0"
  /usr/bin/mongo --host=\${HOST} --eval="printjson(rs.add('\${HOSTNAME}.mongo'))"
fi
if [[ "\${HOSTNAME}" == 'mongo-0' ]]; then
  echo "initializing replica set"
  /usr/bin/mongo --eval="printjson(rs.initiate({'_id': 'rs0', 'members': [{'_id': 0, 'host': 'mongo-0.mongo:27017'}]}))"
fi
echo "initialized"
while true; do
  sleep 3600
done
`

describe('MongoDB with a script that registers its members', () => {
  let lab: Lab
  beforeAll(async () => { lab = await startLab('mongo-init') })
  afterAll(() => lab.stop())

  it('has three members without a word typed, with the shell of its time', async () => {
    lab.writeFile('init.sh', INIT)
    lab.writeFile('mongo.yaml', mongo('mongo:3.4.1', `        livenessProbe:
          exec: {command: [/usr/bin/mongo, --eval, db.serverStatus()]}
          initialDelaySeconds: 10
          periodSeconds: 30
          timeoutSeconds: 10
        volumeMounts: [{name: database, mountPath: /data/db}]
      - name: init-mongo
        image: mongo:3.4.1
        command: [bash, /config/init.sh]
        volumeMounts: [{name: config, mountPath: /config}]
      volumes:
      - name: config
        configMap: {name: mongo-init}
  volumeClaimTemplates:
  - metadata: {name: database}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
`))
    await lab.out('kubectl create configmap mongo-init --from-file=init.sh && kubectl apply -f mongo.yaml && kubectl rollout status sts/mongo --timeout=300s; sleep 25')
    expect(await lab.out('kubectl get pods')).toMatch(/mongo-0 +2\/2 +Running +0 .*\nmongo-1 +2\/2 +Running +0 .*\nmongo-2 +2\/2 +Running +0 /)
    expect(await lab.out(`kubectl exec mongo-0 -c mongodb -- mongo --quiet --eval 'rs.status().members.forEach(function (m) { print(m.name + " " + m.stateStr) })'`)).toBe('mongo-0.mongo:27017 PRIMARY\nmongo-1.mongo:27017 SECONDARY\nmongo-2.mongo:27017 SECONDARY\n')
    expect(await lab.out('kubectl logs mongo-1 -c init-mongo')).toMatch(/adding self to mongo-0\nMongoDB shell version v3\.4\.1\n[^]*\{ "ok" : 1 \}\ninitialized\n$/)
    await lab.out(`kubectl exec mongo-0 -c mongodb -- mongo --quiet --eval 'db.a.insert({ _id: 1 })'; kubectl delete sts mongo; kubectl wait --for=delete pod --all --timeout=120s; kubectl apply -f mongo.yaml; kubectl rollout status sts/mongo --timeout=300s; sleep 25`)
    expect(await lab.out(`kubectl exec mongo-2 -c mongodb -- mongo --quiet --eval 'rs.slaveOk(); printjson(db.a.findOne())'`)).toBe('{ "_id" : 1 }\n')
  }, 60_000)
})
