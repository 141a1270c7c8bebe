import type { Proc, Program } from '../../unix/types.ts'
import { K3SUP_VERSION } from '../k3sup/k3sup.ts'
import { info, install } from './install.ts'

/** Where the machine has what downloaded files lead to. */
export const TOOLS = '/usr/lib/drydock'
const ARKADE_VERSION = '0.11.60'
const ARKADE_COMMIT = '7753c60639bb790fe7af08f12cda546cbb7d6727'
/** Tools that there are here. */
const KNOWN: Readonly<Record<string, { owner: string; version: string }>> = { k3sup: { owner: 'alexellis', version: K3SUP_VERSION } }
const HELP = `Installs Kubernetes apps from helm charts, and downloads command line tools; there are a few of them here.

Usage:
  arkade [flags]
  arkade [command]

Available Commands:
  get         The get command downloads a tool
  info        Find info about a Kubernetes app
  install     Install Kubernetes apps from helm charts
  version     Print the version

Use "arkade [command] --help" for more information about a command.
`

/** arkade: fetches tools and installs apps. */
// @k8s part: arkade: get k3sup, version, and install and info of cert-manager, ingress-nginx, metrics-server, traefik2 and chart, with this machine's helm, from where a browser may read charts; other tools and apps are refused, and so is what apps set besides their usual switches, but for --set
export const arkade: Program = async (proc) => {
  const words = proc.argv[1]?.includes('/') ? proc.argv.slice(2) : proc.argv.slice(1)
  const [command = '', ...args] = words
  const fail = async (message: string) => { await proc.stderr.write(`Error: ${message}\n`); return 1 }
  switch (command) {
    case 'get': return args.length === 0 ? list(proc) : get(proc, args)
    case 'version': await proc.stdout.write(`Version: ${ARKADE_VERSION}\nGit Commit: ${ARKADE_COMMIT}\n`); return 0
    case '': case 'help': case '--help': case '-h': await proc.stdout.write(HELP); return 0
    case 'install': case 'i': return install(proc, args)
    case 'info': return info(proc, args[0])
    default: return fail(`unknown command ${JSON.stringify(command)} for "arkade"\nRun 'arkade --help' for usage.`)
  }
}

async function list(proc: Proc): Promise<number> {
  const rows = [['TOOL', 'DESCRIPTION'], ['k3sup', 'Installs k3s on other machines over SSH']]
  await proc.stdout.write(`${rows.map(([name, text]) => `${name!.padEnd(8)}${text}`).join('\n')}\nThere is ${rows.length - 1} tool, use \`arkade get NAME\` to download one.\n`)
  return 0
}

async function get(proc: Proc, names: readonly string[]): Promise<number> {
  const folder = `${proc.env['HOME'] || proc.user.home}/.arkade/bin`
  for (const name of names) {
    const tool = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined
    if (!tool) {
      await proc.stderr.write(`Error: ${name.startsWith('-') ? `drydock: ${name} is not supported` : `tool ${name} not found`}\n`)
      return 1
    }
    const log = (text: string) => proc.stderr.write(`${new Date(proc.clock.nowMs()).toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/')} ${text}\n`)
    const path = `${folder}/${name}`
    await proc.stdout.write(`Downloading: ${name}\n`)
    await log(`Looking up version for ${name}`)
    await log(`Found: ${tool.version}`)
    await proc.stdout.write(`Downloading: https://github.com/${tool.owner}/${name}/releases/download/${tool.version}/${name}\n/tmp/${name} written.\n`)
    proc.fs.mkdir(folder, { recursive: true })
    proc.fs.writeFile(path, `#!${TOOLS}/${name}\n`, { mode: 0o755 })
    await proc.stdout.write(`\nWrote: ${path}\n\n# Add arkade binary directory to your PATH\nexport PATH=$PATH:$HOME/.arkade/bin/\n\n# Test the binary:\n${path}\n\n# Or install with:\nsudo mv ${path} /usr/local/bin/\n`)
  }
  return 0
}
