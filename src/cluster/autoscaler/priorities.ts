import type { ConfigMap } from '../kinds/generated/types.ts'
import { parseYaml } from '../kinds/yaml-text.ts'
import type { Priorities } from './expander.ts'

/** The ConfigMap that the expander `priority` follows. k8s: expander/priority PriorityConfigMapName */
export const PRIORITY_CONFIG = 'cluster-autoscaler-priority-expander'

/** What the ConfigMap says about priorities of groups, or what is wrong with it. k8s: expander/priority parsePrioritiesYAMLString */
export function prioritiesOf({ data }: ConfigMap): NonNullable<Priorities> | string {
  const text = data?.['priorities']
  if (text === undefined) return "Wrong configmap for priority expander, doesn't contain priorities key"
  const wrong = (why: string) => `Wrong configuration for priority expander: ${why}`
  if (text === '') return wrong(`priority configuration in ${PRIORITY_CONFIG} configmap is empty; please provide valid configuration`)
  let value: unknown
  try {
    ({ value } = parseYaml(text))
  } catch (error) {
    return wrong(`Can't parse YAML with priorities in the configmap: ${(error as Error).message}`)
  }
  const isList = (patterns: unknown): patterns is string[] => Array.isArray(patterns) && patterns.every((pattern) => typeof pattern === 'string')
  if (typeof value !== 'object' || value === null || !Object.entries(value).every(([priority, patterns]) => /^-?\d+$/.test(priority) && isList(patterns))) return wrong("Can't parse YAML with priorities in the configmap: it isn't lists by whole numbers")
  const priorities = new Map<number, readonly RegExp[]>()
  for (const [priority, patterns] of Object.entries(value as Record<string, string[]>)) {
    const compiled: RegExp[] = []
    for (const pattern of patterns) {
      try {
        compiled.push(new RegExp(pattern))
      } catch (error) {
        return wrong(`Can't compile regexp rule for priority ${priority} and rule ${pattern}: ${(error as Error).message}`)
      }
    }
    priorities.set(Number(priority), compiled)
  }
  return priorities
}
