import type { BindPlugin } from '../framework.ts'
import { failed, PASS } from '../status.ts'

/** Tells the API. k8s: plugins/defaultbinder */
export const defaultBinder: BindPlugin = {
  name: 'DefaultBinder',
  async bind({ pod }, nodeName, { api }) {
    const { name, namespace, uid } = pod.metadata
    try {
      await api.createSubresource('pods', name!, namespace, 'binding', {
        apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target: { kind: 'Node', name: nodeName },
      })
      return PASS
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error))
    }
  },
}
