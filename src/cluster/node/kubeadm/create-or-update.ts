import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { kindOf } from '../../kinds/index.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { ApiAnswerError, askApi } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'

/** Makes an object, or puts it in the place of the one that there is. k8s: cmd/kubeadm/app/util/apiclient CreateOrUpdate */
export async function createOrUpdate({ proc }: UtilityContext, access: Access, object: KubeObject): Promise<void> {
  const { apiVersion, kind, metadata: { namespace, name } } = object
  const folder = `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${kindOf(apiVersion, kind)!.resource}`
  try {
    await askApi(proc, access, 'POST', folder, object)
  } catch (error) {
    if (!(error instanceof ApiAnswerError) || error.reason !== 'AlreadyExists') throw error
    await askApi(proc, access, 'PUT', `${folder}/${name}`, object)
  }
}
