import { defineKind } from '../define-kind.ts'
import type { EventsEvent } from '../generated/types.ts'

export const eventV1 = defineKind<EventsEvent>({ group: 'events.k8s.io', version: 'v1', resource: 'events' })
