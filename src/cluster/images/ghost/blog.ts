import { encodeBase64, hashSync, compareSync } from 'bcryptjs'
import type { Proc } from '../../../unix/types.ts'
import type { SqlParameter, SqlRow } from '../mysql/mysql-session.ts'
import type { GhostConfiguration } from './configuration.ts'
import type { Database } from './database.ts'
import type { GhostRelease } from './ghost.ts'

/** 2^6 turns: ten, as Ghost has it, would hold up everything else for as long as a tenth of a second. */
const BCRYPT_COST = 6

/** An identifier like MongoDB's: time and chance. */
export function objectId(proc: Proc): string {
  return `${Math.floor(proc.clock.nowMs() / 1000).toString(16).padStart(8, '0')}${Array.from({ length: 16 }, () => proc.random.int(16).toString(16)).join('')}`
}

/** This moment as both databases keep it. */
export function timestamp(proc: Proc): string {
  return new Date(Math.floor(proc.clock.nowMs())).toISOString().slice(0, 19).replace('T', ' ')
}

/** What a title is in an address. */
export function slugOf(title: string): string {
  return title.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 185) || 'untitled'
}

/** HTML as reading text. */
export function plainText(html: string): string {
  return html.replace(/<(?:script|style)[\s\S]*?<\/(?:script|style)>/gi, '').replace(/<\/(?:p|div|h\d|li)>/gi, '\n\n').replace(/<[^>]*>/g, '').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&#0?39;/g, "'").replace(/&amp;/g, '&').trim()
}

/** A row of posts, with its tags. */
export interface GhostPost { id: string; uuid: string; title: string; slug: string; html: string; text: string; source: string; type: string; status: string; visibility: string; featured: boolean; excerpt: string | null; created: string; updated: string; published: string | null; author: string; tags: { id: string; name: string; slug: string }[] }
/** A row of users. */
export interface GhostUser { id: string; name: string; slug: string; email: string; password: string; status: string; created: string }

/** What is written and read of the blog. */
export class Blog {
  readonly proc: Proc
  readonly db: Database
  readonly release: GhostRelease
  readonly configuration: GhostConfiguration

  constructor(proc: Proc, db: Database, release: GhostRelease, configuration: GhostConfiguration) {
    this.proc = proc
    this.db = db
    this.release = release
    this.configuration = configuration
  }

  // --- settings -----------------------------------------------------------------------------------------------------------------

  async settings(): Promise<Map<string, string>> { return new Map((await this.db.rows('SELECT `key`, `value` FROM settings')).map((row) => [row.key!, row.value ?? ''])) }

  /** @returns whether there is such a setting */
  async setSetting(key: string, value: string): Promise<boolean> {
    await this.db.run('UPDATE settings SET `value` = ?, updated_at = ? WHERE `key` = ?', value, timestamp(this.proc), key)
    return (await this.settings()).has(key)
  }

  // --- people -------------------------------------------------------------------------------------------------------------------

  async users(where = '1=1', ...parameters: SqlParameter[]): Promise<GhostUser[]> {
    return (await this.db.rows(`SELECT * FROM users WHERE ${where} ORDER BY created_at`, ...parameters)).map((row) => ({ id: row.id!, name: row.name!, slug: row.slug!, email: row.email!, password: row.password!, status: row.status!, created: row.created_at! }))
  }

  /** Whether somebody has set the blog up. */
  async isSetUp(): Promise<boolean> { return (await this.users("status = 'active'")).length > 0 }

  /** Makes the blog somebody's. */
  async setUp({ name, email, password, title }: { name: string; email: string; password: string; title: string }): Promise<GhostUser> {
    const salt = encodeBase64(Array.from({ length: 16 }, () => this.proc.random.int(256)), 16)
    await this.db.run("UPDATE users SET name = ?, slug = ?, email = ?, password = ?, status = 'active', updated_at = ? WHERE status = 'inactive'", name, slugOf(name), email, hashSync(password, `$2a$${String(BCRYPT_COST).padStart(2, '0')}$${salt}`), timestamp(this.proc))
    if (title !== '') await this.setSetting('title', title)
    return (await this.users('email = ?', email))[0]!
  }

  isPassword(user: GhostUser, password: string): boolean { return user.password !== '' && compareSync(password, user.password) }

  async startSession(user: GhostUser, origin: string): Promise<string> {
    const id = Array.from({ length: 32 }, () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[this.proc.random.int(64)]!).join('')
    await this.db.run('INSERT INTO sessions (id, session_id, user_id, session_data, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)', objectId(this.proc), id, user.id, JSON.stringify({ user_id: user.id, origin }), timestamp(this.proc), timestamp(this.proc))
    return id
  }

  async session(id: string): Promise<{ user: GhostUser; origin: string } | undefined> {
    const [row] = await this.db.rows('SELECT * FROM sessions WHERE session_id = ?', id)
    const [user] = row ? await this.users('id = ?', row.user_id!) : []
    return user && { user, origin: (JSON.parse(row!.session_data!) as { origin: string }).origin }
  }

  async endSession(id: string): Promise<void> { await this.db.run('DELETE FROM sessions WHERE session_id = ?', id) }

  // --- posts --------------------------------------------------------------------------------------------------------------------

  async posts(where: string, parameters: readonly SqlParameter[] = [], { limit = 1000, offset = 0 }: { limit?: number; offset?: number } = {}): Promise<GhostPost[]> {
    const rows = await this.db.rows(`SELECT * FROM posts WHERE ${where} ORDER BY CASE status WHEN 'draft' THEN 0 ELSE 1 END, published_at DESC, updated_at DESC, id DESC LIMIT ${limit} OFFSET ${offset}`, ...parameters)
    const posts: GhostPost[] = []
    for (const row of rows) posts.push(await this.#postOf(row))
    return posts
  }

  async #postOf(row: SqlRow): Promise<GhostPost> {
    const [author] = await this.db.rows('SELECT author_id FROM posts_authors WHERE post_id = ? ORDER BY sort_order', row.id!)
    const tags = await this.db.rows('SELECT t.id, t.name, t.slug FROM tags t JOIN posts_tags p ON p.tag_id = t.id WHERE p.post_id = ? ORDER BY p.sort_order', row.id!)
    return { id: row.id!, uuid: row.uuid!, title: row.title!, slug: row.slug!, html: row.html ?? '', text: row.plaintext ?? '', source: row.lexical ?? row.mobiledoc ?? '', type: row.type!, status: row.status!, visibility: row.visibility!, featured: Number(row.featured) !== 0, excerpt: row.custom_excerpt ?? null, created: row.created_at!, updated: row.updated_at ?? row.created_at!, published: row.published_at ?? null, author: author?.author_id ?? row.created_by!, tags: tags.map((tag) => ({ id: tag.id!, name: tag.name!, slug: tag.slug! })) }
  }

  async count(where: string, ...parameters: SqlParameter[]): Promise<number> { return Number((await this.db.rows(`SELECT COUNT(*) AS n FROM posts WHERE ${where}`, ...parameters))[0]!.n) }

  async #slug(wanted: string, id: string): Promise<string> {
    for (let n = 1; ; n++) {
      const slug = n === 1 ? wanted : `${wanted}-${n}`
      if (await this.count('slug = ? AND id <> ?', slug, id) === 0) return slug
    }
  }

  /** Writes a new post or changes one. @returns its identifier */
  async save({ id, user, title, html, status, type, slug, tags, excerpt, featured }: { id?: string | undefined; user: string; title: string; html: string; status: string; type: string; slug?: string | undefined; tags?: readonly string[] | undefined; excerpt?: string | null | undefined; featured?: boolean | undefined }): Promise<string> {
    const now = timestamp(this.proc)
    const number = id ?? objectId(this.proc)
    const [old] = id === undefined ? [] : await this.posts('id = ?', [id])
    const name = await this.#slug(slug !== undefined && slug !== '' ? slugOf(slug) : old && !(old.status === 'draft' && old.slug.startsWith('untitled')) ? old.slug : slugOf(title), number)
    const source = JSON.stringify({ version: '0.3.1', atoms: [], cards: [['html', { html }]], markups: [], sections: [[10, 0]] })
    const published = status === 'published' ? old?.published ?? now : old?.published ?? null
    if (!old) {
      await this.db.run('INSERT INTO posts (id, uuid, title, slug, mobiledoc, html, plaintext, featured, type, status, created_at, created_by, updated_at, updated_by, published_at, published_by, custom_excerpt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', number, this.proc.random.uuid(), title, name, source, html, plainText(html), featured ? 1 : 0, type, status, now, user, now, user, published, published === null ? null : user, excerpt ?? null)
      await this.db.run('INSERT INTO posts_authors (id, post_id, author_id) VALUES (?, ?, ?)', objectId(this.proc), number, user)
    } else await this.db.run('UPDATE posts SET title = ?, slug = ?, mobiledoc = ?, html = ?, plaintext = ?, featured = ?, status = ?, updated_at = ?, updated_by = ?, published_at = ?, custom_excerpt = ? WHERE id = ?', title, name, source, html, plainText(html), (featured ?? old.featured) ? 1 : 0, status, now, user, published, excerpt === undefined ? old.excerpt : excerpt, number)
    if (tags) await this.#tag(number, tags)
    return number
  }

  async #tag(post: string, names: readonly string[]): Promise<void> {
    await this.db.run('DELETE FROM posts_tags WHERE post_id = ?', post)
    for (const [order, name] of names.entries()) {
      let [tag] = await this.db.rows('SELECT id FROM tags WHERE slug = ?', slugOf(name))
      if (!tag) {
        tag = { id: objectId(this.proc) }
        await this.db.run('INSERT INTO tags (id, name, slug, created_at, updated_at) VALUES (?, ?, ?, ?, ?)', tag.id!, name, slugOf(name), timestamp(this.proc), timestamp(this.proc))
      }
      await this.db.run('INSERT INTO posts_tags (id, post_id, tag_id, sort_order) VALUES (?, ?, ?, ?)', objectId(this.proc), post, tag.id!, order)
    }
  }

  async remove(id: string): Promise<void> {
    for (const table of ['posts_tags', 'posts_authors']) await this.db.run(`DELETE FROM ${table} WHERE post_id = ?`, id)
    await this.db.run('DELETE FROM posts WHERE id = ?', id)
  }

  /** A program that may use the APIs, with its two keys. */
  async addIntegration(name: string): Promise<{ id: string; name: string; slug: string; keys: { id: string; type: string; secret: string }[] }> {
    const hex = (digits: number) => Array.from({ length: digits }, () => this.proc.random.int(16).toString(16)).join('')
    const integration = { id: objectId(this.proc), name, slug: `${slugOf(name)}-${hex(4)}`, keys: [{ id: objectId(this.proc), type: 'content', secret: hex(26) }, { id: objectId(this.proc), type: 'admin', secret: hex(64) }] }
    const now = timestamp(this.proc)
    await this.db.run('INSERT INTO integrations (id, name, slug, created_at, updated_at) VALUES (?, ?, ?, ?, ?)', integration.id, name, integration.slug, now, now)
    for (const key of integration.keys) await this.db.run('INSERT INTO api_keys (id, type, secret, integration_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)', key.id, key.type, key.secret, integration.id, now, now)
    return integration
  }

  async integrations(): Promise<{ id: string; name: string; slug: string; keys: { id: string; type: string; secret: string }[] }[]> {
    const keys = await this.db.rows('SELECT * FROM api_keys ORDER BY type')
    return (await this.db.rows('SELECT * FROM integrations ORDER BY created_at')).map((row) => ({ id: row.id!, name: row.name!, slug: row.slug!, keys: keys.filter((key) => key.integration_id === row.id).map((key) => ({ id: key.id!, type: key.type!, secret: key.secret! })) }))
  }
}
