import { hashPassword } from './password.ts'
import { tableStatements } from './schema.ts'
import type { Site } from './site.ts'
import { slugOf } from './site.ts'

/** What the installer asks for. */
export interface InstallAnswers { title: string; user: string; password: string; email: string; isPublic: boolean }

/** Makes the tables and what a new blog holds. `url` is where the installer was found. */
export async function install(site: Site, url: string, { title, user, password, email, isPublic }: InstallAnswers): Promise<void> {
  const { db, now, release, configuration: { tablePrefix } } = site
  for (const statement of tableStatements(tablePrefix)) await db.run(statement)
  const options: Record<string, string> = {
    siteurl: url, home: url, blogname: title, blogdescription: Number(release.version.split('.')[0]) < 6 ? 'Just another WordPress site' : '', users_can_register: '0', admin_email: email, start_of_week: '1', use_balanceTags: '0', use_smilies: '1', require_name_email: '1', comments_notify: '1', posts_per_rss: '10',
    rss_use_excerpt: '0', default_category: '1', default_comment_status: 'open', default_ping_status: 'open', posts_per_page: '10', date_format: 'F j, Y', time_format: 'g:i a', comment_moderation: '0', moderation_notify: '1', permalink_structure: '', blog_charset: 'UTF-8', active_plugins: 'a:0:{}', gmt_offset: '0', default_role: 'subscriber',
    db_version: release.database, initial_db_version: release.database, blog_public: isPublic ? '1' : '0', show_on_front: 'posts', page_on_front: '0', comment_previously_approved: '1', close_comments_for_old_posts: '0', page_comments: '0', comments_per_page: '50', timezone_string: '', template: 'drydock', stylesheet: 'drydock', fresh_site: '1',
    [`${tablePrefix}user_roles`]: 'a:5:{s:13:"administrator";a:2:{s:4:"name";s:13:"Administrator";s:12:"capabilities";a:0:{}}s:6:"editor";a:2:{s:4:"name";s:6:"Editor";s:12:"capabilities";a:0:{}}s:6:"author";a:2:{s:4:"name";s:6:"Author";s:12:"capabilities";a:0:{}}s:11:"contributor";a:2:{s:4:"name";s:11:"Contributor";s:12:"capabilities";a:0:{}}s:10:"subscriber";a:2:{s:4:"name";s:10:"Subscriber";s:12:"capabilities";a:0:{}}}',
  }
  for (const [name, value] of Object.entries(options)) await site.setOption(name, value)
  const { insertId: id } = await db.run(`INSERT INTO ${site.t('users')} (user_login, user_pass, user_nicename, user_email, user_registered, display_name) VALUES (?, ?, ?, ?, ?, ?)`, user, await hashPassword(site.proc, password), slugOf(user), email, now, user)
  for (const [key, value] of [['nickname', user], ['first_name', ''], ['last_name', ''], [`${tablePrefix}capabilities`, 'a:1:{s:13:"administrator";b:1;}'], [`${tablePrefix}user_level`, '10']] as const) await db.run(`INSERT INTO ${site.t('usermeta')} (user_id, meta_key, meta_value) VALUES (?, ?, ?)`, id, key, value)
  await db.run(`INSERT INTO ${site.t('terms')} (name, slug) VALUES ('Uncategorized', 'uncategorized')`)
  await db.run(`INSERT INTO ${site.t('term_taxonomy')} (term_id, taxonomy, description) VALUES (1, 'category', '')`)
  const post = await site.savePost({ author: id, title: 'Hello world!', content: '<!-- wp:paragraph -->\n<p>Your first post. Change it or delete it, and write another.</p>\n<!-- /wp:paragraph -->', status: 'publish', type: 'post', name: 'hello-world' })
  await site.addComment({ post, author: 'A WordPress Commenter', email: 'wapuu@wordpress.example', url: 'https://wordpress.org/', content: 'This is a comment. The dashboard has a page where comments are approved and deleted.', approved: '1', user: 0, parent: 0, ip: '', agent: '' })
  await site.savePost({ author: id, title: 'Sample Page', content: '<!-- wp:paragraph -->\n<p>This is an example page. It stays in one place and is no part of the stream of posts.</p>\n<!-- /wp:paragraph -->', status: 'publish', type: 'page', name: 'sample-page' })
  await site.savePost({ author: id, title: 'Privacy Policy', content: '', status: 'draft', type: 'page', name: 'privacy-policy' })
}
