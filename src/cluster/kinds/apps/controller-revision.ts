import { defineKind } from '../define-kind.ts'
import type { ControllerRevision } from '../generated/types.ts'

export const controllerRevision = defineKind<ControllerRevision>({ group: 'apps', version: 'v1', resource: 'controllerrevisions' })
