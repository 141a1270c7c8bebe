import type { CniPlugin } from './plugin.ts'

/** The plugin that Calico installs; its code is loaded when it plugs in its first pod. */
export const calico: CniPlugin = async (pod, configuration, context) => (await context.clock.outside(import('./calico-add.ts'))).addCalico(pod, configuration, context)
