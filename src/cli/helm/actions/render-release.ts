import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { crdsOf, nameOf, textOf } from '../chart/chart.ts'
import type { Chart } from '../chart/chart.ts'
import type { Capabilities } from '../engine/objects.ts'
import { renderChart } from '../engine/render.ts'
import type { ReleaseFacts } from '../engine/render.ts'
import { sortManifests } from '../release/manifests.ts'
import type { Hook } from '../release/release.ts'
import { isCompatibleRange } from '../semver.ts'
import type { Session } from '../session.ts'
import { coalesceValues } from '../values/coalesce.ts'
import { validateValues } from '../values/json-schema.ts'
import { clusterLookup } from './lookup.ts'

export interface RenderRequest {
  chart: Chart
  /** What the user gave. */
  values: GoMap
  release: ReleaseFacts
  capabilities: Capabilities
  /** Whether templates may ask the cluster. */
  online: boolean
  subNotes: boolean
  hideSecret: boolean
  skipSchema: boolean
  includeCrds: boolean
  /** Takes each manifest instead of one text for all. */
  toFile?: (path: string, content: string) => void
}

export interface Rendered { hooks: Hook[]; manifest: string; notes: string }

/** What was rendered isn't YAML; the text is told for whoever wants to see it. */
export class ManifestError extends Error {
  readonly manifest: string
  constructor(message: string, manifest: string) {
    super(message)
    this.manifest = manifest
  }
}

/** Carries out a chart's templates and puts what they made in order. k8s: helm.sh/helm/v3/pkg/action renderResources @throws Error, ManifestError */
export async function renderRelease(session: Session, request: RenderRequest): Promise<Rendered> {
  const { chart, capabilities } = request
  const values = coalesceValues(chart, request.values, session.warn)
  if (!request.skipSchema) validateValues(chart, values)
  const { kubeVersion } = chart.metadata
  if (kubeVersion && !isCompatibleRange(kubeVersion, capabilities.kubeVersion.version)) throw new ManifestError(`chart requires kubeVersion: ${kubeVersion} which is incompatible with Kubernetes ${capabilities.kubeVersion.version}`, '')
  const { clock, random } = session.proc
  let files: Map<string, string>
  try {
    files = await renderChart({ chart, values, release: request.release, capabilities, clock, random, ...(request.online ? { lookup: clusterLookup(session) } : {}) })
  } catch (error) {
    throw new ManifestError((error as Error).message, '')
  }
  let notes = ''
  for (const [path, text] of [...files]) {
    if (!path.endsWith('NOTES.txt')) continue
    if (request.subNotes || path === `${nameOf(chart)}/templates/NOTES.txt`) notes += notes ? `\n${text}` : text
    files.delete(path)
  }
  let sorted: ReturnType<typeof sortManifests>
  try {
    sorted = sortManifests(files, 'install', session.warn)
  } catch (error) {
    throw new ManifestError((error as Error).message, [...files].filter(([, text]) => text.trim() !== '').map(([path, text]) => `---\n# Source: ${path}\n${text}\n`).join(''))
  }
  let manifest = ''
  const put = (path: string, content: string) => {
    if (request.toFile) request.toFile(path, content)
    else manifest += `---\n# Source: ${path}\n${content}\n`
  }
  if (request.includeCrds) for (const { name, file } of crdsOf(chart)) put(name, textOf(file))
  for (const { name, content, head } of sorted.manifests) {
    if (request.hideSecret && !request.toFile && head.kind === 'Secret' && head.apiVersion === 'v1') manifest += `---\n# Source: ${name}\n# HIDDEN: The Secret output has been suppressed\n`
    else put(name, content)
  }
  return { hooks: sorted.hooks, manifest, notes }
}
