import { defineKind } from '../define-kind.ts'
import type { Event } from '../generated/types.ts'

export const event = defineKind<Event>({ group: '', version: 'v1', resource: 'events' })
