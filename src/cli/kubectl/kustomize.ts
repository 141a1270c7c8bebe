import type { Factory } from './factory.ts'

/** The YAML that a kustomization builds. */
export async function buildKustomization(_f: Factory, directory: string): Promise<string> {
  throw new Error(`kustomizations are not available in Drydock yet: ${directory}`)
}
