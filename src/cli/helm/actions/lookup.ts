import { setOwn, withIntegers } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { resourcePath } from '../../kubectl/discovery.ts'
import { isNotFound } from '../../kubectl/errors.ts'
import type { Session } from '../session.ts'

/** The function `lookup` of templates: an object, a list where no name is given, nothing where there is none. k8s: engine newLookupFunction */
export function clusterLookup(session: Session): (apiVersion: string, kind: string, namespace: string, name: string) => Promise<GoMap> {
  return async (apiVersion, kind, namespace, name) => {
    const { factory } = session
    let mapping
    try {
      mapping = await factory.resolve((mapper) => mapper.forKind(apiVersion, kind))
    } catch {
      throw new Error(`unable to get apiresource from unstructured: ${apiVersion}, Kind=${kind}`)
    }
    try {
      const found = withIntegers(await factory.rest().json('GET', resourcePath(mapping, namespace, name))) as GoMap
      const items = found['items']
      if (!name && Array.isArray(items)) for (const item of items as GoMap[]) { setOwn(item, 'apiVersion', apiVersion); setOwn(item, 'kind', kind) }
      return found
    } catch (error) {
      if (isNotFound(error)) return {}
      throw error
    }
  }
}
