import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Blog } from './blog.ts'
import { adminHome, setUpPage, signInPage } from './pages.ts'
import type { GhostAnswer, Visit } from './server.ts'

/** The cookie that sessions of the admin are known by. */
export const SESSION_COOKIE = 'ghost-admin-api-session'
/** Half a year, in seconds. */
const SESSION_SECONDS = 15_768_000

/** The Set-Cookie line of a session. */
export function sessionCookie(id: string): string { return `${SESSION_COOKIE}=${id}; Path=/; Max-Age=${SESSION_SECONDS}; HttpOnly; SameSite=Lax` }

/** The Set-Cookie line that ends one. */
export const NO_SESSION = `${SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly`

/** What is wrong with what somebody wants to be called and to sign in with; undefined when nothing is. k8s: Ghost validation of users and passwords */
export function setUpProblem({ name, email, password, title }: { name: string; email: string; password: string; title: string }): string | undefined {
  if (name.trim() === '') return 'Please enter a name.'
  if (!/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) return 'Invalid email.'
  if (password.length < 10) return 'Your password must be at least 10 characters long.'
  if (['1234567890', 'qwertyuiop', 'password', 'passw0rd', 'asdfghjkl;', '0987654321', email, title].some((bad) => bad !== '' && password.toLowerCase() === bad.toLowerCase())) return 'Sorry, you cannot use an insecure password.'
  return undefined
}

/** The pages below /ghost. Forms carry a token that only this session's pages know. */
export async function adminAnswer(blog: Blog, { address, request, form, cookies }: Visit): Promise<GhostAnswer> {
  if (address.pathname !== '/ghost/') return { status: 404, body: '<!DOCTYPE html>\n<title>404</title><h1>404</h1><p>Page not found</p>\n' }
  const settings = await blog.settings()
  const site = settings.get('title') ?? 'Ghost'
  const field = (name: string) => form.get(name) ?? ''
  const home: GhostAnswer = { status: 302, headers: { location: '/ghost/' } }
  if (!await blog.isSetUp()) {
    if (request.method !== 'POST' || field('action') !== 'setup') return { status: 200, body: setUpPage(undefined, form) }
    const wanted = { name: field('name').trim(), email: field('email').trim(), password: field('password'), title: field('blogTitle').trim() }
    const problem = setUpProblem(wanted)
    if (problem !== undefined) return { status: 422, body: setUpPage(problem, form) }
    return { ...home, cookies: [sessionCookie(await blog.startSession(await blog.setUp(wanted), address.origin))] }
  }
  const id = cookies.get(SESSION_COOKIE) ?? ''
  const session = id === '' ? undefined : await blog.session(id)
  if (!session) {
    if (request.method !== 'POST' || field('action') !== 'signin') return { status: 200, body: signInPage(site, undefined) }
    const [user] = await blog.users('email = ?', field('username').trim())
    if (!user) return { status: 404, body: signInPage(site, 'There is no user with that email address.') }
    if (!blog.isPassword(user, field('password'))) return { status: 422, body: signInPage(site, 'Your password is incorrect.') }
    return { ...home, cookies: [sessionCookie(await blog.startSession(user, address.origin))] }
  }
  const token = bytesToHex(hmac(sha256, utf8ToBytes(settings.get('session_secret') ?? ''), utf8ToBytes(id))).slice(0, 32)
  const shown = async (error?: string): Promise<GhostAnswer> => {
    const wanted = address.searchParams.get('edit')
    const made = address.searchParams.get('new')
    const [editing] = wanted === null ? [] : await blog.posts('id = ?', [wanted])
    return { status: error === undefined ? 200 : 422, body: adminHome({ site, user: session.user, token, version: blog.release.version, posts: await blog.posts('1=1'), integrations: await blog.integrations(), editing: editing ?? (made === 'page' || made === 'post' ? made : undefined), error }) }
  }
  if (request.method !== 'POST') return shown()
  if (field('token') !== token) return { status: 403, body: signInPage(site, 'This form is too old, or came from somewhere else.') }
  switch (field('action')) {
    case 'signout': await blog.endSession(id); return { ...home, cookies: [NO_SESSION] }
    case 'save': {
      const [old] = field('id') === '' ? [] : await blog.posts('id = ?', [field('id')])
      await blog.save({ id: old?.id, user: session.user.id, title: field('title').trim() || '(Untitled)', html: field('html'), status: field('status') === 'published' ? 'published' : 'draft', type: old?.type ?? (field('type') === 'page' ? 'page' : 'post'), tags: field('tags').split(',').map((name) => name.trim()).filter(Boolean) })
      return home
    }
    case 'delete': await blog.remove(field('id')); return home
    case 'settings': await blog.setSetting('title', field('title').trim()); return home
    case 'integration': if (field('name').trim() === '') return shown('Please enter a name.'); await blog.addIntegration(field('name').trim()); return home
    default: return shown()
  }
}
