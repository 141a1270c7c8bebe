import type { KubeObject } from '../../cluster/kinds/object.ts'
import { resourcePath } from './discovery.ts'
import type { ApiResource } from './discovery.ts'
import type { Factory } from './factory.ts'

export const CHANGE_CAUSE = 'kubernetes.io/change-cause'

/** Flags whose values don't belong into an annotation. k8s: clientcmd flags annotated as classified */
const CLASSIFIED = new Set(['token', 'username', 'password', 'client-certificate', 'client-key', 'as', 'as-group', 'as-uid', 'as-user-extra'])

/** The command line as --record keeps it: words first, then the flags. Undefined without --record. k8s: genericclioptions parseCommandArguments */
function changeCause(f: Factory): string | undefined {
  if (!f.flags.bool('record')) return undefined
  const program = f.proc.argv[0]!.split('/').at(-1)!
  const flags = f.flags.given.map(({ name, text }) => CLASSIFIED.has(name) ? ` --${name}` : ` --${name}=${text}`)
  return [program, ...f.spec.path.split(' ').slice(1), ...f.words].join(' ') + flags.join('')
}

/** The object with the command that made it, where --record asks for it. k8s: ChangeCauseRecorder.Record */
export function recorded<T extends KubeObject>(f: Factory, object: T): T {
  const cause = changeCause(f)
  if (cause === undefined) return object
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, [CHANGE_CAUSE]: cause } } }
}

/** Adds the annotation to an object of the server with a request of its own. A failure doesn't matter. */
export async function recordAfterwards(f: Factory, mapping: ApiResource, object: KubeObject): Promise<KubeObject> {
  const cause = changeCause(f)
  if (cause === undefined || object.metadata.annotations?.[CHANGE_CAUSE] === cause) return object
  try {
    return await f.rest().json<KubeObject>('PATCH', resourcePath(mapping, object.metadata.namespace ?? '', object.metadata.name!), {
      body: { metadata: { annotations: { [CHANGE_CAUSE]: cause } } }, contentType: 'application/merge-patch+json',
    })
  } catch {
    return object
  }
}
