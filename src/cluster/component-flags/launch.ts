import type { ApiServerConfiguration } from '../apiserver/configuration.ts'
import type { ControllerManagerSettings } from '../controllers/controller-manager.ts'
import { apiServerConfiguration } from './api-server-flags.ts'
import { ComponentFlags, LaunchError } from './component-flags.ts'
import { controllerManagerSettings } from './controller-manager-flags.ts'
import type { LaunchPlace } from './launch-files.ts'
import { schedulerProfiles } from './scheduler-flags.ts'
import type { SchedulerProfile } from './scheduler-flags.ts'

export { LaunchError } from './component-flags.ts'

/** What a component's command line and files make of it. */
export type Launch =
  | { component: 'kube-apiserver'; configuration: ApiServerConfiguration; /** Addresses of etcd. */ etcdServers: readonly string[] }
  | { component: 'kube-controller-manager'; settings: ControllerManagerSettings }
  | { component: 'kube-scheduler'; profiles: readonly SchedulerProfile[] }

/** Reads a component's command line; undefined for components whose flags change nothing here. @throws LaunchError */
export function launchOf(argv: readonly string[], place: LaunchPlace): Launch | undefined {
  const component = argv[0]?.split('/').at(-1) ?? ''
  switch (component) {
    case 'kube-apiserver': {
      const flags = new ComponentFlags(component, argv)
      const configuration = apiServerConfiguration(flags, place)
      if (!flags.has('etcd-servers')) throw new LaunchError('--etcd-servers must be specified')
      return { component, configuration, etcdServers: flags.list('etcd-servers') }
    }
    case 'kube-controller-manager': return { component, settings: controllerManagerSettings(new ComponentFlags(component, argv), place) }
    case 'kube-scheduler': return { component, profiles: schedulerProfiles(new ComponentFlags(component, argv), place) }
    default: return undefined
  }
}

/** The last line of a component that ends before it begins. `head`: klog's, for an error. */
export function lastWords(error: LaunchError, head: string): string {
  return error.isUsage ? `Error: ${error.message}\n` : `${head} run.go:72] "command failed" err=${JSON.stringify(error.message)}\n`
}
