import { bytesOfBase64 } from '../../../base/base64.ts'
import type { ApacheAnswer } from '../apache/apache.ts'
import { isPassword } from './password.ts'
import type { Visit } from './visit.ts'
import { mayEdit } from './site.ts'
import type { Comment, Post, Site, User } from './site.ts'

/** An error as the REST API words it. */
class RestError extends Error {
  readonly code: string
  readonly status: number
  constructor(code: string, message: string, status: number) {
    super(message)
    this.code = code
    this.status = status
  }
}

interface RestResult { body: unknown; status?: number; headers?: Record<string, string> }

/** The REST API. k8s: wp-includes/rest-api */
export async function restAnswer(site: Site, visit: Visit, route: string): Promise<ApacheAnswer> {
  let result: RestResult
  try { result = await new RestRequest(site, visit).run(route.replace(/\/$/, '') || '/') } catch (error) {
    if (!(error instanceof RestError)) throw error
    result = { body: { code: error.code, message: error.message, data: { status: error.status } }, status: error.status }
  }
  return { status: result.status ?? 200, type: 'application/json; charset=UTF-8', body: JSON.stringify(result.body).replaceAll('/', '\\/'), headers: { 'x-robots-tag': 'noindex', ...result.headers } }
}

const COLLECTIONS: Readonly<Record<string, string>> = { posts: 'post', pages: 'page' }
const WRITABLE = new Set(['publish', 'draft', 'pending', 'private'])

class RestRequest {
  readonly #site: Site
  readonly #visit: Visit

  constructor(site: Site, visit: Visit) {
    this.#site = site
    this.#visit = visit
  }

  /** By cookie with its nonce, or with name and password. */
  async #user(): Promise<User | undefined> {
    const { request, user } = this.#visit
    const basic = /^Basic (.*)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
    if (basic !== undefined) {
      let text = ''
      try { text = new TextDecoder().decode(bytesOfBase64(basic)) } catch {}
      const [found] = await this.#site.users('u.user_login = ?', text.slice(0, text.indexOf(':')))
      if (found && await isPassword(this.#site.proc, text.slice(text.indexOf(':') + 1), found.pass)) return found
      throw found ? new RestError('incorrect_password', 'The provided password is an invalid application password.', 401) : new RestError('invalid_username', 'Unknown username. Check again or try your email address.', 401)
    }
    const nonce = request.headers.get('x-wp-nonce') ?? this.#visit.address.searchParams.get('_wpnonce')
    if (!user || nonce === null) return undefined
    if (!this.#site.isNonce(nonce, 'wp_rest', user)) throw new RestError('rest_cookie_invalid_nonce', 'Cookie check failed', 403)
    return user
  }

  async #fields(): Promise<Record<string, unknown>> {
    const { request, form } = this.#visit
    if (!(request.headers.get('content-type') ?? '').startsWith('application/json')) return Object.fromEntries([...this.#visit.address.searchParams, ...form])
    try { return JSON.parse(await request.text()) as Record<string, unknown> } catch { throw new RestError('rest_invalid_json', 'Invalid JSON body passed.', 400) }
  }

  async run(route: string): Promise<RestResult> {
    const site = this.#site
    const { method } = this.#visit.request
    const user = await this.#user()
    if (route === '/') return { body: { name: site.option('blogname'), description: site.option('blogdescription'), url: site.url, home: site.home, gmt_offset: '0', timezone_string: '', namespaces: ['wp/v2'], authentication: [], routes: Object.fromEntries(['/', '/wp/v2/posts', '/wp/v2/pages', '/wp/v2/comments', '/wp/v2/categories', '/wp/v2/tags', '/wp/v2/users'].map((path) => [path, { namespace: path === '/' ? '' : 'wp/v2', methods: ['GET'] }])) } }
    const [, collection, id] = /^\/wp\/v2\/(\w+)(?:\/([\w-]+))?$/.exec(route) ?? []
    const noRoute = () => new RestError('rest_no_route', 'No route was found matching the URL and request method.', 404)
    if (collection === undefined) throw noRoute()
    const writes = method !== 'GET' && method !== 'HEAD'
    if (collection in COLLECTIONS) {
      if (!writes) return id === undefined ? this.#list(COLLECTIONS[collection]!) : { body: this.#shown(await this.#readable(id, COLLECTIONS[collection]!, user)) }
      if (method === 'DELETE' || id !== undefined) return this.#change(COLLECTIONS[collection]!, id, user, method)
      return this.#create(COLLECTIONS[collection]!, user)
    }
    if (writes && collection !== 'comments') throw noRoute()
    switch (collection) {
      case 'comments': return writes ? this.#comment(user) : { body: (await site.comments("comment_approved = '1'")).reverse().filter((comment) => id === undefined || comment.id === Number(id)).map((comment) => this.#shownComment(comment)) }
      case 'users': {
        if (id === 'me') {
          if (!user) throw new RestError('rest_not_logged_in', 'You are not currently logged in.', 401)
          return { body: this.#shownUser(user) }
        }
        const users = (await site.users()).filter((each) => id === undefined || each.id === Number(id))
        if (id !== undefined && users.length === 0) throw new RestError('rest_user_invalid_id', 'Invalid user ID.', 404)
        return { body: id === undefined ? users.map((each) => this.#shownUser(each)) : this.#shownUser(users[0]!) }
      }
      case 'categories': case 'tags': {
        const rows = await site.db.rows(`SELECT t.term_id, t.name, t.slug, x.count, x.taxonomy FROM ${site.t('terms')} t JOIN ${site.t('term_taxonomy')} x ON x.term_id = t.term_id WHERE x.taxonomy = ? ORDER BY t.name`, collection === 'tags' ? 'post_tag' : 'category')
        return { body: rows.map((row) => ({ id: Number(row.term_id), count: Number(row.count), description: '', link: `${site.home}/?cat=${row.term_id}`, name: row.name, slug: row.slug, taxonomy: row.taxonomy, parent: 0 })) }
      }
      default: throw noRoute()
    }
  }

  async #list(type: string): Promise<RestResult> {
    const query = this.#visit.address.searchParams
    const number = (name: string, otherwise: number) => query.has(name) ? Number(query.get(name)) : otherwise
    const [size, at] = [number('per_page', 10), number('page', 1)]
    if (!(size >= 1 && size <= 100)) throw new RestError('rest_invalid_param', 'Invalid parameter(s): per_page', 400)
    const search = query.get('search')
    const where = `post_type = ? AND post_status = 'publish'${search === null ? '' : ' AND (post_title LIKE ? OR post_content LIKE ?)'}${query.has('slug') ? ' AND post_name = ?' : ''}`
    const parameters = [type, ...search === null ? [] : [`%${search}%`, `%${search}%`], ...query.has('slug') ? [query.get('slug')!] : []]
    const total = await this.#site.count('posts', where, ...parameters)
    const pages = Math.ceil(total / size)
    if (at > Math.max(1, pages)) throw new RestError('rest_post_invalid_page_number', 'The page number requested is larger than the number of pages available.', 400)
    return { body: (await this.#site.posts(where, parameters, { limit: size, offset: (at - 1) * size })).map((post) => this.#shown(post)), headers: { 'x-wp-total': String(total), 'x-wp-totalpages': String(pages) } }
  }

  async #readable(id: string, type: string, user: User | undefined): Promise<Post> {
    const post = await this.#site.post(Number(id) || 0)
    if (!post || post.type !== type) throw new RestError('rest_post_invalid_id', 'Invalid post ID.', 404)
    if (post.status !== 'publish' && !user) throw new RestError('rest_forbidden', 'Sorry, you are not allowed to do that.', 401)
    return post
  }

  #mayWrite(user: User | undefined, code: string, message: string): User {
    if (user?.roles.some((role) => ['administrator', 'editor', 'author'].includes(role))) return user
    throw new RestError(code, message, user ? 403 : 401)
  }

  #text(value: unknown): string { return typeof value === 'string' ? value : value && typeof value === 'object' && 'raw' in value ? String(value.raw) : '' }

  #status(value: unknown, otherwise: string): string {
    if (value === undefined) return otherwise
    if (!WRITABLE.has(String(value))) throw new RestError('rest_invalid_param', 'Invalid parameter(s): status', 400)
    return String(value)
  }

  async #create(type: string, given: User | undefined): Promise<RestResult> {
    const user = this.#mayWrite(given, 'rest_cannot_create', 'Sorry, you are not allowed to create posts as this user.')
    if (!mayEdit(user, { author: user.id, type })) throw new RestError('rest_cannot_create', 'Sorry, you are not allowed to create posts as this user.', 403)
    const fields = await this.#fields()
    const [title, content, excerpt] = [this.#text(fields.title), this.#text(fields.content), this.#text(fields.excerpt)]
    if (title === '' && content === '' && excerpt === '') throw new RestError('empty_content', 'Content, title, and excerpt are empty.', 400)
    const id = await this.#site.savePost({ author: user.id, title, content, excerpt, status: this.#status(fields.status, 'draft'), type, name: fields.slug === undefined ? undefined : String(fields.slug) })
    return { body: this.#shown((await this.#site.post(id))!), status: 201, headers: { location: `${this.#site.home}/?rest_route=/wp/v2/${type}s/${id}` } }
  }

  async #change(type: string, id: string | undefined, given: User | undefined, method: string): Promise<RestResult> {
    const deletes = method === 'DELETE'
    const user = this.#mayWrite(given, deletes ? 'rest_cannot_delete' : 'rest_cannot_edit', deletes ? 'Sorry, you are not allowed to delete this post.' : 'Sorry, you are not allowed to edit this post.')
    const post = await this.#readable(id ?? '', type, user)
    if (!mayEdit(user, post)) throw new RestError(deletes ? 'rest_cannot_delete' : 'rest_cannot_edit', `Sorry, you are not allowed to ${deletes ? 'delete' : 'edit'} this post.`, 403)
    if (deletes) {
      if (this.#visit.address.searchParams.get('force') === 'true') { await this.#site.deletePost(post.id); return { body: { deleted: true, previous: this.#shown(post) } } }
      if (post.status === 'trash') throw new RestError('rest_already_trashed', 'The post has already been deleted.', 410)
      await this.#site.setStatus(post.id, 'trash')
    } else {
      const fields = await this.#fields()
      await this.#site.savePost({ id: post.id, author: post.author, title: fields.title === undefined ? post.title : this.#text(fields.title), content: fields.content === undefined ? post.content : this.#text(fields.content), status: this.#status(fields.status, post.status), type, name: fields.slug === undefined ? undefined : String(fields.slug) })
    }
    return { body: this.#shown((await this.#site.post(post.id))!) }
  }

  async #comment(user: User | undefined): Promise<RestResult> {
    if (!user) throw new RestError('rest_comment_login_required', 'Sorry, you must be logged in to comment.', 401)
    const fields = await this.#fields()
    const post = await this.#site.post(Number(fields.post) || 0)
    if (!post) throw new RestError('rest_comment_invalid_post_id', 'Sorry, you are not allowed to create this comment without a post.', 403)
    const content = this.#text(fields.content)
    if (content === '') throw new RestError('rest_comment_content_invalid', 'Invalid comment content.', 400)
    const id = await this.#site.addComment({ post: post.id, author: user.name, email: user.email, url: '', content, approved: '1', user: user.id, parent: Number(fields.parent) || 0, ip: this.#visit.peer.remote.ip, agent: this.#visit.request.headers.get('user-agent') ?? '' })
    return { body: this.#shownComment((await this.#site.comments('comment_ID = ?', id))[0]!), status: 201 }
  }

  #shown(post: Post): object {
    const date = (text: string) => text.replace(' ', 'T')
    const text = post.content.replace(/<!-- \/?wp:[\s\S]*?-->\n?/g, '')
    return {
      id: post.id, date: date(post.date), date_gmt: date(post.date), guid: { rendered: `${this.#site.home}/?${post.type === 'page' ? 'page_id' : 'p'}=${post.id}` }, modified: date(post.modified), modified_gmt: date(post.modified), slug: post.name, status: post.status, type: post.type, link: this.#site.permalink(post),
      title: { rendered: post.title }, content: { rendered: `\n${text}`, protected: false }, excerpt: { rendered: post.excerpt === '' ? `${text.trim()}\n` : `<p>${post.excerpt}</p>\n`, protected: false }, author: post.author, featured_media: 0, comment_status: post.comments, ping_status: post.comments, ...post.type === 'post' ? { sticky: false, format: 'standard', categories: [1], tags: [] } : { parent: 0, menu_order: 0 }, meta: [],
    }
  }

  #shownComment(comment: Comment): object {
    return { id: comment.id, post: comment.post, parent: comment.parent, author: comment.user, author_name: comment.author, author_url: comment.url, date: comment.date.replace(' ', 'T'), date_gmt: comment.date.replace(' ', 'T'), content: { rendered: `<p>${comment.content.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</p>\n` }, link: `${this.#site.home}/?p=${comment.post}#comment-${comment.id}`, status: comment.approved === '1' ? 'approved' : 'hold', type: 'comment' }
  }

  #shownUser(user: User): object {
    return { id: user.id, name: user.name, url: '', description: '', link: `${this.#site.home}/?author=${user.id}`, slug: user.slug, meta: [] }
  }
}
