import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { isGoMap } from '../../../cluster/kinds/go-template/values.ts'
import { parseYaml } from '../../yaml.ts'
import type { Hook, Release } from '../release/release.ts'
import type { Session } from '../session.ts'

/**
 * Carries out a release's hooks for one event, light ones first. k8s: helm.sh/helm/v3/pkg/action execHook
 * @throws Error of the first that fails
 */
export async function runHooks(session: Session, release: Release, event: string, timeoutMs: number): Promise<void> {
  const hooks = release.hooks.filter((hook) => hook.events.includes(event)).sort((a, b) => a.weight - b.weight || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const record = () => session.storage.update(release).catch(() => {})
  for (const [i, hook] of hooks.entries()) {
    if (hook.delete_policies.length === 0) hook.delete_policies = ['before-hook-creation']
    await deleteBy(session, hook, 'before-hook-creation', timeoutMs)
    let infos
    try {
      infos = await session.kube.build(hook.manifest, true)
    } catch (error) {
      throw new Error(`unable to build kubernetes object for ${event} hook ${hook.path}: ${(error as Error).message}`)
    }
    hook.last_run = { started_at: session.nowText(), completed_at: '', phase: 'Running' }
    await record()
    hook.last_run.phase = 'Unknown'
    const ended = (phase: 'Succeeded' | 'Failed') => { hook.last_run.completed_at = session.nowText(); hook.last_run.phase = phase }
    try {
      await session.kube.create(infos)
    } catch (error) {
      ended('Failed')
      throw new Error(`warning: Hook ${event} ${hook.path} failed: ${(error as Error).message}`)
    }
    try {
      await session.kube.untilDone(infos, timeoutMs)
    } catch (error) {
      ended('Failed')
      await printLogs(session, hook, release.namespace, 'hook-failed')
      await deleteBy(session, hook, 'hook-failed', timeoutMs).catch((failure: Error) => session.log('hooks.go:105', `error deleting the hook resource on hook failure: ${failure.message}`))
      for (const earlier of hooks.slice(0, i)) await deleteBy(session, earlier, 'hook-succeeded', timeoutMs)
      throw error
    }
    ended('Succeeded')
  }
  for (const hook of [...hooks].reverse()) {
    await printLogs(session, hook, release.namespace, 'hook-succeeded')
    await deleteBy(session, hook, 'hook-succeeded', timeoutMs)
  }
}

async function deleteBy(session: Session, hook: Hook, policy: string, timeoutMs: number): Promise<void> {
  if (hook.kind === 'CustomResourceDefinition' || !hook.delete_policies.includes(policy)) return
  let infos
  try {
    infos = await session.kube.build(hook.manifest, false)
  } catch (error) {
    throw new Error(`unable to build kubernetes object for deleting hook ${hook.path}: ${(error as Error).message}`)
  }
  const errors = await session.kube.delete(infos)
  if (errors.length > 0) throw new Error(errors.map((e) => e.message).join('; '))
  await session.kube.waitForDelete(infos, timeoutMs)
}

async function printLogs(session: Session, hook: Hook, namespace: string, policy: string): Promise<void> {
  if (!hook.output_log_policies.includes(policy)) return
  const query: Record<string, string> | undefined = hook.kind === 'Job' ? { labelSelector: `job-name=${hook.name}` } : hook.kind === 'Pod' ? { fieldSelector: `metadata.name=${hook.name}` } : undefined
  if (!query) return
  try {
    const manifest = parseYaml(hook.manifest)
    const metadata = isGoMap(manifest) ? manifest['metadata'] : undefined
    const where = (isGoMap(metadata) && typeof metadata['namespace'] === 'string' && metadata['namespace']) || namespace
    await podLogs(session, where, query)
  } catch (error) {
    session.log('hooks.go:125', `error outputting logs for hook failure: ${(error as Error).message}`)
  }
}

/** What the containers of pods have printed, on standard error. */
async function podLogs(session: Session, namespace: string, query: Record<string, string>): Promise<void> {
  const rest = session.factory.rest()
  const pods = await rest.list<KubeObject & { spec: { containers: { name: string }[] } }>(`/api/v1/namespaces/${namespace}/pods`, query)
  for (const pod of pods.items) for (const { name } of pod.spec.containers) session.err(await rest.text('GET', `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/log`, { query: { container: name } }))
}
