import type { Controller } from '../../client/controller-runner.ts'
import { jsonClient, type ApiFetch } from '../../client/json-client.ts'
import type { CustomResourceDefinition, ValidatingAdmissionPolicy } from '../../kinds/generated/types.ts'
import { ObjectTypes } from './object-types.ts'
import { typeWarnings } from './type-check.ts'

const RESOURCE = 'validatingadmissionpolicies.admissionregistration.k8s.io'
const CRDS = 'customresourcedefinitions.apiextensions.k8s.io'
const FIELD_MANAGER = 'validatingadmissionpolicy-status'

/** Writes into each policy's status what doesn't fit the types it is about. `fetch` asks the API as the controller's user. k8s: pkg/controller/validatingadmissionpolicystatus */
export function validatingAdmissionPolicyStatusController(fetch: ApiFetch): Controller {
  const client = jsonClient(fetch, { userAgent: 'kube-controller-manager' })
  const isSeen = ({ metadata, status }: ValidatingAdmissionPolicy) => metadata.generation! <= (status?.observedGeneration ?? 0)
  return {
    name: FIELD_MANAGER, for: RESOURCE, reads: [CRDS],
    wants: ({ object }) => !isSeen(object as ValidatingAdmissionPolicy),
    async reconcile(name, { cache, clock }) {
      const policy = cache.get<ValidatingAdmissionPolicy>(RESOURCE, name)
      if (!policy || isSeen(policy)) return
      // Names of types are made unique by the nanosecond.
      const warnings = typeWarnings(policy, new ObjectTypes(cache.list<CustomResourceDefinition>(CRDS)), String(Math.floor((clock.nowMs() % 1000) * 1_000_000)))
      await client.apply(`/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/${name}/status`, {
        apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name },
        status: { observedGeneration: policy.metadata.generation, typeChecking: { ...(warnings.length > 0 ? { expressionWarnings: warnings } : {}) } },
      }, FIELD_MANAGER)
    },
  }
}
