import { carrySpelledParts, spelledNumbers } from '../json-text.ts'
import { setOwn, thaw, deepEqual } from '../../../base/freeze.ts'
import { StatusError, apiError } from '../status-error.ts'
import { jsonKind } from './go-format.ts'

/** One step of an RFC 6902 patch. */
export interface JsonPatchOperation {
  op: string
  path: string
  from?: string
  value?: unknown
}

/** k8s: apiserver/pkg/endpoints/handlers maxJSONPatchOperations */
const MAX_OPERATIONS = 10_000

/** An operation that doesn't apply, in the words of the library that the server and kubectl use. */
export class JsonPatchError extends Error {}

/** A `test` operation that found something else. */
export class JsonPatchTestFailed extends JsonPatchError {}

/**
 * Applies a JSON patch to a document and returns the new one; what doesn't change is shared.
 * @throws StatusError 400 for something that isn't a patch, 413 for too long a one, 422 (with a {@link JsonPatchError} as cause) when it doesn't apply
 */
export function applyJsonPatch<T = unknown>(document: T, patch: unknown): T {
  const operations = decodeJsonPatch(patch)
  try {
    return jsonPatched(document, operations) as T
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error
    // k8s: the reason stays in the server: NewGenericServerResponse only shows it for unknown codes
    const status = apiError.generic(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
    status.cause = error
    throw status
  }
}

/** Checks the form of a patch. @throws StatusError 400 or 413 */
function decodeJsonPatch(patch: unknown): JsonPatchOperation[] {
  if (patch === null) return []
  if (!Array.isArray(patch)) throw undecodable(`json: cannot unmarshal ${jsonKind(patch)} into Go value of type []handlers.jsonPatchOp`)
  for (const operation of patch) {
    if (operation === null) continue
    if (typeof operation !== 'object' || Array.isArray(operation)) throw undecodable(`json: cannot unmarshal ${jsonKind(operation)} into Go value of type handlers.jsonPatchOp`)
    for (const field of ['op', 'path', 'from'] as const) {
      const value: unknown = operation[field]
      if (value !== undefined && value !== null && typeof value !== 'string')
        throw undecodable(`json: cannot unmarshal ${jsonKind(value)} into Go struct field jsonPatchOp.${field} of type string`)
    }
  }
  if (patch.length > MAX_OPERATIONS)
    throw apiError.requestEntityTooLarge(`Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`)
  return patch as JsonPatchOperation[]
}

/** Names what strict decoding would refuse: `json patch unknown field "[0].foo"`. */
export function unknownJsonPatchFields(patch: unknown): string[] {
  if (!Array.isArray(patch)) return []
  return patch.flatMap((operation, i) => operation === null || typeof operation !== 'object' ? []
    : Object.keys(operation).filter((key) => !['op', 'path', 'from', 'value'].includes(key)).map((key) => `json patch unknown field "[${i}].${key}"`))
}

function undecodable(why: string): StatusError {
  return apiError.badRequest(`error decoding patch: ${why}`)
}

type Container = Record<string, unknown> | unknown[]

/** The pure algorithm. @throws JsonPatchError */
export function jsonPatched(document: unknown, operations: readonly JsonPatchOperation[]): unknown {
  if (operations.length === 0) return document
  const root = { document: thaw(document) as Container }
  for (const operation of operations) step(root, operation)
  return root.document
}

function step(root: { document: Container }, operation: JsonPatchOperation): void {
  switch (operation?.op) {
    case 'add': {
      const path = pathOf(operation, 'add operation failed to decode path: missing value')
      const { container, key } = find(root.document, path, `add operation does not apply: doc is missing path: "${path}": missing value`)
      addAt(container, key, thaw(operation.value ?? null), `error in add for path: '${path}': `)
      return
    }
    case 'remove': {
      const path = pathOf(operation, 'remove operation failed to decode path: missing value')
      const { container, key } = find(root.document, path, `remove operation does not apply: doc is missing path: "${path}": missing value`)
      removeAt(container, key, `error in remove for path: '${path}': `)
      return
    }
    case 'replace': {
      const path = pathOf(operation, 'replace operation failed to decode path: operation missing path field: missing value')
      if (path === '') {
        if (operation.value === null || typeof operation.value !== 'object') throw new JsonPatchError('replace operation value must be object or array: %!w(<nil>)')
        root.document = thaw(operation.value) as Container
        return
      }
      const { container, key } = find(root.document, path, `replace operation does not apply: doc is missing path: ${path}: missing value`)
      getAt(container, key, () => `replace operation does not apply: doc is missing key: ${path}: missing value`)
      if (Array.isArray(container)) container[indexOf(container, key)] = thaw(operation.value ?? null)
      else setOwn(container, key, thaw(operation.value ?? null))
      return
    }
    case 'move': {
      const from = fromOf(operation, 'move')
      const source = find(root.document, from, `move operation does not apply: doc is missing from path: ${from}: missing value`)
      const value = getAt(source.container, source.key, (why) => `error in move for path: '${source.key}': ${why}`)
      removeAt(source.container, source.key, `error in move for path: '${source.key}': `)
      const path = pathOf(operation, 'move operation failed to decode path: operation missing path field: missing value')
      const { container, key } = find(root.document, path, `move operation does not apply: doc is missing destination path: ${path}: missing value`)
      addAt(container, key, value ?? null, `error in move for path: '${path}': `)
      return
    }
    case 'copy': {
      const from = fromOf(operation, 'copy')
      const source = find(root.document, from, `copy operation does not apply: doc is missing from path: ${from}: missing value`)
      const value = getAt(source.container, source.key, (why) => `error in copy for from: '${from}': ${why}`)
      const path = pathOf(operation, 'copy operation failed to decode path: missing value')
      const { container, key } = find(root.document, path, `copy operation does not apply: doc is missing destination path: ${path}: missing value`)
      addAt(container, key, thaw(value ?? null), 'error while adding value during copy: ')
      return
    }
    case 'test': {
      const path = pathOf(operation, 'test operation failed to decode path: operation missing path field: missing value')
      const failed = () => new JsonPatchTestFailed(`testing value ${path} failed: test failed`)
      if (path === '') {
        if (!deepEqual(root.document, operation.value)) throw failed()
        return
      }
      const { container, key } = find(root.document, path, `test operation does not apply: is missing path: ${path}: missing value`)
      const value = getAt(container, key, (why) => `error in test for path: '${path}': ${why}`)
      if (!deepEqual(value ?? null, operation.value ?? null)) throw failed()
      return
    }
    default:
      throw new JsonPatchError(`Unexpected kind: ${operation?.op ?? 'unknown'}`)
  }
}

function pathOf(operation: JsonPatchOperation, missing: string): string {
  if (typeof operation.path !== 'string') throw new JsonPatchError(missing)
  return operation.path
}

function fromOf(operation: JsonPatchOperation, name: string): string {
  if (typeof operation.from !== 'string') throw new JsonPatchError(`${name} operation failed to decode from: operation, missing from field: missing value`)
  return operation.from
}

/** The container that holds the last part of a path. */
function find(document: Container, path: string, missing: string): { container: Container; key: string } {
  const parts = path.split('/')
  if (parts.length < 2) throw new JsonPatchError(missing)
  let container: Container = document
  for (const part of parts.slice(1, -1)) {
    const key = decodeKey(part)
    const next: unknown = Array.isArray(container) ? container[indexIn(container, key)] : ownValue(container, key)
    if (next === null || next === undefined || typeof next !== 'object') throw new JsonPatchError(missing)
    container = next as Container
  }
  return { container, key: decodeKey(parts.at(-1)!) }
}

/** Says of a patched document how the numbers that came with the patch were written. */
export function carrySpelledValues(operations: unknown, document: unknown): void {
  if (!Array.isArray(operations) || !spelledNumbers(operations)) return
  const parts = (operations as { path?: unknown }[]).flatMap((operation) => {
    try {
      const { container, key } = find(document as Container, String(operation.path), '')
      return [[operation, container, { value: key }] as const]
    } catch {
      // A later operation took it away.
      return []
    }
  })
  carrySpelledParts(operations, document, parts)
}

const decodeKey = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')

function ownValue(map: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined
}

/** -1 when the key is no index of the list. Negative numbers count from the end. */
function indexIn(list: unknown[], key: string): number {
  if (!/^[+-]?\d+$/.test(key)) return -1
  const index = Number(key)
  const counted = index < 0 ? index + list.length : index
  return counted >= 0 && counted < list.length ? counted : -1
}

function indexOf(list: unknown[], key: string): number {
  const index = indexIn(list, key)
  if (index < 0) throw new JsonPatchError(indexProblem(key))
  return index
}

function indexProblem(key: string): string {
  return /^[+-]?\d+$/.test(key) ? `Unable to access invalid index: ${Number(key)}: invalid index referenced` : `strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`
}

function getAt(container: Container, key: string, problem: (why: string) => string): unknown {
  if (!Array.isArray(container)) return ownValue(container, key)
  const index = indexIn(container, key)
  if (index < 0) throw new JsonPatchError(problem(indexProblem(key)))
  return container[index]
}

function addAt(container: Container, key: string, value: unknown, problem: string): void {
  if (!Array.isArray(container)) return setOwn(container, key, value)
  if (key === '-') {
    container.push(value)
    return
  }
  if (!/^[+-]?\d+$/.test(key)) throw new JsonPatchError(`${problem}value was not a proper array index: '${key}': ${indexProblem(key)}`)
  const index = Number(key)
  const size = container.length + 1
  const counted = index < 0 ? index + size : index
  if (counted < 0 || counted >= size) throw new JsonPatchError(`${problem}${indexProblem(key)}`)
  container.splice(counted, 0, value)
}

function removeAt(container: Container, key: string, problem: string): void {
  if (Array.isArray(container)) {
    const index = indexIn(container, key)
    if (index < 0) throw new JsonPatchError(problem + indexProblem(key))
    container.splice(index, 1)
    return
  }
  if (!Object.hasOwn(container, key)) throw new JsonPatchError(`${problem}Unable to remove nonexistent key: ${key}: missing value`)
  delete container[key]
}
