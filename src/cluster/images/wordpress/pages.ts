import { Html, html } from '../web/html.ts'
import type { Comment, Post, Site, User } from './site.ts'

const STYLE = new Html(`body{font:17px/1.6 Georgia,serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}a{color:#0a5c8a}header a{color:inherit;text-decoration:none}header h1{margin:0;font-size:2rem}
article{border-top:1px solid #ddd;padding:1rem 0}.meta,.description,footer{color:#666;font-size:.85rem}input,textarea{font:inherit;padding:.3rem;box-sizing:border-box}textarea{width:100%}.comment{border-left:3px solid #ddd;padding-left:1rem;margin:1rem 0}nav a{margin-right:1rem}`)
const FORM_STYLE = new Html(`body{font:14px/1.5 system-ui,sans-serif;background:#f0f0f1;color:#3c434a;margin:0;padding:1rem}#box{max-width:44rem;margin:1rem auto;background:#fff;border:1px solid #c3c4c7;padding:1rem 1.5rem}#box.narrow{max-width:20rem}h1{font-size:1.5rem;font-weight:400;border-bottom:1px solid #dcdcde;padding-bottom:.4rem}
label{display:block;margin:.7rem 0 .2rem}input[type=text],input[type=password],input[type=email],input[type=url],textarea{width:100%;font:inherit;padding:.35rem;box-sizing:border-box}button,.button,input[type=submit]{background:#2271b1;color:#fff;border:0;border-radius:3px;padding:.45rem .9rem;font:inherit;text-decoration:none;cursor:pointer}
.error,.notice{border-left:4px solid #d63638;padding:.5rem .8rem;background:#fcf0f1;margin:.8rem 0}.notice{border-color:#00a32a;background:#edfaef}table{width:100%;border-collapse:collapse}td,th{text-align:left;border-bottom:1px solid #dcdcde;padding:.4rem}nav a{margin-right:1rem}#bar{background:#1d2327;color:#fff;margin:-1rem -1rem 1rem;padding:.5rem 1rem}#bar a{color:#fff;margin-right:1rem;text-decoration:none}form.inline{display:inline}form.inline button{background:none;color:#2271b1;padding:0}`)

const document = (title: string | Html, style: Html, head: Html | string, body: Html, language = 'en-US') => html`<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${head}
<style>${style}</style>
</head>
${body}
</html>
`

/** A page that ends everything. k8s: wp-includes/functions.php _default_wp_die_handler */
export function diePage(title: string, message: Html): string {
  return document(title, FORM_STYLE, new Html("<meta name='robots' content='max-image-preview:large, noindex, follow' />"), html`<body id="error-page">
	<div id="box" class="wp-die-message">${message}</div></body>`).text
}

/** A page of WordPress's own with a box: installer, login. */
export function boxPage(title: string, body: Html, narrow = false): string {
  return document(title, FORM_STYLE, new Html('<meta name="robots" content="noindex,nofollow" />'), html`<body><div id="box"${new Html(narrow ? ' class="narrow"' : '')}>${body}</div></body>`).text
}

/** A page of the dashboard. */
export function adminPage(site: Site, user: User, title: string, body: Html): string {
  const url = `${site.url}/wp-admin`
  return document(`${title} ‹ ${site.option('blogname')} — WordPress`, FORM_STYLE, '', html`<body class="wp-admin"><div id="bar"><a href="${site.home}/">${site.option('blogname')}</a><a href="${url}/post-new.php">+ New</a><span>Howdy, ${user.name}</span> <a href="${site.url}/wp-login.php?action=logout&amp;_wpnonce=${site.nonce('log-out', user)}">Log Out</a></div>
<nav><a href="${url}/">Dashboard</a><a href="${url}/edit.php">Posts</a><a href="${url}/edit.php?post_type=page">Pages</a><a href="${url}/edit-comments.php">Comments</a><a href="${url}/users.php">Users</a><a href="${url}/options-general.php">Settings</a></nav>
<div class="wrap"><h1>${title}</h1>${body}</div></body>`).text
}

/** What was written as text or blocks, with paragraphs. */
function contentOf(content: string): Html {
  const text = content.replace(/<!-- \/?wp:[\s\S]*?-->/g, '').trim()
  return new Html(/<(?:p|h[1-6]|ul|ol|div|blockquote|figure|pre)\b/i.test(text) ? text : text.split(/\n{2,}/).filter(Boolean).map((part) => `<p>${part.replaceAll('\n', '<br />\n')}</p>`).join('\n'))
}

/** A moment as `F j, Y`. */
function dayText(date: string): string {
  const [year, month, day] = date.slice(0, 10).split('-').map(Number)
  return `${['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'][month! - 1]} ${day}, ${year}`
}

/** A page of the blog. */
export async function blogPage(site: Site, user: User | undefined, title: string, main: Html): Promise<string> {
  const name = site.option('blogname')
  const pages = await site.posts("post_type = 'page' AND post_status = 'publish'", [], { order: 'post_title' })
  const head = html`<meta name="generator" content="WordPress ${site.release.version}" />
<link rel="alternate" type="application/rss+xml" title="${name} » Feed" href="${site.home}/?feed=rss2" />
<link rel="https://api.w.org/" href="${site.home}/?rest_route=/" />`
  return document(title === '' ? name : `${title} – ${name}`, STYLE, head, html`<body>
<header><h1 class="site-title"><a href="${site.home}/" rel="home">${name}</a></h1><p class="description">${site.option('blogdescription')}</p><nav>${pages.map((page) => html`<a href="${site.permalink(page)}">${page.title}</a>`)}</nav></header>
<main>${main}</main>
<footer><p>${user ? html`<a href="${site.url}/wp-admin/">Site Admin</a>` : html`<a href="${site.url}/wp-login.php">Log in</a>`} · Proudly powered by <a href="https://wordpress.org/">WordPress</a></p></footer>
</body>`).text
}

/** A post in a list or alone. */
export function article(site: Site, post: Post, author: User | undefined, alone: boolean): Html {
  const heading = alone ? html`<h1 class="entry-title">${post.title}</h1>` : html`<h2 class="entry-title"><a href="${site.permalink(post)}" rel="bookmark">${post.title || '(no title)'}</a></h2>`
  return html`<article id="post-${post.id}" class="post-${post.id} ${post.type} status-${post.status}">${heading}<div class="entry-content">${contentOf(post.content)}</div>${post.type === 'post' && html`<p class="meta">${dayText(post.date)}${author && html` by ${author.name}`}${!alone && html` · <a href="${site.permalink(post)}#comments">${post.commentCount === 1 ? '1 comment' : `${post.commentCount} comments`}</a>`}</p>`}</article>`
}

/** A post's comments, and the form for another. */
export function commentsPart(site: Site, post: Post, comments: readonly Comment[], user: User | undefined): Html {
  const list = comments.length > 0 && html`<h2 class="comments-title">${comments.length === 1 ? 'One response' : `${comments.length} responses`} to “${post.title}”</h2>${comments.map((comment) => html`<div class="comment" id="comment-${comment.id}"><p class="meta"><b>${comment.author}</b> · ${dayText(comment.date)} at ${comment.date.slice(11, 16)}</p>${comment.approved === '0' && html`<p><em class="comment-awaiting-moderation">Your comment is awaiting moderation.</em></p>`}<p>${comment.content}</p></div>`)}`
  if (post.comments !== 'open') return html`<section id="comments">${list}</section>`
  return html`<section id="comments">${list}<h3 id="reply-title">Leave a Reply</h3><form action="${site.url}/wp-comments-post.php" method="post" id="commentform">${user ? html`<p>Logged in as ${user.name}.</p>` : ''}<p><label for="comment">Comment *</label><textarea id="comment" name="comment" rows="5"></textarea></p>${!user && html`<p><label for="author">Name *</label> <input id="author" name="author" type="text"></p><p><label for="email">Email *</label> <input id="email" name="email" type="text"></p><p><label for="url">Website</label> <input id="url" name="url" type="text"></p>`}<p><input name="submit" type="submit" id="submit" value="Post Comment"><input type="hidden" name="comment_post_ID" value="${post.id}"><input type="hidden" name="comment_parent" value="0"></p></form></section>`
}
