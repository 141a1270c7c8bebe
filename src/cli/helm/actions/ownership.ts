import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { isNotFound } from '../../kubectl/errors.ts'
import type { Info } from '../../kubectl/resources.ts'
import type { Session } from '../session.ts'

const MANAGED_BY = 'app.kubernetes.io/managed-by'
const RELEASE_NAME = 'meta.helm.sh/release-name'
const RELEASE_NAMESPACE = 'meta.helm.sh/release-namespace'

/** Says on each object which release it belongs to. k8s: helm.sh/helm/v3/pkg/action setMetadataVisitor */
export function markOwned(infos: readonly Info[], release: string, namespace: string): void {
  for (const info of infos) {
    const object = info.object!
    info.object = {
      ...object,
      metadata: { ...object.metadata, labels: { ...object.metadata?.labels, [MANAGED_BY]: 'Helm' }, annotations: { ...object.metadata?.annotations, [RELEASE_NAME]: release, [RELEASE_NAMESPACE]: namespace } },
    } as KubeObject
  }
}

/**
 * Those that are there already and may be taken over. k8s: existingResourceConflict, requireAdoption
 * @param takeOwnership whoever they belong to
 * @throws Error when something belongs to somebody else
 */
export async function adoptable(session: Session, infos: readonly Info[], release: string, namespace: string, takeOwnership: boolean): Promise<Info[]> {
  const out: Info[] = []
  for (const info of infos) {
    const shown = `${info.mapping.kind} ${JSON.stringify(info.name)} in namespace ${JSON.stringify(info.namespace)}`
    let object: KubeObject
    try {
      object = await session.kube.get(info)
    } catch (error) {
      if (isNotFound(error)) continue
      throw new Error(`could not get information about the resource ${shown}: ${(error as Error).message}`)
    }
    if (!takeOwnership) {
      const { labels = {}, annotations = {} } = object.metadata
      const wrong: string[] = []
      const require = (of: Record<string, string>, what: string, key: string, value: string) => {
        if (of[key] === undefined) wrong.push(`${what} validation error: missing key ${JSON.stringify(key)}: must be set to ${JSON.stringify(value)}`)
        else if (of[key] !== value) wrong.push(`${what} validation error: key ${JSON.stringify(key)} must equal ${JSON.stringify(value)}: current value is ${JSON.stringify(of[key])}`)
      }
      require(labels, 'label', MANAGED_BY, 'Helm')
      require(annotations, 'annotation', RELEASE_NAME, release)
      require(annotations, 'annotation', RELEASE_NAMESPACE, namespace)
      if (wrong.length > 0) throw new Error(`${shown} exists and cannot be imported into the current release: invalid ownership metadata; ${wrong.join('; ')}`)
    }
    out.push(info)
  }
  return out
}
