import { defineKind } from '../define-kind.ts'
import type { EndpointSlice } from '../generated/types.ts'

export const endpointSlice = defineKind<EndpointSlice>({ group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' })
