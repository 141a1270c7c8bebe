import { conditionStatus, selectorCell, templateCells } from '../cells.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { defineKind } from '../define-kind.ts'
import { humanDuration } from '../duration.ts'
import type { Job, JobSpec } from '../generated/types.ts'
import type { Kind } from '../kind.ts'
import { specAndStatus } from '../strategies.ts'
import { validateKindMetaUpdate } from '../validate-metadata.ts'
import { validateJobStatusUpdate } from './validate-job-status.ts'
import { validateJob, validateJobUpdate } from './validate-job.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { sortKeys } from '../go-text.ts'

const MAX_INT32 = 2147483647

export const job: Kind<Job> = defineKind<Job>({
  group: 'batch', version: 'v1', resource: 'jobs',
  defaults(draft) {
    const { spec } = draft
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
    spec.parallelism ??= 1
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : MAX_INT32
    // One map for both: what generateSelector adds to the template's labels, the job has too.
    const labels = spec.template?.metadata?.labels
    if (labels && Object.keys(draft.metadata.labels ?? {}).length === 0) draft.metadata.labels = labels
    spec.completionMode ??= 'NonIndexed'
    spec.suspend ??= false
    spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
    spec.manualSelector ??= false
    defaultJobSpec(spec)
  },
  validate: validateJob,
  updatesWithoutMeta: true,
  validateUpdate: (object, old) => validateJobUpdate(object, old, validateKindMetaUpdate(job, object.metadata, old.metadata)),
  validateStatusUpdate: validateJobStatusUpdate,
  strategy: {
    ...specAndStatus<Job>('io.k8s.api.batch.v1.JobStatus'),
    ...templateWarnings<Job>((object) => object.spec.template, 'spec.template'),
    defaultGarbagePolicy: 'orphan',
    // k8s: registry/batch/job/storage deleteOptionWarnings
    warningsOnDelete: ({ orphanDependents, propagationPolicy }) => orphanDependents === undefined && propagationPolicy === undefined
      ? ['child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning'] : [],
    beforeCreate(draft) {
      generateSelector(draft)
      specAndStatus<Job>('io.k8s.api.batch.v1.JobStatus').beforeCreate(draft, undefined as never)
    },
    // k8s: SetDefaults_Job once more, when the stored object is read back
    canonicalize(draft) {
      const labels = draft.spec.template?.metadata?.labels
      if (labels && Object.keys(draft.metadata.labels ?? {}).length === 0) draft.metadata.labels = { ...labels }
    },
  },
  cells: {
    Status({ status, metadata }) {
      const has = (type: string) => conditionStatus(status?.conditions, type) === 'True'
      if (has('Complete')) return 'Complete'
      if (has('Failed')) return 'Failed'
      if (metadata.deletionTimestamp) return 'Terminating'
      if (has('Suspended')) return 'Suspended'
      if (has('FailureTarget')) return 'FailureTarget'
      return has('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running'
    },
    Completions({ spec, status }) {
      const succeeded = status?.succeeded ?? 0
      if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
      return (spec.parallelism ?? 0) > 1 ? `${succeeded}/1 of ${spec.parallelism}` : `${succeeded}/1`
    },
    Duration({ status }, nowMs) {
      if (!status?.startTime) return ''
      return humanDuration((status.completionTime ? Date.parse(status.completionTime) : nowMs) - Date.parse(status.startTime))
    },
    ...templateCells<Job>((object) => object.spec.template),
    ...selectorCell<Job>((object) => object.spec.selector),
  },
  selectableFields: (object) => ({ 'status.successful': String(object.status?.succeeded ?? 0) }),
})

/** Defaults inside a job's spec that a CronJob's template has too. */
export function defaultJobSpec(spec: JobSpec): void {
  for (const rule of spec.podFailurePolicy?.rules ?? []) for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
  defaultPodTemplate(spec.template)
}

/** A job picks its pods by its own uid, unless told otherwise. Needs the uid to be set. k8s: pkg/registry/batch/job generateSelector */
function generateSelector(draft: Job): void {
  const { spec, metadata } = draft
  if (spec.manualSelector) return
  const template = (spec.template ??= {} as JobSpec['template'])
  const meta = (template.metadata ??= {})
  const labels = (meta.labels ??= {})
  const set = (key: string, value: string) => {
    // What the user set stays, and validation complains of it.
    if (labels[key] === undefined) labels[key] = value
  }
  const uid = metadata.uid ?? ''
  set('controller-uid', uid)
  set('batch.kubernetes.io/controller-uid', uid)
  set('job-name', metadata.name ?? '')
  set('batch.kubernetes.io/job-name', metadata.name ?? '')
  for (const key of Object.keys(labels).sort()) {
    const value = labels[key]!
    delete labels[key]
    labels[key] = value
  }
  const selector = (spec.selector ??= {})
  const wanted = selector.matchLabels ?? {}
  const isNamed = wanted['batch.kubernetes.io/controller-uid'] !== undefined || wanted['controller-uid'] !== undefined
  // Messages show maps in order of their keys.
  selector.matchLabels = sortKeys(isNamed ? wanted : { ...wanted, 'batch.kubernetes.io/controller-uid': uid }) as Record<string, string>
}
