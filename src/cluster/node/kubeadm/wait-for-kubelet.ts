import { httpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { goDurationText } from '../../kinds/duration.ts'

/** k8s: constants KubernetesAPICallRetryInterval, KubeletHealthCheckTimeout */
const POLL_MS = 500
const HEALTH_MS = 4 * 60_000
const HEALTHZ = 'http://127.0.0.1:10248/healthz'

/** Resolves once the machine's kubelet says that it is well. k8s: util/apiclient WaitForKubelet @throws Error */
export async function waitForKubelet({ proc, out }: UtilityContext): Promise<void> {
  await out(`[kubelet-check] Waiting for a healthy kubelet at ${HEALTHZ}. This can take up to ${goDurationText(HEALTH_MS)}\n`)
  const startMs = proc.clock.nowMs()
  for (;;) {
    let cause: string
    try {
      const response = await proc.net.fetch(httpRequest(HEALTHZ))
      if (response.ok) break
      cause = `status code: ${response.status}`
    } catch (error) {
      cause = `error: Get "${HEALTHZ}": dial tcp 127.0.0.1:10248: ${error instanceof UnixError && error.code === 'ECONNREFUSED' ? 'connect: connection refused' : errorText(error as Error)}`
    }
    if (proc.clock.nowMs() - startMs > HEALTH_MS) {
      await out(`[kubelet-check] The kubelet is not healthy after ${goDurationText(proc.clock.nowMs() - startMs)}\n`)
      throw new Error(`The HTTP call equal to 'curl -sSL ${HEALTHZ}' returned ${cause}\n`)
    }
    await proc.clock.sleep(POLL_MS)
  }
  await out(`[kubelet-check] The kubelet is healthy after ${goDurationText(proc.clock.nowMs() - startMs)}\n`)
}
