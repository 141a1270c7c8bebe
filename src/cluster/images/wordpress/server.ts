import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { httpRequest } from '../../../base/http.ts'
import { joinPath } from '../../../unix/path.ts'
import { apacheLog, apacheNotFound, runApache } from '../apache/apache.ts'
import type { ApacheAnswer } from '../apache/apache.ts'
import { contentType } from '../http/content-type.ts'
import type { MysqlSession } from '../mysql/mysql-session.ts'
import { html } from '../web/html.ts'
import { addressOf, readCookies, readForm } from '../web/read-form.ts'
import { admin } from './admin.ts'
import { front, postComment } from './front.ts'
import { ConfigurationError, readConfiguration } from './configuration.ts'
import { DatabaseDown, connect, splitHost } from './database.ts'
import { configText } from './files.ts'
import { install } from './install.ts'
import { login } from './login.ts'
import { boxPage, diePage } from './pages.ts'
import { restAnswer } from './rest.ts'
import { Site } from './site.ts'
import { page, redirect } from './visit.ts'
import type { Visit } from './visit.ts'
import type { WordpressRelease } from './wordpress.ts'

/** Apache with WordPress behind it. */
export async function wordpressServer(proc: Proc, release: WordpressRelease): Promise<number> {
  proc.useMemory(58 * 2 ** 20)
  proc.useCpuSteadily(1)
  const ip = proc.net.addresses[0] ?? '127.0.0.1'
  for (let i = 0; i < 2; i++) await proc.stderr.write(`AH00558: apache2: Could not reliably determine the server's fully qualified domain name, using ${ip}. Set the 'ServerName' directive globally to suppress this message\n`)
  return runApache(proc, { server: `Apache/${release.apache} (Debian)`, modules: `PHP/${release.php}`, commandLine: 'apache2 -D FOREGROUND', answer: (request, _, peer) => answer(proc, release, request, peer) })
}

async function answer(proc: Proc, release: WordpressRelease, request: HttpRequest, peer: HttpPeer): Promise<ApacheAnswer> {
  proc.useCpu(25e6)
  const visit: Visit = { request, address: addressOf(request), form: await readForm(request), cookies: readCookies(request), peer }
  let path = visit.address.pathname
  try { path = decodeURIComponent(path) } catch { return apacheNotFound() }
  const file = joinPath(proc.cwd, path)
  const isFile = proc.fs.exists(file) && proc.fs.stat(file).type === 'file'
  const isDirectory = path !== '/' && proc.fs.exists(file) && proc.fs.stat(file).type === 'directory'
  if (isDirectory && !path.endsWith('/')) return redirect(`${visit.address.origin}${path}/${visit.address.search}`, 301)
  if (isFile && path.includes('/.ht')) return forbidden()
  if (isFile && !path.endsWith('.php')) return { status: 200, type: contentType(file, 'text/plain'), body: proc.fs.readFile(file) }
  const script = isFile ? path : isDirectory ? `${path}index.php` : '/index.php'
  if (!proc.fs.exists(joinPath(proc.cwd, script))) return forbidden()
  const more = { 'x-powered-by': `PHP/${release.php}` }
  try {
    const answered = await wordpress(proc, release, visit, script)
    return { ...answered, headers: { ...more, ...answered.headers } }
  } catch (error) {
    if (error instanceof ProcessKilled) throw error
    if (error instanceof DatabaseDown) return page(databasePage(proc, script, error), 500, { headers: more })
    await apacheLog(proc, 'php:error', `[client ${peer.remote.ip}:${peer.remote.port}] PHP Fatal error:  Uncaught ${(error as Error).message} in ${joinPath(proc.cwd, script)}`)
    return page(diePage('WordPress › Error', html`<p>There has been a critical error on this website.</p><p><a href="https://wordpress.org/documentation/article/faq-troubleshooting/">Learn more about troubleshooting WordPress.</a></p>${error instanceof ConfigurationError && html`<p>${error.message}</p>`}`), 500, { headers: more })
  }
}

function forbidden(): ApacheAnswer {
  return { status: 403, type: 'text/html; charset=iso-8859-1', body: "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>403 Forbidden</title>\n</head><body>\n<h1>Forbidden</h1>\n<p>You don't have permission to access this resource.</p>\n</body></html>\n" }
}

/** What visitors, and who installs or administrates, are told of a database that isn't there. k8s: wp-includes/functions.php dead_db, class-wpdb.php */
function databasePage(proc: Proc, script: string, error: DatabaseDown): string {
  if (!script.startsWith('/wp-admin/')) return diePage('Database Error', html`<h1>Error establishing a database connection</h1>`)
  const { constants } = readConfiguration(proc, joinPath(proc.cwd, 'wp-config.php'))!
  if (error.isMissing) return diePage('WordPress › Error', html`<h1>Cannot select database</h1><p>The server let <code>${constants.get('DB_USER') ?? ''}</code> in, but not into the database <code>${constants.get('DB_NAME') ?? ''}</code>: either there is none of that name, or this user has no rights on it.</p>`)
  return diePage('WordPress › Error', html`<h1>Error establishing a database connection</h1><p>The database server <code>${splitHost(constants.get('DB_HOST') ?? '').host}</code> does not answer, or it refuses the user and password of <code>wp-config.php</code>.</p>`)
}

async function wordpress(proc: Proc, release: WordpressRelease, visit: Visit, script: string): Promise<ApacheAnswer> {
  const base = visit.address.origin
  const configuration = readConfiguration(proc, joinPath(proc.cwd, 'wp-config.php'))
  if (!configuration) return script === '/wp-admin/setup-config.php' ? setUpConfiguration(proc, visit) : redirect(`${base}/wp-admin/setup-config.php`)
  if (script === '/wp-admin/setup-config.php') return page(boxPage('WordPress › Setup Configuration File', html`<p>There is a <code>wp-config.php</code> already; it is only written anew once it is deleted. The next step is <a href="install.php">the installation</a>.</p>`), 409)
  const db: MysqlSession = await connect(proc, configuration)
  try {
    const site = new Site(proc, release, configuration, db)
    const isInstalled = await site.load()
    if (script === '/wp-admin/install.php') return await installer(site, visit, isInstalled)
    if (!isInstalled) return redirect(`${base}/wp-admin/install.php`)
    visit.user = await site.userOf(visit.cookies)
    if (script === '/wp-login.php') return await login(site, visit)
    if (script.startsWith('/wp-admin/')) return await admin(site, visit, script)
    if (script === '/wp-comments-post.php') return await postComment(site, visit)
    if (script === '/wp-cron.php') return page('')
    if (script === '/xmlrpc.php') return page('XML-RPC is not served here.\n', 501, { type: 'text/plain; charset=UTF-8' })
    if (script !== '/index.php') return page(diePage('WordPress › Error', html`<p>${script}: this image runs no PHP, and nothing here answers for this file.</p>`), 501)
    const route = visit.address.searchParams.get('rest_route') ?? (/^\/wp-json(\/.*)?$/.exec(visit.address.pathname) ? visit.address.pathname.slice(8) || '/' : undefined)
    return route === undefined ? await front(site, visit) : await restAnswer(site, visit, route)
  } finally {
    await db.close()
  }
}

/** The page that makes wp-config.php where the image's environment said nothing. */
async function setUpConfiguration(proc: Proc, { form, request }: Visit): Promise<ApacheAnswer> {
  const title = 'WordPress › Setup Configuration File'
  if (request.method !== 'POST') return page(boxPage(title, html`<p>WordPress needs to know where its database is.</p><form method="post" action="setup-config.php?step=2">${([['dbname', 'Database Name', 'wordpress'], ['uname', 'Username', 'username'], ['pwd', 'Password', 'password'], ['dbhost', 'Database Host', 'localhost'], ['prefix', 'Table Prefix', 'wp_']] as const).map(([name, label, value]) => html`<label for="${name}">${label}</label><input type="text" id="${name}" name="${name}" value="${value}">`)}<p><button type="submit">Submit</button></p></form>`))
  const field = (name: string) => form.get(name) ?? ''
  if (!/^\w+$/.test(field('prefix'))) return page(boxPage(title, html`<p><strong>Error:</strong> "Table Prefix" can only contain numbers, letters, and underscores.</p>`), 500)
  const constants = new Map([['DB_NAME', field('dbname')], ['DB_USER', field('uname')], ['DB_PASSWORD', field('pwd')], ['DB_HOST', field('dbhost')]])
  await (await connect(proc, { constants, tablePrefix: field('prefix') })).close().catch(() => {})
  proc.fs.writeFile(joinPath(proc.cwd, 'wp-config.php'), configText((name, otherwise) => name === 'DEBUG' ? 'false' : `'${(name === 'TABLE_PREFIX' ? field('prefix') : constants.get(name) ?? (otherwise.startsWith('put your') ? Array.from({ length: 64 }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'[proc.random.int(36)]!).join('') : otherwise)).replace(/[\\']/g, '\\$&')}'`))
  return page(boxPage(title, html`<p>The database answers, and <code>wp-config.php</code> is written. The site itself comes next.</p><p><a class="button" href="install.php">Run the installation</a></p>`))
}

/** The famous five minutes. k8s: wp-admin/install.php */
async function installer(site: Site, { address, form, request }: Visit, isInstalled: boolean): Promise<ApacheAnswer> {
  const title = 'WordPress › Installation'
  if (isInstalled) return page(boxPage(title, html`<h1>Already Installed</h1><p>There is a site in this database. Installing it anew needs a database without its tables.</p><p class="step"><a href="../wp-login.php" class="button">Log In</a></p>`))
  const field = (name: string) => (form.get(name) ?? '').trim()
  const [user, email, password] = [field('user_name'), field('admin_email'), form.get('admin_password') ?? '']
  const problem = request.method !== 'POST' ? undefined
    : user === '' ? 'Please provide a valid username.' : !/^[\w .@-]+$/.test(user) ? 'The username you provided has invalid characters.'
      : form.has('admin_password2') && form.get('admin_password2') !== password ? 'Your passwords do not match. Please try again.'
        : email === '' ? 'You must provide an email address.' : !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email) ? 'Sorry, that is not a valid email address.' : undefined
  if (request.method !== 'POST' || problem !== undefined) {
    return page(boxPage(title, html`<h1>Welcome</h1>${problem !== undefined && html`<p class="message error">${problem}</p>`}<p>This is the famous five-minute WordPress installation: what the site is called, and who writes in it.</p><h2>Information needed</h2><form id="setup" method="post" action="install.php?step=2" novalidate="novalidate"><label for="weblog_title">Site Title</label><input name="weblog_title" type="text" id="weblog_title" value="${field('weblog_title')}"><label for="user_login">Username</label><input name="user_name" type="text" id="user_login" value="${user}"><label for="pass1">Password</label><input type="password" name="admin_password" id="pass1"><label for="pass2">Repeat Password</label><input name="admin_password2" type="password" id="pass2"><label for="admin_email">Your Email</label><input name="admin_email" type="email" id="admin_email" value="${email}"><p><label for="blog_public"><input name="blog_public" type="checkbox" id="blog_public" value="0"> Discourage search engines from indexing this site</label></p><p class="step"><input type="submit" name="Submit" id="submit" value="Install WordPress"></p></form>`))
  }
  const generated = password === '' ? Array.from({ length: 18 }, () => 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789!@#$%^&*()'[site.proc.random.int(65)]!).join('') : undefined
  await install(site, address.origin, { title: field('weblog_title') || 'My Site', user, password: generated ?? password, email, isPublic: form.get('blog_public') !== '0' })
  await choosePermalinks(site)
  return page(boxPage(title, html`<h1>Success!</h1><p>WordPress has been installed. Thank you, and enjoy!</p><table class="form-table install-success"><tr><th>Username</th><td>${user}</td></tr><tr><th>Password</th><td>${generated === undefined ? html`<p><em>Your chosen password.</em></p>` : html`<p><code>${generated}</code><br><span>Write it down: it was made up for you, and is shown only once.</span></p>`}</td></tr></table><p class="step"><a href="../wp-login.php" class="button">Log In</a></p>`))
}

/** Pretty addresses, if the blog can see itself under its address. k8s: wp_install_maybe_enable_pretty_permalinks */
async function choosePermalinks(site: Site): Promise<void> {
  try {
    const response = await site.proc.net.fetch(httpRequest(`${site.home}/`, { headers: { 'user-agent': `WordPress/${site.release.version}; ${site.home}` } }), { connectTimeoutMs: 5000 })
    await response.body?.cancel()
    if (response.status === 200) await site.setOption('permalink_structure', '/%year%/%monthnum%/%day%/%postname%/')
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
  }
}

