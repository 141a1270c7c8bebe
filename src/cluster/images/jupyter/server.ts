import { bytesOfBase64 } from '../../../base/base64.ts'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { httpResponse } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { directoryName, joinPath, resolvePath } from '../../../unix/path.ts'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { contentType } from '../http/content-type.ts'
import { readCookies } from '../web/read-form.ts'
import type { JupyterRelease } from './jupyter.ts'
import { NO_KERNEL, editPage, joined, loginPage, notebookPage, plainPage, treePage } from './pages.ts'
import type { Cell, Entry } from './pages.ts'

const HOME = '/home/jovyan'
const MEMORY_BYTES = 62 * 2 ** 20
/** Options that are followed, and those that mean nothing where no browser, no kernel and no root is. */
const OPTIONS = new Set(['ip', 'base_url', 'disable_check_xsrf', 'notebook_dir', 'root_dir', 'port', 'token', 'no-browser', 'allow-root', 'open_browser', 'iopub_data_rate_limit'])

interface Settings { token: string; port: number; root: string; base: string; ip: string; checksXsrf: boolean }

/** A number that ends a request. */
class HttpError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** start-notebook.sh, start.sh and jupyter: the notebook server; other commands are started as they are. */
export async function jupyterServer(proc: Proc, release: JupyterRelease): Promise<number> {
  const name = proc.argv[0]!.split('/').pop()!
  let args = proc.argv.slice(1)
  const isJupyter = (command: string | undefined) => command === 'jupyter' || command?.endsWith('/jupyter')
  if (name === 'start.sh' && args.length > 0 && !isJupyter(args[0])) {
    try { return await proc.exec!(args) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await proc.stderr.write(`/usr/local/bin/start.sh: line 1: exec: ${args[0]}: ${error.code === 'ENOENT' ? 'not found' : errorText(error)}\n`)
      return 127
    }
  }
  if (isJupyter(args[0])) args = args.slice(1)
  if (args[0] !== undefined && !args[0].startsWith('-')) {
    if (!['notebook', 'lab', 'server'].includes(args[0])) { await proc.stderr.write(`jupyter: there is no Python in this image, and of Jupyter's commands only notebook, lab and server: ${args[0]}\n`); return 1 }
    args = args.slice(1)
  }
  const settings: Settings = { token: proc.env.JUPYTER_TOKEN ?? Array.from({ length: 48 }, () => proc.random.int(16).toString(16)).join(''), port: 8888, root: proc.cwd, base: '', ip: '', checksXsrf: true }
  for (const argument of args) {
    const [, option, value = ''] = /^--(?:\w+App\.|IdentityProvider\.)?([\w-]+)(?:=['"]?(.*?)['"]?)?$/.exec(argument) ?? []
    if (option === undefined || !OPTIONS.has(option)) { await proc.stderr.write(`[C ${release.app}] Unsupported option: ${argument}: nothing follows it in this server\n`); return 1 }
    if (option === 'token') settings.token = value
    if (option === 'ip') settings.ip = value
    if (option === 'disable_check_xsrf') settings.checksXsrf = value.toLowerCase() === 'false'
    if (option === 'port') settings.port = Number(value)
    if (option === 'notebook_dir' || option === 'root_dir') settings.root = resolvePath(proc.cwd, value)
    if (option === 'base_url') settings.base = value.replace(/\/+$/, '')
  }
  return new Server(proc, release, settings).run(name)
}

class Server {
  readonly #proc: Proc
  readonly #release: JupyterRelease
  readonly #settings: Settings
  #secret = new Uint8Array(0)

  constructor(proc: Proc, release: JupyterRelease, settings: Settings) {
    this.#proc = proc
    this.#release = release
    this.#settings = settings
  }

  async #log(level: 'I' | 'W' | 'C', text: string): Promise<void> {
    const iso = new Date(Math.floor(this.#proc.clock.nowMs())).toISOString()
    await this.#proc.stderr.write(`[${level} ${this.#release.app === 'ServerApp' ? `${iso.slice(0, 10)} ` : ''}${iso.slice(11, 23)} ${this.#release.app}] ${text}\n`)
  }

  async run(name: string): Promise<number> {
    const proc = this.#proc
    const { token, port, root, base, ip } = this.#settings
    const isOld = this.#release.app === 'NotebookApp'
    proc.useMemory(MEMORY_BYTES)
    proc.useCpuSteadily(2)
    if (name.startsWith('start')) await proc.stderr.write(isOld ? 'Execute the command: jupyter notebook\n' : 'Entered start.sh with args: jupyter lab\nExecuting the command: jupyter lab\n')
    const runtime = `${HOME}/.local/share/jupyter/runtime`
    const file = `${runtime}/${isOld ? 'notebook' : 'jupyter'}_cookie_secret`
    try {
      proc.fs.mkdir(runtime, { recursive: true })
      if (!proc.fs.exists(file)) {
        proc.fs.writeFile(file, Array.from({ length: 64 }, () => proc.random.int(16).toString(16)).join(''), { mode: 0o600 })
        await this.#log('I', `Writing ${isOld ? 'notebook' : 'Jupyter'} server cookie secret to ${file}`)
      }
      this.#secret = proc.fs.readFile(file).slice()
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await proc.stderr.write(`PermissionError: [Errno 13] ${errorText(error)}: '${runtime}'\n`)
      return 1
    }
    if (isOld) await this.#log('W', 'WARNING: The notebook server is listening on all IP addresses and not using encryption. This is not recommended.')
    if (token === '') await this.#log('W', isOld ? 'WARNING: The notebook server is listening on all IP addresses and not using authentication. This is highly insecure and not recommended.' : 'All authentication is disabled.  Anyone who can connect to this server will be able to run code.')
    const query = token === '' ? '' : `?token=${token}`
    proc.net.listenHttp(port, (request, peer) => this.#respond(request, peer), ['127.0.0.1', 'localhost'].includes(ip) ? { ip: '127.0.0.1' } : {})
    await this.#log('I', `Serving notebooks from local directory: ${root}`)
    if (isOld) {
      await this.#log('I', '0 active kernels ')
      await this.#log('I', `The Jupyter Notebook is running at: http://[all ip addresses on your system]:${port}${base}/${query}`)
    } else {
      await this.#log('I', `Jupyter Server ${this.#release.version} is running at:`)
      await this.#log('I', `http://${proc.net.hostname}:${port}${base}/lab${query}`)
      await this.#log('I', `    http://127.0.0.1:${port}${base}/lab${query}`)
    }
    await this.#log('I', 'Use Control-C to stop this server and shut down all kernels (twice to skip confirmation).')
    if (token !== '') {
      await this.#log('C', isOld ? `\n    \n    Copy/paste this URL into your browser when you connect for the first time,\n    to login with a token:\n        http://localhost:${port}${base}/${query}`
        : `\n    \n    To access the server, open this file in a browser:\n        file://${runtime}/jpserver-${proc.pid}-open.html\n    Or copy and paste one of these URLs:\n        http://${proc.net.hostname}:${port}${base}/lab${query}\n        http://127.0.0.1:${port}${base}/lab${query}`)
    }
    const signal = await proc.signal('SIGTERM', 'SIGINT')
    await this.#log('C', `received signal ${signal === 'SIGTERM' ? 15 : 2}, stopping`)
    await this.#log('I', 'Shutting down 0 kernels')
    return 0
  }

  #seal(text: string): string { return bytesToHex(hmac(sha256, this.#secret, utf8ToBytes(text))).slice(0, 40) }

  async #respond(request: HttpRequest, peer: HttpPeer): Promise<Response> {
    this.#proc.useCpu(5e6)
    const url = new URL(request.url)
    const { token, base, port } = this.#settings
    const cookies = readCookies(request)
    const cookieName = `username-${(request.headers.get('host') ?? url.host).replace(/\W/g, '-')}`
    const asked = url.searchParams.get('token') ?? /^token (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
    const byToken = token !== '' && asked === token
    const isIn = token === '' || byToken || cookies.get(cookieName) === this.#seal(`login|${token}`)
    const xsrf = cookies.get('_xsrf') ?? this.#seal(`xsrf|${this.#proc.random.uuid()}`)
    const headers = new Headers({ server: 'TornadoServer/6.5.2', 'x-content-type-options': 'nosniff', 'content-security-policy': "frame-ancestors 'self'; report-uri /api/security/csp-report" })
    if (byToken) headers.append('set-cookie', `${cookieName}=${this.#seal(`login|${token}`)}; HttpOnly; Path=${base}/`)
    if (!cookies.has('_xsrf')) headers.append('set-cookie', `_xsrf=${xsrf}; Path=${base}/`)
    const answer = (status: number, body: string | Uint8Array, type = 'text/html; charset=UTF-8') => { headers.set('content-type', type); return httpResponse(status === 204 || request.method === 'HEAD' ? null : body as BodyInit, { status, headers }) }
    const redirect = (to: string) => { headers.set('location', to); return answer(302, '') }
    const isApi = url.pathname.startsWith(`${base}/api/`) || url.pathname === `${base}/api`
    try {
      if (!url.pathname.startsWith(`${base}/`)) return redirect(`${base}/`)
      const path = decodeURIComponent(url.pathname.slice(base.length))
      const form = request.method === 'POST' && !isApi ? new URLSearchParams(await request.text()) : new URLSearchParams()
      if (path === '/api' || path === '/api/') return answer(200, JSON.stringify({ version: this.#release.version }), 'application/json')
      if (path === '/login') {
        const next = url.searchParams.get('next') ?? `${base}${this.#release.home}`
        const target = /^\/(?![\\/])/.test(next) ? next : `${base}/`
        if (request.method !== 'POST') return isIn ? redirect(target) : answer(200, loginPage(base, target, xsrf, false))
        if (form.get('password') !== token) return answer(401, loginPage(base, target, xsrf, true))
        headers.append('set-cookie', `${cookieName}=${this.#seal(`login|${token}`)}; HttpOnly; Path=${base}/`)
        return redirect(target)
      }
      if (!isIn) {
        if (isApi) throw new HttpError(403, 'Forbidden')
        return redirect(`${base}/login?next=${encodeURIComponent(url.pathname)}`)
      }
      // Who comes by a token in a header or an address isn't somebody's browser that another site sent.
      if (!['GET', 'HEAD', 'OPTIONS'].includes(request.method) && !byToken && this.#settings.checksXsrf && (form.get('_xsrf') ?? request.headers.get('x-xsrftoken')) !== xsrf) throw new HttpError(403, "'_xsrf' argument missing from " + request.method)
      if (path === '/') return redirect(`${base}${this.#release.home}${url.search}`)
      if (path === '/logout') { headers.append('set-cookie', `${cookieName}=; Max-Age=0; Path=${base}/`); return redirect(`${base}/login`) }
      if (isApi) return answer(...await this.#api(path.slice('/api/'.length), request))
      return this.#page(path, request.method, form, xsrf, answer, redirect)
    } catch (error) {
      if (error instanceof ProcessKilled) throw error
      const status = error instanceof HttpError ? error.status : error instanceof UnixError ? error.code === 'ENOENT' ? 404 : 403 : error instanceof SyntaxError || error instanceof URIError ? 400 : 500
      if (status === 500) throw error
      await this.#log('W', `${status} ${request.method} ${url.pathname} (${peer.remote.ip}) ${(error as Error).message} port=${port}`)
      return isApi ? answer(status, JSON.stringify({ message: (error as Error).message, reason: null }), 'application/json') : answer(status, plainPage(`${status} : ${status === 404 ? 'Not Found' : status === 403 ? 'Forbidden' : 'Error'}`, (error as Error).message))
    }
  }

  #absolute(path: string): string {
    const { root } = this.#settings
    const absolute = resolvePath(root, path.replace(/^\/+/, ''))
    if (absolute !== root && !absolute.startsWith(`${root.replace(/\/$/, '')}/`)) throw new HttpError(404, `${path} is outside root contents directory`)
    return absolute
  }

  #entry(path: string): Entry {
    const stat = this.#proc.fs.stat(this.#absolute(path))
    return { name: path.split('/').at(-1)!, path, type: stat.type === 'directory' ? 'directory' : path.endsWith('.ipynb') ? 'notebook' : 'file', modified: new Date(Math.floor(stat.modifiedMs)).toISOString(), size: stat.sizeBytes }
  }

  #entries(path: string): Entry[] {
    return this.#proc.fs.readdir(this.#absolute(path)).filter((name) => !name.startsWith('.')).map((name) => this.#entry(path === '' ? name : `${path}/${name}`))
  }

  /** A name that nothing in a directory has yet. */
  #free(path: string, name: string, end: string): string {
    for (let n = 0; ; n++) {
      const candidate = `${path === '' ? '' : `${path}/`}${name}${n === 0 ? '' : name.includes(' ') ? ` ${n}` : n}${end}`
      if (!this.#proc.fs.exists(this.#absolute(candidate))) return candidate
    }
  }

  #remove(path: string): void {
    const file = this.#absolute(path)
    if (file === this.#absolute('')) throw new HttpError(400, "Can't delete root directory")
    this.#proc.fs.remove(file, { recursive: true })
  }

  #create(path: string, type: string): string {
    const { fs } = this.#proc
    const made = type === 'directory' ? this.#free(path, 'Untitled Folder', '') : this.#free(path, type === 'notebook' ? 'Untitled' : 'untitled', type === 'notebook' ? '.ipynb' : '.txt')
    if (type === 'directory') fs.mkdir(this.#absolute(made))
    else fs.writeFile(this.#absolute(made), type === 'notebook' ? notebookText([{ cell_type: 'code', source: '' }]) : '')
    return made
  }

  #page(path: string, method: string, form: URLSearchParams, xsrf: string, answer: (status: number, body: string | Uint8Array, type?: string) => Response, redirect: (to: string) => Response): Response {
    const { fs } = this.#proc
    const { base } = this.#settings
    const [, area = '', rest = ''] = /^\/(\w+)(?:\/(.*?))?\/?$/.exec(path) ?? []
    const encoded = rest.split('/').map(encodeURIComponent).join('/')
    if (area === 'lab' || area === 'tree') {
      if (method === 'POST') {
        const action = form.get('action') ?? ''
        if (action === 'delete') this.#remove(form.get('target') ?? '')
        else if (['notebook', 'file', 'directory'].includes(action)) this.#create(rest, action)
        return redirect(`${base}/tree/${encoded}`)
      }
      if (fs.stat(this.#absolute(rest)).type !== 'directory') return redirect(`${base}/${rest.endsWith('.ipynb') ? 'notebooks' : 'edit'}/${encoded}`)
      return answer(200, treePage(base, rest, this.#entries(rest), xsrf))
    }
    const file = this.#absolute(rest)
    if (area === 'files') return answer(200, fs.readFile(file).slice(), contentType(file, 'text/plain'))
    if (area === 'notebooks') {
      let cells = (JSON.parse(fs.readText(file)) as { cells?: Cell[] }).cells ?? []
      if (method === 'POST') {
        const types = form.getAll('type')
        cells = form.getAll('source').map((source, i) => ({ ...cells[i], cell_type: types[i] === 'markdown' ? 'markdown' : 'code', source: source.replaceAll('\r\n', '\n') }))
        const action = form.get('action')
        if (action === 'code' || action === 'markdown') cells.push({ cell_type: action, source: '' })
        fs.writeFile(file, notebookText(cells))
        if (action === 'run') return answer(501, plainPage('No kernel', NO_KERNEL))
        return redirect(`${base}/notebooks/${encoded}`)
      }
      return answer(200, notebookPage(base, rest, cells, xsrf))
    }
    if (area === 'edit') {
      if (method === 'POST') { fs.writeFile(file, (form.get('source') ?? '').replaceAll('\r\n', '\n')); return redirect(`${base}/edit/${encoded}`) }
      return answer(200, editPage(base, rest, fs.readText(file), xsrf))
    }
    throw new HttpError(404, 'You are requesting a page that does not exist!')
  }

  /** The API: contents, and what there is of kernels, which is none. */
  async #api(path: string, request: HttpRequest): Promise<[number, string, string]> {
    const { fs } = this.#proc
    const json = (body: unknown, status = 200): [number, string, string] => [status, JSON.stringify(body), 'application/json']
    const [area, ...parts] = path.replace(/\/$/, '').split('/')
    const { method } = request
    if (area === 'status') return json({ connections: 0, kernels: 0, started: null, last_activity: null })
    if (area === 'kernelspecs') return json({ default: '', kernelspecs: {} })
    if (['kernels', 'sessions', 'terminals'].includes(area!)) {
      if (method === 'GET' && parts.length === 0) return json([])
      throw new HttpError(501, NO_KERNEL)
    }
    if (area !== 'contents') throw new HttpError(404, 'Not Found')
    const rest = parts.join('/')
    const file = this.#absolute(rest)
    if (method === 'GET') return json(this.#model(rest, new URL(request.url).searchParams.get('content') !== '0'))
    if (method === 'DELETE') {
      this.#remove(rest)
      return [204, '', 'application/json']
    }
    const body = JSON.parse(await request.text() || '{}') as { type?: string; content?: unknown; format?: string; path?: string; ext?: string; copy_from?: string }
    if (method === 'PATCH') {
      const target = this.#absolute(body.path ?? '')
      if (fs.exists(target)) throw new HttpError(409, `File already exists: ${body.path}`)
      fs.rename(file, target)
      return json(this.#model(body.path ?? '', false))
    }
    if (method === 'POST') {
      if (body.copy_from !== undefined) {
        const end = /\.[^./]+$/.exec(body.copy_from)?.[0] ?? ''
        const made = this.#free(rest, `${body.copy_from.split('/').at(-1)!.slice(0, -end.length || undefined)}-Copy1`, end)
        fs.writeFile(this.#absolute(made), fs.readFile(this.#absolute(body.copy_from)))
        return json(this.#model(made, false), 201)
      }
      return json(this.#model(this.#create(rest, body.type ?? 'notebook'), false), 201)
    }
    if (method !== 'PUT') throw new HttpError(405, 'Method Not Allowed')
    const existed = fs.exists(file)
    if (!fs.exists(directoryName(file))) throw new HttpError(404, `Parent directory does not exist: ${directoryName(rest)}`)
    if (body.type === 'directory') { if (!existed) fs.mkdir(file) } else if (body.type === 'notebook') fs.writeFile(file, `${JSON.stringify(body.content ?? JSON.parse(notebookText([])), undefined, 1)}\n`)
    else fs.writeFile(file, body.format === 'base64' ? bytesOfBase64(String(body.content ?? '')) : String(body.content ?? ''))
    return json(this.#model(rest, false), existed ? 200 : 201)
  }

  #model(path: string, withContent: boolean): object {
    const entry = path === '' ? { name: '', path: '', type: 'directory' as const, modified: new Date(Math.floor(this.#proc.fs.stat(this.#settings.root).modifiedMs)).toISOString(), size: 0 } : this.#entry(path)
    const file = joinPath(this.#settings.root, path)
    const content = !withContent ? null : entry.type === 'directory' ? this.#entries(path).map((each) => this.#model(each.path, false)) : entry.type === 'notebook' ? JSON.parse(this.#proc.fs.readText(file)) as unknown : this.#proc.fs.readText(file)
    return { name: entry.name, path: entry.path, last_modified: entry.modified, created: entry.modified, content, format: content === null ? null : entry.type === 'file' ? 'text' : 'json', mimetype: content !== null && entry.type === 'file' ? contentType(file, 'text/plain') : null, size: entry.type === 'directory' ? null : entry.size, writable: true, type: entry.type }
  }
}

/** A notebook's file. */
function notebookText(cells: readonly Cell[]): string {
  return `${JSON.stringify({ cells: cells.map((cell) => ({ cell_type: cell.cell_type, ...cell.cell_type === 'code' ? { execution_count: cell.execution_count ?? null } : {}, metadata: cell.metadata ?? {}, ...cell.cell_type === 'code' ? { outputs: cell.outputs ?? [] } : {}, source: joined(cell.source).split(/(?<=\n)/) })), metadata: { kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' } }, nbformat: 4, nbformat_minor: 4 }, undefined, 1)}\n`
}
