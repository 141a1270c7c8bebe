import { httpRequest } from '../../base/http.ts'
import { BufferedReader } from '../net/http1.ts'
import { CertificateError } from '../net/server-certificate.ts'
import { concatBytes } from '../../base/streams.ts'
import type { ByteReader, ByteWriter } from '../../base/streams.ts'
import { UnixError } from '../types.ts'
import { decodeText, encodeText } from './bytes.ts'
import { GitFailure, fatal } from './failure.ts'
import { FOLDER, SUBMODULE, inflateAt } from './objects.ts'
import { buildPack, receivePack } from './pack.ts'
import type { Repository } from './repository.ts'
import type { Session } from './session.ts'

export interface RemoteRef {
  name: string
  id: string
  /** What a tag object leads to. */
  peeled?: string
  /** The ref that HEAD points at. */
  target?: string
}

export interface PushedRef {
  name: string
  /** What the other side has now, and what it is to have; undefined: nothing. */
  from: string | undefined
  to: string | undefined
}

export interface FetchSettings {
  depth?: number
  /** Says how far the other side is; undefined: nobody wants to know. */
  progress: ((text: string) => Promise<void>) | undefined
}

/** What fetching brought. */
export interface Fetched { objects: number; deltas: number; /** Of the pack, where one came over a network. */ bytes?: number }

/** Another repository, as far as fetching and pushing go. */
export interface Remote {
  /** The refs that it has, sorted. */
  refs(): Promise<RemoteRef[]>
  /** Brings objects here, with everything that they need. */
  fetch(wants: readonly string[], repo: Repository, options: FetchSettings): Promise<Fetched>
  /** @returns for each ref undefined, or why it was refused */
  push(refs: readonly PushedRef[], repo: Repository): Promise<Map<string, string | undefined>>
}

/** Everything that some objects need and that others, which are there already, don't bring along. */
export async function closure(session: Session, repo: Repository, wants: readonly string[], has: (id: string) => boolean): Promise<string[]> {
  const seen = new Set<string>()
  const out: string[] = []
  const stack = [...wants]
  while (stack.length > 0) {
    const id = stack.pop()!
    if (seen.has(id) || has(id)) continue
    seen.add(id)
    out.push(id)
    const type = repo.objects.typeOf(id)
    if (type === undefined) throw fatal(`bad object ${id}`)
    if (type === 'commit') {
      const commit = repo.objects.commit(id)
      stack.push(commit.tree, ...commit.parents.filter((parent) => repo.objects.has(parent)))
    } else if (type === 'tag') stack.push(repo.objects.tag(id).object)
    else if (type === 'tree') {
      for (const entry of repo.objects.tree(id)) {
        if (entry.mode === FOLDER) stack.push(entry.id)
        else if (entry.mode !== SUBMODULE && !seen.has(entry.id) && !has(entry.id)) { seen.add(entry.id); out.push(entry.id) }
      }
    }
    await session.proc.clock.breathe()
  }
  return out
}

/** Copies objects from one repository to another on the same files. */
async function copyObjects(session: Session, from: Repository, to: Repository, wants: readonly string[]): Promise<number> {
  const ids = await closure(session, from, wants, (id) => to.objects.has(id))
  for (const id of ids) {
    const { type, content } = from.objects.read(id)
    to.objects.write(type, content)
    await session.proc.clock.breathe()
  }
  return ids.length
}

/** The refs of a repository as it shows them to others. */
export function advertisedRefs(repo: Repository): RemoteRef[] {
  const { head } = repo
  const target = repo.refs.target('HEAD')
  return [
    ...head === undefined ? [] : [{ name: 'HEAD', id: head, ...(target === undefined ? {} : { target }) }],
    ...repo.refs.list().map(({ name, id }) => ({ name, id, ...(repo.objects.typeOf(id) === 'tag' ? { peeled: peelTag(repo, id) } : {}) })),
  ]
}

function peelTag(repo: Repository, id: string): string {
  let at = id
  while (repo.objects.typeOf(at) === 'tag') at = repo.objects.tag(at).object
  return at
}

/** Opens what a remote's address names. @throws GitFailure */
export function openRemote(session: Session, address: string): Remote {
  if (/^https?:\/\//.test(address)) return new HttpRemote(session, address)
  if (/^git:\/\//.test(address)) return new DaemonRemote(session, address)
  const path = address.startsWith('file://') ? decodeURIComponent(address.slice(7)) : address
  if (/^(ssh|git\+ssh):\/\//.test(address) || (/^[^/]+:(?!\/\/)/.test(address) && !address.startsWith('/') && !address.startsWith('.'))) {
    const host = /^(?:[a-z+]+:\/\/)?(?:[^@/]*@)?([^:/]+)/.exec(address)![1]
    throw new GitFailure(`ssh: Could not resolve hostname ${host}: Name or service not known\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.`)
  }
  if (/^[a-z]+:\/\//.test(address) && !address.startsWith('file://')) throw fatal(`Unable to find remote helper for '${address.slice(0, address.indexOf(':'))}'`)
  const gitDir = localRepository(session, path)
  if (gitDir === undefined) throw new GitFailure(`fatal: '${address.startsWith('file://') ? path : address}' does not appear to be a git repository\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.`)
  return new LocalRemote(session, gitDir)
}

/** The directory of a repository on the same files, as `path`, `path.git` or `path/.git`. */
export function localRepository(session: Session, path: string): string | undefined {
  for (const candidate of [path, `${path}.git`]) {
    const full = session.proc.resolve(candidate)
    if (!session.proc.fs.exists(full)) continue
    const found = session.gitDirAt(session.proc.fs.realpath(full))
    if (found !== undefined) return found
  }
  return undefined
}

class LocalRemote implements Remote {
  readonly #session: Session
  readonly #repo: Repository

  constructor(session: Session, gitDir: string) {
    this.#session = session
    this.#repo = session.open(gitDir, undefined, '')
  }

  async refs(): Promise<RemoteRef[]> {
    return advertisedRefs(this.#repo)
  }

  async fetch(wants: readonly string[], repo: Repository): Promise<Fetched> {
    return { objects: await copyObjects(this.#session, this.#repo, repo, wants), deltas: 0 }
  }

  async push(refs: readonly PushedRef[], repo: Repository): Promise<Map<string, string | undefined>> {
    const results = new Map<string, string | undefined>()
    const bare = this.#repo.config.flag('core.bare', false)
    for (const { name, to } of refs) {
      const current = !bare && this.#repo.refs.target('HEAD') === name
      const deny = this.#repo.config.get('receive.denyCurrentBranch') ?? 'refuse'
      if (current && to !== undefined && /^(refuse|true)$/.test(deny)) {
        await this.#session.complain(remoteText(this.#session, REFUSED_CURRENT(name)))
        results.set(name, 'branch is currently checked out')
        continue
      }
      if (to === undefined) {
        if (this.#repo.refs.target('HEAD') === name) {
          await this.#session.complain(remoteText(this.#session, `remote: error: By default, deleting the current branch is denied, because the next\nremote: 'git clone' won't result in any file checked out, causing confusion.\nremote: \nremote: You can set 'receive.denyDeleteCurrent' configuration variable to\nremote: 'warn' or 'ignore' in the remote repository to allow deleting the\nremote: current branch, with or without a warning message.\nremote: \nremote: To squelch this message, you can set it to 'refuse'.\nremote: error: refusing to delete the current branch: ${name}\n`))
          results.set(name, 'deletion of the current branch prohibited')
          continue
        }
        this.#repo.refs.remove(name)
      } else {
        await copyObjects(this.#session, repo, this.#repo, [to])
        this.#repo.refs.update(name, to, 'push')
      }
      results.set(name, undefined)
    }
    return results
  }
}

/** What the other side says; the rest of each line on the terminal is cleared. */
const remoteText = (session: Session, text: string) => text.replace(/^remote: (?=.)(.*)$/gm, (line) => line + (session.proc.isTty(2) ? '\x1b[K' : ' '.repeat(8)))

const REFUSED_CURRENT = (name: string) => `remote: error: refusing to update checked out branch: ${name}
remote: error: By default, updating the current branch in a non-bare repository
remote: is denied, because it will make the index and work tree inconsistent
remote: with what you pushed, and will require 'git reset --hard' to match
remote: the work tree to HEAD.
remote: 
remote: You can set the 'receive.denyCurrentBranch' configuration variable
remote: to 'ignore' or 'warn' in the remote repository to allow pushing into
remote: its current branch; however, this is not recommended unless you
remote: arranged to update its work tree to match what you pushed in some
remote: other way.
remote: 
remote: To squelch this message and still keep the default behaviour, set
remote: 'receive.denyCurrentBranch' configuration variable to 'refuse'.
`

// --- pkt-lines -----------------------------------------------------------------------------------------------------------------

/** A line of the protocol. */
export const packet = (text: string | Uint8Array): Uint8Array => {
  const bytes = typeof text === 'string' ? encodeText(text) : text
  return concatBytes([encodeText((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

export const FLUSH = encodeText('0000')

/** Reads the protocol's lines; null for a flush. */
export class PacketReader {
  readonly #input: BufferedReader

  constructor(source: ByteReader) {
    this.#input = new BufferedReader(source)
  }

  /** @throws GitFailure at an end that comes too early */
  async next(): Promise<Uint8Array | null> {
    const head = await this.#input.exactly(4)
    if (!head) throw fatal('the remote end hung up unexpectedly')
    const length = Number.parseInt(decodeText(head), 16)
    if (Number.isNaN(length)) throw fatal(`protocol error: bad line length character: ${decodeText(head)}`)
    if (length < 4) return null
    const body = await this.#input.exactly(length - 4)
    if (!body) throw fatal('the remote end hung up unexpectedly')
    return body
  }

  /** Bytes that aren't in lines; null at the end. */
  some(): Promise<Uint8Array | null> {
    return this.#input.some()
  }

  async rest(): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for (let part = await this.#input.some(); part; part = await this.#input.some()) parts.push(part)
    return concatBytes(parts)
  }
}

const readerOfResponse = (response: Response): ByteReader => {
  const reader = response.body?.getReader()
  return { async read() { for (;;) { const step = await reader?.read(); if (!step || step.done) return null; if (step.value.length > 0) return step.value } }, cancel() { void reader?.cancel() } }
}

interface Advertisement { refs: RemoteRef[]; capabilities: string[] }

/** The refs with which a server begins. */
async function readAdvertisement(packets: PacketReader, isHttp: boolean): Promise<Advertisement> {
  let line = await packets.next()
  if (isHttp && line && decodeText(line).startsWith('# service=')) { await packets.next(); line = await packets.next() }
  const refs: RemoteRef[] = []
  let capabilities: string[] = []
  for (; line; line = await packets.next()) {
    const text = decodeText(line).replace(/\n$/, '')
    if (text.startsWith('ERR ')) throw new GitFailure(`fatal: remote error: ${text.slice(4)}`)
    if (text.startsWith('shallow ') || text.startsWith('version ')) continue
    const [pair = '', more] = text.split('\0')
    if (more !== undefined) capabilities = more.trim().split(' ')
    const [id = '', name = ''] = [pair.slice(0, 40), pair.slice(41)]
    if (name === 'capabilities^{}') continue
    if (name.endsWith('^{}')) { const tag = refs.find((ref) => ref.name === name.slice(0, -3)); if (tag) tag.peeled = id } else refs.push({ name, id })
  }
  const head = /^symref=HEAD:(.+)$/.exec(capabilities.find((each) => each.startsWith('symref=HEAD:')) ?? '')?.[1]
  const own = refs.find((ref) => ref.name === 'HEAD')
  if (own && head !== undefined) own.target = head
  return { refs, capabilities }
}

/** What a client asks for: objects, and what it has of them. */
function uploadRequest(wants: readonly string[], repo: Repository, capabilities: readonly string[], { depth, progress }: FetchSettings): Uint8Array {
  const own = ['ofs-delta', 'side-band-64k', ...progress ? [] : ['no-progress'], ...depth === undefined ? [] : ['shallow'], 'agent=git/2.39.5'].filter((each) => capabilities.includes(each) || each.startsWith('agent'))
  const parts = wants.map((id, i) => packet(`want ${id}${i === 0 ? ` ${own.join(' ')}` : ''}\n`))
  for (const id of (repo.note('shallow') ?? '').trim().split('\n').filter(Boolean)) parts.push(packet(`shallow ${id}\n`))
  if (depth !== undefined) parts.push(packet(`deepen ${depth}\n`))
  parts.push(FLUSH)
  const haves = new Set(repo.refs.list().map(({ id }) => id).filter((id) => repo.objects.has(id)))
  for (const id of [...haves].slice(0, 256)) parts.push(packet(`have ${id}\n`))
  parts.push(packet('done\n'))
  return concatBytes(parts)
}

/** Reads a server's answer up to its pack. */
async function readPack(packets: PacketReader, repo: Repository, capabilities: readonly string[], options: FetchSettings): Promise<Uint8Array> {
  const shallow = new Set((repo.note('shallow') ?? '').trim().split('\n').filter(Boolean))
  if (options.depth !== undefined) {
    for (let line = await packets.next(); line; line = await packets.next()) {
      const [word, id = ''] = decodeText(line).trim().split(' ')
      if (word === 'shallow') shallow.add(id)
      else if (word === 'unshallow') shallow.delete(id)
    }
    if (shallow.size > 0) repo.writeNote('shallow', [...shallow].sort().map((id) => `${id}\n`).join(''))
    else repo.removeNotes('shallow')
  }
  for (;;) {
    const line = await packets.next()
    const text = line ? decodeText(line) : ''
    if (text.startsWith('ERR ')) throw new GitFailure(`fatal: remote error: ${text.slice(4).trim()}`)
    if (text.startsWith('NAK') || /^ACK [0-9a-f]{40}\n?$/.test(text)) break
  }
  if (!capabilities.some((each) => each.startsWith('side-band'))) return packets.rest()
  const parts: Uint8Array[] = []
  for (let line = await packets.next(); line; line = await packets.next()) {
    if (line[0] === 1) parts.push(line.subarray(1))
    else if (line[0] === 2) await options.progress?.(decodeText(line.subarray(1)))
    else throw new GitFailure(`fatal: remote error: ${decodeText(line.subarray(1)).trim()}`)
  }
  return concatBytes(parts)
}

/** Sends refs and objects, and reads what became of them. */
async function pushRequest(session: Session, refs: readonly PushedRef[], repo: Repository, known: readonly RemoteRef[], capabilities: readonly string[]): Promise<Uint8Array> {
  const none = '0'.repeat(40)
  const parts = refs.map(({ name, from, to }, i) => packet(`${from ?? none} ${to ?? none} ${name}${i === 0 ? `\0 ${['report-status', 'delete-refs', 'agent=git/2.39.5'].filter((each) => capabilities.includes(each) || each.startsWith('agent')).join(' ')}` : ''}`))
  parts.push(FLUSH)
  const wants = refs.flatMap(({ to }) => to ?? [])
  if (wants.length > 0) {
    const theirs = new Set(known.map(({ id }) => id).filter((id) => repo.objects.has(id)))
    const has = new Set(await closure(session, repo, [...theirs], () => false))
    parts.push(await buildPack(repo.objects, await closure(session, repo, wants, (id) => has.has(id)), session.proc.clock))
  }
  return concatBytes(parts)
}

async function readReport(packets: PacketReader, refs: readonly PushedRef[]): Promise<Map<string, string | undefined>> {
  const results = new Map<string, string | undefined>(refs.map(({ name }) => [name, 'remote end reported nothing']))
  for (let line = await packets.next(); line; line = await packets.next()) {
    const text = decodeText(line).trim()
    if (text.startsWith('unpack ') && text !== 'unpack ok') throw new GitFailure(`error: remote unpack failed: ${text.slice(7)}`, 1)
    if (text.startsWith('ok ')) results.set(text.slice(3), undefined)
    const refused = /^ng (\S+) (.*)$/.exec(text)
    if (refused) results.set(refused[1]!, refused[2]!)
  }
  return results
}

// --- http ----------------------------------------------------------------------------------------------------------------------

/** A repository behind a web server: one that speaks Git's protocol, or files as they lie there. */
class HttpRemote implements Remote {
  readonly #session: Session
  #address: string
  #advertisement: (Advertisement & { smart: boolean }) | undefined

  constructor(session: Session, address: string) {
    this.#session = session
    this.#address = address.replace(/\/+$/, '')
  }

  async #ask(url: string, init: { method?: string; headers?: Record<string, string>; body?: Uint8Array } = {}): Promise<Response> {
    const { proc } = this.#session
    const config = this.#session.looseConfig
    let target = new URL(url)
    const user = target.username ? `Basic ${btoa(`${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`)}` : undefined
    target.username = target.password = ''
    const insecure = config.get('http.sslVerify') === 'false' || proc.env['GIT_SSL_NO_VERIFY'] !== undefined
    const caFile = proc.env['GIT_SSL_CAINFO'] ?? config.get('http.sslCAInfo') ?? '/etc/ssl/certs/ca-certificates.crt'
    const unable = (why: string) => fatal(`unable to access '${this.#address}/': ${why}`)
    for (let hops = 0; hops < 20; hops++) {
      let response: Response
      try {
        response = await proc.net.fetch(httpRequest(target.href, { method: init.method ?? 'GET', headers: { 'user-agent': 'git/2.39.5', accept: '*/*', ...user ? { authorization: user } : {}, ...init.headers }, ...(init.body ? { body: init.body } : {}) }), { insecure, acceptCommonName: true, ...(proc.fs.exists(caFile) ? { caPem: proc.fs.readText(caFile) } : {}) })
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        const host = target.hostname
        const port = target.port || (target.protocol === 'https:' ? '443' : '80')
        if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') throw unable(`Could not resolve host: ${host}`)
        if (error.code === 'ETIMEDOUT') throw unable(`Failed to connect to ${host} port ${port}: Connection timed out`)
        if (error.code === 'ECONNRESET') throw unable('Empty reply from server')
        if (!(error instanceof CertificateError)) throw unable(`Failed to connect to ${host} port ${port} after 0 ms: Couldn't connect to server`)
        throw unable(`SSL certificate problem: ${error.message}`)
      }
      const location = response.headers.get('location')
      if (location !== null && response.status >= 300 && response.status < 400) {
        const next = new URL(location, target)
        const service = target.pathname.slice(new URL(this.#address).pathname.length)
        if (next.pathname.endsWith(service) && target.href.startsWith(this.#address)) {
          this.#address = next.origin + next.pathname.slice(0, next.pathname.length - service.length)
          await this.#session.complain(`warning: redirecting to ${this.#address}/\n`)
        }
        target = next
        await response.body?.cancel()
        continue
      }
      return response
    }
    throw unable('Maximum (20) redirects followed')
  }

  #refused(response: Response): GitFailure {
    if (response.status === 404) return fatal(`repository '${this.#address}/' not found`)
    if (response.status === 401) return fatal(`could not read Username for '${new URL(this.#address).origin}': terminal prompts disabled`)
    return fatal(`unable to access '${this.#address}/': The requested URL returned error: ${response.status}`)
  }

  async #discover(service: 'git-upload-pack' | 'git-receive-pack'): Promise<Advertisement & { smart: boolean }> {
    if (this.#advertisement) return this.#advertisement
    const response = await this.#ask(`${this.#address}/info/refs?service=${service}`)
    if (!response.ok) {
      await response.body?.cancel()
      throw this.#refused(response)
    }
    const smart = response.headers.get('content-type')?.startsWith(`application/x-${service}-advertisement`) ?? false
    if (smart) return this.#advertisement = { ...await readAdvertisement(new PacketReader(readerOfResponse(response)), true), smart }
    const refs: RemoteRef[] = []
    for (const line of (await response.text()).split('\n')) {
      const match = /^([0-9a-f]{40})\t(.+)$/.exec(line)
      if (!match) { if (line !== '') throw fatal(`${this.#address}/info/refs not valid: is this a git repository?`); continue }
      if (match[2]!.endsWith('^{}')) { const tag = refs.find((ref) => ref.name === match[2]!.slice(0, -3)); if (tag) tag.peeled = match[1]! } else refs.push({ name: match[2]!, id: match[1]! })
    }
    const head = await this.#ask(`${this.#address}/HEAD`)
    const target = head.ok ? /^ref: (.+)$/.exec((await head.text()).trim())?.[1] : undefined
    const pointed = refs.find((ref) => ref.name === target)
    if (pointed) refs.unshift({ name: 'HEAD', id: pointed.id, target: target! })
    return this.#advertisement = { refs, capabilities: [], smart }
  }

  async refs(): Promise<RemoteRef[]> {
    return (await this.#discover('git-upload-pack')).refs
  }

  async fetch(wants: readonly string[], repo: Repository, options: FetchSettings): Promise<Fetched> {
    const { smart, capabilities } = await this.#discover('git-upload-pack')
    if (!smart && options.depth !== undefined) throw fatal('dumb http transport does not support shallow capabilities')
    if (!smart) return this.#fetchFiles(wants, repo)
    const response = await this.#ask(`${this.#address}/git-upload-pack`, { method: 'POST', headers: { 'content-type': 'application/x-git-upload-pack-request', accept: 'application/x-git-upload-pack-result' }, body: uploadRequest(wants, repo, capabilities, options) })
    if (!response.ok) throw this.#refused(response)
    const pack = await readPack(new PacketReader(readerOfResponse(response)), repo, capabilities, options)
    return { ...await receivePack(repo.fs, repo.objects, pack, this.#session.proc.clock), bytes: pack.length }
  }

  /** Object by object, as they lie on the server; packs as a whole where an object isn't on its own. */
  async #fetchFiles(wants: readonly string[], repo: Repository): Promise<Fetched> {
    let count = 0
    let packs: string[] | undefined
    const bring = async (id: string): Promise<void> => {
      const response = await this.#ask(`${this.#address}/objects/${id.slice(0, 2)}/${id.slice(2)}`)
      if (response.ok) {
        const raw = inflateAt(new Uint8Array(await response.arrayBuffer()), 0).content
        const end = raw.indexOf(0)
        repo.objects.write(decodeText(raw.subarray(0, end)).split(' ')[0] as 'blob', raw.subarray(end + 1))
        count++
        return
      }
      await response.body?.cancel()
      if (!packs) {
        const list = await this.#ask(`${this.#address}/objects/info/packs`)
        packs = list.ok ? [...(await list.text()).matchAll(/^P (pack-[0-9a-f]+\.pack)$/gm)].map((match) => match[1]!) : []
      }
      for (let name = packs.pop(); name !== undefined; name = packs.pop()) {
        const pack = await this.#ask(`${this.#address}/objects/pack/${name}`)
        if (!pack.ok) continue
        count += (await receivePack(repo.fs, repo.objects, new Uint8Array(await pack.arrayBuffer()), this.#session.proc.clock)).objects
        if (repo.objects.has(id)) return
      }
      throw new GitFailure(`error: Unable to find ${id} under ${this.#address}/\nCannot obtain needed object ${id}\nerror: fetch failed.`, 1)
    }
    const seen = new Set<string>()
    const stack = [...wants]
    while (stack.length > 0) {
      const id = stack.pop()!
      if (seen.has(id)) continue
      seen.add(id)
      if (!repo.objects.has(id)) await bring(id)
      const type = repo.objects.typeOf(id)
      if (type === 'commit') stack.push(repo.objects.commit(id).tree, ...repo.objects.commit(id).parents)
      else if (type === 'tag') stack.push(repo.objects.tag(id).object)
      else if (type === 'tree') stack.push(...repo.objects.tree(id).filter((entry) => entry.mode !== SUBMODULE).map((entry) => entry.id))
    }
    return { objects: count, deltas: 0 }
  }

  async push(refs: readonly PushedRef[], repo: Repository): Promise<Map<string, string | undefined>> {
    this.#advertisement = undefined
    const { smart, capabilities, refs: known } = await this.#discover('git-receive-pack')
    if (!smart) throw fatal(`'${this.#address}/': the server only has files to read; nothing can be pushed there`)
    const response = await this.#ask(`${this.#address}/git-receive-pack`, { method: 'POST', headers: { 'content-type': 'application/x-git-receive-pack-request', accept: 'application/x-git-receive-pack-result' }, body: await pushRequest(this.#session, refs, repo, known, capabilities) })
    if (!response.ok) throw this.#refused(response)
    return readReport(new PacketReader(readerOfResponse(response)), refs)
  }
}

// --- git:// --------------------------------------------------------------------------------------------------------------------

/** A repository behind `git daemon`. */
class DaemonRemote implements Remote {
  readonly #session: Session
  readonly #url: URL
  #open: { packets: PacketReader; writer: ByteWriter; advertisement: Advertisement } | undefined

  constructor(session: Session, address: string) {
    this.#session = session
    this.#url = new URL(address.replace(/^git:/, 'http:'))
  }

  async #connect(service: 'git-upload-pack' | 'git-receive-pack'): Promise<{ packets: PacketReader; writer: ByteWriter; advertisement: Advertisement }> {
    if (this.#open) return this.#open
    const host = this.#url.hostname
    const port = Number(this.#url.port || 9418)
    try {
      const socket = await this.#session.proc.net.connectTcp(host, port)
      await socket.writer.write(packet(`${service} ${decodeURIComponent(this.#url.pathname)}\0host=${host}\0`))
      const packets = new PacketReader(socket.reader)
      return this.#open = { packets, writer: socket.writer, advertisement: await readAdvertisement(packets, false) }
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') throw fatal(`Unable to look up ${host} (port ${port}) (Name or service not known)`)
      throw fatal(`unable to connect to ${host}:\n${host}[0: ${host}]: errno=${error.message}\n`)
    }
  }

  async refs(): Promise<RemoteRef[]> {
    return (await this.#connect('git-upload-pack')).advertisement.refs
  }

  async fetch(wants: readonly string[], repo: Repository, options: FetchSettings): Promise<Fetched> {
    const { packets, writer, advertisement } = await this.#connect('git-upload-pack')
    await writer.write(uploadRequest(wants, repo, advertisement.capabilities, options))
    const pack = await readPack(packets, repo, advertisement.capabilities, options)
    writer.close()
    return { ...await receivePack(repo.fs, repo.objects, pack, this.#session.proc.clock), bytes: pack.length }
  }

  async push(refs: readonly PushedRef[], repo: Repository): Promise<Map<string, string | undefined>> {
    this.#open?.writer.close()
    this.#open = undefined
    const { packets, writer, advertisement } = await this.#connect('git-receive-pack')
    await writer.write(await pushRequest(this.#session, refs, repo, advertisement.refs, advertisement.capabilities))
    const results = await readReport(packets, refs)
    writer.close()
    return results
  }
}
