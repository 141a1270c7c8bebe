import type { QueueSortPlugin } from '../framework.ts'

/** Higher priority first, then who has waited longest. k8s: plugins/queuesort */
export const prioritySort: QueueSortPlugin = {
  name: 'PrioritySort',
  less: (a, b) => a.info.priority > b.info.priority || (a.info.priority === b.info.priority && (a.queuedMs < b.queuedMs || (a.queuedMs === b.queuedMs && a.sequence < b.sequence))),
}
