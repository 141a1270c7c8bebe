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
