import type { RequestTracer, TracedRequest } from '../cluster/apiserver/tracing/request-tracer.ts'

/** Has API servers follow their requests as long as a page looks at them: one that leaves takes nothing from the others. */
export class RequestFollowers {
  readonly #pages = new Map<RequestTracer, Set<string>>()
  readonly #ownAgent: string

  /** @param ownAgent the pages' own user agent, whose requests aren't followed */
  constructor(ownAgent = '') {
    this.#ownAgent = ownAgent
  }

  /** A page looks. @returns what was seen since the first one did, oldest first */
  follow(tracer: RequestTracer, page: string): readonly TracedRequest[] {
    const pages = this.#pages.get(tracer)
    if (pages) pages.add(page)
    else {
      this.#pages.set(tracer, new Set([page]))
      tracer.on(this.#ownAgent)
    }
    return tracer.requests()
  }

  /** A page looks no more. */
  unfollow(tracer: RequestTracer, page: string): void {
    const pages = this.#pages.get(tracer)
    if (!pages?.delete(page) || pages.size > 0) return
    this.#pages.delete(tracer)
    tracer.off()
  }

  /** A page has gone. */
  forget(page: string): void {
    for (const tracer of [...this.#pages.keys()]) this.unfollow(tracer, page)
  }
}
