import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { isStatusError } from '../../../cluster/kinds/status-error.ts'
import { resourcePath } from '../discovery.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import type { Factory } from '../factory.ts'
import { findResources } from '../resources.ts'
import { recordAfterwards } from '../record.ts'
import type { CommandHandler } from './handler.ts'

// k8s: kubectl/pkg/cmd/scale
export const scale: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const replicas = flags.int('replicas')
  const wanted = flags.int('current-replicas')
  const version = flags.str('resource-version')
  if (replicas < 0) throw new Error('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0')
  if (wanted < -1) throw new Error('The --current-replicas must specify an integer of -1 or greater')
  const dryRun = dryRunOf(f)
  const print = printerFor(f, { operation: `scaled${dryRunSuffix(dryRun)}` })
  const { namespace, explicit } = f.namespace()
  const result = await findResources(f, {
    args, namespace, enforceNamespace: explicit, filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'),
    labelSelector: flags.str('selector') || undefined, allowEmptySelector: flags.bool('all'), continueOnError: true, flatten: true,
  })
  const { infos, error } = await result.infos()
  if (version && infos.length > 1) throw new Error('cannot use --resource-version with multiple resources')
  if (infos.length === 0) throw error ?? new Error('no objects passed to scale')
  for (const info of infos) {
    let object = info.object!
    // k8s: updateReplicas, which knows the field of these groups alone
    const resized = (n: number) => info.mapping.group === 'apps' || info.mapping.group === '' ? { ...object, spec: { ...object['spec'], replicas: n } } as KubeObject : object
    if (dryRun === 'client') { void out(print(resized(replicas))); continue }
    const path = resourcePath(info.mapping, info.namespace, info.name, 'scale')
    const query = dryRun === 'server' ? { dryRun: 'All' } : {}
    if (wanted === -1 && !version)
      await f.rest().json('PATCH', path, { body: { spec: { replicas } }, contentType: 'application/merge-patch+json', query })
    else for (;;) {
      const current = await f.rest().json<KubeObject>('GET', path)
      if (wanted !== -1 && (current['spec'].replicas ?? 0) !== wanted) throw new Error(`Expected replicas to be ${wanted}, was ${current['spec'].replicas ?? 0}`)
      if (version && current.metadata.resourceVersion !== version) throw new Error(`Expected resource version to be ${version}, was ${current.metadata.resourceVersion}`)
      try {
        await f.rest().json('PUT', path, { body: { ...current, spec: { ...current['spec'], replicas } }, query })
        break
      } catch (failure) {
        if (!isStatusError(failure, 'Conflict')) throw failure
      }
    }
    object = resized(replicas)
    await recordAfterwards(f, info.mapping, object)
    const timeoutMs = flags.duration('timeout')
    if (timeoutMs !== 0 && dryRun === 'none') await untilScaled(f, path, info.name, replicas, timeoutMs)
    void out(print(object))
  }
  if (error) throw error
}

/** Looks once a second whether there are as many replicas as were asked for, or somebody has asked for others. k8s: kubectl/pkg/scale WaitForScaleHasDesiredReplicas */
async function untilScaled(f: Factory, path: string, name: string, replicas: number, timeoutMs: number): Promise<void> {
  const deadline = f.nowMs() + timeoutMs
  while (f.nowMs() < deadline) {
    const scale = await f.rest().json<KubeObject>('GET', path)
    if ((scale['spec'].replicas ?? 0) !== replicas || (scale['status']?.replicas ?? 0) === replicas) return
    await f.proc.sleep(Math.min(1000, Math.max(1, deadline - f.nowMs())))
  }
  throw new Error(`timed out waiting for ${JSON.stringify(name)} to be synced`)
}
