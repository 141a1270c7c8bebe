import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { parseGoDuration, shortHumanDuration } from '../../kinds/duration.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import { ApiAnswerError, accessOf, askApi } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'
import { K3S_KUBECONFIG, authorityHash } from './server-files.ts'

const SECRETS = '/api/v1/namespaces/kube-system/secrets'
const TTL = '24h'
const USAGE = `NAME:
   k3s token - Manage tokens

USAGE:
   k3s token command [command options]

COMMANDS:
   create    Create bootstrap tokens on the server
   delete    Delete bootstrap tokens on the server
   generate  Generate and print a bootstrap token, but do not create it on the server
   list      List bootstrap tokens on the server

OPTIONS:
   --help, -h  show help
`

/** `k3s token`: bootstrap tokens by which agents may join for a while. k3s: pkg/cli/token */
export async function tokenCommand(proc: Proc, [command = '', ...args]: readonly string[]): Promise<number> {
  try {
    switch (command) {
      case 'create': return await create(proc, args)
      case 'list': return await list(proc)
      case 'delete': return await remove(proc, args)
      case 'generate': await proc.stdout.write(`${newToken(proc)}\n`); return 0
      case 'rotate': throw new Error('drydock: k3s token rotate is not supported')
      default: await proc.stdout.write(USAGE); return 0
    }
  } catch (error) {
    if (proc.killed.aborted) throw error
    await proc.stderr.write(`FATA[0000] ${error instanceof UnixError ? `open ${error.path}: ${errorText(error).toLowerCase()}` : (error as Error).message}\n`)
    return 1
  }
}

const newToken = ({ random }: Proc): string => `${random.hex(3)}.${random.hex(8)}`

function access(proc: Proc): Access {
  return accessOf(proc.fs.readText(K3S_KUBECONFIG), (path) => proc.fs.readText(path))
}

async function create(proc: Proc, args: readonly string[]): Promise<number> {
  const settings = new Map<string, string>()
  let token = newToken(proc)
  for (let i = 0; i < args.length; i++) {
    const [, name, value] = /^--([\w-]+)(?:=(.*))?$/.exec(args[i]!) ?? []
    if (name === undefined) token = args[i]!
    else if (!['ttl', 'description'].includes(name)) throw new Error(`drydock: --${name} is not supported`)
    else settings.set(name, value ?? args[++i] ?? '')
  }
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token) ?? []
  if (id === undefined) throw new Error(`the bootstrap token ${JSON.stringify(token)} was not of the form "\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z"`)
  const ttlMs = parseGoDuration(settings.get('ttl') ?? TTL)
  if (ttlMs === undefined) throw new Error(`invalid value ${JSON.stringify(settings.get('ttl'))} for flag -ttl: parse error`)
  const admin = access(proc)
  await askApi(proc, admin, 'POST', SECRETS, {
    apiVersion: 'v1', kind: 'Secret', type: 'bootstrap.kubernetes.io/token', metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    stringData: {
      'token-id': id, 'token-secret': secret, 'usage-bootstrap-authentication': 'true', 'usage-bootstrap-signing': 'true', 'auth-extra-groups': 'system:bootstrappers:k3s:default-node-token',
      ...settings.has('description') ? { description: settings.get('description') } : {}, ...ttlMs > 0 ? { expiration: `${new Date(proc.clock.nowMs() + ttlMs).toISOString().slice(0, 19)}Z` } : {},
    },
  })
  await proc.stdout.write(`K10${authorityHash(admin.caPem ?? '')}::${token}\n`)
  return 0
}

async function list(proc: Proc): Promise<number> {
  const { items } = await askApi<{ items: Secret[] }>(proc, access(proc), 'GET', `${SECRETS}?fieldSelector=type%3Dbootstrap.kubernetes.io/token`)
  const rows = items.map(({ data = {} }) => {
    const read = (key: string) => atob(data[key] ?? '')
    const expiration = read('expiration')
    const usages = ['authentication', 'signing'].filter((usage) => read(`usage-bootstrap-${usage}`) === 'true')
    return [read('token-id'), expiration === '' ? '<forever>' : shortHumanDuration(Date.parse(expiration) - proc.clock.nowMs()), expiration === '' ? '<never>' : expiration, usages.join(','), read('description') || '<none>']
  })
  const all = [['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION'], ...rows]
  const widths = all[0]!.map((_, i) => Math.max(10, ...all.map((row) => row[i]!.length + 3)))
  await proc.stdout.write(all.map((row) => `${row.map((cell, i) => i === row.length - 1 ? cell : cell.padEnd(widths[i]!)).join('')}\n`).join(''))
  return 0
}

async function remove(proc: Proc, tokens: readonly string[]): Promise<number> {
  if (tokens.length === 0) throw new Error('missing argument; "k3s token delete" is missing token')
  const admin = access(proc)
  for (const token of tokens) {
    const id = token.replace(/^K10[0-9a-f]+::/, '').split('.')[0]!
    try {
      await askApi(proc, admin, 'DELETE', `${SECRETS}/bootstrap-token-${id}`)
    } catch (error) {
      if (!(error instanceof ApiAnswerError)) throw error
      throw new Error(`failed to delete bootstrap token ${JSON.stringify(id)}: ${error.message}`)
    }
    await proc.stdout.write(`bootstrap token "${id}" deleted\n`)
  }
  return 0
}
