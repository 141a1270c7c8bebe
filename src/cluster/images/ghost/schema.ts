import type { Proc } from '../../../unix/types.ts'
import type { Database } from './database.ts'
import { objectId, timestamp } from './blog.ts'
import type { GhostRelease } from './ghost.ts'

/** The tables of what there is of Ghost, in the order in which it makes them. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  posts: [
    'id varchar(24) NOT NULL PRIMARY KEY', 'uuid varchar(36) NOT NULL', 'title varchar(2000) NOT NULL', 'slug varchar(191) NOT NULL', 'mobiledoc longtext', 'lexical longtext', 'html longtext', 'plaintext longtext', 'feature_image varchar(2000)', 'featured tinyint NOT NULL DEFAULT 0', "type varchar(50) NOT NULL DEFAULT 'post'", "status varchar(50) NOT NULL DEFAULT 'draft'", "visibility varchar(50) NOT NULL DEFAULT 'public'",
    'created_at datetime NOT NULL', 'created_by varchar(24) NOT NULL', 'updated_at datetime', 'updated_by varchar(24)', 'published_at datetime', 'published_by varchar(24)', 'custom_excerpt varchar(2000)', 'UNIQUE (slug, type)',
  ],
  users: ['id varchar(24) NOT NULL PRIMARY KEY', 'name varchar(191) NOT NULL', 'slug varchar(191) NOT NULL UNIQUE', 'password varchar(60) NOT NULL', 'email varchar(191) NOT NULL UNIQUE', 'bio text', 'website varchar(2000)', "status varchar(50) NOT NULL DEFAULT 'active'", "visibility varchar(50) NOT NULL DEFAULT 'public'", 'last_seen datetime', 'created_at datetime NOT NULL', 'updated_at datetime'],
  posts_authors: ['id varchar(24) NOT NULL PRIMARY KEY', 'post_id varchar(24) NOT NULL', 'author_id varchar(24) NOT NULL', 'sort_order int NOT NULL DEFAULT 0'],
  roles: ['id varchar(24) NOT NULL PRIMARY KEY', 'name varchar(50) NOT NULL UNIQUE', 'description varchar(2000)', 'created_at datetime NOT NULL', 'updated_at datetime'],
  roles_users: ['id varchar(24) NOT NULL PRIMARY KEY', 'role_id varchar(24) NOT NULL', 'user_id varchar(24) NOT NULL'],
  settings: ['id varchar(24) NOT NULL PRIMARY KEY', "`group` varchar(50) NOT NULL DEFAULT 'core'", '`key` varchar(50) NOT NULL UNIQUE', '`value` text', '`type` varchar(50) NOT NULL', 'created_at datetime NOT NULL', 'updated_at datetime'],
  tags: ['id varchar(24) NOT NULL PRIMARY KEY', 'name varchar(191) NOT NULL', 'slug varchar(191) NOT NULL UNIQUE', 'description text', "visibility varchar(50) NOT NULL DEFAULT 'public'", 'created_at datetime NOT NULL', 'updated_at datetime'],
  posts_tags: ['id varchar(24) NOT NULL PRIMARY KEY', 'post_id varchar(24) NOT NULL', 'tag_id varchar(24) NOT NULL', 'sort_order int NOT NULL DEFAULT 0'],
  sessions: ['id varchar(24) NOT NULL PRIMARY KEY', 'session_id varchar(32) NOT NULL UNIQUE', 'user_id varchar(24) NOT NULL', 'session_data varchar(2000) NOT NULL', 'created_at datetime NOT NULL', 'updated_at datetime'],
  integrations: ['id varchar(24) NOT NULL PRIMARY KEY', "type varchar(50) NOT NULL DEFAULT 'custom'", 'name varchar(191) NOT NULL', 'slug varchar(191) NOT NULL UNIQUE', 'created_at datetime NOT NULL', 'updated_at datetime'],
  api_keys: ['id varchar(24) NOT NULL PRIMARY KEY', 'type varchar(50) NOT NULL', 'secret varchar(191) NOT NULL UNIQUE', 'integration_id varchar(24)', 'created_at datetime NOT NULL', 'updated_at datetime'],
}
const ROLES: Readonly<Record<string, string>> = { Administrator: 'Administrators', Editor: 'Editors', Author: 'Authors', Contributor: 'Contributors', Owner: 'Blog Owner' }
const MODELS = ['User', 'Role', 'Setting', 'Post', 'Tag', 'Integration']

/** Another start is making tables, or one ended while it did. */
export class MigrationsLocked extends Error {
  constructor() { super('Migration lock was never released or currently a migration is running.') }
}

/** Makes the tables and what a new blog holds, where they aren't there yet. @throws DatabaseError, MigrationsLocked */
export async function initialise(proc: Proc, db: Database, release: GhostRelease, say: (level: 'INFO' | 'WARN', text: string) => Promise<void>): Promise<void> {
  await db.create()
  await db.run('CREATE TABLE IF NOT EXISTS migrations (id integer NOT NULL PRIMARY KEY, name varchar(120) NOT NULL, version varchar(70) NOT NULL, currentVersion varchar(255))')
  await db.run('CREATE TABLE IF NOT EXISTS migrations_lock (lock_key varchar(191) NOT NULL PRIMARY KEY, locked tinyint DEFAULT 0, acquired_at datetime, released_at datetime)')
  const done = await db.rows("SELECT name FROM migrations WHERE version = 'init'")
  if (done.length > 0) return
  if (release.major >= 4) await say('WARN', 'Database state requires initialisation.')
  try { await db.run("INSERT INTO migrations_lock (lock_key, locked) VALUES ('km01', 0)") } catch { /* it is there */ }
  const { affected } = await db.run("UPDATE migrations_lock SET locked = 1, acquired_at = ? WHERE lock_key = 'km01' AND locked = 0", timestamp(proc))
  if (affected === 0) throw new MigrationsLocked()
  for (const [name, columns] of Object.entries(TABLES)) {
    await say('INFO', `Creating table: ${name}`)
    await db.run(`CREATE TABLE IF NOT EXISTS ${name} (${columns.join(', ')})`)
  }
  for (const model of MODELS) await say('INFO', `Model: ${model}`)
  const now = timestamp(proc)
  const ids = new Map<string, string>()
  for (const [name, description] of Object.entries(ROLES)) {
    ids.set(name, objectId(proc))
    await db.run('INSERT INTO roles (id, name, description, created_at, updated_at) VALUES (?, ?, ?, ?, ?)', ids.get(name)!, name, description, now, now)
  }
  const owner = objectId(proc)
  await db.run("INSERT INTO users (id, name, slug, password, email, status, created_at, updated_at) VALUES (?, 'Ghost', 'ghost', '', 'ghost@example.com', 'inactive', ?, ?)", owner, now, now)
  await db.run('INSERT INTO roles_users (id, role_id, user_id) VALUES (?, ?, ?)', objectId(proc), ids.get('Owner')!, owner)
  const settings: readonly (readonly [string, string, string])[] = [['site', 'title', 'Ghost'], ['site', 'description', release.major >= 4 ? 'Thoughts, stories and ideas.' : 'The professional publishing platform'], ['site', 'active_theme', release.major >= 6 ? 'source' : 'casper'], ['site', 'timezone', 'Etc/UTC'], ['site', 'locale', 'en'], ['core', 'session_secret', Array.from({ length: 64 }, () => proc.random.int(16).toString(16)).join('')], ['core', 'db_hash', objectId(proc)]]
  for (const [group, key, value] of settings) await db.run('INSERT INTO settings (id, `group`, `key`, `value`, `type`, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)', objectId(proc), group, key, value, 'string', now, now)
  const [title, slug, text] = release.major >= 4 ? ['Coming soon', 'coming-soon', 'There is nothing here yet, but soon there will be.'] : ['Welcome to Ghost', 'welcome', 'Your publication is set up and ready: sign in at /ghost and write your first story.']
  const post = objectId(proc)
  const html = `<p>${text}</p>`
  await db.run("INSERT INTO posts (id, uuid, title, slug, mobiledoc, html, plaintext, status, created_at, created_by, updated_at, updated_by, published_at, published_by) VALUES (?, ?, ?, ?, ?, ?, ?, 'published', ?, ?, ?, ?, ?, ?)", post, proc.random.uuid(), title!, slug!, JSON.stringify({ version: '0.3.1', atoms: [], cards: [['html', { html }]], markups: [], sections: [[10, 0]] }), html, text!, now, owner, now, owner, now, owner)
  await db.run('INSERT INTO posts_authors (id, post_id, author_id) VALUES (?, ?, ?)', objectId(proc), post, owner)
  await db.run("INSERT INTO migrations (id, name, version, currentVersion) VALUES (1, '1-create-tables.js', 'init', ?)", release.version)
  await db.run("UPDATE migrations_lock SET locked = 0, released_at = ? WHERE lock_key = 'km01'", timestamp(proc))
}
