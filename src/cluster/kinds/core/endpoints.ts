import { defineKind } from '../define-kind.ts'
import type { Endpoints } from '../generated/types.ts'

export const endpoints = defineKind<Endpoints>({ group: '', version: 'v1', resource: 'endpoints' })
