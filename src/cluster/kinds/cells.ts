/** Cells that several kinds share. k8s: pkg/printers/internalversion */
import { labelSelectorText, type LabelSelectorSpec } from './label-selector.ts'
import type { Cells } from './define-kind.ts'
import type { KubeObject } from './object.ts'

interface HasContainers {
  spec?: { containers?: readonly { name: string; image?: string }[] }
}

/** Names and images of a template's containers. k8s: layoutContainerCells */
export function templateCells<T extends KubeObject>(template: (object: T) => HasContainers | undefined): Cells<T> {
  return {
    Containers: (object) => (template(object)?.spec?.containers ?? []).map((container) => container.name).join(','),
    Images: (object) => (template(object)?.spec?.containers ?? []).map((container) => container.image ?? '').join(','),
  }
}

export function selectorCell<T extends KubeObject>(selector: (object: T) => LabelSelectorSpec | undefined): Cells<T> {
  return { Selector: (object) => labelSelectorText(selector(object)) }
}

/** At most `max` items, then how many more there are. k8s: listWithMoreString */
export function listWithMore(items: readonly string[], max = 3): string {
  if (items.length > max) return `${items.slice(0, max).join(',')} + ${items.length - max} more...`
  const text = items.join(',')
  return text === '' ? '<unset>' : text
}

/** `RWO,ROX,RWX,RWOP`. k8s: helper.GetAccessModesAsString */
export function accessModesText(modes: readonly string[] | undefined): string {
  const short: [string, string][] = [['ReadWriteOnce', 'RWO'], ['ReadOnlyMany', 'ROX'], ['ReadWriteMany', 'RWX'], ['ReadWriteOncePod', 'RWOP']]
  return short.filter(([mode]) => modes?.includes(mode)).map(([, text]) => text).join(',')
}

/** Addresses of a load balancer's status: sorted and distinct. */
export function ingressAddresses(ingress: readonly { ip?: string; hostname?: string }[] | undefined): string {
  const found = new Set<string>()
  for (const { ip, hostname } of ingress ?? []) if (ip || hostname) found.add((ip || hostname)!)
  return [...found].sort().join(',')
}

/** A condition's status by type. */
export function conditionStatus(conditions: readonly { type: string; status: string }[] | undefined, type: string): string | undefined {
  return conditions?.find((condition) => condition.type === type)?.status
}
