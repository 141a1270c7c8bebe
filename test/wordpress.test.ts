import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

const database = (image: string) => `apiVersion: v1
kind: Service
metadata: {name: wordpress-mysql, labels: {app: wordpress}}
spec:
  ports: [{port: 3306}]
  selector: {app: wordpress, tier: mysql}
  clusterIP: None
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: mysql-pv-claim, labels: {app: wordpress}}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 20Gi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: wordpress-mysql, labels: {app: wordpress}}
spec:
  selector: {matchLabels: {app: wordpress, tier: mysql}}
  strategy: {type: Recreate}
  template:
    metadata: {labels: {app: wordpress, tier: mysql}}
    spec:
      containers:
      - image: ${image}
        name: mysql
        env:
        - {name: MYSQL_ROOT_PASSWORD, value: secret}
        - {name: MYSQL_DATABASE, value: wordpress}
        - {name: MYSQL_USER, value: wordpress}
        - {name: MYSQL_PASSWORD, value: secret}
        ports: [{containerPort: 3306, name: mysql}]
        volumeMounts: [{name: data, mountPath: /var/lib/mysql}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: mysql-pv-claim}}]
`
const blog = (image: string, user: string) => `apiVersion: v1
kind: Service
metadata: {name: wordpress, labels: {app: wordpress}}
spec:
  ports: [{port: 80, nodePort: 30080}]
  selector: {app: wordpress, tier: frontend}
  type: NodePort
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: wp-pv-claim, labels: {app: wordpress}}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 20Gi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: wordpress, labels: {app: wordpress}}
spec:
  selector: {matchLabels: {app: wordpress, tier: frontend}}
  strategy: {type: Recreate}
  template:
    metadata: {labels: {app: wordpress, tier: frontend}}
    spec:
      containers:
      - image: ${image}
        name: wordpress
        env:
        - {name: WORDPRESS_DB_HOST, value: wordpress-mysql}
        - {name: WORDPRESS_DB_PASSWORD, value: secret}
        - {name: WORDPRESS_DB_USER, value: ${user}}
        ports: [{containerPort: 80, name: wordpress}]
        volumeMounts: [{name: data, mountPath: /var/www/html}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: wp-pv-claim}}]
`

const INSTALL = `--data-urlencode 'weblog_title=My <Blog>' -d user_name=admin -d 'admin_password=s3cret!' -d 'admin_password2=s3cret!' -d admin_email=me@example.com`

describe('WordPress and MySQL with volumes', () => {
  let lab: Lab
  beforeAll(async () => { lab = await startLab('wordpress') })
  afterAll(() => lab.stop())

  it('is installed by its page, keeps posts and comments in MySQL, and says when the database is away', async () => {
    lab.writeFile('mysql.yaml', database('mysql:8.0'))
    lab.writeFile('wordpress.yaml', blog('wordpress:6.2.1-apache', 'wordpress'))
    await lab.out('kubectl apply -f wordpress.yaml && kubectl rollout status deploy/wordpress --timeout=180s')
    const node = (await lab.out(`kubectl get nodes -o jsonpath='{.items[0].status.addresses[0].address}'`)).trim()
    const url = `http://${node}:30080`
    expect(await lab.out('kubectl logs deploy/wordpress')).toMatch(/WordPress not found in \/var\/www\/html - copying now...\nComplete! WordPress has been successfully copied to \/var\/www\/html\nNo 'wp-config.php' found in \/var\/www\/html, but 'WORDPRESS_...' variables supplied; copying 'wp-config-docker.php' \(.*WORDPRESS_DB_HOST WORDPRESS_DB_PASSWORD WORDPRESS_DB_USER.*\)\nAH00558/)
    expect(await lab.out(`curl -s -w '%{http_code}' ${url}/`)).toMatch(/<h1>Error establishing a database connection<\/h1>[\s\S]*500$/)
    expect(await lab.out(`curl -s ${url}/wp-admin/install.php`)).toContain('The database server <code>wordpress-mysql</code> does not answer')
    await lab.out('kubectl apply -f mysql.yaml && kubectl rollout status deploy/wordpress-mysql --timeout=180s; sleep 20')
    expect(await lab.out(`curl -s -o /dev/null -w '%{http_code}' ${url}/; curl -sI ${url}/ | grep -i ^location`)).toBe(`302Location: ${url}/wp-admin/install.php\r\n`)
    expect(await lab.out(`curl -sL ${url}/`)).toContain('famous five-minute WordPress installation')
    expect(await lab.out(`curl -s ${INSTALL} '${url}/wp-admin/install.php?step=2'`)).toContain('<h1>Success!</h1>')
    expect(await lab.out(`curl -s ${INSTALL} '${url}/wp-admin/install.php?step=2'`)).toContain('Already Installed')
    expect(await lab.out(`kubectl exec deploy/wordpress-mysql -- mysql -uwordpress -psecret -Ne 'show tables' wordpress 2>/dev/null`)).toBe(['commentmeta', 'comments', 'links', 'options', 'postmeta', 'posts', 'term_relationships', 'term_taxonomy', 'termmeta', 'terms', 'usermeta', 'users'].map((name) => `wp_${name}\n`).join(''))
    const front = await lab.out(`curl -s ${url}/`)
    expect(front).toContain('<title>My &lt;Blog&gt;</title>')
    expect(front).toContain('>Hello world!</a>')

    expect(await lab.out(`curl -s -d log=admin -d pwd=wrong ${url}/wp-login.php`)).toContain('The password you entered for the username <strong>admin</strong> is incorrect.')
    expect(await lab.out(`curl -s -o /dev/null -w '%{http_code}' ${url}/wp-admin/`)).toBe('302')
    expect(await lab.out(`curl -s -L -c jar -b jar -d log=admin --data-urlencode 'pwd=s3cret!' ${url}/wp-login.php`)).toContain('Howdy, admin')
    expect((await lab.run(`curl -s -b jar -d action=editpost -d post_ID=0 -d post_title=No -d content=x ${url}/wp-admin/post.php`)).stdout).toContain('The link you followed has expired.')
    expect(await lab.out(`nonce=$(curl -s -b jar ${url}/wp-admin/post-new.php | sed -n 's/.*_wpnonce" value="\\([^"]*\\)".*/\\1/p'); curl -s -L -b jar -d action=editpost -d post_ID=0 -d post_type=post --data-urlencode 'post_title=Ships & harbours' --data-urlencode 'content=About
drydocks.' -d publish=Publish -d _wpnonce=$nonce ${url}/wp-admin/post.php`)).toContain('Post published.')
    expect(await lab.out(`curl -s ${url}/ | grep -c 'Ships &amp; harbours'`)).toBe('1\n')
    expect(JSON.parse(await lab.out(`curl -s '${url}/wp-json/wp/v2/posts?per_page=1'`))).toMatchObject([{ id: 4, title: { rendered: 'Ships & harbours' }, slug: 'ships-harbours', status: 'publish' }])
    expect(JSON.parse(await lab.out(`curl -s -H 'content-type: application/json' -d '{"title":"x"}' ${url}/wp-json/wp/v2/posts`))).toMatchObject({ code: 'rest_cannot_create', data: { status: 401 } })

    expect(await lab.out(`curl -s -o /dev/null -w '%{http_code}' -d comment_post_ID=4 --data-urlencode 'comment=<b>Fine</b>' -d author=Eva -d email=eva@example.com ${url}/wp-comments-post.php`)).toBe('302')
    expect(await lab.out(`curl -sL '${url}/?p=4' | grep -c Fine; true`)).toBe('0\n')
    await lab.out(`nonce=$(curl -s -b jar ${url}/wp-admin/edit-comments.php | sed -n 's/.*_wpnonce" value="\\([^"]*\\)"><input type="hidden" name="c" value="2".*/\\1/p' | head -1); curl -s -b jar -d action=approve -d c=2 -d _wpnonce=$nonce ${url}/wp-admin/edit-comments.php`)
    expect(await lab.out(`curl -sL '${url}/?p=4'`)).toContain('&lt;b&gt;Fine&lt;/b&gt;')

    await lab.out(`nonce=$(curl -s -b jar ${url}/wp-admin/users.php | sed -n 's/.*_wpnonce" value="\\([^"]*\\)".*/\\1/p' | head -1); curl -s -b jar -d user_login=eva -d email=eva@example.com -d pass1=s3cret -d role=author -d _wpnonce=$nonce ${url}/wp-admin/users.php`)
    const asEva = async (path: string, body: string) => JSON.parse(await lab.out(`curl -s -u eva:s3cret -H 'content-type: application/json' -d '${body}' ${url}/wp-json/wp/v2/${path}`)) as object
    const own = await asEva('posts', '{"title":"Mine","status":"draft"}') as { id: number }
    expect(await asEva(`posts/${own.id}`, '{"title":"Still mine"}')).toMatchObject({ title: { rendered: 'Still mine' } })
    expect(await asEva('posts/4', '{"title":"Hers"}')).toMatchObject({ code: 'rest_cannot_edit', data: { status: 403 } })

    await lab.out('kubectl delete pod -l app=wordpress && kubectl rollout status deploy/wordpress-mysql --timeout=180s && kubectl rollout status deploy/wordpress --timeout=180s; sleep 25')
    expect(await lab.out(`curl -s ${url}/ | grep -c 'Ships &amp; harbours'`)).toBe('1\n')
    expect(await lab.out(`curl -s -L -b jar ${url}/wp-admin/`)).toContain('Howdy, admin')
    expect(await lab.out('kubectl logs deploy/wordpress')).toMatch(/"GET \/ HTTP\/1.1" 200 \d+ "-" "curl/)
    await lab.out('kubectl scale deploy/wordpress-mysql --replicas=0; sleep 35')
    expect(await lab.out(`curl -s -w '%{http_code}' ${url}/`)).toMatch(/Error establishing a database connection[\s\S]*500$/)
  }, 60_000)
})

describe("WordPress's older image", () => {
  let lab: Lab
  beforeAll(async () => { lab = await startLab('wordpress-4') })
  afterAll(() => lab.stop())

  it('makes its database itself and tells of every failed try', async () => {
    lab.writeFile('mysql.yaml', database('mysql:5.6').replace('        - {name: MYSQL_DATABASE, value: wordpress}\n', ''))
    lab.writeFile('wordpress.yaml', blog('wordpress:4.8-apache', 'root'))
    await lab.out('kubectl apply -f mysql.yaml; sleep 2; kubectl apply -f wordpress.yaml; sleep 90')
    const log = await lab.out('kubectl logs deploy/wordpress')
    expect(log).toMatch(/\nWarning: mysqli::__construct\(\): \(HY000\/2002\): (.*) in Standard input code on line 22\n\nMySQL Connection Error: \(2002\) \1\n[\s\S]*AH00163: Apache\/2.4.10/)
    expect(await lab.out(`kubectl exec deploy/wordpress-mysql -- mysql -psecret -Ne 'show databases' 2>/dev/null`)).toContain('wordpress\n')
    expect(await lab.out(`kubectl exec deploy/wordpress -- grep DB_USER wp-config.php`)).toBe("define( 'DB_USER', 'root' );\n")
    lab.writeFile('own.php', `<?php\ndefine('DB_NAME', 'word' . 'press'); define( "DB_USER", getenv('WORDPRESS_DB_USER') ); // define('DB_USER', 'no');\ndefine('DB_PASSWORD', strrev('terces'));\n$table_prefix = 'x_';\n`)
    expect(await lab.out(`pod=$(kubectl get pod -l tier=frontend -o name | cut -d/ -f2); kubectl cp own.php $pod:/var/www/html/wp-config.php; kubectl port-forward $pod 8080:80 >/dev/null & sleep 2; curl -s localhost:8080/; kill %1`)).toContain('wp-config.php: the expression strrev(&#039;terces&#039;) is not evaluated here')
  }, 60_000)
})
