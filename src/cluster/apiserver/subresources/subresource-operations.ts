import type { KubeObject } from '../../kinds/object.ts'
import type { PatchType } from '../../client/api.ts'
import type { Endpoint } from '../endpoint.ts'
import type { ManagedWrite } from '../write-operations.ts'

/** Reads and writes of subresources that have a body of their own or rules of their own. Objects are in the form that clients see. */
export interface SubresourceOperations {
  /** How a resource that isn't stored (reviews) is created. */
  virtualOf(endpoint: Endpoint): ((body: KubeObject, write: ManagedWrite) => Promise<KubeObject>) | undefined
  get(endpoint: Endpoint, subresource: string, request: { namespace: string; name: string }): Promise<KubeObject>
  create(endpoint: Endpoint, subresource: string, body: KubeObject, request: ManagedWrite): Promise<KubeObject>
  update(endpoint: Endpoint, subresource: string, body: KubeObject, request: ManagedWrite): Promise<KubeObject>
  patch(endpoint: Endpoint, subresource: string, type: PatchType, patch: unknown, request: ManagedWrite): Promise<KubeObject>
}
