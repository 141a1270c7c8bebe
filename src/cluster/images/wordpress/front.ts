import type { ApacheAnswer } from '../apache/apache.ts'
import { html } from '../web/html.ts'
import { article, blogPage, commentsPart, diePage } from './pages.ts'
import { page, redirect } from './visit.ts'
import type { Visit } from './visit.ts'
import type { Post, Site, User } from './site.ts'

/** The blog as visitors see it. */
export async function front(site: Site, { address, request, user }: Visit): Promise<ApacheAnswer> {
  const { pathname, searchParams, host } = address
  const home = new URL(site.home)
  // k8s: redirect_canonical: one address for everything.
  if ((request.method === 'GET' || request.method === 'HEAD') && host !== home.host) return redirect(`${site.home}${pathname}${address.search}`, 301, { headers: { location: `${site.home}${pathname}${address.search}`, 'x-redirect-by': 'WordPress' } })
  if (searchParams.get('feed') === 'rss2' || pathname === '/feed/') return feed(site)
  const number = searchParams.get('p') ?? searchParams.get('page_id')
  const dated = /^\/(\d{4})\/(\d{2})\/(\d{2})\/([^/]+)\/?$/.exec(pathname)
  const named = /^\/([^/]+)\/?$/.exec(pathname)
  const pretty = site.option('permalink_structure') !== ''
  let post: Post | undefined
  if (number !== null) post = await site.post(Number(number) || 0)
  else if (pretty && dated) [post] = await site.posts("post_type = 'post' AND post_name = ? AND DATE(post_date) = ?", [decodeURIComponent(dated[4]!), `${dated[1]}-${dated[2]}-${dated[3]}`])
  else if (pretty && named && named[1] !== 'index.php') [post] = await site.posts("post_type = 'page' AND post_name = ?", [decodeURIComponent(named[1]!)])
  const paged = Number(searchParams.get('paged') ?? /^\/page\/(\d+)\/?$/.exec(pathname)?.[1] ?? 1) || 1
  const isList = number === null && (pathname === '/' || pathname === '/index.php' || /^\/page\/\d+\/?$/.test(pathname))
  if (post && (post.status === 'publish' || (user && post.status !== 'trash'))) {
    if (number !== null && post.status === 'publish' && site.permalink(post) !== `${site.home}/?${searchParams}`) return redirect(site.permalink(post), 301)
    return single(site, post, user, searchParams)
  }
  if (!isList) return notFound(site, user)
  const search = searchParams.get('s')
  const where = search === null ? "post_type = 'post' AND post_status = 'publish'" : "post_status = 'publish' AND (post_title LIKE ? OR post_content LIKE ?)"
  const like = `%${(search ?? '').replace(/[%_\\]/g, '\\$&')}%`
  const size = Number(site.option('posts_per_page')) || 10
  const total = await site.count('posts', where, ...search === null ? [] : [like, like])
  const posts = await site.posts(where, search === null ? [] : [like, like], { limit: size, offset: (paged - 1) * size })
  if (posts.length === 0 && paged > 1) return notFound(site, user)
  const authors = new Map((await site.users()).map((each) => [each.id, each]))
  const body = html`${search !== null && html`<h1>Search results for: “${search}”</h1>`}${posts.map((each) => article(site, each, authors.get(each.author), false))}${posts.length === 0 && html`<p>Sorry, but nothing was found.</p>`}<nav>${paged > 1 && html`<a href="${site.home}/?paged=${paged - 1}">Newer posts</a>`}${total > paged * size && html`<a href="${site.home}/?paged=${paged + 1}">Older posts</a>`}</nav>`
  return page(await blogPage(site, user, search === null ? '' : `Search Results for “${search}”`, body), 200, { headers: { link: `<${site.home}/?rest_route=/>; rel="https://api.w.org/"` } })
}

async function notFound(site: Site, user: User | undefined): Promise<ApacheAnswer> {
  return page(await blogPage(site, user, 'Page not found', html`<h1>Page not found</h1><p>Nothing is at this address. Perhaps a search finds it:</p><form action="${site.home}/"><input name="s" type="text"> <button>Search</button></form>`), 404)
}

async function single(site: Site, post: Post, user: User | undefined, query: URLSearchParams): Promise<ApacheAnswer> {
  const [author] = await site.users('u.ID = ?', post.author)
  const comments = await site.comments("comment_post_ID = ? AND (comment_approved = '1' OR comment_ID = ?)", post.id, Number(query.get('unapproved') ?? 0) || 0)
  return page(await blogPage(site, user, post.title, html`${article(site, post, author, true)}${commentsPart(site, post, comments, user)}`))
}

async function feed(site: Site): Promise<ApacheAnswer> {
  const posts = await site.posts("post_type = 'post' AND post_status = 'publish'", [], { limit: 10 })
  const when = (date: string) => new Date(`${date.replace(' ', 'T')}Z`).toUTCString().replace('GMT', '+0000')
  return { status: 200, type: 'application/rss+xml; charset=UTF-8', body: html`<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>${site.option('blogname')}</title><link>${site.home}</link><description>${site.option('blogdescription')}</description><generator>https://wordpress.org/?v=${site.release.version}</generator>
${posts.map((post) => html`<item><title>${post.title}</title><link>${site.permalink(post)}</link><pubDate>${when(post.date)}</pubDate><guid isPermaLink="false">${site.home}/?p=${post.id}</guid><description>${post.content}</description></item>\n`)}</channel></rss>
`.text }
}

/** A comment from the form below a post. k8s: wp_handle_comment_submission */
export async function postComment(site: Site, { form, request, user, peer }: Visit): Promise<ApacheAnswer> {
  if (request.method !== 'POST') return page('', 405, { headers: { allow: 'POST' } })
  const post = await site.post(Number(form.get('comment_post_ID')) || 0)
  const no = (text: string, status = 200) => page(diePage('Comment Submission Failure', html`<p><strong>Error:</strong> ${text}</p>`), status)
  if (!post) return page('', 200)
  if (post.comments !== 'open') return no('Sorry, comments are closed for this item.', 403)
  if (post.status !== 'publish') return page('', 403)
  const field = (name: string) => (form.get(name) ?? '').trim()
  const [author, email, url, content] = [user?.name ?? field('author'), user?.email ?? field('email'), field('url'), field('comment')]
  if (!user && site.option('require_name_email') === '1' && (author === '' || email === '')) return no('Please fill the required fields (name, email).')
  if (email !== '' && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) return no('Please enter a valid email address.')
  if (content === '') return no('Please type your comment text.')
  if (await site.count('comments', 'comment_post_ID = ? AND comment_content = ? AND comment_author_email = ?', post.id, content, email) > 0) return page(diePage('Comment Submission Failure', html`<p>Duplicate comment detected; it looks as though you’ve already said that!</p>`), 409)
  const isKnown = user !== undefined || await site.count('comments', "comment_author = ? AND comment_author_email = ? AND comment_approved = '1'", author, email) > 0
  const approved = user?.roles.includes('administrator') || (site.option('comment_moderation') !== '1' && (site.option('comment_previously_approved') !== '1' || isKnown)) ? '1' : '0'
  const id = await site.addComment({ post: post.id, author, email, url, content, approved, user: user?.id ?? 0, parent: Number(form.get('comment_parent')) || 0, ip: peer.remote.ip, agent: request.headers.get('user-agent') ?? '' })
  const link = site.permalink(post)
  return redirect(`${link}${approved === '1' ? '' : `${link.includes('?') ? '&' : '?'}unapproved=${id}`}#comment-${id}`)
}
