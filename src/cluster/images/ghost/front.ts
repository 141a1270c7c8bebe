import { html } from '../web/html.ts'
import type { Html } from '../web/html.ts'
import type { Blog } from './blog.ts'
import { article, blogPage, card } from './pages.ts'
import type { GhostAnswer, Visit } from './server.ts'

const POSTS_PER_PAGE = 10

/** The blog as visitors see it. */
export async function frontAnswer(blog: Blog, { address, request }: Visit): Promise<GhostAnswer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 404 }
  const { pathname, search } = address
  const { configuration: { url }, release: { version } } = blog
  const settings = await blog.settings()
  const site = settings.get('title') ?? 'Ghost'
  const shown = (title: string, main: Html, status = 200): GhostAnswer => ({ status, body: blogPage({ title, site, description: settings.get('description') ?? '', version, url: `${url}${pathname}`, main }) })
  const notFound = () => shown('404 — Page not found', html`<h1>404</h1><p>Page not found</p><p><a href="/">Go to the front page →</a></p>`, 404)
  if (pathname === '/robots.txt') return { status: 200, type: 'text/plain; charset=utf-8', body: `User-agent: *\nSitemap: ${url}/sitemap.xml\nDisallow: /ghost/\n` }
  if (!pathname.endsWith('/')) return /\.\w+$/.test(pathname) ? notFound() : { status: 301, headers: { location: `${pathname}/${search}` } }
  const authors = new Map((await blog.users()).map((user) => [user.id, user]))
  if (pathname === '/rss/') {
    const posts = await blog.posts("type = 'post' AND status = 'published'", [], { limit: 15 })
    return { status: 200, type: 'application/rss+xml; charset=utf-8', body: html`<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>${site}</title><description>${settings.get('description')}</description><link>${url}/</link><generator>Ghost ${version.split('.').slice(0, 2).join('.')}</generator>${posts.map((post) => html`<item><title>${post.title}</title><description>${post.text}</description><link>${url}/${post.slug}/</link><guid isPermaLink="false">${post.id}</guid></item>`)}</channel></rss>`.text }
  }
  const [, kind, slug, number] = /^\/(?:(tag|author)\/([^/]+)\/)?(?:page\/(\d+)\/)?$/.exec(pathname) ?? []
  if (/^\/(?:(?:tag|author)\/[^/]+\/)?(?:page\/\d+\/)?$/.test(pathname)) {
    const current = Number(number ?? 1)
    const [tag] = kind === 'tag' ? await blog.db.rows('SELECT id, name FROM tags WHERE slug = ?', slug!) : []
    const author = kind === 'author' ? [...authors.values()].find((user) => user.slug === slug) : undefined
    if ((kind === 'tag' && !tag) || (kind === 'author' && !author)) return notFound()
    const where = `type = 'post' AND status = 'published'${tag ? ' AND id IN (SELECT post_id FROM posts_tags WHERE tag_id = ?)' : author ? ' AND id IN (SELECT post_id FROM posts_authors WHERE author_id = ?)' : ''}`
    const parameters = tag ? [tag.id!] : author ? [author.id] : []
    const total = await blog.count(where, ...parameters)
    const posts = await blog.posts(where, parameters, { limit: POSTS_PER_PAGE, offset: (current - 1) * POSTS_PER_PAGE })
    if (current > 1 && posts.length === 0) return notFound()
    const base = kind ? `/${kind}/${slug}/` : '/'
    return shown(tag?.name ?? author?.name ?? site, html`${tag && html`<h1>${tag.name}</h1>`}${author && html`<h1>${author.name}</h1>`}${posts.map((post) => card(post, authors.get(post.author)))}<nav>${current > 1 && html`<a href="${current === 2 ? base : `${base}page/${current - 1}/`}">Newer posts</a> `}Page ${current} of ${Math.max(1, Math.ceil(total / POSTS_PER_PAGE))}${total > current * POSTS_PER_PAGE && html` <a href="${base}page/${current + 1}/">Older posts</a>`}</nav>`)
  }
  const named = /^\/([^/]+)\/$/.exec(pathname)?.[1]
  const [post] = named === undefined ? [] : await blog.posts("slug = ? AND status = 'published'", [decodeURIComponent(named)])
  return post ? shown(post.title, article(post, authors.get(post.author))) : notFound()
}
