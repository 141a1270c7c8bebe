import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { resourcePath } from '../../kubectl/discovery.ts'
import { selectorQuery } from '../../kubectl/selectors.ts'
import { TablePrinter } from '../../kubectl/table.ts'
import type { Release } from '../release/release.ts'
import type { Session } from '../session.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'

/** A release's objects and their pods, by version and kind. k8s: kube.Client.Get */
export async function releaseResources(session: Session, release: Release): Promise<Record<string, unknown[]>>
export async function releaseResources(session: Session, release: Release, asTable: true): Promise<string>
export async function releaseResources(session: Session, release: Release, asTable = false): Promise<Record<string, unknown[]> | string> {
  const rest = session.factory.rest()
  const found = new Map<string, KubeObject[]>()
  const add = (key: string, object: KubeObject) => found.set(key, [...found.get(key) ?? [], object])
  const options = asTable ? { accept: TABLE, query: { includeObject: 'Object' } } : {}
  const seen = new Set<string>()
  for (const info of await session.kube.build(release.manifest, false)) {
    const { version, kind } = info.mapping
    try {
      add(`${version}/${kind}`, await rest.json<KubeObject>('GET', resourcePath(info.mapping, info.namespace, info.name), options))
    } catch {
      continue
    }
    const spec = info.object?.['spec'] as { selector?: Record<string, never> } | undefined
    const matchLabels = ['ReplicaSet', 'Deployment', 'StatefulSet', 'DaemonSet', 'Job'].includes(kind) ? (spec?.selector as { matchLabels?: Record<string, string> } | undefined)?.matchLabels : kind === 'ReplicationController' ? spec?.selector as Record<string, string> | undefined : undefined
    if (!matchLabels || seen.has(JSON.stringify(matchLabels))) continue
    seen.add(JSON.stringify(matchLabels))
    const query = { labelSelector: selectorQuery({ matchLabels }) }
    const pods = await rest.json<KubeObject & { items?: KubeObject[] }>('GET', `/api/v1/namespaces/${info.namespace}/pods`, asTable ? { ...options, query: { ...options.query, ...query } } : { query })
    for (const pod of asTable ? [pods] : (pods.items ?? []).map((each) => ({ ...each, apiVersion: 'v1', kind: 'Pod' }))) add('v1/Pod(related)', pod)
  }
  if (!asTable) return Object.fromEntries(found)
  return [...found].map(([key, objects]) => {
    const printer = new TablePrinter({ wide: false, noHeaders: false, showLabels: false, labelColumns: [], withNamespace: false, kind: '', nowMs: session.nowMs() })
    return `==> ${key}\n${objects.map((object) => printer.print(object)).join('')}\n`
  }).join('')
}
