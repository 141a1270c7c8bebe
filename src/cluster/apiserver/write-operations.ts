import type { Clock } from '../../base/clock.ts'
import { thaw } from '../../base/freeze.ts'
import { applyDefaults } from '../kinds/defaults.ts'
import { DecodeError, decodeObject } from '../kinds/decode.ts'
import type { KubeObject } from '../kinds/object.ts'
import { applyJsonPatch } from '../kinds/patch/json-patch.ts'
import { applyMergePatch } from '../kinds/patch/merge-patch.ts'
import { applyStrategicMergePatch } from '../kinds/patch/strategic-merge-patch.ts'
import { apiError } from '../kinds/status-error.ts'
import type { PatchType } from '../client/api.ts'
import type { Endpoint } from './endpoint.ts'
import type { Registry, WriteRequest } from './registry.ts'
import { applyFieldValidation, type StrictFindings } from './request-body.ts'
import type { FieldValidation } from './write-options.ts'

/** A write with who made it, for managedFields. */
export interface ManagedWrite extends WriteRequest {
  /** Field manager, or what stands for it (the user agent's first part). */
  manager: string
  fieldValidation: FieldValidation
  force?: boolean
}

/**
 * The three ways to write an object, on drafts in the served version: what HTTP handlers and in-process clients share.
 * k8s: apiserver/pkg/endpoints/handlers create.go, update.go, patch.go
 */
export class WriteOperations {
  readonly #registry: Registry

  constructor(registry: Registry, _clock: Clock) {
    this.#registry = registry
  }

  /** Takes the draft (served version) over; the answer is in the storage version. */
  create(endpoint: Endpoint, draft: KubeObject, request: ManagedWrite): Promise<KubeObject> {
    checkNamespace(endpoint, draft, request.namespace)
    applyDefaults(endpoint.kind, draft)
    return this.#registry.create(endpoint, endpoint.toStorage(draft), request)
  }

  update(endpoint: Endpoint, draft: KubeObject, request: ManagedWrite): Promise<{ object: KubeObject; created: boolean }> {
    checkNamespace(endpoint, draft, request.namespace)
    checkName(draft, request.name)
    applyDefaults(endpoint.kind, draft)
    const stored = endpoint.toStorage(draft)
    let attempts = 0
    return this.#registry.update(endpoint, {
      preconditions: draft.metadata.uid ? { uid: draft.metadata.uid } : undefined,
      draft: () => attempts++ === 0 ? stored : thaw(stored),
    }, request)
  }

  patch(endpoint: Endpoint, type: PatchType, patch: unknown, request: ManagedWrite, decode: boolean): Promise<{ object: KubeObject; created: boolean }> {
    return this.#registry.update(endpoint, {
      createIfMissing: type === 'application/apply-patch+yaml' && request.subresource === '',
      draft: (current) => {
        if (!current) throw apiError.notFound(endpoint.groupResource, request.name)
        const draft = this.patched(endpoint, type, patch, endpoint.fromStorage(current), request, decode)
        checkNamespace(endpoint, draft, request.namespace)
        checkName(draft, request.name)
        return endpoint.toStorage(draft)
      },
    }, request)
  }

  /** The current object (served version) with the patch applied, decoded and with defaults. */
  patched(endpoint: Endpoint, type: PatchType, patch: unknown, current: KubeObject, request: ManagedWrite, decode: boolean): KubeObject {
    const { kind } = endpoint
    const patched = applyPatch(endpoint, type, patch, current)
    const draft = decode ? decodePatched(endpoint, patched, request) : thaw(patched)
    if (!draft.metadata) draft.metadata = {}
    applyDefaults(kind, draft)
    return draft
  }
}

function applyPatch(endpoint: Endpoint, type: PatchType, patch: unknown, current: KubeObject): KubeObject {
  switch (type) {
    case 'application/json-patch+json': return applyJsonPatch(current, patch)
    case 'application/merge-patch+json': return applyMergePatch(current, patch)
    case 'application/strategic-merge-patch+json': return applyStrategicMergePatch(endpoint.kind, current, patch)
    case 'application/apply-patch+yaml': throw apiError.generic(501, 'NotImplemented', 'server-side apply is still to come', {})
  }
}

function decodePatched(endpoint: Endpoint, patched: KubeObject, request: ManagedWrite): KubeObject {
  const { kind } = endpoint
  try {
    const { object, unknownFields } = decodeObject(kind, patched)
    const texts = unknownFields.map((path) => `unknown field ${JSON.stringify(path)}`)
    const findings: StrictFindings = { errors: texts, warnings: texts }
    applyFieldValidation(kind, findings, request.fieldValidation, request.warn)
    return object
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw apiError.badRequest(error.message)
  }
}

/** The body may leave the namespace out, but not name another. k8s: rest.EnsureObjectNamespaceMatchesRequestNamespace */
export function checkNamespace(endpoint: Endpoint, draft: KubeObject, namespace: string): void {
  const { metadata } = draft
  if (!endpoint.kind.namespaced) {
    delete metadata.namespace
    return
  }
  if (!metadata.namespace) metadata.namespace = namespace
  else if (metadata.namespace !== namespace) throw apiError.badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

/** k8s: endpoints/handlers checkName */
export function checkName(draft: KubeObject, name: string): void {
  if (!draft.metadata.name) throw apiError.badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  if (draft.metadata.name !== name)
    throw apiError.badRequest(`the name of the object (${draft.metadata.name}) does not match the name on the URL (${name})`)
}
