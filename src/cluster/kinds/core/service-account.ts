import { defineKind } from '../define-kind.ts'
import type { ServiceAccount } from '../generated/types.ts'

export const serviceAccount = defineKind<ServiceAccount>({ group: '', version: 'v1', resource: 'serviceaccounts' })
