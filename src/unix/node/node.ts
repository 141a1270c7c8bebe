import { readAll } from '../../base/streams.ts'
import type { Proc, Program } from '../types.ts'
import { lazyProgram } from '../lazy-program.ts'
import { NODE_RELEASES } from './releases.ts'
import type { NodeRelease } from './releases.ts'

const HELP = `Usage: node [options] [ script.js ] [arguments]
       node inspect [options] [ script.js | host:port ] [arguments]

Options:
  -                           script read from stdin (default if no file name is provided, interactive mode if a tty)
  --                          indicate the end of node options
  -c, --check                 syntax check script without executing
  -e, --eval=...              evaluate script
  -h, --help                  print node command line options (currently set)
  -i, --interactive           always enter the REPL even if stdin does not appear to be a terminal
  -p, --print [...]           evaluate script and print result
  -r, --require=...           CommonJS module to preload (option can be repeated)
  -v, --version               print Node.js version

Documentation can be found at https://nodejs.org/
`

/** Options of Node and V8 that change nothing here. */
const IGNORED = /^--(?:max-old-space-size|max_old_space_size|max-semi-space-size|enable-source-maps|trace-warnings|no-warnings|trace-uncaught|trace-exit|unhandled-rejections|experimental-[\w-]+|no-experimental-[\w-]+|expose-gc|inspect|inspect-brk|stack-size|stack-trace-limit|dns-result-order|use-openssl-ca|openssl-legacy-provider|abort-on-uncaught-exception|watch|watch-path|title|optimize-for-size|gc-interval|report-[\w-]+|tls-min-v1\.[0-3]|disable-warning|import|es-module-specifier-resolution|preserve-symlinks|harmony[\w-]*|throw-deprecation|no-deprecation|trace-deprecation|max-http-header-size)(?:=|$)/
/** Those among them that take the next argument. */
const WITH_VALUE = new Set(['--title', '--import', '--watch-path', '--disable-warning'])

/** node of a release. */
export function nodeOf(release: NodeRelease): Program {
  return async (proc: Proc) => {
    const args = proc.argv.slice(1)
    const execArgv: string[] = []
    let text: string | undefined
    let prints = false
    let checks = false
    let interactive = false
    const preload: string[] = []
    while (args[0]?.startsWith('-') && args[0] !== '-') {
      const option = args.shift()!
      if (option === '--') break
      const [name, value] = option.startsWith('--') && option.includes('=') ? [option.slice(0, option.indexOf('=')), option.slice(option.indexOf('=') + 1)] : [option, undefined]
      if (name === '-v' || name === '--version') { await proc.stdout.write(`${release.version}\n`); return 0 }
      if (name === '-h' || name === '--help') { await proc.stdout.write(HELP); return 0 }
      execArgv.push(option)
      if (name === '-e' || name === '--eval' || name === '-p' || name === '--print' || name === '-pe') {
        prints ||= name !== '-e' && name !== '--eval'
        text = value ?? args.shift()
        if (text === undefined && !prints) { await proc.stderr.write(`${proc.argv[0]}: ${name} requires an argument\n`); return 9 }
        if (text !== undefined) execArgv.push(text)
        continue
      }
      if (name === '-c' || name === '--check') { checks = true; continue }
      if (name === '-i' || name === '--interactive') { interactive = true; continue }
      if (name === '-r' || name === '--require') { preload.push(value ?? args.shift() ?? ''); execArgv.push(preload.at(-1)!); continue }
      if (name === '--env-file' || name === '--env-file-if-exists') {
        const file = value ?? args.shift() ?? ''
        if (!proc.fs.exists(proc.resolve(file))) {
          if (name === '--env-file-if-exists') continue
          await proc.stderr.write(`${proc.argv[0]}: ${file}: not found\n`)
          return 9
        }
        // What the environment has already stays.
        Object.assign(proc.env, { ...environmentIn(proc.fs.readText(proc.resolve(file))), ...proc.env })
        continue
      }
      if (name === '--conditions' || name === '-C' || name === '--input-type') { execArgv.push(value ?? args.shift() ?? ''); continue }
      if (IGNORED.test(name)) { if (value === undefined && WITH_VALUE.has(name)) args.shift(); continue }
      await proc.stderr.write(`${proc.argv[0]}: bad option: ${option}\n`)
      return 9
    }
    const { runScript } = await proc.clock.outside(import('./process-host.ts'))
    if (text !== undefined) return runScript(proc, { text, name: '[eval]', prints }, { release, args, execArgv, preload })
    const [script, ...rest] = args
    if (script !== undefined && script !== '-') {
      if (checks) return check(proc, script, release)
      return runScript(proc, { path: script }, { release, args: rest, execArgv, preload })
    }
    if (interactive || (proc.isTty(0) && script !== '-')) return runScript(proc, 'repl', { release, args: [], execArgv, preload })
    return runScript(proc, { text: new TextDecoder().decode(await readAll(proc.stdin)), name: '[stdin]', prints }, { release, args: rest, execArgv, preload })
  }
}

/** The variables that a file of lines like `NAME=value` sets. */
function environmentIn(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/^[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)[^\S\n]*=[^\S\n]*(?:"([^"]*)"|'([^']*)'|([^#\n]*))/gm)].map(([, name, double, single, plain]) => [name!, double?.replaceAll('\\n', '\n') ?? single ?? plain!.trim()]))
}

async function check(proc: Proc, script: string, release: NodeRelease): Promise<number> {
  const { prepareSource, isModuleText } = await proc.clock.outside(import('./source-text.ts'))
  const path = proc.resolve(script)
  const text = proc.fs.readText(path)
  const { problem } = prepareSource(text, script.endsWith('.mjs') || isModuleText(text) ? 'module' : 'commonjs', path)
  if (!problem) return 0
  await proc.stderr.write(`${problem.place.join('\n')}\n\nSyntaxError: ${problem.message}\n\nNode.js ${release.version}\n`)
  return 1
}

/** node, npm, yarn and what else a Node image has in /usr/local/bin, of a major version. */
export function nodePrograms(major: keyof typeof NODE_RELEASES): Record<string, Program> {
  const release = NODE_RELEASES[major]!
  const npm = lazyProgram(async () => (await import('./npm.ts')).npmOf(release))
  const npx = lazyProgram(async () => (await import('./npm.ts')).npxOf(release))
  const yarn = lazyProgram(async () => (await import('./yarn.ts')).yarnOf(release))
  return { '/usr/local/bin/node': nodeOf(release), '/usr/local/bin/npm': npm, '/usr/local/bin/npx': npx, '/usr/local/bin/yarn': yarn, '/usr/local/bin/yarnpkg': yarn }
}
