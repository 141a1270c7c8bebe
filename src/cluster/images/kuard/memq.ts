import type { HttpRequest } from '../../../base/http.ts'
import type { Proc } from '../../../unix/types.ts'
import { goError, goResponse } from '../agnhost/go-server.ts'
import { json } from './json.ts'

/** A piece of work in a queue. */
interface Message {
  kind: 'message'
  id: string
  body: string
  creationTimestamp: string
}

interface Queue {
  messages: Message[]
  enqueued: number
  dequeued: number
  drained: number
}

/** How full a queue is and was. */
export interface QueueStat {
  name: string
  depth: number
  enqueued: number
  dequeued: number
  drained: number
}

/** kuard's work queue: named queues in memory, gone with the process. */
export class MemQ {
  readonly #queues = new Map<string, Queue>()
  readonly #proc: Proc

  constructor(proc: Proc) {
    this.#proc = proc
  }

  stats(): QueueStat[] {
    return [...this.#queues].map(([name, { messages, enqueued, dequeued, drained }]) => ({ name, depth: messages.length, enqueued, dequeued, drained }))
  }

  /** Answers `stats`, `queues/NAME` and `queues/NAME/ACTION`; undefined for other paths. */
  async answer(request: HttpRequest, path: string): Promise<Response | undefined> {
    const proc = this.#proc
    if (path === 'stats') return request.method === 'GET' ? json(proc, { kind: 'stats', queues: this.stats() }) : notAllowed(proc, 'GET')
    const [, name, action] = /^queues\/([^/]+)(?:\/(drain|dequeue|enqueue))?$/.exec(path) ?? []
    if (name === undefined) return undefined
    const queue = this.#queues.get(name)
    const done = () => goResponse(proc, '')
    const missing = () => goError(proc, 'does not exist', 400)
    if (action === undefined) {
      switch (request.method) {
        case 'PUT':
          if (queue) return goError(proc, 'already exists', 400)
          this.#queues.set(name, { messages: [], enqueued: 0, dequeued: 0, drained: 0 })
          return done()
        case 'DELETE': return this.#queues.delete(name) ? done() : missing()
        default: return notAllowed(proc, 'DELETE, PUT')
      }
    }
    if (request.method !== 'POST') return notAllowed(proc, 'POST')
    if (action === 'enqueue') {
      const body = await request.text()
      if (!queue) return missing()
      const message = this.#message(body)
      queue.messages.push(message)
      queue.enqueued += 1
      return json(proc, message)
    }
    if (!queue) return missing()
    if (action === 'drain') {
      queue.drained += queue.messages.length
      queue.messages = []
      return done()
    }
    const message = queue.messages.shift()
    if (!message) return new Response(null, { status: 204 })
    queue.dequeued += 1
    return json(proc, message)
  }

  #message(body: string): Message {
    const { clock, random } = this.#proc
    const id = [...random.bytes(16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    const nanoseconds = String(random.int(1_000_000)).padStart(6, '0')
    return { kind: 'message', id, body, creationTimestamp: `${new Date(Math.floor(clock.nowMs())).toISOString().slice(0, -1)}${nanoseconds}`.replace(/\.?0+$/, '') + 'Z' }
  }
}

/** What the router says to another method than the path has. */
export function notAllowed(proc: Proc, allow: string): Response {
  const response = goError(proc, 'Method Not Allowed', 405)
  response.headers.set('allow', allow)
  return response
}
