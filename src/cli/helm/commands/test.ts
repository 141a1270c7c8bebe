import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { runHooks } from '../actions/hooks.ts'
import { ownLabels } from '../actions/install.ts'
import { releaseNameProblem } from '../actions/release-name.ts'
import { firstArg } from './command.ts'
import type { HelmCommand } from './command.ts'
import { statusText } from './status-text.ts'

/** k8s: helm.sh/helm/v3/pkg/action ReleaseTesting.Run */
export const testCommand: HelmCommand = async (session) => {
  const { flags } = session
  const name = firstArg(session)
  await session.kube.requireReachable()
  if (releaseNameProblem(name)) throw new Error(`releaseTest: Release name is invalid: ${name}`)
  const release = await session.storage.last(name)
  release.labels = ownLabels(release.labels)
  const filters = flags.list('filter')
  const included = filters.filter((f) => f.startsWith('name=')).map((f) => f.slice('name='.length))
  const excluded = filters.flatMap((f) => /^!\s?name=/.test(f) ? [f.replace(/^!\s?name=/, '')] : [])
  const skipped = release.hooks.filter((hook) => excluded.includes(hook.name) || (included.length > 0 && !included.includes(hook.name)))
  release.hooks = release.hooks.filter((hook) => !skipped.includes(hook))
  let failure: Error | undefined
  try {
    await runHooks(session, release, 'test', flags.duration('timeout'))
  } catch (error) {
    failure = error as Error
  }
  release.hooks = [...skipped, ...release.hooks]
  await session.storage.update(release)
  session.out(statusText(session, release, { debug: session.isDebug, hideNotes: flags.bool('hide-notes') }))
  if (flags.bool('logs')) {
    session.out('\n')
    const rest = session.factory.rest()
    for (const hook of [...release.hooks].sort((a, b) => a.weight - b.weight)) {
      if (!hook.events.includes('test') || skipped.includes(hook)) continue
      const path = `/api/v1/namespaces/${release.namespace}/pods/${hook.name}`
      const pod = await rest.json<KubeObject & { spec: { containers: { name: string }[] } }>('GET', path).catch((error: Error) => { throw new Error(`unable to get pod logs for ${hook.name}: ${error.message}`) })
      const log = await rest.text('GET', `${path}/log`, { query: { container: pod.spec.containers[0]!.name } })
      session.out(`POD LOGS: ${hook.name}\n${log}\n`)
    }
  }
  if (failure) throw failure
}
