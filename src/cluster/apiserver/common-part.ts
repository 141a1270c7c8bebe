import { deepFreeze } from '../../base/freeze.ts'

const encoder = new TextEncoder()
const texts = new WeakMap<object, Uint8Array>()

/** Makes a value one that many objects hold: frozen, so that they can share it, and with its JSON known. */
export function commonPart<T extends object>(value: T): T {
  texts.set(deepFreeze(value), encoder.encode(JSON.stringify(value)))
  return value
}

/** The JSON of a common part in UTF-8; undefined for other values. */
export function commonText(value: object): Uint8Array | undefined {
  return texts.get(value)
}
