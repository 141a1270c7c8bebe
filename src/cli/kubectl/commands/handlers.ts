import type { CommandHandler } from './handler.ts'
import { get } from './get.ts'
import { create } from './create/create.ts'
import { GENERATORS } from './create/generators.ts'
import { apply } from './apply.ts'
import { deleteCommand } from './delete.ts'
import { attach, exec } from './exec.ts'
import { expose } from './expose.ts'
import { autoscale } from './autoscale.ts'
import { CERTIFICATE_COMMANDS } from './certificate.ts'
import { CONFIG_COMMANDS } from './config.ts'
import { events } from './events.ts'
import { KUBERC_COMMANDS } from './kuberc.ts'
import { pluginList } from './plugin.ts'
import { annotate, label } from './label.ts'
import { logs } from './logs.ts'
import { NODE_COMMANDS } from './nodes.ts'
import { patch } from './patch.ts'
import { replace } from './replace.ts'
import { run } from './run.ts'
import { apiResources, apiVersions, clusterInfo, version } from './discovery.ts'
import { ROLLOUT_COMMANDS } from './rollout.ts'
import { scale } from './scale.ts'
import { SET_COMMANDS } from './set.ts'
import { wait } from './wait.ts'

/** Commands that are there from the start; the rest is loaded when first used. */
const READY: Record<string, CommandHandler> = {
  get, create, ...GENERATORS, apply, delete: deleteCommand, exec, attach, expose, label, annotate, logs, patch, replace, run, scale,
  ...ROLLOUT_COMMANDS, ...SET_COMMANDS, wait, 'api-resources': apiResources, 'api-versions': apiVersions, version, 'cluster-info': clusterInfo,
  ...CONFIG_COMMANDS, ...NODE_COMMANDS, autoscale, events, ...CERTIFICATE_COMMANDS, ...KUBERC_COMMANDS, 'plugin list': pluginList,
}

const LAZY: Record<string, () => Promise<CommandHandler>> = {
  'port-forward': async () => (await import('./port-forward.ts')).portForward,
  debug: async () => (await import('./debug.ts')).debug,
  proxy: async () => (await import('./proxy.ts')).proxy,
  cp: async () => (await import('./cp.ts')).cp,
  explain: async () => (await import('./explain.ts')).explain,
  edit: async () => (await import('./edit.ts')).edit,
  'apply view-last-applied': async () => (await import('./edit.ts')).LAST_APPLIED_COMMANDS['apply view-last-applied']!,
  'apply set-last-applied': async () => (await import('./edit.ts')).LAST_APPLIED_COMMANDS['apply set-last-applied']!,
  'apply edit-last-applied': async () => (await import('./edit.ts')).LAST_APPLIED_COMMANDS['apply edit-last-applied']!,
  completion: async () => (await import('./completion.ts')).completion,
  diff: async () => (await import('./diff.ts')).diff,
  kustomize: async () => (await import('./kustomize.ts')).kustomize,
  'cluster-info dump': async () => (await import('./dump.ts')).dump,
  'top node': async () => (await import('./top.ts')).TOP_COMMANDS['top node']!,
  'top pod': async () => (await import('./top.ts')).TOP_COMMANDS['top pod']!,
  'auth can-i': async () => (await import('./auth.ts')).AUTH_COMMANDS['auth can-i']!,
  'auth whoami': async () => (await import('./auth.ts')).AUTH_COMMANDS['auth whoami']!,
  'auth reconcile': async () => (await import('./auth.ts')).AUTH_COMMANDS['auth reconcile']!,
  describe: async () => (await import('./describe.ts')).describe,
  options: async () => (await import('./options.ts')).options,
}

/** The handler of a command's path such as `kubectl rollout status`. */
export async function findHandler(path: string): Promise<CommandHandler | undefined> {
  const key = path.slice('kubectl '.length)
  return READY[key] ?? await LAZY[key]?.()
}
