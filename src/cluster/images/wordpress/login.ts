import type { ApacheAnswer } from '../apache/apache.ts'
import { html } from '../web/html.ts'
import type { Html } from '../web/html.ts'
import { boxPage, diePage } from './pages.ts'
import { isPassword } from './password.ts'
import { page, redirect } from './visit.ts'
import type { Visit } from './visit.ts'
import type { Site } from './site.ts'

/** wp-login.php: logging in and out. */
export async function login(site: Site, { address, form, request, user }: Visit): Promise<ApacheAnswer> {
  const { searchParams } = address
  const action = form.get('action') ?? searchParams.get('action') ?? 'login'
  if (action === 'logout') {
    if (!user || !site.isNonce(searchParams.get('_wpnonce'), 'log-out', user)) return page(diePage('Something went wrong.', html`<p>You are attempting to log out of ${site.option('blogname')}</p><p>Do you really want to <a href="${site.url}/wp-login.php?action=logout${user && `&_wpnonce=${site.nonce('log-out', user)}`}">log out</a>?</p>`), 403)
    return redirect(`${site.url}/wp-login.php?loggedout=true&wp_lang=en_US`, 302, { cookies: [site.logoutCookie()] })
  }
  if (['lostpassword', 'register', 'rp', 'resetpass'].includes(action)) return page(diePage('WordPress › Error', html`<p>This needs mail, which is not sent from here.</p>`), 501)
  const target = form.get('redirect_to') ?? searchParams.get('redirect_to') ?? ''
  let error: Html | undefined
  const name = (form.get('log') ?? '').trim()
  if (request.method === 'POST') {
    const password = form.get('pwd') ?? ''
    const lost = html` <a href="${site.url}/wp-login.php?action=lostpassword">Lost your password?</a>`
    const [found] = name === '' ? [] : await site.users(name.includes('@') ? 'u.user_login = ? OR u.user_email = ?' : 'u.user_login = ?', ...name.includes('@') ? [name, name] : [name])
    if (name === '') error = html`<strong>Error:</strong> The username field is empty.`
    else if (password === '') error = html`<strong>Error:</strong> The password field is empty.`
    else if (!found) error = name.includes('@') ? html`Unknown email address. Check again or try your username.` : html`<strong>Error:</strong> The username <strong>${name}</strong> is not registered on this site. If you are unsure of your username, try your email address instead.`
    else if (!await isPassword(site.proc, password, found.pass)) error = html`<strong>Error:</strong> The password you entered for the ${name.includes('@') ? 'email address' : 'username'} <strong>${name}</strong> is incorrect.${lost}`
    // Only to this blog: the address comes from who knows where.
    else return redirect(target.startsWith(`${site.url}/`) || /^\/(?![\\/])/.test(target) ? target : `${site.url}/wp-admin/`, 302, { cookies: [site.loginCookie(found, form.has('rememberme'))] })
  }
  const said = error ? html`<div id="login_error" class="notice notice-error error"><p>${error}</p></div>` : searchParams.has('loggedout') ? html`<p class="message notice">You are now logged out.</p>` : ''
  return page(boxPage(`Log In ‹ ${site.option('blogname')} — WordPress`, html`<div id="login"><h1>Log In</h1>${said}<form name="loginform" id="loginform" action="${site.url}/wp-login.php" method="post"><label for="user_login">Username or Email Address</label><input type="text" name="log" id="user_login" value="${name}"><label for="user_pass">Password</label><input type="password" name="pwd" id="user_pass"><p><label><input name="rememberme" type="checkbox" id="rememberme" value="forever"> Remember Me</label></p><p class="submit"><input type="submit" name="wp-submit" id="wp-submit" value="Log In"><input type="hidden" name="redirect_to" value="${target || `${site.url}/wp-admin/`}"></p></form><p id="backtoblog"><a href="${site.home}/">← Go to ${site.option('blogname')}</a></p></div>`, true), 200, { cookies: ['wordpress_test_cookie=WP%20Cookie%20check; path=/'] })
}
