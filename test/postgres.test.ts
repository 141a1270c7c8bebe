import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

// What the image loads when it is needed takes real time, which a stepped clock would leap over.
import '../src/cluster/images/postgres/entrypoint.ts'
import '../src/cluster/images/postgres/initdb.ts'
import '../src/cluster/images/postgres/postgres-server.ts'
import '../src/cluster/images/postgres/psql.ts'
import '../src/cluster/images/postgres/small-tools.ts'
import '@electric-sql/pglite'
import '@electric-sql/pglite/memfs-frontend'
import '@electric-sql/pglite-prepopulatedfs'

const POSTGRES = `apiVersion: v1
kind: Secret
metadata:
  name: postgres
stringData:
  POSTGRES_USER: shop
  POSTGRES_PASSWORD: s3cret
  POSTGRES_DB: orders
---
apiVersion: v1
kind: Service
metadata:
  name: postgres
spec:
  ports: [{port: 5432}]
  selector: {app: postgres}
  clusterIP: None
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: postgres
spec:
  serviceName: postgres
  selector: {matchLabels: {app: postgres}}
  template:
    metadata: {labels: {app: postgres}}
    spec:
      containers:
      - name: postgres
        image: postgres:16
        ports: [{containerPort: 5432}]
        envFrom: [{secretRef: {name: postgres}}]
        env: [{name: PGDATA, value: /var/lib/postgresql/data/pgdata}]
        readinessProbe:
          exec: {command: [sh, -c, 'pg_isready -U "$POSTGRES_USER" -d "$POSTGRES_DB"']}
          periodSeconds: 2
        volumeMounts: [{name: data, mountPath: /var/lib/postgresql/data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
`

describe('PostgreSQL in a StatefulSet', () => {
  let lab: Lab
  beforeAll(async () => { lab = await startLab('postgres') })
  afterAll(() => lab.stop())

  it('takes its password from a Secret, keeps what its claim holds, and serves clients of other pods', async () => {
    lab.writeFile('postgres.yaml', POSTGRES)
    await lab.out('kubectl apply -f postgres.yaml && kubectl rollout status sts/postgres --timeout=180s')
    const inPod = (sql: string) => lab.out(`kubectl exec postgres-0 -- psql -U shop -d orders -c "${sql}"`)
    expect(await inPod("create table item (id serial primary key, name text not null); insert into item (name) values ('anchor'), ('rope')")).toBe('CREATE TABLE\nINSERT 0 2\n')
    await lab.out('kubectl delete pod postgres-0 && kubectl rollout status sts/postgres --timeout=180s')
    expect(await inPod('select * from item')).toBe(' id |  name  \n----+--------\n  1 | anchor\n  2 | rope\n(2 rows)\n\n')
    expect(await lab.out('kubectl logs postgres-0')).toMatch(/appears to contain a database; Skipping initialization\n[^]*database system is ready to accept connections\n/)
    const elsewhere = (password: string) => lab.run(`kubectl run client -i --rm --image=postgres:16-alpine --restart=Never --env=PGPASSWORD=${password} -- psql -h postgres -U shop orders -At -c "insert into item (name) values ('sail') returning id" -c 'select string_agg(name, chr(44) order by id) from item'`)
    expect((await elsewhere('s3cret')).stdout).toContain('3\nINSERT 0 1\nanchor,rope,sail\n')
    const refused = await elsewhere('guess')
    expect(refused.stdout + refused.stderr).toMatch(/psql: error: connection to server at "postgres" \(\d+(?:\.\d+){3}\), port 5432 failed: FATAL: {2}password authentication failed for user "shop"\n/)
    expect(refused.code).not.toBe(0)
    expect(await lab.out('kubectl logs postgres-0')).toContain('DETAIL:  Connection matched file "/var/lib/postgresql/data/pgdata/pg_hba.conf" line')
  }, 180_000)
})
