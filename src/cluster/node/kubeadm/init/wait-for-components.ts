import { httpRequest } from '../../../../base/http.ts'
import type { UtilityContext } from '../../../../unix/utilities/utility.ts'
import { goNetError } from '../../../../unix/net/go-net-error.ts'
import { goDurationText } from '../../../kinds/duration.ts'
import type { Access } from '../../kubeconfig-client.ts'
import { wrapped } from '../command.ts'
import { criSocketOf } from '../kubelet-files.ts'

/** k8s: constants KubernetesAPICallRetryInterval, ControlPlaneComponentHealthCheckTimeout */
const POLL_MS = 500
const PATIENCE_MS = 4 * 60_000
const helpFor = (socket: string) => `
A control plane component may have crashed or exited when started by the container runtime.
To troubleshoot, list all containers using your preferred container runtimes CLI.
Here is one example how you may list all running Kubernetes containers by using crictl:
	- 'crictl --runtime-endpoint ${socket} ps -a | grep kube | grep -v pause'
	Once you have found the failing container, you can inspect its logs with:
	- 'crictl --runtime-endpoint ${socket} logs CONTAINERID'

`

/** Resolves once API server, controller manager and scheduler say that they are well. k8s: util/apiclient WaitForControlPlaneComponents @throws Error */
export async function waitForComponents(context: UtilityContext, access: Access, advertiseAddress: string): Promise<void> {
  const { out } = context
  await out(`[control-plane-check] Waiting for healthy control plane components. This can take up to ${goDurationText(PATIENCE_MS)}\n`)
  const components = [
    { name: 'kube-apiserver', url: `https://${advertiseAddress}:6443/livez` }, { name: 'kube-controller-manager', url: 'https://127.0.0.1:10257/healthz' }, { name: 'kube-scheduler', url: 'https://127.0.0.1:10259/livez' },
  ]
  for (const { name, url } of components) await out(`[control-plane-check] Checking ${name} at ${url}\n`)
  const problems = (await Promise.all(components.map(({ name, url }) => waitFor(context, name, url, access)))).filter((problem) => problem !== undefined)
  if (problems.length === 0) return
  await out(helpFor(criSocketOf(context.proc.fs)))
  throw wrapped('failed while waiting for the control plane to start', new Error(problems.length > 1 ? `[${problems.join(', ')}]` : problems[0]))
}

/** @returns what was the matter last, when the time is over */
async function waitFor({ proc, out }: UtilityContext, name: string, url: string, { server, caPem, clientCertificatePem, clientKeyPem }: Access): Promise<string | undefined> {
  const startMs = proc.clock.nowMs()
  // The API server is asked where the kubeconfig says that it is.
  const asked = name === 'kube-apiserver' ? { url: `${server}/livez`, options: { ...(caPem === undefined ? {} : { caPem }), ...(clientCertificatePem ? { clientCertificatePem } : {}), ...(clientKeyPem ? { clientKeyPem } : {}) } } : { url, options: { insecure: true } }
  for (;;) {
    let problem: string
    try {
      const { status } = await proc.net.fetch(httpRequest(asked.url), asked.options)
      if (status === 200) break
      problem = `${name} check failed at ${url} with status: ${status}`
    } catch (error) {
      const { hostname, port } = new URL(asked.url)
      problem = `${name} check failed at ${url}: Get ${JSON.stringify(asked.url)}: ${goNetError(error, hostname, Number(port))}`
    }
    if (proc.clock.nowMs() - startMs > PATIENCE_MS) {
      await out(`[control-plane-check] ${name} is not healthy after ${goDurationText(proc.clock.nowMs() - startMs)}\n`)
      return problem
    }
    await proc.clock.sleep(POLL_MS)
  }
  await out(`[control-plane-check] ${name} is healthy after ${goDurationText(proc.clock.nowMs() - startMs)}\n`)
  return undefined
}
