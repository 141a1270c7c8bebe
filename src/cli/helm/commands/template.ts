import { pathPattern } from '../../path-pattern.ts'
import { FailedRelease } from '../actions/install.ts'
import { DEFAULT_API_VERSIONS } from '../engine/default-api-versions.ts'
import type { KubeVersion } from '../engine/objects.ts'
import { splitManifests } from '../release/manifests.ts'
import type { Release } from '../release/release.ts'
import type { Session } from '../session.ts'
import { DEFAULT_KUBE_VERSION } from '../version.ts'
import type { HelmCommand } from './command.ts'
import { installOptions, nameAndChart, runInstall } from './install.ts'

/** @throws Error k8s: chartutil.ParseKubeVersion */
export function parseKubeVersion(text: string): KubeVersion {
  const m = /^\s*v?(\d+)\.(\d+)((?:\.\d+)*)(?:[-+].*)?\s*$/.exec(text)
  if (!m) throw new Error(`invalid kube version '${text}': could not parse ${JSON.stringify(text)} as version`)
  const rest = m[3] || '.0'
  return { version: `v${m[1]}.${m[2]}${rest}`, major: m[1]!, minor: m[2]! }
}

export const templateCommand: HelmCommand = async (session) => {
  const { flags } = session
  const kubeVersion = flags.str('kube-version') ? parseKubeVersion(flags.str('kube-version')) : DEFAULT_KUBE_VERSION
  const writer = flags.str('output-dir') ? fileWriter(session) : undefined
  const validate = flags.bool('validate')
  let release: Release | undefined
  let failure: Error | undefined
  try {
    release = await runInstall(session, nameAndChart(session, 'release-name'), (name) => ({
      ...installOptions(session, name), dryRun: flags.str('dry-run') === 'server' ? 'server' : 'client', replace: true, clientOnly: !validate,
      ...(validate ? {} : { capabilities: { kubeVersion, apiVersions: [...DEFAULT_API_VERSIONS, ...flags.list('api-versions')] } }), ...(writer ? { toFile: writer(name) } : {}),
    }))
  } catch (error) {
    if (!session.isDebug) {
      if (error instanceof FailedRelease) throw new Error(`${error.message}\n\nUse --debug flag to render out invalid YAML`)
      throw error
    }
    failure = error as Error
    if (error instanceof FailedRelease) release = error.release
  }
  if (release) {
    let text = `${release.manifest.trim()}\n`
    if (!flags.bool('no-hooks')) for (const hook of release.hooks) {
      if (flags.bool('skip-tests') && hook.events.includes('test')) continue
      if (writer) writer(release.name)(hook.path, hook.manifest)
      else text += `---\n# Source: ${hook.path}\n${hook.manifest}\n`
    }
    const shown = flags.list('show-only')
    session.out(shown.length > 0 ? onlyFrom(text, shown) : text)
  }
  if (failure) throw failure
}

/** The manifests of chosen templates. @throws Error for one that made nothing */
function onlyFrom(text: string, wanted: readonly string[]): string {
  const manifests = splitManifests(text)
  let out = ''
  for (const name of wanted) {
    const pattern = pathPattern(name)
    const found = manifests.filter((manifest) => {
      const path = /# Source: [^/]+\/(.+)/.exec(manifest)?.[1]
      return path !== undefined && (pattern?.test(path) ?? false)
    })
    if (found.length === 0) throw new Error(`could not find template ${name} in chart`)
    out += found.map((manifest) => `---\n${manifest}\n`).join('')
  }
  return out
}

/** Writes manifests to files below --output-dir. */
function fileWriter(session: Session): (name: string) => (path: string, content: string) => void {
  const written = new Set<string>()
  return (name) => (path, content) => {
    const folder = session.flags.bool('release-name') ? `${session.flags.str('output-dir')}/${name}` : session.flags.str('output-dir')
    const shown = `${folder}/${path}`
    const file = session.resolve(shown)
    session.proc.fs.mkdir(file.slice(0, file.lastIndexOf('/')), { recursive: true })
    session.proc.fs.writeFile(file, `---\n# Source: ${path}\n${content}\n`, { append: written.has(path) })
    written.add(path)
    session.out(`wrote ${shown}\n`)
  }
}
