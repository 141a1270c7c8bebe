import type { Clock } from '../../base/clock.ts'
import type { NetStack } from '../../unix/types.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { HTTPGetAction, LifecycleHandler, Pod } from '../kinds/generated/types.ts'
import type { RuntimeService } from '../runtime/cri.ts'
import { fetchForProbe, resolvePort } from './http-action.ts'
import { podReference, type AnyContainer } from './pod-spec.ts'

/** What a hook needs of its node. */
export interface HookContext {
  runtime: RuntimeService
  hostStack: NetStack
  clock: Clock
  /** A hook over HTTPS was answered over HTTP. */
  onHttpFallback(message: string): void
}

/** Tells of a pod what {@link HookContext.onHttpFallback} hears. */
export function tellsHttpFallback(pod: Pod, events: EventRecorder): HookContext['onHttpFallback'] {
  return (message) => { events.event(podReference(pod), 'Warning', 'LifecycleHTTPFallback', message) }
}

/** Runs a postStart or preStop hook. Rejects when it fails. k8s: pkg/kubelet/lifecycle handlers.go */
export async function runHook(handler: LifecycleHandler, container: AnyContainer, containerId: string, podIp: string, { runtime, hostStack, clock, onHttpFallback }: HookContext): Promise<void> {
  if (handler.exec) {
    const { exitCode, output } = await runtime.execSync(containerId, handler.exec.command ?? [], 0)
    if (exitCode !== 0) throw new Error(`command '${(handler.exec.command ?? []).join(' ')}' exited with ${exitCode}: ${new TextDecoder().decode(output)}`)
  } else if (handler.httpGet) {
    const port = resolvePort(handler.httpGet.port, container)
    if (port === undefined) throw new Error(`couldn't find port: ${String(handler.httpGet.port)} for ${container.name}`)
    const { httpGet } = handler
    /** Why there was no answer; any will do. */
    const problem = async (action: HTTPGetAction) => {
      const { result, output } = await fetchForProbe(action, podIp, port, { stack: hostStack, clock, timeoutMs: 30_000, userAgent: 'kube-lifecycle/1.36' })
      return result === 'failure' && !output.startsWith('HTTP probe failed') ? output : undefined
    }
    const failure = await problem(httpGet)
    if (failure === undefined) return
    // Kubelets once took every hook for HTTP, whatever its scheme.
    if (!failure.includes('server gave HTTP response to HTTPS client') || await problem({ ...httpGet, scheme: 'HTTP', httpHeaders: (httpGet.httpHeaders ?? []).filter(({ name }) => name.toLowerCase() !== 'authorization') }) !== undefined) throw new Error(failure)
    const host = httpGet.host || podIp
    onHttpFallback(`request to HTTPS lifecycle hook ${host.includes(':') ? `[${host}]` : host}:${port} got HTTP response, retry with HTTP succeeded`)
  } else if (handler.sleep) {
    await clock.sleep(handler.sleep.seconds * 1000)
  } else throw new Error('invalid handler')
}
