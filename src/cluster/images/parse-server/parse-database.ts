import type { Document } from 'bson'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { authenticate } from '../mongo/login.ts'
import { MongoClient } from '../mongo/mongo-client.ts'
import { MongoError } from '../mongo/mongo-error.ts'
import { splitHost } from '../mongo/replica-set.ts'

/** How long a driver looks for a server that takes writes. */
const SELECTION_MS = 30_000
const RETRY_MS = 500

/** No server that takes writes was found. */
export class ServerSelectionError extends Error {}

/** A driver's view of MongoDB: one server, or the primary of a set, found anew when it is lost. */
export class ParseDatabase {
  readonly #proc: Proc
  readonly #hosts: string[]
  readonly #name: string
  readonly #replicaSet: string | undefined
  readonly #login: { user: string; password: string; source: string } | undefined
  #client: MongoClient | undefined

  /** @throws Error for an address that is none */
  constructor(proc: Proc, uri: string) {
    const [, user, password, hosts, database, query] = /^mongodb:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?\s]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri) ?? []
    if (hosts === undefined) throw new Error('Invalid scheme, expected connection string to start with "mongodb://" or "mongodb+srv://"')
    this.#proc = proc
    this.#hosts = hosts.split(',').map((host) => host.trim())
    this.#name = database || 'test'
    const parameters = new URLSearchParams(query ?? '')
    this.#replicaSet = parameters.get('replicaSet') ?? undefined
    this.#login = user ? { user: decodeURIComponent(user), password: decodeURIComponent(password ?? ''), source: parameters.get('authSource') ?? (database || 'admin') } : undefined
  }

  async #select(): Promise<MongoClient> {
    if (this.#client && !this.#client.closed) return this.#client
    const beginMs = this.#proc.clock.nowMs()
    for (let why = ''; ;) {
      const candidates = [...this.#hosts]
      for (let i = 0; i < candidates.length; i++) {
        const { name, port } = splitHost(candidates[i]!)
        try {
          const client = await MongoClient.connect(this.#proc, name, port, { timeoutMs: 5000 })
          const hello = await client.command('admin', { isMaster: 1 })
          const isRight = this.#replicaSet === undefined || hello.setName === this.#replicaSet
          if (hello.ismaster === true && isRight) {
            if (this.#login) await authenticate(this.#proc, client, this.#login)
            return this.#client = client
          }
          client.close()
          why = isRight ? 'no primary' : `the replica set is not called ${this.#replicaSet}`
          if (isRight && typeof hello.primary === 'string' && !candidates.includes(hello.primary)) candidates.push(hello.primary)
        } catch (error) {
          if (error instanceof MongoError) throw error
          if (!(error instanceof UnixError)) throw error
          why = error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN' ? `getaddrinfo ${error.code} ${name}` : `connect ${error.code} ${name}:${port}`
        }
      }
      if (this.#proc.clock.nowMs() - beginMs > SELECTION_MS) throw new ServerSelectionError(why)
      await this.#proc.sleep(RETRY_MS)
    }
  }

  /** A command's answer. @throws ServerSelectionError, MongoError */
  async command(command: Document): Promise<Document> {
    for (let isRetry = false; ; isRetry = true) {
      const client = await this.#select()
      try {
        const answer = await client.command(this.#name, command)
        const failed = (answer.writeErrors as { code: number; errmsg: string }[] | undefined)?.[0]
        if (failed) throw new MongoError(failed.code, failed.errmsg)
        return answer
      } catch (error) {
        const isLost = error instanceof UnixError || (error instanceof MongoError && error.codeName === 'NotWritablePrimary')
        if (!isLost || isRetry) throw error
        client.close()
        this.#client = undefined
      }
    }
  }

  /** Documents that match. */
  async find(collection: string, filter: Document, { sort, limit, skip, projection }: { sort?: Document; limit?: number; skip?: number; projection?: Document } = {}): Promise<Document[]> {
    const first = await this.command({ find: collection, filter, ...sort ? { sort } : {}, ...limit === undefined ? {} : { limit }, ...skip ? { skip } : {}, ...projection ? { projection } : {}, singleBatch: limit !== undefined, batchSize: 1000 })
    const cursor = first.cursor as { firstBatch: Document[] }
    return cursor.firstBatch
  }

  async insert(collection: string, document: Document): Promise<void> { await this.command({ insert: collection, documents: [document] }) }

  /** @returns how many matched */
  async update(collection: string, filter: Document, update: Document, upsert = false): Promise<number> { return Number((await this.command({ update: collection, updates: [{ q: filter, u: update, upsert }] })).n) }

  /** @returns how many are gone */
  async remove(collection: string, filter: Document): Promise<number> { return Number((await this.command({ delete: collection, deletes: [{ q: filter, limit: 0 }] })).n) }

  async count(collection: string, query: Document): Promise<number> { return Number((await this.command({ count: collection, query })).n) }
}
