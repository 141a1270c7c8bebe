import { bytesOfBase64Url } from '../../../base/base64.ts'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { NO_SESSION, SESSION_COOKIE, sessionCookie, setUpProblem } from './admin.ts'
import type { Blog, GhostPost, GhostUser } from './blog.ts'
import { slugOf } from './blog.ts'
import { errorAnswer } from './server.ts'
import type { GhostAnswer, Visit } from './server.ts'

/** An error that an API answers with. */
class ApiError extends Error {
  readonly status: number
  readonly type: string
  readonly context: string | null
  readonly code: string | null
  constructor(status: number, type: string, message: string, context: string | null = null, code: string | null = null) {
    super(message)
    this.status = status
    this.type = type
    this.context = context
    this.code = code
  }
}

const json = (body: unknown, status = 200, more: Partial<GhostAnswer> = {}): GhostAnswer => ({ status, type: 'application/json; charset=utf-8', body: JSON.stringify(body), ...more })
const iso = (text: string | null) => text === null ? null : `${text.replace(' ', 'T')}.000Z`
const notFound = () => new ApiError(404, 'NotFoundError', 'Resource not found error, cannot read.', 'Resource could not be found.')
const noPermission = () => new ApiError(403, 'NoPermissionError', 'Authorization failed', 'Unable to determine the authenticated user or integration. Check that cookies are being passed through if using session authentication.')

/** Ghost's APIs: /ghost/api/admin and /ghost/api/content, also with the versions that older releases had in their paths. */
export async function apiAnswer(blog: Blog, visit: Visit): Promise<GhostAnswer> {
  const [, area, rest = ''] = /^\/ghost\/api\/(?:v\d+(?:\.\d+)?\/|canary\/)?(admin|content)(?:\/(.*?))?\/?$/.exec(visit.address.pathname) ?? []
  try {
    if (area === undefined) throw notFound()
    const request = new ApiRequest(blog, visit, rest.split('/'))
    return area === 'content' ? await request.content() : await request.admin()
  } catch (error) {
    if (error instanceof ApiError) return errorAnswer(error.status, error.type, error.message, error.context, error.code)
    throw error
  }
}

class ApiRequest {
  readonly #blog: Blog
  readonly #visit: Visit
  readonly #path: readonly string[]

  constructor(blog: Blog, visit: Visit, path: readonly string[]) {
    this.#blog = blog
    this.#visit = visit
    this.#path = path
  }

  async #body(): Promise<Record<string, unknown>> {
    const { request, form } = this.#visit
    if (!(request.headers.get('content-type') ?? '').includes('json')) return Object.fromEntries(form)
    try { return JSON.parse(await request.text()) as Record<string, unknown> } catch (error) { throw new ApiError(400, 'BadRequestError', (error as Error).message) }
  }

  async #entry(name: string): Promise<Record<string, unknown>> {
    const entries = (await this.#body())[name]
    if (!Array.isArray(entries) || entries.length === 0 || typeof entries[0] !== 'object') throw new ApiError(400, 'BadRequestError', `No root key ('${name}') provided.`)
    return entries[0] as Record<string, unknown>
  }

  /** Who asks: a session's person, or an integration with a signed token. @throws ApiError */
  async #actor(): Promise<GhostUser | 'integration'> {
    const { request, cookies } = this.#visit
    const authorization = request.headers.get('authorization')
    if (authorization !== null) return this.#integration(authorization)
    const session = cookies.has(SESSION_COOKIE) ? await this.#blog.session(cookies.get(SESSION_COOKIE)!) : undefined
    if (!session) throw noPermission()
    const origin = this.#origin()
    if (origin !== undefined && origin !== session.origin) throw new ApiError(400, 'BadRequestError', `Request made from incorrect origin. Expected '${session.origin}' received '${origin}'.`)
    return session.user
  }

  #origin(): string | undefined {
    const { headers } = this.#visit.request
    const said = headers.get('origin') ?? headers.get('referer')
    try { return said === null ? undefined : new URL(said).origin } catch { return undefined }
  }

  async #integration(authorization: string): Promise<'integration'> {
    const [scheme, token = ''] = authorization.split(' ')
    if (scheme?.toLowerCase() !== 'ghost') throw new ApiError(401, 'UnauthorizedError', 'Authorization header format is "Authorization: Ghost [token]"', null, 'INVALID_AUTH_HEADER')
    const [head = '', payload = '', signature = ''] = token.split('.')
    const read = (part: string) => { try { return JSON.parse(new TextDecoder().decode(bytesOf(part))) as Record<string, unknown> } catch { return undefined } }
    const [header, claims] = [read(head), read(payload)]
    if (!header || !claims) throw new ApiError(400, 'BadRequestError', 'Invalid token', null, 'INVALID_JWT')
    if (typeof header.kid !== 'string') throw new ApiError(400, 'BadRequestError', 'Admin API kid missing.', null, 'MISSING_ADMIN_API_KID')
    const [key] = await this.#blog.db.rows("SELECT secret FROM api_keys WHERE id = ? AND type = 'admin'", header.kid)
    if (!key) throw new ApiError(401, 'UnauthorizedError', 'Unknown Admin API Key', null, 'UNKNOWN_ADMIN_API_KEY')
    const seal = hmac(sha256, hexToBytes(key.secret!), utf8ToBytes(`${head}.${payload}`))
    const given = bytesOf(signature)
    if (header.alg !== 'HS256' || seal.length !== given.length || !seal.every((byte, i) => byte === given[i])) throw new ApiError(401, 'UnauthorizedError', 'Invalid token: invalid signature', null, 'INVALID_JWT')
    const now = this.#blog.proc.clock.nowMs() / 1000
    if (typeof claims.exp === 'number' && claims.exp < now) throw new ApiError(401, 'UnauthorizedError', 'Invalid token: jwt expired', null, 'INVALID_JWT')
    if (!/^\/?(?:(?:v\d+|canary)\/)?admin\/?$/.test(String(claims.aud ?? ''))) throw new ApiError(401, 'UnauthorizedError', 'Invalid token: jwt audience invalid. expected: /\\/?admin\\/?$/', null, 'INVALID_JWT')
    return 'integration'
  }

  /** What programs of visitors read. */
  async content(): Promise<GhostAnswer> {
    const key = this.#visit.address.searchParams.get('key')
    if (key === null) throw new ApiError(403, 'NoPermissionError', 'Authorization failed', 'Unable to determine the authenticated member or integration. Check the supplied Content API Key and ensure cookies are being passed through if making a request from the browser.')
    if ((await this.#blog.db.rows("SELECT id FROM api_keys WHERE secret = ? AND type = 'content'", key)).length === 0) throw new ApiError(401, 'UnauthorizedError', 'Unknown Content API Key', null, 'UNKNOWN_CONTENT_API_KEY')
    const [resource, id] = this.#path
    if (this.#visit.request.method !== 'GET') throw notFound()
    if (resource === 'posts' || resource === 'pages') return this.#read(resource, id, this.#path[2], true)
    if (resource === 'tags') return this.#tags()
    if (resource === 'authors') return json({ authors: (await this.#blog.users("status = 'active'")).map((user) => this.#shownUser(user, false)) })
    if (resource === 'settings') { const settings = await this.#blog.settings(); return json({ settings: { title: settings.get('title'), description: settings.get('description'), timezone: settings.get('timezone'), lang: settings.get('locale'), url: `${this.#blog.configuration.url}/` }, meta: {} }) }
    throw notFound()
  }

  async admin(): Promise<GhostAnswer> {
    const blog = this.#blog
    const { method } = this.#visit.request
    const [resource, id, more] = this.#path
    if (resource === 'site') { const settings = await blog.settings(); return json({ site: { title: settings.get('title'), description: settings.get('description'), logo: null, url: `${blog.configuration.url}/`, version: blog.release.version.split('.').slice(0, 2).join('.') } }) }
    if (resource === 'authentication' && id === 'setup') return this.#setUp()
    if (resource === 'session') return this.#session()
    const actor = await this.#actor()
    const author = async () => actor === 'integration' ? (await blog.users())[0]!.id : actor.id
    switch (resource) {
      case 'posts': case 'pages': {
        if (method === 'GET') return this.#read(resource, id, more, false)
        if (method === 'POST' && id === undefined) {
          const entry = await this.#entry(resource)
          const made = await blog.save({ ...this.#fields(entry, undefined), user: await author(), type: resource.slice(0, -1) })
          return json({ [resource]: [await this.#shown((await blog.posts('id = ?', [made]))[0]!, false)] }, 201, { headers: { location: `${blog.configuration.url}/ghost/api/admin/${resource}/${made}/` } })
        }
        const [post] = await blog.posts('id = ? AND type = ?', [id ?? '', resource.slice(0, -1)])
        if (!post) throw new ApiError(404, 'NotFoundError', `Resource not found error, cannot ${method === 'DELETE' ? 'delete' : 'edit'} ${resource.slice(0, -1)}.`, `${resource === 'posts' ? 'Post' : 'Page'} not found.`)
        if (method === 'DELETE') { await blog.remove(post.id); return { status: 204 } }
        if (method !== 'PUT') throw notFound()
        const entry = await this.#entry(resource)
        if (typeof entry.updated_at !== 'string') throw new ApiError(422, 'ValidationError', `Validation error, cannot edit ${resource.slice(0, -1)}.`, `Validation failed for updated_at.`)
        if (Date.parse(entry.updated_at) !== Date.parse(iso(post.updated)!)) throw new ApiError(409, 'UpdateCollisionError', `Saving failed! Someone else is editing this ${resource.slice(0, -1)}.`, null, 'UPDATE_COLLISION')
        await blog.save({ ...this.#fields(entry, post), id: post.id, user: await author(), type: post.type })
        return json({ [resource]: [await this.#shown((await blog.posts('id = ?', [post.id]))[0]!, false)] })
      }
      case 'tags': if (method === 'GET') return this.#tags(); throw notFound()
      case 'users': {
        const users = id === 'me' ? actor === 'integration' ? [] : [actor] : (await blog.users()).filter((user) => id === undefined || user.id === id)
        if (users.length === 0) throw new ApiError(404, 'NotFoundError', 'Resource not found error, cannot read user.', 'User not found.')
        return json({ users: users.map((user) => this.#shownUser(user, true)) })
      }
      case 'settings': {
        if (method === 'PUT') {
          const { settings } = await this.#body()
          if (!Array.isArray(settings)) throw new ApiError(400, 'BadRequestError', "No root key ('settings') provided.")
          for (const { key, value } of settings as { key: string; value: unknown }[]) if (!['title', 'description', 'timezone', 'locale'].includes(key) || !await blog.setSetting(key, String(value))) throw new ApiError(404, 'NotFoundError', 'Resource not found error, cannot edit setting.', `Unable to find setting to update: ${key}`)
        }
        return json({ settings: [...await blog.settings()].filter(([key]) => key !== 'session_secret').map(([key, value]) => ({ key, value })), meta: {} })
      }
      case 'integrations': {
        const shown = (each: Awaited<ReturnType<Blog['addIntegration']>>) => ({ id: each.id, type: 'custom', name: each.name, slug: each.slug, api_keys: each.keys.map((key) => ({ id: key.id, type: key.type, secret: key.type === 'admin' ? `${key.id}:${key.secret}` : key.secret, integration_id: each.id })) })
        if (method === 'POST') return json({ integrations: [shown(await blog.addIntegration(String((await this.#entry('integrations')).name ?? '')))] }, 201)
        return json({ integrations: (await blog.integrations()).map(shown) })
      }
      default: throw notFound()
    }
  }

  async #setUp(): Promise<GhostAnswer> {
    const blog = this.#blog
    const isSetUp = await blog.isSetUp()
    if (this.#visit.request.method === 'GET') return json({ setup: [{ status: isSetUp, ...isSetUp ? {} : { title: 'Ghost', name: 'Ghost', email: 'ghost@example.com' } }] })
    if (isSetUp) throw new ApiError(403, 'NoPermissionError', 'Setup has already been completed.')
    const entry = await this.#entry('setup')
    const wanted = { name: String(entry.name ?? ''), email: String(entry.email ?? ''), password: String(entry.password ?? ''), title: String(entry.blogTitle ?? '') }
    const problem = setUpProblem(wanted)
    if (problem !== undefined) throw new ApiError(422, 'ValidationError', 'Validation error, cannot setup.', problem)
    return json({ users: [this.#shownUser(await blog.setUp(wanted), true)] }, 201)
  }

  async #session(): Promise<GhostAnswer> {
    const blog = this.#blog
    const { request, cookies } = this.#visit
    if (request.method === 'POST') {
      const origin = this.#origin()
      if (origin === undefined) throw new ApiError(400, 'BadRequestError', 'Could not determine origin of request. Please ensure an Origin or Referrer header is present.')
      const { username, password } = await this.#body()
      const [user] = await blog.users('email = ?', String(username ?? ''))
      if (!user) throw new ApiError(404, 'NotFoundError', 'There is no user with that email address.')
      if (!blog.isPassword(user, String(password ?? ''))) throw new ApiError(422, 'ValidationError', 'Your password is incorrect.', 'Your password is incorrect.', 'PASSWORD_INCORRECT')
      return { status: 201, type: 'text/plain; charset=utf-8', body: 'Created', cookies: [sessionCookie(await blog.startSession(user, origin))] }
    }
    if (request.method === 'DELETE') { await blog.endSession(cookies.get(SESSION_COOKIE) ?? ''); return { status: 204, cookies: [NO_SESSION] } }
    const actor = await this.#actor()
    return actor === 'integration' ? { status: 204 } : json({ users: [this.#shownUser(actor, true)] })
  }

  #fields(entry: Record<string, unknown>, old: GhostPost | undefined) {
    const title = entry.title === undefined && old ? old.title : String(entry.title ?? '')
    if (title === '') throw new ApiError(422, 'ValidationError', 'Validation error, cannot save post.', 'Validation failed for title.')
    const status = entry.status === undefined ? old?.status ?? 'draft' : String(entry.status)
    if (status !== 'draft' && status !== 'published') throw new ApiError(422, 'ValidationError', 'Validation error, cannot save post.', `Posts that are '${status}' are not part of this Ghost.`)
    const names = Array.isArray(entry.tags) ? entry.tags.map((tag: unknown) => typeof tag === 'string' ? tag : String((tag as { name?: unknown; slug?: unknown }).name ?? (tag as { slug?: unknown }).slug ?? '')).filter((name) => name !== '') : undefined
    return { title, status, html: entry.html !== undefined ? String(entry.html ?? '') : htmlOfMobiledoc(entry.mobiledoc) ?? htmlOfLexical(entry.lexical) ?? old?.html ?? '', slug: entry.slug === undefined ? undefined : slugOf(String(entry.slug)), tags: names, excerpt: entry.custom_excerpt === undefined ? undefined : entry.custom_excerpt as string | null, featured: entry.featured === undefined ? undefined : entry.featured === true }
  }

  async #read(resource: 'posts' | 'pages', id: string | undefined, more: string | undefined, isPublic: boolean): Promise<GhostAnswer> {
    const blog = this.#blog
    const type = resource.slice(0, -1)
    const visible = isPublic ? " AND status = 'published'" : ''
    if (id !== undefined && id !== '') {
      const [post] = await blog.posts(`${id === 'slug' ? 'slug' : 'id'} = ? AND type = ?${visible}`, [id === 'slug' ? more ?? '' : id, type])
      if (!post) throw new ApiError(404, 'NotFoundError', `Resource not found error, cannot read ${type}.`, `${type === 'post' ? 'Post' : 'Page'} not found.`)
      return json({ [resource]: [await this.#shown(post, isPublic)] })
    }
    const query = this.#visit.address.searchParams
    const parameters: string[] = [type]
    let where = `type = ?${visible}`
    for (const part of (query.get('filter') ?? '').split('+').filter(Boolean)) {
      const [, name, value] = /^(status|slug|tag|featured):'?([\w-]+)'?$/.exec(part) ?? []
      if (name === undefined) throw new ApiError(400, 'BadRequestError', 'Error parsing filter', `The filter ${part} is not part of this Ghost.`)
      where += name === 'tag' ? ' AND id IN (SELECT p.post_id FROM posts_tags p JOIN tags t ON t.id = p.tag_id WHERE t.slug = ?)' : ` AND ${name} = ?`
      parameters.push(name === 'featured' ? value === 'true' ? '1' : '0' : value!)
    }
    const total = await blog.count(where, ...parameters)
    const limit = query.get('limit') === 'all' ? total || 1 : Number(query.get('limit') ?? 15) || 15
    const page = Number(query.get('page') ?? 1) || 1
    const posts = await blog.posts(where, parameters, { limit, offset: (page - 1) * limit })
    const pages = Math.max(1, Math.ceil(total / limit))
    return json({ [resource]: await Promise.all(posts.map((post) => this.#shown(post, isPublic))), meta: { pagination: { page, limit, pages, total, next: page < pages ? page + 1 : null, prev: page > 1 ? page - 1 : null } } })
  }

  async #tags(): Promise<GhostAnswer> {
    const rows = await this.#blog.db.rows('SELECT * FROM tags ORDER BY name')
    return json({ tags: rows.map((row) => ({ id: row.id, name: row.name, slug: row.slug, description: row.description, visibility: row.visibility, url: `${this.#blog.configuration.url}/tag/${row.slug}/` })), meta: { pagination: { page: 1, limit: 15, pages: 1, total: rows.length, next: null, prev: null } } })
  }

  async #shown(post: GhostPost, isPublic: boolean): Promise<object> {
    const [author] = await this.#blog.users('id = ?', post.author)
    const { url } = this.#blog.configuration
    const formats = new Set((this.#visit.address.searchParams.get('formats') ?? '').split(','))
    return {
      id: post.id, uuid: post.uuid, title: post.title, slug: post.slug, ...isPublic || formats.has('html') || this.#visit.address.searchParams.get('source') === 'html' ? { html: post.html } : {}, ...formats.has('plaintext') ? { plaintext: post.text } : {}, ...isPublic ? {} : { mobiledoc: post.source, status: post.status }, comment_id: post.id, feature_image: null, featured: post.featured, visibility: post.visibility,
      created_at: iso(post.created), updated_at: iso(post.updated), published_at: iso(post.published), custom_excerpt: post.excerpt, excerpt: post.excerpt ?? post.text.slice(0, 500), url: post.status === 'published' ? `${url}/${post.slug}/` : `${url}/p/${post.uuid}/`, tags: post.tags, authors: author ? [this.#shownUser(author, !isPublic)] : [], primary_author: author ? this.#shownUser(author, !isPublic) : null, primary_tag: post.tags[0] ?? null,
    }
  }

  #shownUser(user: GhostUser, withEmail: boolean): object {
    return { id: user.id, name: user.name, slug: user.slug, ...withEmail ? { email: user.email, status: user.status } : {}, profile_image: null, bio: null, website: null, url: `${this.#blog.configuration.url}/author/${user.slug}/` }
  }
}

function bytesOf(base64: string): Uint8Array {
  try { return bytesOfBase64Url(base64) } catch { return new Uint8Array(0) }
}

const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

/** What paragraphs, HTML and Markdown cards of the older editor's documents show. */
function htmlOfMobiledoc(document: unknown): string | undefined {
  if (typeof document !== 'string') return undefined
  let parsed: { cards?: [string, { html?: string; markdown?: string }][]; sections?: unknown[][] }
  try { parsed = JSON.parse(document) as typeof parsed } catch { throw new ApiError(422, 'ValidationError', 'Validation error, cannot save post.', 'Invalid mobiledoc structure.') }
  return (parsed.sections ?? []).map((section) => {
    if (section[0] === 10) { const card = parsed.cards?.[Number(section[1])]; return card?.[1].html ?? (card?.[1].markdown ?? '').split(/\n{2,}/).filter(Boolean).map((part) => `<p>${escaped(part)}</p>`).join('') }
    return section[0] === 1 ? `<${String(section[1]).replace(/\W/g, '')}>${(section[2] as unknown[][]).map((marker) => escaped(String(marker[3] ?? ''))).join('')}</${String(section[1]).replace(/\W/g, '')}>` : ''
  }).join('')
}

interface LexicalNode { type: string; text?: string; tag?: string; html?: string; children?: LexicalNode[] }

/** What paragraphs, headings and HTML of the newer editor's documents show. */
function htmlOfLexical(document: unknown): string | undefined {
  if (typeof document !== 'string') return undefined
  let root: LexicalNode
  try { root = (JSON.parse(document) as { root: LexicalNode }).root } catch { throw new ApiError(422, 'ValidationError', 'Validation error, cannot save post.', 'Invalid lexical structure.') }
  const shown = (node: LexicalNode): string => {
    const inner = (node.children ?? []).map(shown).join('')
    return node.type === 'html' ? node.html ?? '' : node.text !== undefined ? escaped(node.text) : node.type === 'paragraph' ? `<p>${inner}</p>` : node.type === 'heading' || node.type === 'extended-heading' ? `<${(node.tag ?? 'h2').replace(/\W/g, '')}>${inner}</${(node.tag ?? 'h2').replace(/\W/g, '')}>` : inner
  }
  return shown(root)
}
