import { defineKind } from '../define-kind.ts'
import type { IPAddress } from '../generated/types.ts'

export const ipAddress = defineKind<IPAddress>({ group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses' })
