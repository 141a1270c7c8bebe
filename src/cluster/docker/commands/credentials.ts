import { base64Of, bytesOfBase64 } from '../../../base/base64.ts'
import type { Proc } from '../../../unix/types.ts'
import type { RegistryCredentials } from '../../runtime/image-registry.ts'

/** What Docker Hub is called in the file. */
const HUB_KEY = 'https://index.docker.io/v1/'

interface ConfigFile {
  auths?: Record<string, { auth?: string }>
}

const decoder = new TextDecoder()

function path(proc: Proc): string {
  return `${proc.env.DOCKER_CONFIG ?? `${proc.env.HOME ?? '/root'}/.docker`}/config.json`
}

function readConfig(proc: Proc): ConfigFile {
  try {
    return JSON.parse(proc.fs.readText(path(proc))) as ConfigFile
  } catch {
    return {}
  }
}

function writeConfig(proc: Proc, config: ConfigFile): void {
  const file = path(proc)
  const directory = file.slice(0, file.lastIndexOf('/'))
  if (!proc.fs.exists(directory)) proc.fs.mkdir(directory, { recursive: true, mode: 0o700 })
  proc.fs.writeFile(file, `${JSON.stringify(config, undefined, '\t')}\n`, { mode: 0o600 })
}

const keyOf = (domain: string) => domain === 'docker.io' ? HUB_KEY : domain

/** Where credentials are kept, for the warning. */
export function credentialsPath(proc: Proc): string {
  return path(proc)
}

/**
 * Who the user is at a registry, as ~/.docker/config.json says.
 * differs: the account of Docker Hub serves for gcr.io, quay.io and ghcr.io too, where others would use the helper of a cloud
 */
export function credentialsFor(proc: Proc, domain: string): RegistryCredentials | undefined {
  const { auths = {} } = readConfig(proc)
  const entry = auths[keyOf(domain)] ?? auths[domain] ?? auths[`https://${domain}`] ?? (['gcr.io', 'quay.io', 'ghcr.io'].includes(domain) ? auths[HUB_KEY] : undefined)
  if (!entry?.auth) return undefined
  try {
    const text = decoder.decode(bytesOfBase64(entry.auth))
    const colon = text.indexOf(':')
    return { username: text.slice(0, colon), password: text.slice(colon + 1) }
  } catch {
    return undefined
  }
}

export function keepCredentials(proc: Proc, domain: string, { username, password }: RegistryCredentials): void {
  const config = readConfig(proc)
  const auth = base64Of(new TextEncoder().encode(`${username}:${password}`))
  writeConfig(proc, { ...config, auths: { ...config.auths, [keyOf(domain)]: { auth } } })
}

/** False where there were none. */
export function forgetCredentials(proc: Proc, domain: string): boolean {
  const config = readConfig(proc)
  const { [keyOf(domain)]: known, ...auths } = config.auths ?? {}
  if (!known) return false
  writeConfig(proc, { ...config, auths })
  return true
}
