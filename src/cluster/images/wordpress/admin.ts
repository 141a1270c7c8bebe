import type { ApacheAnswer } from '../apache/apache.ts'
import { html } from '../web/html.ts'
import type { Html } from '../web/html.ts'
import { adminPage, diePage } from './pages.ts'
import { hashPassword } from './password.ts'
import { page, redirect } from './visit.ts'
import type { Visit } from './visit.ts'
import { mayEdit, slugOf } from './site.ts'
import type { Post, Site, User } from './site.ts'

const FORBIDDEN = 'Sorry, you are not allowed to access this page.'
const STATUSES: Readonly<Record<string, string>> = { draft: 'Draft', pending: 'Pending', private: 'Private', trash: 'Trash' }

/** The pages below /wp-admin. */
export async function admin(site: Site, visit: Visit, script: string): Promise<ApacheAnswer> {
  const { user, address } = visit
  if (!user) return redirect(`${site.url}/wp-login.php?redirect_to=${encodeURIComponent(`${address.origin}${address.pathname}${address.search}`)}&reauth=1`)
  if (!user.roles.some((role) => ['administrator', 'editor', 'author'].includes(role)) && script !== '/wp-admin/index.php') return page(diePage('WordPress › Error', html`<p>${FORBIDDEN}</p>`), 403)
  const shown = (title: string, body: Html) => page(adminPage(site, user, title, body))
  switch (script) {
    case '/wp-admin/index.php': return shown('Dashboard', await glance(site))
    case '/wp-admin/edit.php': return await postList(site, visit, user)
    case '/wp-admin/post-new.php': return shown(visit.address.searchParams.get('post_type') === 'page' ? 'Add Page' : 'Add Post', postForm(site, user, undefined, visit.address.searchParams.get('post_type') === 'page' ? 'page' : 'post'))
    case '/wp-admin/post.php': return postAction(site, visit, user)
    default: return index(site, visit, user, address.pathname)
  }
}

async function glance(site: Site): Promise<Html> {
  const [posts, pages, comments, waiting] = await Promise.all([site.count('posts', "post_type = 'post' AND post_status = 'publish'"), site.count('posts', "post_type = 'page' AND post_status = 'publish'"), site.count('comments', "comment_approved = '1'"), site.count('comments', "comment_approved = '0'")])
  const many = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`
  return html`<h2>At a Glance</h2><ul><li><a href="edit.php">${many(posts, 'Post')}</a></li><li><a href="edit.php?post_type=page">${many(pages, 'Page')}</a></li><li><a href="edit-comments.php">${many(comments, 'Comment')}</a></li>${waiting > 0 && html`<li><a href="edit-comments.php">${many(waiting, 'Comment')} in moderation</a></li>`}</ul><p>WordPress ${site.release.version}. Themes, plugins, media and updates are not part of this WordPress.</p>`
}

function button(action: string, fields: Readonly<Record<string, string | number>>, label: string): Html {
  return html`<form class="inline" method="post" action="${action}">${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}<button>${label}</button></form>`
}

async function postList(site: Site, { address }: Visit, user: User): Promise<ApacheAnswer> {
  const type = address.searchParams.get('post_type') === 'page' ? 'page' : 'post'
  const inTrash = address.searchParams.get('post_status') === 'trash'
  const posts = await site.posts(`post_type = ? AND post_status ${inTrash ? '=' : '<>'} 'trash'`, [type])
  const nonce = (post: Post) => ({ post_ID: post.id, _wpnonce: site.nonce(`post-${post.id}`, user) })
  const rows = posts.map((post) => html`<tr id="post-${post.id}"><td><strong>${post.title || '(no title)'}</strong>${STATUSES[post.status] && html` — ${STATUSES[post.status]}`}</td><td>${post.date.slice(0, 16)}</td><td>${inTrash ? html`${button('post.php', { ...nonce(post), action: 'untrash' }, 'Restore')} ${button('post.php', { ...nonce(post), action: 'delete' }, 'Delete Permanently')}` : html`<a href="post.php?post=${post.id}&amp;action=edit">Edit</a> ${button('post.php', { ...nonce(post), action: 'trash' }, 'Trash')} <a href="${site.permalink(post)}">View</a>`}</td></tr>`)
  return page(adminPage(site, user, type === 'page' ? 'Pages' : 'Posts', html`<p><a class="button" href="post-new.php${type === 'page' && '?post_type=page'}">Add ${type === 'page' ? 'Page' : 'Post'}</a> <a href="edit.php?post_type=${type}&amp;post_status=trash">Trash</a></p><table><tr><th>Title</th><th>Date</th><th></th></tr>${rows}</table>${posts.length === 0 && html`<p>No ${type}s found.</p>`}`))
}

function postForm(site: Site, user: User, post: Post | undefined, type: string): Html {
  return html`<form method="post" action="post.php" id="post"><input type="hidden" name="action" value="editpost"><input type="hidden" name="post_ID" value="${post?.id ?? 0}"><input type="hidden" name="post_type" value="${type}"><input type="hidden" name="_wpnonce" value="${site.nonce(`post-${post?.id ?? 0}`, user)}"><label for="title">Title</label><input type="text" id="title" name="post_title" value="${post?.title ?? ''}"><label for="content">Content</label><textarea id="content" name="content" rows="14">${post?.content ?? ''}</textarea><p><button name="publish" value="Publish">${post?.status === 'publish' ? 'Save' : 'Publish'}</button> <button name="save" value="Save Draft">${post?.status === 'publish' ? 'Switch to draft' : 'Save Draft'}</button></p></form>`
}

async function postAction(site: Site, { address, form, request }: Visit, user: User): Promise<ApacheAnswer> {
  const id = Number(form.get('post_ID') ?? address.searchParams.get('post')) || 0
  const post = id === 0 ? undefined : await site.post(id)
  if (id !== 0 && !post) return page(diePage('WordPress › Error', html`<p>You attempted to edit an item that does not exist. Perhaps it was deleted?</p>`), 500)
  if (!mayEdit(user, post ?? { author: user.id, type: form.get('post_type') === 'page' ? 'page' : 'post' })) return page(diePage('WordPress › Error', html`<p>Sorry, you are not allowed to edit this item.</p>`), 403)
  if (request.method !== 'POST') return post ? page(adminPage(site, user, post.type === 'page' ? 'Edit Page' : 'Edit Post', html`${address.searchParams.has('message') && html`<div class="notice"><p>${post.status === 'publish' ? 'Post published.' : 'Draft saved.'} <a href="${site.permalink(post)}">View Post</a></p></div>`}${postForm(site, user, post, post.type)}`)) : redirect(`${site.url}/wp-admin/edit.php`)
  if (!site.isNonce(form.get('_wpnonce'), `post-${id}`, user)) return page(diePage('Something went wrong.', html`<p>The link you followed has expired.</p>`), 403)
  const back = `${site.url}/wp-admin/edit.php${post?.type === 'page' ? '?post_type=page' : ''}`
  switch (form.get('action')) {
    case 'trash': await site.setStatus(id, 'trash'); return redirect(back)
    case 'untrash': await site.setStatus(id, 'draft'); return redirect(back)
    case 'delete': await site.deletePost(id); return redirect(back)
    case 'editpost': {
      const status = form.has('save') && !form.has('publish') ? 'draft' : 'publish'
      const number = await site.savePost({ id, author: user.id, title: form.get('post_title') ?? '', content: (form.get('content') ?? '').replaceAll('\r\n', '\n'), status, type: post?.type ?? (form.get('post_type') === 'page' ? 'page' : 'post') })
      return redirect(`${site.url}/wp-admin/post.php?post=${number}&action=edit&message=6`)
    }
    default: return redirect(back)
  }
}

/** The dashboard's other pages. */
async function index(site: Site, visit: Visit, user: User, path: string): Promise<ApacheAnswer> {
  const { form, request } = visit
  const shown = (title: string, body: Html) => page(adminPage(site, user, title, body))
  const isAdministrator = user.roles.includes('administrator')
  const may = request.method !== 'POST' || site.isNonce(form.get('_wpnonce'), path, user)
  if (!may) return page(diePage('Something went wrong.', html`<p>The link you followed has expired.</p>`), 403)
  const nonce = html`<input type="hidden" name="_wpnonce" value="${site.nonce(path, user)}">`
  if (path === '/wp-admin/edit-comments.php') {
    if (request.method === 'POST') {
      if (!user.roles.some((role) => role === 'administrator' || role === 'editor')) return page(diePage('WordPress › Error', html`<p>Sorry, you are not allowed to edit this comment.</p>`), 403)
      const [comment] = await site.comments('comment_ID = ?', Number(form.get('c')) || 0)
      const to = { approve: '1', unapprove: '0', spam: 'spam', trash: 'trash' }[form.get('action') ?? '']
      if (comment && to !== undefined) {
        await site.db.run(`UPDATE ${site.t('comments')} SET comment_approved = ? WHERE comment_ID = ?`, to, comment.id)
        await site.countComments(comment.post)
      }
      return redirect(`${site.url}/wp-admin/edit-comments.php`)
    }
    const comments = await site.comments("comment_approved IN ('0', '1')")
    const act = (c: number, action: string, label: string) => html`<form class="inline" method="post">${nonce}<input type="hidden" name="c" value="${c}"><input type="hidden" name="action" value="${action}"><button>${label}</button></form> `
    return shown('Comments', html`<table><tr><th>Author</th><th>Comment</th><th></th></tr>${comments.map((comment) => html`<tr id="comment-${comment.id}"><td>${comment.author}<br>${comment.email}</td><td>${comment.content}</td><td>${comment.approved === '1' ? act(comment.id, 'unapprove', 'Unapprove') : act(comment.id, 'approve', 'Approve')}${act(comment.id, 'spam', 'Spam')}${act(comment.id, 'trash', 'Trash')}</td></tr>`)}</table>`)
  }
  if (path === '/wp-admin/users.php' && isAdministrator) {
    let problem: string | undefined
    if (request.method === 'POST') {
      const [name, email, password] = [(form.get('user_login') ?? '').trim(), (form.get('email') ?? '').trim(), form.get('pass1') ?? '']
      const role = ['administrator', 'editor', 'author', 'contributor', 'subscriber'].find((each) => each === form.get('role')) ?? 'subscriber'
      if (name === '') problem = 'Please enter a username.'
      else if (password === '') problem = 'Please enter a password.'
      else if (!/^[^@\s]+@[^@\s]+$/.test(email)) problem = 'Please enter an email address.'
      else if ((await site.users('u.user_login = ?', name)).length > 0) problem = 'This username is already registered. Please choose another one.'
      else if ((await site.users('u.user_email = ?', email)).length > 0) problem = 'This email is already registered. Please choose another one.'
      else {
        const { insertId } = await site.db.run(`INSERT INTO ${site.t('users')} (user_login, user_pass, user_nicename, user_email, user_registered, display_name) VALUES (?, ?, ?, ?, ?, ?)`, name, await hashPassword(site.proc, password), slugOf(name), email, site.now, name)
        await site.db.run(`INSERT INTO ${site.t('usermeta')} (user_id, meta_key, meta_value) VALUES (?, ?, ?)`, insertId, `${site.configuration.tablePrefix}capabilities`, `a:1:{s:${role.length}:"${role}";b:1;}`)
        return redirect(`${site.url}/wp-admin/users.php?update=add`)
      }
    }
    const users = await site.users()
    return shown('Users', html`${problem !== undefined && html`<div class="error"><p><strong>Error:</strong> ${problem}</p></div>`}<table><tr><th>Username</th><th>Name</th><th>Email</th><th>Role</th></tr>${users.map((each) => html`<tr><td>${each.login}</td><td>${each.name}</td><td>${each.email}</td><td>${each.roles.join(', ')}</td></tr>`)}</table><h2>Add User</h2><form method="post">${nonce}<label for="user_login">Username</label><input type="text" id="user_login" name="user_login"><label for="email">Email</label><input type="text" id="email" name="email"><label for="pass1">Password</label><input type="password" id="pass1" name="pass1"><label for="role">Role</label><select id="role" name="role">${['subscriber', 'contributor', 'author', 'editor', 'administrator'].map((role) => html`<option>${role}</option>`)}</select><p><button>Add User</button></p></form>`)
  }
  if (path === '/wp-admin/options-general.php' && isAdministrator) {
    const names = [['blogname', 'Site Title'], ['blogdescription', 'Tagline'], ['siteurl', 'WordPress Address (URL)'], ['home', 'Site Address (URL)'], ['admin_email', 'Administration Email Address'], ['posts_per_page', 'Blog pages show at most'], ['comment_moderation', 'Comment must be manually approved (0 or 1)']] as const
    if (request.method === 'POST') {
      for (const [name] of names) if (form.has(name)) await site.setOption(name, form.get(name)!.trim())
      return redirect(`${site.url}/wp-admin/options-general.php?settings-updated=true`)
    }
    return shown('General Settings', html`${visit.address.searchParams.has('settings-updated') && html`<div class="notice"><p>Settings saved.</p></div>`}<form method="post">${nonce}${names.map(([name, label]) => html`<label for="${name}">${label}</label><input type="text" id="${name}" name="${name}" value="${site.option(name)}">`)}<p><button>Save Changes</button></p></form>`)
  }
  return page(diePage('WordPress › Error', html`<p>${['/wp-admin/users.php', '/wp-admin/options-general.php'].includes(path) ? FORBIDDEN : `${path}: this page is not part of this WordPress.`}</p>`), path.startsWith('/wp-admin/users') || path.startsWith('/wp-admin/options') ? 403 : 501)
}
