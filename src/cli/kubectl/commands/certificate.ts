import { rfc3339 } from '../../../base/clock.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { isStatusError } from '../../../cluster/kinds/status-error.ts'
import { resourcePath } from '../discovery.ts'
import { printerFor } from '../print.ts'
import { findResources } from '../resources.ts'
import type { CommandHandler } from './handler.ts'

// k8s: kubectl/pkg/cmd/certificates
const deciding = (type: 'Approved' | 'Denied', reason: string, message: string, opposite: string): CommandHandler => async ({ f, flags, args, out }) => {
  const files = flags.list('filename')
  const print = printerFor(f, { operation: type.toLowerCase(), typed: true })
  f.rest()
  if (args.length === 0 && files.length === 0 && !flags.str('kustomize')) throw new Error('one or more CSRs must be specified as <name> or -f <filename>')
  const result = await findResources(f, {
    args: args.length > 0 ? ['certificatesigningrequests', ...args] : [], filenames: files, kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace: f.namespace().namespace, continueOnError: true, flatten: true, requireObject: false,
  })
  let found = 0
  await result.visit(async (info) => {
    found++
    for (let tries = 0; ; tries++) {
      const path = resourcePath(info.mapping, '', info.name)
      const csr = await f.rest().json<KubeObject>('GET', path)
      const conditions = (csr['status']?.conditions ?? []) as any[]
      const other = conditions.find((c) => c.type === opposite)
      if (other) throw new Error(`certificate signing request ${JSON.stringify(info.name)} is already ${opposite}`)
      const already = conditions.some((c) => c.type === type)
      if (already && !flags.bool('force')) { void out(print(csr)); return }
      const condition = { type, status: 'True', reason, message, lastUpdateTime: rfc3339(f.nowMs()) }
      try {
        const answer = await f.rest().json<KubeObject>('PUT', `${path}/approval`, { body: { ...csr, status: { ...csr['status'], conditions: [...conditions.filter((c) => c.type !== type), condition] } } })
        void out(print(answer))
        return
      } catch (error) {
        if (!isStatusError(error, 'Conflict') || tries > 10) throw error
      }
    }
  })
  if (found === 0) void out('No resources found\n')
}

export const CERTIFICATE_COMMANDS: Record<string, CommandHandler> = {
  'certificate approve': deciding('Approved', 'KubectlApprove', 'This CSR was approved by kubectl certificate approve.', 'Denied'),
  'certificate deny': deciding('Denied', 'KubectlDeny', 'This CSR was denied by kubectl certificate deny.', 'Approved'),
}
