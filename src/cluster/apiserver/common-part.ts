import { deepFreeze } from '../../base/freeze.ts'

const texts = new WeakMap<object, string>()

/** Makes a value one that many objects hold: frozen, so that they can share it, and with its JSON known. */
export function commonPart<T extends object>(value: T): T {
  texts.set(deepFreeze(value), JSON.stringify(value))
  return value
}

/** The JSON of a common part; undefined for other values. */
export function commonText(value: object): string | undefined {
  return texts.get(value)
}
