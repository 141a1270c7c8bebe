import { httpResponse } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import type { Proc } from '../../../unix/types.ts'
import { ClientConnection, ClientError, SOCKET } from '../mysql/client-connection.ts'
import { Html, html } from '../web/html.ts'
import { readCookies, readForm } from '../web/read-form.ts'

const PHP = '8.4.14'
const ROWS = 50
const STYLE = new Html('body{font:14px/1.4 system-ui,sans-serif;margin:0;display:flex}nav{padding:1rem;width:14rem;background:#eee;min-height:100vh}main{padding:1rem;flex:1;overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid #999;padding:.2rem .5rem;text-align:left;vertical-align:top}th{background:#ddf}.error{background:#fee;color:#a00;padding:.5rem}textarea{width:100%;font:13px monospace}nav a{display:block}')

interface Login { server: string; username: string; password: string }

/** A login with what its pages' forms carry, so that no other site can send them. */
interface Session extends Login { token: string }

/** PHP's own web server with Adminer behind it; the command line is the image's. */
export async function adminer(proc: Proc): Promise<number> {
  const at = proc.argv.indexOf('-S')
  const port = Number(/:(\d+)$/.exec(proc.argv[at + 1] ?? '')?.[1])
  if (at < 0 || !port) { await proc.stderr.write('Could not open input file: this image runs no PHP but the server that its own command starts (php -S ADDRESS:PORT)\n'); return 1 }
  proc.useMemory(18 * 2 ** 20)
  const stamp = () => formatDate('%a %b %d %H:%M:%S %Y', proc.clock.nowMs())
  // Who is signed in, by what their cookies say; gone with the process, as PHP's sessions are with the container.
  const sessions = new Map<string, Session>()
  proc.net.listenHttp(port, async (request, peer) => {
    const response = await respond(proc, sessions, request)
    const url = new URL(request.url)
    await proc.stderr.write(`[${stamp()}] [::ffff:${peer.remote.ip}]:${peer.remote.port} [${response.status}]: ${request.method} ${url.pathname}${url.search}\n`)
    return response
  })
  await proc.stderr.write(`[${stamp()}] PHP ${PHP} Development Server (http://[::]:${port}) started\n`)
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

const page = (title: string, nav: Html | '', main: Html) => html`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${title} - Adminer</title><meta name="robots" content="noindex"><style>${STYLE}</style></head>
<body>${nav}<main><h2>${title}</h2>${main}</main></body>
</html>
`.text

async function respond(proc: Proc, sessions: Map<string, Session>, request: HttpRequest): Promise<Response> {
  const url = new URL(request.url)
  const query = url.searchParams
  const form = await readForm(request)
  const answer = (body: string, status = 200, more: Record<string, string> = {}) => httpResponse(request.method === 'HEAD' ? null : body, { status, headers: new Headers({ 'content-type': 'text/html; charset=utf-8', 'x-powered-by': `PHP/${PHP}`, 'cache-control': 'no-cache', 'x-frame-options': 'deny', ...more }) })
  const loginPage = (error: string | undefined, status: number) => answer(page('Login', '', html`${error !== undefined && html`<p class="error">${error}</p>`}<form action="?" method="post"><table><tr><th>System</th><td>MySQL / MariaDB</td></tr><tr><th>Server</th><td><input name="auth[server]" value="${form.get('auth[server]') ?? proc.env.ADMINER_DEFAULT_SERVER ?? 'db'}"></td></tr><tr><th>Username</th><td><input name="auth[username]" value="${form.get('auth[username]') ?? ''}"></td></tr><tr><th>Password</th><td><input type="password" name="auth[password]"></td></tr><tr><th>Database</th><td><input name="auth[db]" value="${form.get('auth[db]') ?? ''}"></td></tr></table><p><button>Login</button></p></form>`), status)
  const cookie = readCookies(request).get('adminer_sid') ?? ''
  const open = async ({ server, username, password }: Login) => {
    const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(server) ?? []
    return ClientConnection.open(proc, { host: host || 'localhost', port: Number(port ?? 3306), user: username, password, database: undefined, socket: SOCKET, old: true })
  }
  if (form.has('auth[username]')) {
    const login = { server: form.get('auth[server]') ?? '', username: form.get('auth[username]') ?? '', password: form.get('auth[password]') ?? '' }
    if (login.password === '') return loginPage('Adminer does not support accessing a database without a password.', 403)
    try { await (await open(login)).close() } catch (error) {
      if (!(error instanceof ClientError)) throw error
      return loginPage(phpText(error), 403)
    }
    const [id, token] = [32, 32].map((length) => Array.from({ length }, () => proc.random.int(16).toString(16)).join('')) as [string, string]
    sessions.set(id, { ...login, token })
    return answer('', 302, { location: `?${new URLSearchParams({ server: login.server, username: login.username, ...form.get('auth[db]') ? { db: form.get('auth[db]')! } : {} })}`, 'set-cookie': `adminer_sid=${id}; path=/; HttpOnly; SameSite=Strict` })
  }
  const login = sessions.get(cookie)
  if (!login) return loginPage(cookie === '' ? undefined : 'Session expired, please login again.', cookie === '' ? 200 : 403)
  if (request.method === 'POST' && form.get('token') !== login.token) return answer(page('Error', '', html`<p class="error">Invalid CSRF token. Send the form again.</p>`), 403)
  if (form.has('logout')) { sessions.delete(cookie); return answer('', 302, { location: '?', 'set-cookie': 'adminer_sid=; Max-Age=0; path=/' }) }
  const link = (more: Record<string, string>) => `?${new URLSearchParams({ server: login.server, username: login.username, ...more })}`
  let connection: ClientConnection
  try { connection = await open(login) } catch (error) {
    if (!(error instanceof ClientError)) throw error
    return loginPage(phpText(error), 403)
  }
  try {
    const db = query.get('db') ?? ''
    const names = async (sql: string) => { const found = await connection.ask(sql); return found.kind === 'rows' ? found.rows.map((row) => row[0] ?? '') : [] }
    const name = (text: string) => `\`${text.replaceAll('`', '``')}\``
    if (db !== '') await connection.use(db)
    const tables = db === '' ? [] : await names('SHOW TABLES')
    const hidden = html`<input type="hidden" name="token" value="${login.token}">`
    const nav = html`<nav><h1>Adminer</h1><a href="${link({})}">${login.server}</a>${db !== '' && html`<a href="${link({ db })}"><b>${db}</b></a><a href="${link({ db, sql: '' })}">SQL command</a>${tables.map((table) => html`<a href="${link({ db, select: table })}">${table}</a>`)}`}<form method="post" action="?">${hidden}<button name="logout" value="1">Logout</button></form></nav>`
    if (query.has('select') || query.has('table')) {
      const table = query.get('select') ?? query.get('table')!
      const offset = Math.min(1e9, Math.max(0, Math.floor(Number(query.get('page') ?? 0) || 0))) * ROWS
      const result = await connection.ask(query.has('select') ? `SELECT * FROM ${name(table)} LIMIT ${ROWS} OFFSET ${offset}` : `SHOW FULL COLUMNS FROM ${name(table)}`)
      return answer(page(`${query.has('select') ? 'Select' : 'Table'}: ${table}`, nav, html`<p><a href="${link({ db, select: table })}">Select data</a> <a href="${link({ db, table })}">Show structure</a></p>${grid(result)}${result.kind === 'rows' && result.rows.length === ROWS && html`<a href="${link({ db, select: table, page: String(offset / ROWS + 1) })}">Load more data</a>`}`))
    }
    if (query.has('sql')) {
      const text = form.get('query') ?? ''
      const results: Html[] = []
      if (text.trim() !== '') try { for await (const result of connection.query(text)) results.push(grid(result)) } catch (error) {
        if (!(error instanceof ClientError)) throw error
        results.push(html`<p class="error">Error in query (${error.code}): ${error.message}</p>`)
      }
      return answer(page('SQL command', nav, html`${results}<form method="post" action="${link({ db, sql: '' })}">${hidden}<textarea name="query" rows="10">${text}</textarea><p><button>Execute</button></p></form>`))
    }
    if (db !== '') return answer(page(`Database: ${db}`, nav, html`<h3>Tables and views</h3>${tables.length === 0 ? html`<p>No tables.</p>` : html`<table><tr><th>Table</th></tr>${tables.map((table) => html`<tr><td><a href="${link({ db, table })}">${table}</a></td></tr>`)}</table>`}`))
    return answer(page('Select database', nav, html`<p>MySQL version: <b>${connection.serverVersion}</b></p><p>Logged as: <b>${login.username}</b></p><table><tr><th>Database</th></tr>${(await names('SHOW DATABASES')).map((each) => html`<tr><td><a href="${link({ db: each })}">${each}</a></td></tr>`)}</table>`))
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    return answer(page('Error', '', html`<p class="error">${error.message}</p><p><a href="${link({})}">Select database</a></p>`))
  } finally {
    await connection.close()
  }
}

type Answer = Awaited<ReturnType<ClientConnection['ask']>>

function grid(result: Answer): Html {
  if (result.kind === 'ok') return html`<p>Query executed OK, ${result.affected} ${result.affected === 1 ? 'row' : 'rows'} affected.</p>`
  return html`<table><tr>${result.fields.map((field) => html`<th>${field.name}</th>`)}</tr>${result.rows.map((row) => html`<tr>${row.map((value) => html`<td>${value ?? html`<i>NULL</i>`}</td>`)}</tr>`)}</table><p>${result.rows.length} ${result.rows.length === 1 ? 'row' : 'rows'}</p>`
}

/** A failed connection as PHP's mysqli words it. */
function phpText({ code, message }: ClientError): string {
  if (code === 2005) return `php_network_getaddresses: getaddrinfo for ${/'([^']*)'/.exec(message)?.[1] ?? ''} failed: ${message.includes('(-3)') ? 'Try again' : 'Name does not resolve'}`
  return code === 2003 ? message.includes('(110)') ? 'Connection timed out' : message.includes('(113)') ? 'Host is unreachable' : 'Connection refused' : message
}
