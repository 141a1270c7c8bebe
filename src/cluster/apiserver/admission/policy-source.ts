import type { Clock } from '../../../base/clock.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { Reader } from '../seams.ts'

/** Upstream looks for changes every second, so that one takes effect anywhere within it; here each takes as long as one shortly before a look. */
const REFRESH_MS = 100

/** Policies and bindings as they are enforced: changes take effect with the next refresh. k8s: policy/generic/policy_source.go */
export interface PolicySource<P extends KubeObject, B extends KubeObject> {
  /** Each policy with its bindings, both in the order of their names; policies without bindings are left out. */
  hooks(): readonly { policy: P; bindings: readonly B[] }[]
}

export function policySource<P extends KubeObject, B extends KubeObject>(reader: Reader, clock: Clock, resources: { policies: string; bindings: string }, policyNameOf: (binding: B) => string): PolicySource<P, B> {
  let hooks: readonly { policy: P; bindings: readonly B[] }[] | undefined
  let scheduled = false
  const refresh = () => {
    scheduled = false
    const bindings = new Map<string, B[]>()
    for (const binding of [...reader.list<B>(resources.bindings)].sort(byName)) {
      const name = policyNameOf(binding)
      const list = bindings.get(name)
      if (list) list.push(binding)
      else bindings.set(name, [binding])
    }
    hooks = bindings.size === 0 ? [] : [...reader.list<P>(resources.policies)].sort(byName).flatMap((policy) => {
      const bound = bindings.get(policy.metadata.name!)
      return bound ? [{ policy, bindings: bound }] : []
    })
  }
  const onChange = () => {
    // Nothing is enforced yet: what is there at the first request counts at once.
    if (!hooks || scheduled) return
    scheduled = true
    clock.after(REFRESH_MS, refresh)
  }
  reader.onChange(resources.policies, onChange)
  reader.onChange(resources.bindings, onChange)
  return {
    hooks() {
      if (!hooks) refresh()
      return hooks!
    },
  }
}

const byName = (a: KubeObject, b: KubeObject) => (a.metadata.name! < b.metadata.name! ? -1 : 1)
