import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

const config = (database: string) => `var path = require('path'),
    config;

config = {
  development: {
    url: 'http://localhost:2368',
    database: ${database},
    server: { host: '0.0.0.0', port: '2368' },
    paths: { contentPath: path.join(process.env.GHOST_CONTENT, '/') }
  }
};

module.exports = config;
`
const SQLITE = `{ client: 'sqlite3', connection: { filename: path.join(process.env.GHOST_CONTENT, '/data/ghost-dev.db') }, debug: false }`
const MYSQL = `{ client: 'mysql', connection: { host: 'mysql', user: 'root', password: 'root', database: 'ghost_db', charset: 'utf8' } }`
const ghost = (map: string, replicas = 1) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ghost}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {run: ghost}}
  template:
    metadata: {labels: {run: ghost}}
    spec:
      containers:
      - image: ghost
        name: ghost
        command:
        - sh
        - -c
        - cp /ghost-config/ghost-config.js /var/lib/ghost/config.js
          && /usr/local/bin/docker-entrypoint.sh node current/index.js
        volumeMounts: [{mountPath: /ghost-config, name: config}]
      volumes: [{name: config, configMap: {defaultMode: 420, name: ${map}}}]
`
const SET_UP = `curl -s -H 'content-type: application/json' -d '{"setup":[{"name":"Ada","email":"ada@example.com","password":"correct horse","blogTitle":"Docks"}]}'`

describe('Ghost', () => {
  let lab: Lab
  beforeAll(async () => { lab = await startLab('ghost') })
  afterAll(() => lab.stop())
  const proxied = 'localhost:8001/api/v1/namespaces/default/services/ghost/proxy'
  const viaProxy = (script: string) => lab.out(`kubectl proxy >/dev/null & sleep 1; ${script}; kill %1`)
  const post = (title: string) => `curl -s -b jar -H 'origin: http://localhost' -H 'content-type: application/json' -d '{"posts":[{"title":"${title}","html":"<p>Text of ${title}</p>","status":"published","tags":["Sea"]}]}' '${proxied}/ghost/api/admin/posts/?source=html'`
  const signIn = `curl -s -c jar -H 'origin: http://localhost' -H 'content-type: application/json' -d '{"username":"ada@example.com","password":"correct horse"}' ${proxied}/ghost/api/admin/session/`

  it('keeps posts in SQLite as long as its container lives, behind the proxy of the API server', async () => {
    lab.writeFile('ghost-config.js', config(SQLITE))
    lab.writeFile('ghost.yaml', ghost('ghost-config'))
    await lab.out('kubectl create cm --from-file ghost-config.js ghost-config && kubectl apply -f ghost.yaml && kubectl rollout status deploy/ghost --timeout=180s && kubectl expose deployments ghost --port=2368; sleep 8')
    const log = await lab.out('kubectl logs deploy/ghost')
    expect(log).toMatch(/INFO Ghost is running in production\.\.\.\n\[.*\] INFO Your site is now available on http:\/\/localhost:2368\/\n\[.*\] INFO Ctrl\+C to shut down\n\[.*\] INFO Ghost server started in 0\.\d+s\n\[.*\] WARN Database state requires initialisation\.\n\[.*\] INFO Creating table: posts\n/)
    expect(log).toMatch(/INFO Ghost booted in/)
    const front = await viaProxy(`curl -s ${proxied}/`)
    expect(front).toContain('<a href="/api/v1/namespaces/default/services/ghost/proxy/coming-soon/">Coming soon</a>')
    expect(await viaProxy(`curl -s ${proxied}/coming-soon/`)).toContain('There is nothing here yet')
    expect(await viaProxy(`curl -s -o /dev/null -w '%{http_code}' ${proxied}/nothing/`)).toBe('404')
    expect(JSON.parse(await viaProxy(`${SET_UP.replace('correct horse', 'short')} ${proxied}/ghost/api/admin/authentication/setup/`))).toMatchObject({ errors: [{ type: 'ValidationError', context: 'Your password must be at least 10 characters long.' }] })
    expect(JSON.parse(await viaProxy(`${SET_UP} ${proxied}/ghost/api/admin/authentication/setup/`))).toMatchObject({ users: [{ name: 'Ada', slug: 'ada' }] })
    expect(JSON.parse(await viaProxy(`curl -s ${proxied}/ghost/api/admin/posts/`))).toMatchObject({ errors: [{ type: 'NoPermissionError', message: 'Authorization failed' }] })
    expect(await viaProxy(signIn)).toBe('Created')
    expect(JSON.parse(await viaProxy(post('Kiel')))).toMatchObject({ posts: [{ title: 'Kiel', slug: 'kiel', status: 'published', tags: [{ slug: 'sea' }] }] })
    expect(await viaProxy(`curl -s ${proxied}/tag/sea/`)).toContain('Text of Kiel')
    expect(await lab.out('kubectl exec deploy/ghost -- sh -c "head -c 15 content/data/ghost-dev.db; stat -c %U content/data/ghost-dev.db"')).toBe('SQLite format 3node\n')
    await lab.out('kubectl exec deploy/ghost -- node -p 1+1')
    await lab.out('kubectl delete pod -l run=ghost && kubectl rollout status deploy/ghost; sleep 8')
    const after = await viaProxy(`curl -s ${proxied}/`)
    expect(after).toContain('Coming soon')
    expect(after).not.toContain('Kiel')
  }, 60_000)

  it('keeps them in MySQL, seen by three pods, and ends with 2 while there is no database', async () => {
    lab.writeFile('ghost-config.js', config(MYSQL))
    lab.writeFile('ghost.yaml', ghost('ghost-config-mysql'))
    await lab.out('kubectl create cm ghost-config-mysql --from-file ghost-config.js && kubectl apply -f ghost.yaml; sleep 25')
    const failed = await lab.out('kubectl logs $(kubectl get pod -l run=ghost --sort-by=.metadata.creationTimestamp -o name | tail -1)')
    expect(failed).toMatch(/ERROR getaddrinfo ENOTFOUND mysql\n\ngetaddrinfo ENOTFOUND mysql\n\n"Unknown database error"\n\nError ID:\n {4}500\n\nError Code: \n {4}ENOTFOUND\n/)
    expect(failed).toMatch(/WARN Ghost is shutting down\n.*WARN Ghost has shut down\n.*WARN Your site is now offline\n.*WARN Ghost was running for a few seconds\n$/)
    expect(await lab.out(`kubectl get pod -l run=ghost --sort-by=.metadata.creationTimestamp -o jsonpath='{.items[-1:].status.containerStatuses[0]..exitCode}'`)).toMatch(/^2( 2)?$/)
    await lab.out('kubectl create deployment mysql --image=mysql:8.0 --dry-run=client -o yaml | kubectl set env --local -f - MYSQL_ROOT_PASSWORD=root -o yaml | kubectl apply -f - && kubectl expose deploy mysql --port=3306 && kubectl rollout status deploy/mysql --timeout=180s; sleep 15')
    await lab.out(`echo 'create database ghost_db;' | kubectl exec -i deploy/mysql -- mysql -u root -proot 2>/dev/null; kubectl rollout restart deploy/ghost && kubectl rollout status deploy/ghost --timeout=180s; sleep 40; kubectl get pods -l run=ghost`)
    expect(await viaProxy(`${SET_UP} ${proxied}/ghost/api/admin/authentication/setup/`)).toContain('"Ada"')
    expect(await viaProxy(`${signIn}; ${post('Hamburg')}`)).toContain('"slug":"hamburg"')
    await lab.out('kubectl scale deploy/ghost --replicas=3 && kubectl rollout status deploy/ghost --timeout=120s; sleep 10')
    for (const pod of (await lab.out(`kubectl get pods -l run=ghost --field-selector=status.phase=Running -o jsonpath='{.items[*].metadata.name}'`)).split(' ')) expect(await viaProxy(`curl -s localhost:8001/api/v1/namespaces/default/pods/${pod}:2368/proxy/`)).toContain('Hamburg')
    await lab.out('kubectl delete pods -l run=ghost; kubectl rollout status deploy/ghost --timeout=120s; sleep 10')
    expect(await viaProxy(`curl -s ${proxied}/`)).toContain('Hamburg')
    expect(await lab.out(`kubectl exec deploy/mysql -- mysql -uroot -proot -Ne "select title from posts where status = 'published' order by title" ghost_db 2>/dev/null`)).toBe('Coming soon\nHamburg\n')
    const made = JSON.parse(await viaProxy(`curl -s -b jar -H 'origin: http://localhost' -H 'content-type: application/json' -d '{"integrations":[{"name":"Shop"}]}' ${proxied}/ghost/api/admin/integrations/`)) as { integrations: { api_keys: { type: string; secret: string }[] }[] }
    const key = made.integrations[0]!.api_keys.find((each) => each.type === 'content')!.secret
    expect(JSON.parse(await viaProxy(`curl -s '${proxied}/ghost/api/content/posts/?key=${key}&filter=tag:sea'`))).toMatchObject({ posts: [{ title: 'Hamburg', html: '<p>Text of Hamburg</p>' }], meta: { pagination: { total: 1 } } })
    expect(JSON.parse(await viaProxy(`curl -s '${proxied}/ghost/api/content/posts/?key=0'`))).toMatchObject({ errors: [{ code: 'UNKNOWN_CONTENT_API_KEY' }] })
  }, 60_000)

  it('has pages to set it up and to write with, and the settings of the environment', async () => {
    await lab.out('kubectl run old --image=ghost:4 --port=2368 --env=url=https://blog.example && kubectl run blog --image=ghost:4-alpine --env=url=http://blog.example --env=server__port=80 && kubectl wait --for=condition=Ready pod/blog pod/old --timeout=120s; sleep 10')
    const forward = (script: string) => lab.out(`kubectl port-forward pod/blog 8080:80 >/dev/null & kubectl port-forward pod/old 8081:2368 >/dev/null & sleep 2; ${script}; kill %1 %2`)
    expect(await forward('curl -s localhost:8081/ -o /dev/null -w "%{http_code} %{redirect_url}"; curl -sI localhost:8081/ | grep -i location; curl -s -H "x-forwarded-proto: https" localhost:8081/ | grep -c Coming')).toMatch(/301[\s\S]*https:\/\/blog\.example\/[\s\S]*1\n$/)
    expect(await forward(`curl -sL localhost:8080/ghost | grep -c 'Welcome to Ghost'; curl -sL -c jar2 -b jar2 -d action=setup -d blogTitle=Home -d name=Eva -d email=eva@example.com -d 'password=long enough' localhost:8080/ghost/ | grep '<h1>'`)).toMatch(/^1\n.*<h1>Home<\/h1>/)
  }, 60_000)
})
