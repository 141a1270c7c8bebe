import type { CommandSpec } from './command.ts'
import type { FlagValues } from './flags.ts'

const REQUIRED: Record<string, readonly string[]> = {
  'kubectl scale': ['replicas'], 'kubectl create deployment': ['image'], 'kubectl create clusterrolebinding': ['clusterrole'], 'kubectl create cronjob': ['image', 'schedule'],
  'kubectl create service externalname': ['external-name'], 'kubectl run': ['image'], 'kubectl autoscale': ['max'], 'kubectl kuberc set': ['section'],
}

/** The names of flags that a command can't do without. */
export const requiredFlags = (spec: CommandSpec): readonly string[] => REQUIRED[spec.path] ?? []

/** @throws Error in cobra's words. */
export function checkRequiredFlags(spec: CommandSpec, flags: FlagValues): void {
  const missing = requiredFlags(spec).filter((name) => !flags.changed(name))
  if (missing.length > 0) throw new Error(`required flag(s) ${missing.map((m) => JSON.stringify(m)).join(', ')} not set`)
}
