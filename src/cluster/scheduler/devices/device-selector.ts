/** Expressions that devices must meet. k8s: dynamic-resource-allocation/cel */
import { CelError, celValue, compileCel } from '../../kinds/cel/cel-environment.ts'
import { CelSemver } from '../../kinds/cel/cel-semver.ts'
import { CelDefaultMap, celTypeOf } from '../../kinds/cel/cel-values.ts'
import { CelQuantity } from '../../kinds/cel/kubernetes-functions.ts'
import type { Device, DeviceAttribute } from '../../kinds/generated/types.ts'

/** A selector can't be carried out. */
export class SelectorFailure extends Error {}

const known = new WeakMap<object, unknown>()

/** Whether the device meets the expression. @throws SelectorFailure */
export function matchesSelector(expression: string, device: Readonly<Device>, driver: string): boolean {
  let program
  try {
    program = compileCel(expression)
  } catch (error) {
    if (error instanceof CelError) throw new SelectorFailure(`CEL compile error: ${error.message}`)
    throw error
  }
  try {
    const result = program.evaluate({ device: seenByExpressions(device, driver) })
    if (typeof result === 'boolean') return result
    throw new SelectorFailure(`CEL runtime error: CEL result of type ${celTypeOf(result)} could not be converted to bool: type conversion error from '${celTypeOf(result)}' to 'bool'`)
  } catch (error) {
    if (error instanceof CelError) throw new SelectorFailure(`CEL runtime error: ${error.message}`)
    throw error
  }
}

/** The variable `device`. Devices of stored slices are frozen, so each is made once. */
function seenByExpressions(device: Readonly<Device>, driver: string): unknown {
  let seen = known.get(device)
  if (!seen) known.set(device, seen = {
    driver, allowMultipleAllocations: device.allowMultipleAllocations ?? false,
    attributes: byDomain(device.attributes, driver, (attribute, name) => attributeValue(attribute, name)), capacity: byDomain(device.capacity, driver, ({ value }) => new CelQuantity(String(value))),
  })
  return seen
}

/** Names without a domain are the driver's own; a domain that isn't there has nothing. */
function byDomain<T>(named: Readonly<Record<string, T>> | undefined, driver: string, value: (item: T, name: string) => unknown): CelDefaultMap {
  const domains = new CelDefaultMap({})
  for (const name in named) {
    const slash = name.indexOf('/')
    const domain = slash < 0 ? driver : name.slice(0, slash)
    const inner = (domains.get(domain) ?? {}) as Record<string, unknown>
    inner[name.slice(slash + 1)] = value(named[name]!, name)
    domains.set(domain, inner)
  }
  return domains
}

/** k8s: getAttributeValue */
function attributeValue({ int, bool, string, version }: Readonly<DeviceAttribute>, name: string): unknown {
  if (int !== undefined) return celValue(int)
  if (bool !== undefined) return bool
  if (string !== undefined) return string
  if (version === undefined) throw new SelectorFailure(`CEL runtime error: attribute ${name}: unsupported attribute value`)
  try {
    return new CelSemver(version)
  } catch (error) {
    throw new SelectorFailure(`CEL runtime error: attribute ${name}: parse semantic version: ${(error as Error).message}`)
  }
}
