import type { Program } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { goResponse } from '../agnhost/go-server.ts'

const COLORS: Readonly<Record<string, string>> = { red: '#e74c3c', green: '#16a085', blue: '#2980b9', blue2: '#30336b', pink: '#be2edd', darkblue: '#130f40', yellow: '#fff380' }
const NAMES = Object.keys(COLORS)

/** `python app.py` of kodekloud/webapp-color: a page in a color, by `--color`, by APP_COLOR, or by chance; tagged versions have one of their own. */
export function webappColor(release?: { version: string; color: string }): Program {
  return async (proc) => {
    const args = proc.argv.slice(1)
    if (args[0] !== 'app.py') {
      await proc.stderr.write("python: this image's Python runs nothing but its app.py here\n")
      return 2
    }
    const print = (text: string) => proc.stdout.write(`${text}\n`)
    await print(` This is a sample web application that displays a colored background. \n A color can be specified in two ways. \n\n 1. As a command line argument with --color as the argument. Accepts one of ${NAMES.join(',')} \n 2. As an Environment variable APP_COLOR. Accepts one of ${NAMES.join(',')} \n 3. If none of the above then a random color is picked from the above list. \n Note: Command line argument precedes over environment variable.\n\n`)
    let given: string | undefined
    for (let i = 1; i < args.length; i++) {
      const [name, value] = args[i]!.split(/=(.*)/s)
      if (name !== '--color') {
        await proc.stderr.write(`usage: app.py [-h] [--color COLOR]\napp.py: error: unrecognized arguments: ${args.slice(i).join(' ')}\n`)
        return 2
      }
      given = value ?? args[++i]
      if (given === undefined) {
        await proc.stderr.write('usage: app.py [-h] [--color COLOR]\napp.py: error: argument --color: expected one argument\n')
        return 2
      }
    }
    const wanted = proc.env.APP_COLOR || undefined
    let color = release?.color ?? proc.random.pick(NAMES)
    if (given) {
      await print(`Color from command line argument =${given}`)
      color = given
      if (wanted) await print(`A color was set through environment variable -${wanted}. However, color from command line argument takes precendence.`)
    } else if (wanted) {
      await print(`No Command line argument. Color from environment variable =${wanted}`)
      color = wanted
    } else await print(`No command line argument or environment variable. Picking a Random Color =${color}`)
    if (!COLORS[color]) {
      await print(`Color not supported. Received '${color}' expected one of ${NAMES.join(',')}`)
      return 1
    }
    const version = release ? `\n  <h2>\n    Application Version: ${release.version}\n  </h2>` : ''
    proc.net.listenHttp(8080, async (request, { remote }) => {
      const { pathname, search } = new URL(request.url)
      const found = pathname === '/' || release !== undefined && pathname === '/info'
      const status = found ? 200 : 404
      await proc.stderr.write(`${remote.ip} - - [${formatDate('%d/%b/%Y %H:%M:%S', proc.clock.nowMs())}] "${status === 404 ? '\x1b[33m' : ''}${request.method} ${pathname}${search} HTTP/1.1${status === 404 ? '\x1b[0m' : ''}" ${status} -\n`)
      const headers = { server: 'Werkzeug/2.2.3 Python/3.11.2', 'content-type': 'text/html; charset=utf-8', connection: 'close' }
      if (!found) return goResponse(proc, '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n', { status, headers })
      if (pathname === '/info') return goResponse(proc, `Hello, Application Version: ${release!.version} ; Color: ${color}`, { headers })
      return goResponse(proc, `<!doctype html>\n<title>Hello from Flask</title>\n<body style="background: ${COLORS[color]};"></body>\n<div style="color: #e4e4e4;\n    text-align:  center;\n    height: 90px;\n    vertical-align:  middle;">\n\n  <h1>Hello from ${proc.machine.hostname}!</h1>\n\n${version}\n\n</div>`, { headers })
    })
    const own = proc.net.addresses.find((ip) => ip !== '127.0.0.1') ?? '127.0.0.1'
    await print(" * Serving Flask app 'app'\n * Debug mode: off")
    await proc.stderr.write(`WARNING: This is a development server. Do not use it in a production deployment. Use a production WSGI server instead.\n * Running on all addresses (0.0.0.0)\n * Running on http://127.0.0.1:8080\n * Running on http://${own}:8080\nPress CTRL+C to quit\n`)
    await proc.signal('SIGINT')
    return 0
  }
}
