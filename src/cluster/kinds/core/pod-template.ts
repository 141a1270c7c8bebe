import { defineKind } from '../define-kind.ts'
import type { PodTemplate } from '../generated/types.ts'

export const podTemplate = defineKind<PodTemplate>({ group: '', version: 'v1', resource: 'podtemplates' })
