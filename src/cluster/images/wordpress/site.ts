import { hmac } from '@noble/hashes/hmac.js'
import { md5 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Proc } from '../../../unix/types.ts'
import type { MysqlSession, SqlParameter, SqlRow } from '../mysql/mysql-session.ts'
import type { WordpressConfiguration } from './configuration.ts'
import type { WordpressRelease } from './wordpress.ts'

const DAY_MS = 86_400_000
const LOGIN_DAYS = 2
const REMEMBERED_DAYS = 14

/** Somebody of wp_users, with roles. */
export interface User { id: number; login: string; name: string; slug: string; email: string; pass: string; registered: string; roles: string[] }

/** A row of wp_posts: posts and pages. */
export interface Post { id: number; author: number; date: string; modified: string; content: string; title: string; excerpt: string; status: string; comments: string; name: string; type: string; commentCount: number }

/** A row of wp_comments. */
export interface Comment { id: number; post: number; author: string; email: string; url: string; date: string; content: string; approved: string; user: number; parent: number }

/** Whether somebody may change or delete a post: editors everything, authors what they wrote themselves, but no pages. */
export function mayEdit(user: User, post: Pick<Post, 'author' | 'type'>): boolean {
  return user.roles.some((role) => role === 'administrator' || role === 'editor') || (user.roles.includes('author') && post.author === user.id && post.type === 'post')
}

/** What a part of a text is in an address. */
export function slugOf(title: string): string {
  return title.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase().replace(/[^a-z0-9_\s-]/g, '').trim().replace(/[\s-]+/g, '-').slice(0, 200)
}

/** One request's view of the blog: its database and options. */
export class Site {
  readonly proc: Proc
  readonly db: MysqlSession
  readonly release: WordpressRelease
  readonly configuration: WordpressConfiguration
  readonly #options = new Map<string, string>()

  constructor(proc: Proc, release: WordpressRelease, configuration: WordpressConfiguration, db: MysqlSession) {
    this.proc = proc
    this.release = release
    this.configuration = configuration
    this.db = db
  }

  /** A table's name, for statements. */
  t(name: string): string { return `\`${this.configuration.tablePrefix}${name}\`` }

  /** Reads the options. @returns whether WordPress is installed */
  async load(): Promise<boolean> {
    const tables = await this.db.rows('SHOW TABLES LIKE ?', `${this.configuration.tablePrefix.replace(/[_%]/g, '\\$&')}options`)
    if (tables.length === 0) return false
    for (const row of await this.db.rows(`SELECT option_name, option_value FROM ${this.t('options')}`)) this.#options.set(row.option_name!, row.option_value!)
    return this.#options.has('siteurl')
  }

  option(name: string): string { return this.#options.get(name) ?? '' }

  async setOption(name: string, value: string): Promise<void> {
    await this.db.run(`INSERT INTO ${this.t('options')} (option_name, option_value, autoload) VALUES (?, ?, 'yes') ON DUPLICATE KEY UPDATE option_value = VALUES(option_value)`, name, value)
    this.#options.set(name, value)
  }

  /** Where visitors find the blog. */
  get home(): string { return (this.configuration.constants.get('WP_HOME') ?? this.option('home')).replace(/\/$/, '') }
  /** Where WordPress's own pages are. */
  get url(): string { return (this.configuration.constants.get('WP_SITEURL') ?? this.option('siteurl')).replace(/\/$/, '') }

  /** This moment as MySQL writes it. */
  get now(): string { return new Date(Math.floor(this.proc.clock.nowMs())).toISOString().slice(0, 19).replace('T', ' ') }

  permalink(post: Post): string {
    if (post.status === 'publish' && this.option('permalink_structure') !== '' && post.name !== '') return post.type === 'page' ? `${this.home}/${post.name}/` : `${this.home}/${post.date.slice(0, 10).replaceAll('-', '/')}/${post.name}/`
    return `${this.home}/?${post.type === 'page' ? 'page_id' : 'p'}=${post.id}`
  }

  // --- people -------------------------------------------------------------------------------------------------------------------

  async users(where = '1=1', ...parameters: SqlParameter[]): Promise<User[]> {
    const rows = await this.db.rows(`SELECT u.*, m.meta_value AS capabilities FROM ${this.t('users')} u LEFT JOIN ${this.t('usermeta')} m ON m.user_id = u.ID AND m.meta_key = ? WHERE ${where} ORDER BY u.ID`, `${this.configuration.tablePrefix}capabilities`, ...parameters)
    return rows.map((row) => ({ id: Number(row.ID), login: row.user_login!, name: row.display_name!, slug: row.user_nicename!, email: row.user_email!, pass: row.user_pass!, registered: row.user_registered!, roles: [...(row.capabilities ?? '').matchAll(/"(\w+)";b:1/g)].map((match) => match[1]!) }))
  }

  #key(scheme: string): Uint8Array {
    const { constants } = this.configuration
    return utf8ToBytes(`${constants.get(`${scheme}_KEY`) ?? ''}${constants.get(`${scheme}_SALT`) ?? ''}`)
  }

  #seal(scheme: string, text: string): string { return bytesToHex(hmac(sha256, this.#key(scheme), utf8ToBytes(text))) }

  get cookieName(): string { return `wordpress_logged_in_${bytesToHex(md5(utf8ToBytes(this.url)))}` }

  /** The Set-Cookie line that logs somebody in. */
  loginCookie(user: User, remember: boolean): string {
    const expires = Math.floor((this.proc.clock.nowMs() + (remember ? REMEMBERED_DAYS : LOGIN_DAYS) * DAY_MS) / 1000)
    const token = Array.from({ length: 43 }, () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'[this.proc.random.int(62)]!).join('')
    const text = `${user.login}|${expires}|${token}`
    return `${this.cookieName}=${encodeURIComponent(`${text}|${this.#seal('LOGGED_IN', `${text}|${user.pass.slice(8, 12)}`)}`)}; path=/; HttpOnly${remember ? `; expires=${new Date(expires * 1000 + DAY_MS / 2).toUTCString()}; Max-Age=${REMEMBERED_DAYS * DAY_MS / 1000 + DAY_MS / 2000}` : ''}`
  }

  logoutCookie(): string { return `${this.cookieName}=%20; expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; path=/` }

  /** Who a request's cookie says that it comes from. */
  async userOf(cookies: ReadonlyMap<string, string>): Promise<User | undefined> {
    const [login, expires, token, seal] = (cookies.get(this.cookieName) ?? '').split('|')
    if (seal === undefined || Number(expires) * 1000 < this.proc.clock.nowMs()) return undefined
    const [user] = await this.users('u.user_login = ?', login!)
    return user && this.#seal('LOGGED_IN', `${login}|${expires}|${token}|${user.pass.slice(8, 12)}`) === seal ? user : undefined
  }

  /** A number used once, for half a day to a day: proof that a form came from here. */
  nonce(action: string, user: User, ticksAgo = 0): string {
    return this.#seal('NONCE', `${Math.ceil(this.proc.clock.nowMs() / (DAY_MS / 2)) - ticksAgo}|${action}|${user.id}`).slice(-12, -2)
  }

  isNonce(nonce: string | null, action: string, user: User): boolean { return nonce !== null && [0, 1].some((ago) => this.nonce(action, user, ago) === nonce) }

  // --- posts --------------------------------------------------------------------------------------------------------------------

  async posts(where: string, parameters: readonly SqlParameter[], { limit = 100, offset = 0, order = 'post_date DESC, ID DESC' }: { limit?: number; offset?: number; order?: string } = {}): Promise<Post[]> {
    return (await this.db.rows(`SELECT * FROM ${this.t('posts')} WHERE ${where} ORDER BY ${order} LIMIT ${offset}, ${limit}`, ...parameters)).map(postOf)
  }

  async post(id: number): Promise<Post | undefined> { return (await this.posts('ID = ?', [id]))[0] }

  async count(table: string, where: string, ...parameters: SqlParameter[]): Promise<number> {
    return Number((await this.db.rows(`SELECT COUNT(*) AS n FROM ${this.t(table)} WHERE ${where}`, ...parameters))[0]!.n)
  }

  /** A name for addresses that no other post has. */
  async uniqueName(wanted: string, id: number, type: string): Promise<string> {
    for (let n = 1; ; n++) {
      const name = n === 1 ? wanted : `${wanted}-${n}`
      if (name === '' || await this.count('posts', 'post_name = ? AND post_type = ? AND ID <> ?', name, type, id) === 0) return name
    }
  }

  /** Writes a new post or changes one. @returns its number */
  async savePost({ id = 0, author, title, content, excerpt = '', status, type, name }: { id?: number; author: number; title: string; content: string; excerpt?: string; status: string; type: string; name?: string | undefined }): Promise<number> {
    const { now } = this
    const gmt = status === 'draft' ? '0000-00-00 00:00:00' : now
    const old = id === 0 ? undefined : await this.post(id)
    const slug = await this.uniqueName(name ?? (old?.name || (status === 'draft' ? '' : slugOf(title) || String(id || ''))), id, type)
    let number = id
    if (!old) {
      number = (await this.db.run(`INSERT INTO ${this.t('posts')} (post_author, post_date, post_date_gmt, post_content, post_title, post_excerpt, post_status, comment_status, ping_status, post_name, to_ping, pinged, post_modified, post_modified_gmt, post_content_filtered, guid, post_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', ?, ?, '', '', ?)`,
        author, now, gmt, content, title, excerpt, status, type === 'page' ? 'closed' : 'open', type === 'page' ? 'closed' : 'open', slug, now, gmt, type)).insertId
      await this.db.run(`UPDATE ${this.t('posts')} SET guid = ?, post_name = ? WHERE ID = ?`, `${this.home}/?${type === 'page' ? 'page_id' : 'p'}=${number}`, slug || (status === 'publish' ? String(number) : ''), number)
      if (type === 'post') await this.db.run(`INSERT INTO ${this.t('term_relationships')} (object_id, term_taxonomy_id) VALUES (?, 1)`, number)
    } else {
      const published = old.status !== 'publish' && status === 'publish'
      await this.db.run(`UPDATE ${this.t('posts')} SET post_title = ?, post_content = ?, post_status = ?, post_name = ?, post_modified = ?, post_modified_gmt = ?${published ? ', post_date = ?, post_date_gmt = ?' : ''} WHERE ID = ?`, title, content, status, slug, now, now, ...published ? [now, now] : [], id)
    }
    await this.#countPosts()
    return number
  }

  async setStatus(id: number, status: string): Promise<void> {
    await this.db.run(`UPDATE ${this.t('posts')} SET post_status = ? WHERE ID = ?`, status, id)
    await this.#countPosts()
  }

  async deletePost(id: number): Promise<void> {
    await this.db.run(`DELETE FROM ${this.t('posts')} WHERE ID = ?`, id)
    await this.db.run(`DELETE FROM ${this.t('comments')} WHERE comment_post_ID = ?`, id)
    await this.db.run(`DELETE FROM ${this.t('term_relationships')} WHERE object_id = ?`, id)
    await this.#countPosts()
  }

  async #countPosts(): Promise<void> {
    await this.db.run(`UPDATE ${this.t('term_taxonomy')} SET count = (SELECT COUNT(*) FROM ${this.t('posts')} p JOIN ${this.t('term_relationships')} r ON r.object_id = p.ID WHERE r.term_taxonomy_id = 1 AND p.post_status = 'publish') WHERE term_taxonomy_id = 1`)
  }

  // --- comments -----------------------------------------------------------------------------------------------------------------

  async comments(where: string, ...parameters: SqlParameter[]): Promise<Comment[]> {
    return (await this.db.rows(`SELECT * FROM ${this.t('comments')} WHERE ${where} ORDER BY comment_date_gmt, comment_ID`, ...parameters)).map((row) => ({ id: Number(row.comment_ID), post: Number(row.comment_post_ID), author: row.comment_author!, email: row.comment_author_email!, url: row.comment_author_url!, date: row.comment_date!, content: row.comment_content!, approved: row.comment_approved!, user: Number(row.user_id), parent: Number(row.comment_parent) }))
  }

  async addComment(comment: Omit<Comment, 'id' | 'date'> & { ip: string; agent: string }): Promise<number> {
    const { insertId } = await this.db.run(`INSERT INTO ${this.t('comments')} (comment_post_ID, comment_author, comment_author_email, comment_author_url, comment_author_IP, comment_date, comment_date_gmt, comment_content, comment_approved, comment_agent, comment_type, comment_parent, user_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'comment', ?, ?)`,
      comment.post, comment.author, comment.email, comment.url, comment.ip, this.now, this.now, comment.content, comment.approved, comment.agent.slice(0, 254), comment.parent, comment.user)
    await this.countComments(comment.post)
    return insertId
  }

  async countComments(post: number): Promise<void> {
    await this.db.run(`UPDATE ${this.t('posts')} SET comment_count = ? WHERE ID = ?`, await this.count('comments', "comment_post_ID = ? AND comment_approved = '1'", post), post)
  }
}

function postOf(row: SqlRow): Post {
  return { id: Number(row.ID), author: Number(row.post_author), date: row.post_date!, modified: row.post_modified!, content: row.post_content!, title: row.post_title!, excerpt: row.post_excerpt!, status: row.post_status!, comments: row.comment_status!, name: row.post_name!, type: row.post_type!, commentCount: Number(row.comment_count) }
}
