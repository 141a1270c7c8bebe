import type { ImageReference } from '../runtime/image-reference.ts'
import type { ImageRegistry, RegistryCredentials } from '../runtime/image-registry.ts'

/** Registries of the world: whoever has signed up there may push below the own name. */
const PUBLIC_REGISTRIES = new Set(['docker.io', 'gcr.io', 'quay.io', 'ghcr.io'])
/** Those from which everybody reads and to which only their owners write. */
const READ_ONLY_REGISTRIES = new Set(['registry.k8s.io', 'k8s.gcr.io', 'mcr.microsoft.com', 'public.ecr.aws'])

export type SignInProblem = 'unknown host' | 'refused'

/** Who may do what at which registry. */
export class RegistryAccess {
  readonly #registry: ImageRegistry

  constructor(registry: ImageRegistry) {
    this.#registry = registry
  }

  /** Whether there is a registry of that name. */
  exists(domain: string): boolean {
    return PUBLIC_REGISTRIES.has(domain) || READ_ONLY_REGISTRIES.has(domain) || this.#registry.repositories().some((repository) => repository.startsWith(`${domain}/`))
  }

  /** The account that a private registry wants; undefined where everybody may sign up. */
  accountOf(domain: string): RegistryCredentials | undefined {
    for (const repository of this.#registry.repositories()) {
      if (!repository.startsWith(`${domain}/`) || PUBLIC_REGISTRIES.has(domain)) continue
      for (const tag of this.#registry.tags(repository)) {
        const { credentials } = this.#registry.find(repository, tag) ?? {}
        if (credentials) return credentials
      }
    }
    return undefined
  }

  signIn(domain: string, credentials: RegistryCredentials): SignInProblem | undefined {
    if (!this.exists(domain)) return 'unknown host'
    const account = this.accountOf(domain)
    if (account) return isSame(account, credentials) ? undefined : 'refused'
    return credentials.username !== '' && credentials.password !== '' ? undefined : 'refused'
  }

  /** Whether whoever shows these credentials, if any, may write there. */
  mayPush({ domain, path }: ImageReference, credentials: RegistryCredentials | undefined): boolean {
    if (!credentials || READ_ONLY_REGISTRIES.has(domain)) return false
    const account = this.accountOf(domain)
    if (account) return isSame(account, credentials)
    // Docker Hub's names begin with their owner's; other registries' begin with a project's, where members are many.
    return domain !== 'docker.io' || path.startsWith(`${credentials.username.toLowerCase()}/`)
  }

  /** Whether an image may be read. */
  mayPull(wanted: RegistryCredentials | undefined, credentials: RegistryCredentials | undefined): boolean {
    return !wanted || (credentials !== undefined && isSame(wanted, credentials))
  }
}

function isSame(a: RegistryCredentials, b: RegistryCredentials): boolean {
  return a.username === b.username && a.password === b.password
}
