import { defineKind } from '../define-kind.ts'
import type { ResourceSlice } from '../generated/types.ts'

export const resourceSlice = defineKind<ResourceSlice>({ group: 'resource.k8s.io', version: 'v1', resource: 'resourceslices' })
