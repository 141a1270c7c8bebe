import { defineKind } from '../define-kind.ts'
import type { APIService } from '../generated/types.ts'

export const apiService = defineKind<APIService>({ group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' })
