import type { Controller } from '../client/controller-runner.ts'
import type { Job } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { isJobFinished } from './job/job.ts'
import { timeMs } from './pods.ts'

/** Deletes finished Jobs once their time to live is over. k8s: pkg/controller/ttlafterfinished */
export const ttlAfterFinishedController: Controller = {
  name: 'ttl-after-finished-controller', for: 'jobs.batch',
  wants: ({ type, object }) => type !== 'delete' && object.spec.ttlSecondsAfterFinished !== undefined && isJobFinished(object),
  async reconcile(key, { api, cache, clock }) {
    const job = cache.get<Job>('jobs.batch', key)
    const seconds = job?.spec!.ttlSecondsAfterFinished
    if (!job || seconds === undefined || !isJobFinished(job) || job.metadata.deletionTimestamp !== undefined) return
    const end = job.status!.conditions!.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')!
    const restMs = timeMs(end.lastTransitionTime) + seconds * 1000 - clock.nowMs()
    if (restMs > 0) return { requeueAfterMs: restMs }
    try {
      await api.delete('jobs.batch', job.metadata.name!, job.metadata.namespace, { propagationPolicy: 'Foreground', preconditions: { uid: job.metadata.uid, resourceVersion: job.metadata.resourceVersion } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  },
}
