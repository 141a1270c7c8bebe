import { rfc3339 } from '../../../base/clock.ts'
import { hexOf } from '../../../base/pem.ts'
import { sha256 } from '@noble/hashes/sha2.js'
import * as x509 from '../../../base/x509.ts'
import type { Random } from '../../../base/random.ts'
import { parseGoDuration, shortHumanDuration } from '../../kinds/duration.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { ApiAnswerError, askApi } from '../kubeconfig-client.ts'
import { adminAccess, tabbed, wrapped } from './command.ts'
import type { Command } from './command.ts'

const SECRETS = '/api/v1/namespaces/kube-system/secrets'
export const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
export const TOKEN_PATTERN = '\\A([a-z0-9]{6})\\.([a-z0-9]{16})\\z'
const TOKEN_ID_PATTERN = '\\A([a-z0-9]{6})\\z'
export const DEFAULT_GROUP = 'system:bootstrappers:kubeadm:default-node-token'
const CHARACTERS = '0123456789abcdefghijklmnopqrstuvwxyz'

export function freshToken(random: Random): string {
  const text = (length: number) => Array.from({ length }, () => random.pick([...CHARACTERS])).join('')
  return `${text(6)}.${text(16)}`
}

/** The pin of a certificate's public key. k8s: cmd/kubeadm/app/util/pubkeypin Hash */
export function publicKeyPin(certificatePem: string): string {
  return `sha256:${hexOf(sha256(new Uint8Array(new x509.X509Certificate(certificatePem).publicKey.rawData)))}`
}

/** What a bootstrap token is kept as; `ttlMs` 0: for ever. k8s: cmd/kubeadm/app/apis/bootstraptoken BootstrapTokenToSecret */
export function tokenSecret({ token, description, ttlMs, usages, groups, nowMs }: { token: string; description: string | undefined; ttlMs: number; usages: readonly string[]; groups: readonly string[]; nowMs: number }): KubeObject {
  const [, id = '', secret = ''] = TOKEN.exec(token)!
  const text = (value: string) => btoa(value)
  return {
    apiVersion: 'v1', kind: 'Secret', type: 'bootstrap.kubernetes.io/token', metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    data: {
      'token-id': text(id), 'token-secret': text(secret), ...(description ? { description: text(description) } : {}), ...(ttlMs > 0 ? { expiration: text(rfc3339(nowMs + ttlMs)) } : {}),
      ...Object.fromEntries(usages.map((usage) => [`usage-bootstrap-${usage}`, text('true')])), ...(groups.length > 0 ? { 'auth-extra-groups': text(groups.join(',')) } : {}),
    },
  }
}

/** `kubeadm token create [TOKEN]`. k8s: cmd/kubeadm/app/cmd/token.go RunCreateToken */
export const tokenCreate: Command = async (context, args) => {
  const { proc } = context
  const token = args.operands[0] ?? freshToken(proc.random)
  const [, id] = TOKEN.exec(token) ?? []
  if (id === undefined) throw new Error(`the bootstrap token ${JSON.stringify(token)} was not of the form ${JSON.stringify(TOKEN_PATTERN)}`)
  const ttlText = args.flag('ttl') ?? '24h0m0s'
  const ttlMs = parseGoDuration(ttlText === '0' ? '0s' : ttlText)
  if (ttlMs === undefined) throw new Error(`invalid argument ${JSON.stringify(ttlText)} for "--ttl" flag: time: invalid duration ${JSON.stringify(ttlText)}`)
  const access = adminAccess(context, args)
  const usages = args.has('usages') ? args.all('usages') : ['signing', 'authentication']
  const unknown = usages.find((usage) => usage !== 'signing' && usage !== 'authentication')
  if (unknown !== undefined) throw new Error(`invalid bootstrap token usage string: ${unknown}, valid usage options: [signing authentication]`)
  const groups = args.has('groups') ? args.all('groups') : [DEFAULT_GROUP]
  try {
    await askApi(proc, access, 'POST', SECRETS, tokenSecret({ token, description: args.flag('description'), ttlMs, usages, groups, nowMs: proc.clock.nowMs() }))
  } catch (error) {
    if (error instanceof ApiAnswerError && error.reason === 'AlreadyExists') throw new Error(`a token with id ${JSON.stringify(id)} already exists`)
    throw error
  }
  const pins = [access.caPem].flatMap((pem) => pem === undefined ? [] : [publicKeyPin(pem)])
  await context.out(args.has('print-join-command') ? `kubeadm join ${access.server.replace('https://', '')} --token ${token} ${pins.map((pin) => `--discovery-token-ca-cert-hash ${pin} `).join('')}${args.has('certificate-key') ? `--control-plane --certificate-key ${args.flag('certificate-key')}` : ''}\n` : `${token}\n`)
}

/** `kubeadm token generate` */
export const tokenGenerate: Command = async ({ proc, out }) => out(`${freshToken(proc.random)}\n`)

/** `kubeadm token list`. k8s: RunListTokens */
export const tokenList: Command = async (context, args) => {
  const { proc } = context
  let items: Secret[]
  try {
    items = (await askApi<{ items: Secret[] }>(proc, adminAccess(context, args), 'GET', `${SECRETS}?fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken`)).items
  } catch (error) {
    throw error instanceof ApiAnswerError ? wrapped('failed to list bootstrap tokens', error) : error
  }
  for (const [index, { data = {} }] of items.entries()) {
    const field = (key: string) => atob(data[key] ?? '')
    const expiration = field('expiration')
    const usages = Object.keys(data).filter((key) => key.startsWith('usage-bootstrap-') && field(key) === 'true').map((key) => key.slice('usage-bootstrap-'.length)).sort()
    const row = [
      `${field('token-id')}.${field('token-secret')}`, (expiration ? shortHumanDuration(Date.parse(expiration) - proc.clock.nowMs()) : '<forever>').padEnd(9), expiration || '<never>',
      (usages.join(',') || '<none>').padEnd(22), (field('description') || '<none>').padEnd(56), field('auth-extra-groups') || '<none>',
    ]
    // Each token is a table of its own; the first one has the head.
    await context.out(tabbed(index === 0 ? [['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS'], row] : [row]))
  }
}

/** `kubeadm token delete TOKEN...`. k8s: RunDeleteTokens */
export const tokenDelete: Command = async (context, args) => {
  if (args.operands.length === 0) throw new Error(`missing argument; 'token delete' is missing token of form ${JSON.stringify(TOKEN_ID_PATTERN)}`)
  const access = adminAccess(context, args)
  for (const operand of args.operands) {
    const id = /^[a-z0-9]{6}$/.test(operand) ? operand : TOKEN.exec(operand)?.[1]
    if (id === undefined) throw new Error(`given token didn't match pattern ${JSON.stringify(TOKEN_PATTERN)} or ${JSON.stringify(TOKEN_ID_PATTERN)}`)
    await askApi(context.proc, access, 'DELETE', `${SECRETS}/bootstrap-token-${id}`).catch((error: unknown) => { throw wrapped(`failed to delete bootstrap token ${JSON.stringify(id)}`, error) })
    await context.out(`bootstrap token ${JSON.stringify(id)} deleted\n`)
  }
}
