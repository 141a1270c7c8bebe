import type { Condition, KubeObject } from '../../kinds/object.ts'
import type { JsonSchema } from '../../kinds/structural/json-schema.ts'

/** k8s: apiextensions/v1 CustomResourceDefinitionNames */
export interface DefinitionNames {
  plural: string
  singular?: string
  kind: string
  listKind?: string
  shortNames?: readonly string[]
  categories?: readonly string[]
}

/** Where `scale` finds its values: simple JSON paths that begin with a dot. */
export interface ScalePaths {
  specReplicasPath: string
  statusReplicasPath: string
  labelSelectorPath?: string
}

export interface PrinterColumn {
  name: string
  type: string
  format?: string
  description?: string
  priority?: number
  jsonPath: string
}

/** k8s: apiextensions/v1 CustomResourceDefinitionVersion */
export interface DefinitionVersion {
  name: string
  served: boolean
  storage: boolean
  deprecated?: boolean
  deprecationWarning?: string
  schema?: { openAPIV3Schema?: JsonSchema }
  subresources?: { status?: object; scale?: ScalePaths }
  additionalPrinterColumns?: readonly PrinterColumn[]
  selectableFields?: readonly { jsonPath: string }[]
}

/** How to reach a conversion webhook. */
export interface ConversionClientConfig {
  url?: string
  service?: { namespace: string; name: string; path?: string; port?: number }
  caBundle?: string
}

/** A CustomResourceDefinition as it is stored. */
export interface Definition extends KubeObject {
  spec: {
    group: string
    scope: string
    names: DefinitionNames
    versions: readonly DefinitionVersion[]
    conversion?: { strategy: string; webhook?: { clientConfig?: ConversionClientConfig; conversionReviewVersions: readonly string[] } }
    preserveUnknownFields?: boolean
  }
  status: {
    conditions?: readonly Condition[]
    acceptedNames: DefinitionNames
    storedVersions?: readonly string[]
  }
}
