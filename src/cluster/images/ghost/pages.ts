import { Html, html } from '../web/html.ts'
import type { GhostPost, GhostUser } from './blog.ts'

const STYLE = new Html('body{font:17px/1.6 system-ui,sans-serif;margin:0;color:#15171a}header{background:#15171a;color:#fff;padding:2.5rem 1rem;text-align:center}header a{color:inherit;text-decoration:none}header h1{margin:0}main{max-width:44rem;margin:1rem auto;padding:0 1rem}article{border-bottom:1px solid #e5eff5;padding:1rem 0}.meta,footer{color:#738a94;font-size:.85rem}footer{text-align:center;padding:2rem}a{color:#0a5c8a}')
const ADMIN_STYLE = new Html('body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:48rem;padding:1rem;color:#15171a}label{display:block;margin:.7rem 0 .2rem}input,textarea{font:inherit;width:100%;box-sizing:border-box;padding:.4rem;border:1px solid #c3c8cc;border-radius:4px}button{background:#15171a;color:#fff;border:0;border-radius:4px;padding:.5rem 1rem;font:inherit;cursor:pointer;margin-right:.5rem}nav a{margin-right:1rem}.error{background:#fdeeee;border-left:4px solid #e25440;padding:.5rem .8rem}table{width:100%;border-collapse:collapse}td,th{text-align:left;padding:.4rem;border-bottom:1px solid #e5eff5}form.inline{display:inline}code{overflow-wrap:anywhere}')

const page = (title: string, style: Html, head: Html | string, body: Html) => html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1.0">
${head}<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`.text

/** A page of the blog. */
export function blogPage({ title, site, description, version, url, main }: { title: string; site: string; description: string; version: string; url: string; main: Html }): string {
  return page(title, STYLE, html`<link rel="canonical" href="${url}"><meta name="generator" content="Ghost ${version.split('.').slice(0, 2).join('.')}">
<link rel="alternate" type="application/rss+xml" title="${site}" href="/rss/">
`, html`<header><h1 class="site-title"><a href="/">${site}</a></h1><p>${description}</p></header>
<main>${main}</main>
<footer><a href="/">${site}</a> © · <a href="/ghost/">Sign in</a> · Powered by <a href="https://ghost.org/">Ghost</a></footer>`)
}

/** A post in a list. */
export function card(post: GhostPost, author: GhostUser | undefined): Html {
  return html`<article class="post-card post"><h2 class="post-card-title"><a href="/${post.slug}/">${post.title}</a></h2><p>${post.excerpt ?? post.text.slice(0, 500)}</p><p class="meta">${author?.name} · <time datetime="${(post.published ?? '').slice(0, 10)}">${(post.published ?? '').slice(0, 10)}</time>${post.tags.map((tag) => html` · <a href="/tag/${tag.slug}/">${tag.name}</a>`)}</p></article>`
}

/** A post alone. Whoever may write may write HTML. */
export function article(post: GhostPost, author: GhostUser | undefined): Html {
  return html`<article class="post-full ${post.type}"><h1 class="post-full-title">${post.title}</h1>${post.type === 'post' && html`<p class="meta"><a href="/author/${author?.slug}/">${author?.name}</a> · ${(post.published ?? '').slice(0, 10)}${post.tags.map((tag) => html` · <a href="/tag/${tag.slug}/">${tag.name}</a>`)}</p>`}<section class="post-full-content">${new Html(post.html)}</section></article>`
}

const adminPage = (title: string, body: Html) => page(title, ADMIN_STYLE, '', body)
const problem = (text: string | undefined) => text !== undefined && html`<p class="error">${text}</p>`

/** The first page of a new blog. */
export function setUpPage(error: string | undefined, values: URLSearchParams): string {
  return adminPage('Ghost Admin', html`<h1>Welcome to Ghost.</h1><p>What is the blog called, and who owns it?</p>${problem(error)}<form method="post" action="/ghost/"><input type="hidden" name="action" value="setup"><label for="blog-title">Site title</label><input id="blog-title" name="blogTitle" value="${values.get('blogTitle') ?? ''}"><label for="name">Full name</label><input id="name" name="name" value="${values.get('name') ?? ''}"><label for="email">Email address</label><input id="email" name="email" type="email" value="${values.get('email') ?? ''}"><label for="password">Password</label><input id="password" name="password" type="password"><p><button>Create account &amp; start publishing →</button></p></form>`)
}

/** Signing in. */
export function signInPage(site: string, error: string | undefined): string {
  return adminPage(`Sign In - ${site}`, html`<h1>Sign in to ${site}.</h1>${problem(error)}<form method="post" action="/ghost/"><input type="hidden" name="action" value="signin"><label for="identification">Email address</label><input id="identification" name="username" type="email"><label for="password">Password</label><input id="password" name="password" type="password"><p><button>Sign in →</button></p></form>`)
}

/** What somebody who is signed in sees: everything that was written, or one post to edit. */
export function adminHome({ site, user, token, version, posts, integrations, editing, error }: { site: string; user: GhostUser; token: string; version: string; posts: readonly GhostPost[]; integrations: readonly { name: string; keys: { id: string; type: string; secret: string }[] }[]; editing: GhostPost | 'post' | 'page' | undefined; error: string | undefined }): string {
  const hidden = (action: string, id = '') => html`<input type="hidden" name="action" value="${action}"><input type="hidden" name="token" value="${token}">${id && html`<input type="hidden" name="id" value="${id}">`}`
  const nav = html`<nav><a href="/ghost/">Posts</a><a href="/ghost/?new=post">New post</a><a href="/ghost/?new=page">New page</a><a href="/">View site</a> ${user.name} <form class="inline" method="post" action="/ghost/">${hidden('signout')}<button>Sign out</button></form></nav>`
  if (editing !== undefined) {
    const post = typeof editing === 'string' ? undefined : editing
    return adminPage(`${post?.title ?? 'New'} - ${site}`, html`${nav}<h1>${post ? 'Edit' : `New ${editing as string}`}</h1>${problem(error)}<form method="post" action="/ghost/">${hidden('save', post?.id)}<input type="hidden" name="type" value="${post?.type ?? editing as string}"><label for="title">Title</label><input id="title" name="title" value="${post?.title}"><label for="html">HTML</label><textarea id="html" name="html" rows="14">${post?.html}</textarea><label for="tags">Tags</label><input id="tags" name="tags" value="${post?.tags.map((tag) => tag.name).join(', ')}"><p><button name="status" value="published">${post?.status === 'published' ? 'Update' : 'Publish'}</button><button name="status" value="draft">${post?.status === 'published' ? 'Unpublish' : 'Save draft'}</button></p></form>`)
  }
  return adminPage(`Posts - ${site}`, html`${nav}<h1>${site}</h1>${problem(error)}<table><tr><th>Title</th><th>Status</th><th></th></tr>${posts.map((post) => html`<tr><td><a href="/ghost/?edit=${post.id}">${post.title}</a>${post.type === 'page' && ' (page)'}</td><td>${post.status}</td><td><a href="/${post.slug}/">View</a> <form class="inline" method="post" action="/ghost/">${hidden('delete', post.id)}<button>Delete</button></form></td></tr>`)}</table>
<h2>Settings</h2><form method="post" action="/ghost/">${hidden('settings')}<label for="title">Site title</label><input id="title" name="title" value="${site}"><p><button>Save</button></p></form>
<h2>Integrations</h2>${integrations.map((each) => html`<h3>${each.name}</h3>${each.keys.map((key) => html`<p>${key.type === 'admin' ? 'Admin' : 'Content'} API key <code>${key.type === 'admin' ? `${key.id}:${key.secret}` : key.secret}</code></p>`)}`)}<form method="post" action="/ghost/">${hidden('integration')}<label for="name">Name</label><input id="name" name="name"><p><button>Add custom integration</button></p></form><p>Ghost ${version}. Themes, members, newsletters and uploads are not part of this Ghost.</p>`)
}
