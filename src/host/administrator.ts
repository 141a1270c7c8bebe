import type { UserInfo } from '../cluster/apiserver/seams.ts'

/** As whom the page looks at a cluster, whatever the learner's own kubeconfig says. */
export const ADMINISTRATOR: UserInfo = { name: 'kubernetes-admin', groups: ['kubeadm:cluster-admins', 'system:masters', 'system:authenticated'] }
