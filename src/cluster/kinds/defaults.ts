import type { Kind } from './kind.ts'
import type { KubeObject } from './object.ts'

/** Fills in what the author left out, as the server does before anything looks at the object. k8s: SetDefaults_* of each API group */
export function applyDefaults<T extends KubeObject>(kind: Kind<T>, draft: T): void {
  kind.defaults?.(draft)
}
