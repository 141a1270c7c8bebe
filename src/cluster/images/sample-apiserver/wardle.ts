import { customResourceKinds } from '../../apiserver/custom-resources/custom-resource-kind.ts'
import type { Definition } from '../../apiserver/custom-resources/definition.ts'
import type { AdmissionPlugin } from '../../apiserver/seams.ts'
import type { Kind } from '../../kinds/kind.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { JsonSchema } from '../../kinds/structural/json-schema.ts'
import { apiError } from '../../kinds/status-error.ts'

const GROUP = 'wardle.example.com'

function definition(plural: string, kind: string, scope: string, properties: Record<string, JsonSchema>, hasStatus: boolean): Definition {
  const names = { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` }
  return {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.${GROUP}` },
    spec: { group: GROUP, scope, names, versions: [{ name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } }, ...(hasStatus ? { subresources: { status: {} } } : {}) }] },
    status: { acceptedNames: names, storedVersions: ['v1alpha1'] },
  }
}

/** What the sample server serves. k8s: sample-apiserver/pkg/apis/wardle/v1alpha1 */
export function wardleKinds(): Kind[] {
  const reference: JsonSchema = { type: 'object', properties: { reference: { type: 'string' }, referenceType: { type: 'string', enum: ['Flunder', 'Fischer'] } } }
  return [
    ...customResourceKinds(definition('flunders', 'Flunder', 'Namespaced', { spec: reference, status: { type: 'object' } }, true), undefined),
    ...customResourceKinds(definition('fischers', 'Fischer', 'Cluster', { disallowedFlunders: { type: 'array', items: { type: 'string' } } }, false), undefined),
  ]
}

/** Refuses flunders with a name that a fischer disallows. k8s: sample-apiserver/pkg/admission/plugin/banflunder */
export const banFlunder: AdmissionPlugin = {
  name: 'BanFlunder',
  validate({ operation, kind, name, object }, { reader }) {
    if (operation !== 'CREATE' || kind.kind !== 'Flunder') return
    const wanted = object?.metadata.name ?? name
    for (const fischer of reader.list<KubeObject & { disallowedFlunders?: string[] }>(`fischers.${GROUP}`))
      if (fischer.disallowedFlunders?.includes(wanted)) throw apiError.forbidden({ group: GROUP, resource: 'flunders' }, wanted, 'this name may not be used, please change the resource name')
  },
}
