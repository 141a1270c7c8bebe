import type { KubeObject } from '../../kinds/object.ts'
import type { AdmissionPlugin, Reader } from '../seams.ts'

const LABELS = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone']

/** Pods learn from their labels in which zone and region their node is: with the Binding, or when they are created on a node. k8s: plugin/pkg/admission/podtopologylabels */
export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  mutate({ operation, kind, subresource, object }, { reader }) {
    if (operation !== 'CREATE' || kind.resource !== 'pods' || kind.group !== '' || !object) return
    if (subresource === '') addLabels(object, reader, object['spec']?.nodeName as string | undefined)
    else if (subresource === 'binding' && object['target']?.kind === 'Node') addLabels(object, reader, object['target'].name as string | undefined)
  },
}

function addLabels({ metadata }: KubeObject, reader: Reader, nodeName = ''): void {
  const of = nodeName === '' ? undefined : reader.get('nodes', undefined, nodeName)?.metadata.labels
  for (const label of LABELS) if (of?.[label] !== undefined) metadata.labels = { ...metadata.labels, [label]: of[label] }
}
