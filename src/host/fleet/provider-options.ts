import type { DockerHost } from '../../cluster/docker/docker-host.ts'
import type { Fleet } from './fleet.ts'

/** What programs that make clusters work with. */
export interface ProviderOptions {
  fleet: Fleet
  /** The engine of the machine that they run on. */
  docker: () => Promise<DockerHost>
}
