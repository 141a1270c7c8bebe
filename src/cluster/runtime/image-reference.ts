/** A parsed and completed image name. */
export interface ImageReference {
  /** Registry host, e.g. `docker.io`. */
  readonly domain: string
  /** Path in the registry, e.g. `library/nginx`. */
  readonly path: string
  /** `docker.io/library/nginx`. */
  readonly repository: string
  /** `latest` where neither tag nor digest is given. */
  readonly tag: string
  /** `sha256:...` if the name pins one. */
  readonly digest: string | undefined
  /** Repository with tag or digest, as containerd names images. */
  readonly fullName: string
  /** What was asked for, with `:latest` added where no tag and no digest was given. */
  readonly requested: string
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`
const REFERENCE = new RegExp(`^(?:(${DOMAIN})/)?(${COMPONENT}(?:/${COMPONENT})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`)

/**
 * Parses an image name as container tools do: short names belong to docker.io/library.
 * @throws Error with the kubelet's wording.
 */
// k8s: pkg/util/parsers ParseImageName, github.com/distribution/reference ParseNormalizedNamed
export function parseImageReference(text: string): ImageReference {
  const fail = (why: string) => new Error(`couldn't parse image name ${JSON.stringify(text)}: ${why}`)
  if (/^[a-f0-9]{64}$/.test(text)) throw fail(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`)
  const slash = text.indexOf('/')
  const head = slash < 0 ? '' : text.slice(0, slash)
  const hasDomain = slash >= 0 && (/[.:]/.test(head) || head === 'localhost' || head.toLowerCase() !== head)
  let domain = hasDomain ? head : 'docker.io'
  if (domain === 'index.docker.io') domain = 'docker.io'
  let remainder = hasDomain ? text.slice(slash + 1) : text
  if (domain === 'docker.io' && !remainder.includes('/')) remainder = `library/${remainder}`
  const colon = remainder.indexOf(':')
  const remoteName = colon < 0 ? remainder : remainder.slice(0, colon)
  if (remoteName.toLowerCase() !== remoteName) throw fail(`invalid reference format: repository name (${remoteName}) must be lowercase`)
  const match = REFERENCE.exec(`${domain}/${remainder}`)
  if (!match) throw fail('invalid reference format')
  const path = match[2]!
  const repository = `${domain}/${path}`
  if (repository.length > 255) throw fail('repository name must not be more than 255 characters')
  const digest = match[4]
  const tag = match[3] ?? (digest ? '' : 'latest')
  const requested = digest || text.endsWith(`:${tag}`) ? text : `${text}:${tag}`
  return { domain, path, repository, tag, digest, requested, fullName: digest ? `${repository}@${digest}` : `${repository}:${tag}` }
}
