import { defineKind } from '../define-kind.ts'
import type { Node } from '../generated/types.ts'

export const node = defineKind<Node>({ group: '', version: 'v1', resource: 'nodes' })
