import { defineKind } from '../define-kind.ts'
import type { CustomResourceDefinition } from '../generated/types.ts'

export const customResourceDefinition = defineKind<CustomResourceDefinition>({ group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' })
