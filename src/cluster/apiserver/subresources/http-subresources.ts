import type { PatchType } from '../../client/api.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Representation } from '../media-types.ts'
import type { ResourceRequest } from '../resource-handler.ts'
import type { TextStyle } from '../responses.ts'
import type { ManagedWrite } from '../write-operations.ts'

/** A patch from a request's body. */
export interface ReadPatch {
  type: PatchType
  patch: unknown
  /** What is to be said of it, or against it, when it is applied. */
  notes: Pick<ManagedWrite, 'patchDuplicates' | 'patchProblem'>
}

/** What the handler of resources lends to subresources. */
export interface SubresourceTools {
  style(as?: Representation): TextStyle
  write(kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', isApply?: boolean): ManagedWrite
  /** Answers with an object in the wanted representation. */
  object(code: number, object: KubeObject): Response
  readPatch(): Promise<ReadPatch>
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
