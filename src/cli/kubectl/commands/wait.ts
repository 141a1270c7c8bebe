import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { groupVersion, resourcePath } from '../discovery.ts'
import { aggregate, AggregateErrors, isNotFound } from '../errors.ts'
import { goSprint } from '../../../cluster/kinds/go-text.ts'
import { JsonPath, relaxedJsonPath } from '../../../cluster/kinds/jsonpath.ts'
import { printerFor } from '../print.ts'
import { findResources } from '../resources.ts'
import type { Info } from '../resources.ts'
import { untilObject, WaitTimeout } from '../watching.ts'
import type { CommandHandler, Invocation } from './handler.ts'

type Condition =
  | { type: 'create' }
  | { type: 'delete' }
  | { type: 'check'; holds(object: KubeObject): boolean }

/** --for. @throws Error */
function conditionOf(text: string): Condition {
  const lower = text.toLowerCase()
  if (lower === 'delete') return { type: 'delete' }
  if (lower === 'create') return { type: 'create' }
  if (text.startsWith('condition=')) {
    const rest = text.slice('condition='.length)
    const at = rest.indexOf('=')
    const name = (at < 0 ? rest : rest.slice(0, at)).toLowerCase()
    const status = (at < 0 ? 'true' : rest.slice(at + 1)).toLowerCase()
    return {
      type: 'check',
      holds(object) {
        const condition = ((object['status']?.conditions ?? []) as any[]).find((c) => String(c.type).toLowerCase() === name)
        if (!condition || String(condition.status).toLowerCase() !== status) return false
        const generation = object.metadata.generation
        const observed = condition.observedGeneration ?? object['status']?.observedGeneration
        return generation === undefined || observed === undefined || observed >= generation
      },
    }
  }
  if (text.startsWith('jsonpath=')) {
    const { path, value } = splitJsonPath(text.slice('jsonpath='.length))
    const parser = new JsonPath(path, { allowMissingKeys: true })
    return {
      type: 'check',
      holds(object) {
        const results = parser.find(object)
        if (results.length === 0 || results[0]!.length === 0) return false
        if (results.length > 1) throw new Error('given jsonpath expression matches more than one list')
        if (results[0]!.length > 1) throw new Error('given jsonpath expression matches more than one value')
        if (value === undefined) return true
        const found = results[0]![0]
        if (typeof found === 'object' && found !== null) throw new Error('jsonpath leads to a nested object or list which is not supported')
        return goSprint(found).trim() === value.trim()
      },
    }
  }
  throw new Error(`unrecognized condition: ${JSON.stringify(text)}`)
}

/** `{.status.phase}=Running`; a double `==` belongs to a filter. k8s: kubectl/pkg/cmd/wait processJSONPathInput @throws Error */
function splitJsonPath(text: string): { path: string; value: string | undefined } {
  const parts = ['']
  for (let i = 0; i < text.length; i++) {
    if (text.startsWith('==', i)) { parts[parts.length - 1] += '=='; i++ } else if (text[i] === '=') parts.push('')
    else parts[parts.length - 1] += text[i]
  }
  if (parts.length > 2) throw new Error("jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'")
  if (!parts[0]) throw new Error('jsonpath expression cannot be empty')
  const path = relaxedJsonPath(parts[0])
  if (parts.length === 1) return { path, value: undefined }
  const value = parts[1]!.replace(/^['"]+|['"]+$/g, '')
  if (value === '') throw new Error("jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3")
  return { path, value }
}

// k8s: kubectl/pkg/cmd/wait
export const wait: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const wanted = flags.list('for')
  if (wanted.length === 0) throw new Error('unrecognized condition: []')
  const conditions = wanted.map(conditionOf)
  const timeout = flags.duration('timeout')
  const timeoutMs = timeout < 0 ? 168 * 3_600_000 : timeout
  const print = printerFor(f, { operation: 'condition met' })
  // That the server can be asked is looked at before the namespace is.
  f.rest()
  const { namespace, explicit } = f.namespace()
  const forDelete = conditions.some((c) => c.type === 'delete')
  const query = {
    args, namespace, enforceNamespace: explicit, allNamespaces: flags.bool('all-namespaces'), filenames: flags.list('filename'), recursive: flags.bool('recursive'), labelSelector: flags.str('selector') || undefined,
    fieldSelector: flags.str('field-selector') || undefined, allowEmptySelector: flags.bool('all'), continueOnError: true, flatten: true, latest: true, local: flags.bool('local'),
  }
  if (flags.bool('local') && query.filenames.length === 0) throw new Error("you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'")
  const deadline = f.nowMs() + timeoutMs
  if (conditions.some((c) => c.type === 'create')) {
    for (;;) {
      let found = false
      try {
        await (await findResources(f, query)).visit(() => { found = true })
      } catch (error) {
        if (!isNotFound(error)) throw error
        // While one is missing, the others are not enough. Several are an error that isn't looked into.
        found = false
      }
      if (found) break
      if (f.nowMs() + 500 > deadline) throw new Error('timed out waiting for the condition')
      await f.proc.sleep(500)
    }
  }
  let visited = 0
  const errors: Error[] = []
  const result = await findResources(f, query)
  try {
    await result.visit(async (info) => {
      visited++
      for (const condition of conditions) {
        // The first look at an object whose turn comes too late fails in the client itself.
        if (condition.type === 'delete' && timeout > 0 && f.nowMs() >= deadline) throw new Error('client rate limiter Wait returned an error: context deadline exceeded')
        if (condition.type === 'check' && timeout > 0 && f.nowMs() >= deadline) throw new Error(`timed out waiting for the condition on ${info.mapping.resource}/${info.name}`)
        const object = await satisfied(inv, info, condition, timeout === 0 ? -1 : Math.max(1, deadline - f.nowMs()))
        if (object) { void out(print(object)); await f.io.flush() }
      }
    })
  } catch (error) {
    errors.push(...(error instanceof AggregateErrors ? error.errors : [error as Error]).filter((each) => !(forDelete && isNotFound(each))))
  }
  const failure = aggregate(errors)
  if (failure) throw failure
  if (visited === 0 && !forDelete) throw new Error('no matching resources found')
}

async function satisfied(inv: Invocation, info: Info, condition: Condition, timeoutMs: number): Promise<KubeObject> {
  const { f } = inv
  if (!info.name) throw new Error('resource name must be provided')
  const self = info.object ?? { apiVersion: groupVersion(info.mapping), kind: info.mapping.kind, metadata: { name: info.name } }
  const subject = `${info.mapping.resource}/${info.name}`
  const late = (error: unknown) => error instanceof WaitTimeout ? new Error(timeoutMs < 0 ? `condition not met for ${subject}` : `timed out waiting for the condition on ${subject}`) : error
  try {
    if (condition.type === 'create') return self
    if (condition.type === 'delete') {
      const uid = info.object?.metadata.uid
      await untilObject(f, info, timeoutMs, (o) => o === undefined || o.metadata.uid !== uid)
      return self
    }
    return await untilObject(f, info, timeoutMs, (o, deleted) => {
      if (o) return condition.holds(o)
      // Deleted meanwhile: the next look finds nothing and says so.
      if (!deleted) throw new Gone()
      return false
    }) as KubeObject
  } catch (error) {
    if (error instanceof Gone) return f.rest().json<KubeObject>('GET', resourcePath(info.mapping, info.namespace, info.name))
    throw late(error)
  }
}

class Gone extends Error {}
