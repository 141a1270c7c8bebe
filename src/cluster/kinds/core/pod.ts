import { defineKind } from '../define-kind.ts'
import type { Pod } from '../generated/types.ts'

export const pod = defineKind<Pod>({ group: '', version: 'v1', resource: 'pods' })
