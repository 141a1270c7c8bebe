import { age } from '../../kinds/age.ts'
import type { Column } from '../../kinds/kind.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { TableKind } from '../../kinds/table.ts'

const replicas = (part: 'spec' | 'status') => (scale: KubeObject) => (scale[part] as { replicas?: number } | undefined)?.replicas ?? 0

function scaleTable(nameFormat: string, ageType: 'string' | 'date', desired: string, available: string): TableKind {
  const columns: Column[] = [
    { name: 'Name', type: 'string', format: nameFormat, value: (scale) => scale.metadata.name },
    { name: 'Desired', type: 'integer', description: desired, value: replicas('spec') },
    { name: 'Available', type: 'integer', description: available, value: replicas('status') },
    { name: 'Age', type: ageType, value: (scale, nowMs) => age(scale, nowMs) },
  ]
  return { columns }
}

/** How a Scale is shown as a Table. k8s: pkg/printers/internalversion printScale */
export const SCALE_TABLE = scaleTable('', 'string', 'replicas is the desired number of instances for the scaled object.', 'replicas is the actual number of observed instances of the scaled object.')

/** The same of a custom resource. k8s: apiextensions-apiserver customresource_handler.go, scaleScope */
export const CUSTOM_SCALE_TABLE = scaleTable('name', 'date', 'Number of desired replicas', 'Number of actual replicas')
