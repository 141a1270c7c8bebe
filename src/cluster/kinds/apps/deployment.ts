import { defineKind } from '../define-kind.ts'
import type { Deployment } from '../generated/types.ts'

export const deployment = defineKind<Deployment>({ group: 'apps', version: 'v1', resource: 'deployments' })
