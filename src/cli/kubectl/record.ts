import type { KubeObject } from '../../cluster/kinds/object.ts'
import { allFlags } from './command.ts'
import { resourcePath } from './discovery.ts'
import type { ApiResource } from './discovery.ts'
import type { Factory } from './factory.ts'
import { parseFlags } from './flags.ts'

export const CHANGE_CAUSE = 'kubernetes.io/change-cause'

/**
 * The command line as --record keeps it: the words as they were typed, then the flags, credentials too, because kubectl marks none of its own as
 * classified. Undefined without --record. k8s: genericclioptions parseCommandArguments
 */
function changeCause(f: Factory): string | undefined {
  if (!f.flags.bool('record')) return undefined
  const program = f.proc.argv[0]!.split('/').at(-1)!
  const { values, args } = parseFlags(allFlags(f.spec), f.proc.argv.slice(1))
  return [program, ...args, ...values.given.map(({ name, text }) => `--${name}=${text}`)].join(' ')
}

/** The object with the command that made it, where --record asks for it. k8s: ChangeCauseRecorder.Record */
export function recorded<T extends KubeObject>(f: Factory, object: T): T {
  const cause = changeCause(f)
  if (cause === undefined) return object
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, [CHANGE_CAUSE]: cause } } }
}

/** Adds the annotation to an object of the server with a request of its own. A failure doesn't matter. @param query of that request */
export async function recordAfterwards(f: Factory, mapping: ApiResource, object: KubeObject, query: Record<string, string> = {}): Promise<KubeObject> {
  const cause = changeCause(f)
  if (cause === undefined || object.metadata.annotations?.[CHANGE_CAUSE] === cause) return object
  try {
    return await f.rest().json<KubeObject>('PATCH', resourcePath(mapping, object.metadata.namespace ?? '', object.metadata.name!), {
      body: { metadata: { annotations: { [CHANGE_CAUSE]: cause } } }, contentType: 'application/merge-patch+json', query,
    })
  } catch {
    return object
  }
}
