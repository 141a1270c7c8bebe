import { forbidden } from '../kinds/findings.ts'
import type { KubeObject } from '../kinds/object.ts'
import { apiError } from '../kinds/status-error.ts'
import { validateCreate } from '../kinds/validate.ts'
import type { StorageHooks } from './registry.ts'
import type { ResourceCatalog } from './resource-catalog.ts'

/** On namespaces whose claims may be for devices that others use. */
export const ADMIN_ACCESS_LABEL = 'resource.kubernetes.io/admin-access'

/** Lets claims to devices that others use be made in namespaces only that are marked for it. k8s: pkg/registry/resource AuthorizedForAdmin */
export class DeviceAdminAccess implements StorageHooks {
  readonly #catalog: ResourceCatalog
  readonly #resource: string

  constructor(catalog: ResourceCatalog, resource: string) {
    this.#catalog = catalog
    this.#resource = resource
  }

  begin(draft: KubeObject, old: KubeObject | undefined): undefined {
    if (old) return
    const spec = draft.spec as any
    const requests: any[] = (spec?.devices ?? spec?.spec?.devices)?.requests ?? []
    const asking = requests.findIndex((request) => request.exactly?.adminAccess === true)
    if (asking < 0) return
    const namespace = this.#catalog.byRef('namespaces').store.get('', draft.metadata.namespace!)
    if (namespace?.metadata.labels?.[ADMIN_ACCESS_LABEL] === 'true') return
    const { kind } = this.#catalog.byRef(this.#resource)
    const finding = forbidden(`spec.devices.requests[${asking}].adminAccess`, `admin access to devices requires the \`${ADMIN_ACCESS_LABEL}: true\` label on the containing namespace`)
    throw apiError.invalid(kind, draft.metadata.name ?? '', [finding, ...validateCreate(kind, draft)])
  }
}
