import type { PatchType } from '../../client/api.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Representation } from '../media-types.ts'
import type { ResourceRequest } from '../resource-handler.ts'
import type { TextStyle } from '../responses.ts'
import type { ManagedWrite } from '../write-operations.ts'

/** What the handler of resources lends to subresources. */
export interface SubresourceTools {
  style(as?: Representation): TextStyle
  write(kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', isApply?: boolean): ManagedWrite
  /** Answers with an object in the wanted representation. */
  object(code: number, object: KubeObject): Response
  readPatch(): Promise<{ type: PatchType; patch: unknown }>
}

/** Subresources over HTTP, and resources that are not stored. */
export interface HttpSubresources {
  /** log, exec, attach, portforward, proxy: any method, streams. */
  isConnection(endpoint: Endpoint, subresource: string): boolean
  connect(endpoint: Endpoint, context: ResourceRequest): Promise<Response>
  handle(endpoint: Endpoint, verb: string, context: ResourceRequest, tools: SubresourceTools): Promise<Response>
  /** How a resource that isn't stored (reviews) answers a POST. */
  virtualOf(endpoint: Endpoint): ((body: KubeObject, write: ManagedWrite) => Promise<KubeObject>) | undefined
}
