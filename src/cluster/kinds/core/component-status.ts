import { defineKind } from '../define-kind.ts'
import type { ComponentStatus } from '../generated/types.ts'

export const componentStatus = defineKind<ComponentStatus>({ group: '', version: 'v1', resource: 'componentstatuses' })
