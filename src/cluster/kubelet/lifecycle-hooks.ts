import type { Clock } from '../../base/clock.ts'
import type { NetStack } from '../../unix/types.ts'
import type { LifecycleHandler } from '../kinds/generated/types.ts'
import type { RuntimeService } from '../runtime/cri.ts'
import { fetchForProbe, resolvePort } from './http-action.ts'
import type { AnyContainer } from './pod-spec.ts'

/** Runs a postStart or preStop hook. Rejects when it fails. k8s: pkg/kubelet/lifecycle handlers.go */
export async function runHook(handler: LifecycleHandler, container: AnyContainer, containerId: string, podIp: string, { runtime, hostStack, clock }: { runtime: RuntimeService; hostStack: NetStack; clock: Clock }): Promise<void> {
  if (handler.exec) {
    const { exitCode, output } = await runtime.execSync(containerId, handler.exec.command ?? [], 0)
    if (exitCode !== 0) throw new Error(`command '${(handler.exec.command ?? []).join(' ')}' exited with ${exitCode}: ${new TextDecoder().decode(output)}`)
  } else if (handler.httpGet) {
    const port = resolvePort(handler.httpGet.port, container)
    if (port === undefined) throw new Error(`couldn't find port: ${String(handler.httpGet.port)} for ${container.name}`)
    const { result, output } = await fetchForProbe(handler.httpGet, podIp, port, { stack: hostStack, clock, timeoutMs: 30_000, userAgent: 'kube-lifecycle/1.36' })
    // Any answer will do: only a failed exchange fails the hook.
    if (result === 'failure' && !output.startsWith('HTTP probe failed')) throw new Error(output)
  } else if (handler.sleep) {
    await clock.sleep(handler.sleep.seconds * 1000)
  } else throw new Error('invalid handler')
}
