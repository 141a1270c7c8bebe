import { createPipe, readLines } from '../../base/streams.ts'
import { httpRequest } from '../../base/http.ts'
import type { CobraRun } from '../../cli/cobra/cobra.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { runOn } from '../machine-actions.ts'
import { ADDONS, switchAddon } from './addons.ts'
import { MinikubeExit, Output } from './output.ts'
import { detailsOf, healthy, profileOf } from './profiles.ts'

const NAMESPACE = 'kubernetes-dashboard'
/** How often the proxy is asked before it is given up, and the time between, in milliseconds. */
const ATTEMPTS = 30
const RETRY_MS = 1_000

/** `minikube dashboard`: enables the addon and leads to it, for as long as it runs. minikube: cmd/minikube/cmd/dashboard.go */
export async function dashboard({ flags, proc, out }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const print = new Output(proc)
  const found = healthy(fleet, profileOf(proc, flags.str('profile')))
  if (!detailsOf(found).addons.includes('dashboard')) {
    await print.complain('Enabling', 'Enabling dashboard ...')
    for (const image of ADDONS['dashboard']!.images) await print.step('SubStep', `Using image ${image}`)
    await switchAddon(fleet, found, 'dashboard', true).catch((error: Error) => { throw new MinikubeExit('INTERNAL_ADDON_ENABLE', `Unable to enable dashboard: ${error.message}`, 80) })
  }
  await print.complain('Verifying', 'Verifying dashboard health ...')
  const machine = await found.cluster.nodeMachine(found.record.topology.nodes.find((node) => node.controlPlane)!.name)
  if (!machine) throw new MinikubeExit('SVC_CHECK_TIMEOUT', 'dashboard service is not running: the control plane is off', 110)
  await runOn(machine, `kubectl rollout status -n ${NAMESPACE} deployment/kubernetes-dashboard --timeout=360s`).catch((error: Error) => { throw new MinikubeExit('SVC_CHECK_TIMEOUT', `dashboard service is not running: ${error.message}`, 110) })

  await print.complain('Launch', 'Launching proxy ...')
  const pipe = createPipe()
  const proxy = proc.spawn(['kubectl', '--context', found.record.name, 'proxy', '--port', String(flags.int('port'))], { stdout: pipe.writer, stderr: proc.stderr })
  const ended = proxy.wait()
  void ended.then(() => pipe.writer.close())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) proc.onSignal(signal, () => proxy.kill(signal))
  let address: string | undefined
  for await (const line of readLines(pipe.reader)) {
    address = /^Starting to serve on (\S+)/.exec(line)?.[1]
    if (address !== undefined) break
  }
  if (address === undefined) throw new MinikubeExit('HOST_KUBECTL_PROXY', 'kubectl proxy: it ended before it served', 80)
  const url = `http://${address}/api/v1/namespaces/${NAMESPACE}/services/http:kubernetes-dashboard:/proxy/`
  try {
    await print.complain('Verifying', 'Verifying proxy health ...')
    for (let attempt = 1; ; attempt++) {
      const response = await proc.net.fetch(httpRequest(url))
      if (response.status === 200) break
      if (attempt === ATTEMPTS) throw new MinikubeExit('SVC_URL_TIMEOUT', `${url} is not accessible: ${response.status}`, 110)
      await proc.sleep(RETRY_MS)
    }
    if (!flags.bool('url')) {
      await print.step('Celebrate', `Opening ${url} in your default browser...`)
      throw new MinikubeExit('HOST_BROWSER', 'failed to open browser: exec: "xdg-open,x-www-browser,www-browser": executable file not found in $PATH', 5)
    }
  } catch (error) {
    proxy.kill('SIGTERM')
    throw error
  }
  await out(`${url}\n`)
  await ended
  return 0
}
