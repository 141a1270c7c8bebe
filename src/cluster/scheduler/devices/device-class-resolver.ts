import type { Informers } from '../../client/informers.ts'
import { DEVICE_CLASS_RESOURCE, DEVICE_CLASSES } from '../../client/resource-claims.ts'
import { isExtendedResource } from '../../kinds/core/validate-resources.ts'
import type { DeviceClass } from '../../kinds/generated/types.ts'

/** Whether devices may stand behind a resource of this name. k8s: IsDRAExtendedResourceName */
export const mayBeDevices = (resource: string): boolean => resource.includes('/') && (isExtendedResource(resource) || resource.startsWith(DEVICE_CLASS_RESOURCE))

/** The class whose devices stand behind an extended resource: of several the newest. k8s: deviceclass/extendedresourcecache */
export function classOfResource(informers: Informers, resource: string): DeviceClass | undefined {
  const classes = informers.for<DeviceClass>(DEVICE_CLASSES)
  if (classes.size === 0) return undefined
  if (resource.startsWith(DEVICE_CLASS_RESOURCE)) return classes.get(resource.slice(DEVICE_CLASS_RESOURCE.length))
  let best: DeviceClass | undefined
  for (const each of classes.list()) {
    if (each.spec.extendedResourceName !== resource) continue
    const [mine, theirs] = [each.metadata.creationTimestamp ?? '', best?.metadata.creationTimestamp ?? '']
    if (!best || mine > theirs || (mine === theirs && each.metadata.name! < best.metadata.name!)) best = each
  }
  return best
}
