import { Random } from '../../../base/random.ts'
import { bytesOfBase64 } from '../../../base/base64.ts'

/** How values of some resources are written, the first provider, and read, any of them. k8s: apiserver/pkg/apis/apiserver EncryptionConfiguration */
export interface EncryptionRule {
  /** `secrets`, `deployments.apps`, `*.*`. */
  resources: readonly string[]
  providers: readonly EncryptionProvider[]
}

export interface EncryptionProvider {
  kind: 'identity' | 'aescbc' | 'aesgcm'
  keys: readonly { name: string; /** Base64. */ secret: string }[]
}

/** What was in force from a revision on. */
interface Era {
  fromRevision: number
  rules: readonly EncryptionRule[]
}

/** A key by which a value was written. */
interface Writer {
  kind: EncryptionProvider['kind']
  name: string
  secret: string
}

const PREFIX = '/registry/'
const IV_BYTES = { aescbc: 16, aesgcm: 12 }
const encoder = new TextEncoder()

/**
 * Encryption of values in etcd. The store in this process holds objects; who looks at etcd from outside sees what an API server would have written when the
 * value was written last, by the configuration of that time.
 */
// @k8s part: Encryption at rest: aescbc, aesgcm and identity; secretbox and KMS are missing, the configuration isn't read again while the server runs, and watches of etcd show plain values
export class EncryptionAtRest {
  #eras: Era[]

  /** @param history what {@link history} gave in an earlier process */
  constructor(history: string | undefined) {
    this.#eras = history === undefined ? [] : JSON.parse(history) as Era[]
  }

  /** Whether anything was ever encrypted. */
  get isUsed(): boolean {
    return this.#eras.length > 0
  }

  /** To be kept as long as the values. Undefined: nothing was ever encrypted. */
  get history(): string | undefined {
    return this.#eras.length === 0 ? undefined : JSON.stringify(this.#eras)
  }

  /** What is written from now on is written by these rules. @returns whether they are others than before */
  configure(rules: readonly EncryptionRule[], revision: number): boolean {
    const current = this.#eras.at(-1)?.rules ?? []
    if (JSON.stringify(current) === JSON.stringify(rules)) return false
    this.#eras.push({ fromRevision: revision + 1, rules })
    return true
  }

  /** A value as etcd holds it. */
  async stored(key: string, modRevision: number, plain: Uint8Array): Promise<Uint8Array> {
    const writer = this.#writer(key, modRevision)
    if (!writer || writer.kind === 'identity') return plain
    const algorithm = writer.kind === 'aescbc' ? 'AES-CBC' : 'AES-GCM'
    const iv = Uint8Array.from(new Random(`${key} ${modRevision}`).bytes(IV_BYTES[writer.kind]))
    const imported = await crypto.subtle.importKey('raw', bytesOfBase64(writer.secret), algorithm, false, ['encrypt'])
    const data = new Uint8Array(await crypto.subtle.encrypt({ name: algorithm, iv }, imported, Uint8Array.from(plain)))
    const head = encoder.encode(`k8s:enc:${writer.kind}:v1:${writer.name}:`)
    const out = new Uint8Array(head.length + iv.length + data.length)
    out.set(head)
    out.set(iv, head.length)
    out.set(data, head.length + iv.length)
    return out
  }

  /** Why a value can't be read by the rules in force; undefined: it can. */
  problem(key: string, modRevision: number): string | undefined {
    if (this.#eras.length === 0) return undefined
    const writer = this.#writer(key, modRevision)
    if (!writer || writer.kind === 'identity') {
      const rule = ruleFor(this.#eras.at(-1)!.rules, key)
      return rule && !rule.providers.some(({ kind }) => kind === 'identity') ? 'no matching prefix found' : undefined
    }
    const rule = ruleFor(this.#eras.at(-1)!.rules, key)
    if (!rule) return 'identity transformer tried to read encrypted data'
    const providers = rule.providers.filter(({ kind }) => kind === writer.kind)
    if (providers.some(({ keys }) => keys.some(({ name, secret }) => name === writer.name && secret === writer.secret))) return undefined
    return providers.length > 0 ? 'no matching key was found for the provided AES transformer' : 'no matching prefix found'
  }

  #writer(key: string, modRevision: number): Writer | undefined {
    const era = this.#eras.findLast(({ fromRevision }) => fromRevision <= modRevision)
    const provider = era && ruleFor(era.rules, key)?.providers[0]
    return provider && { kind: provider.kind, name: provider.keys[0]?.name ?? '', secret: provider.keys[0]?.secret ?? '' }
  }
}

/** The first rule that names the resource of a key, `/registry/secrets/default/web`. */
function ruleFor(rules: readonly EncryptionRule[], key: string): EncryptionRule | undefined {
  if (!key.startsWith(PREFIX)) return undefined
  const [first = '', second = ''] = key.slice(PREFIX.length).split('/')
  // Custom resources lie below their group.
  const isCustom = first.includes('.')
  return rules.find(({ resources }) => resources.some((name) => {
    const [resource, ...group] = name.split('.')
    if (name === '*.*') return true
    if (resource === '*') return isCustom ? group.join('.') === first : group.join('.') === ''
    return isCustom ? resource === second && group.join('.') === first : resource === first
  }))
}
