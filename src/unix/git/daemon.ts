import { concatBytes } from '../../base/streams.ts'
import type { ByteWriter } from '../../base/streams.ts'
import { resolvePath } from '../path.ts'
import { UnixError } from '../types.ts'
import type { TcpSocket } from '../types.ts'
import { decodeText, hexText } from './bytes.ts'
import { GitFailure, fatal } from './failure.ts'
import { Options } from './options.ts'
import { buildPack, receivePack } from './pack.ts'
import type { Repository } from './repository.ts'
import type { Session } from './session.ts'
import { sha1 } from './sha1.ts'
import { FLUSH, PacketReader, advertisedRefs, closure, packet } from './transport.ts'

const NOTHING = '0'.repeat(40)
const BAND_BYTES = 65_515

/** `git daemon`: repositories of this machine for whoever connects to port 9418. */
export async function daemon(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('daemon', args, ['verbose', 'syslog', 'log-destination=', 'inetd', 'export-all', 'base-path=', 'base-path-relaxed', 'strict-paths', 'reuseaddr', 'listen=', 'port=', 'enable=', 'disable=', 'detach', 'informative-errors', 'timeout=', 'init-timeout=', 'max-connections=', 'user=', 'group=', 'pid-file=', 'user-path?'])
  const { proc } = session
  const base = options.value('base-path')
  if (base !== undefined && !proc.fs.exists(proc.resolve(base))) throw fatal(`base-path '${base}' does not exist or is not a directory`)
  const settings = { base: base === undefined ? undefined : proc.resolve(base), relaxed: options.has('base-path-relaxed'), exportAll: options.has('export-all'), folders: options.operands.map((path) => proc.resolve(path)), receives: options.all('enable').includes('receive-pack') }
  const log = async (text: string) => { if (options.has('verbose')) await proc.stderr.write(`[${proc.pid}] ${text}\n`) }
  const port = Number(options.value('port') ?? 9418)
  try {
    const listener = proc.net.listenTcp(port, (socket) => {
      void log(`Connection from ${socket.remote.ip}:${socket.remote.port}`)
      serve(session, socket, settings, log).catch(() => {}).finally(() => socket.writer.close())
    })
    await log('Ready to rumble')
    try {
      await proc.signal('SIGTERM', 'SIGINT')
    } finally {
      listener.close()
    }
    return 0
  } catch (error) {
    if (!(error instanceof UnixError) || error.code !== 'EADDRINUSE') throw error
    throw new GitFailure(`Could not bind to 0.0.0.0: Address already in use\nfatal: unable to allocate any listen sockets on port ${port}`)
  }
}

interface Settings { base: string | undefined; relaxed: boolean; exportAll: boolean; folders: string[]; receives: boolean }

async function serve(session: Session, socket: TcpSocket, settings: Settings, log: (text: string) => Promise<void>): Promise<void> {
  const packets = new PacketReader(socket.reader)
  const request = await packets.next()
  const [service = '', path = ''] = decodeText(request ?? new Uint8Array(0)).split('\0')[0]!.trim().split(/ (.*)/)
  await log(`Request ${service.replace('git-', '')} for '${path}'`)
  const full = settings.base === undefined ? path : resolvePath(settings.base, `./${path}`)
  const found = [full, `${full}.git`].map((each) => session.proc.fs.exists(each) ? session.gitDirAt(each) : undefined).find((each) => each !== undefined)
  const allowed = found !== undefined && (settings.exportAll || session.proc.fs.exists(`${found}/git-daemon-export-ok`)) && (settings.folders.length === 0 || settings.folders.some((each) => found === each || found.startsWith(`${each}/`)))
  if (!allowed || (service === 'git-receive-pack' && !settings.receives)) {
    await socket.writer.write(packet(`ERR access denied or repository not exported: ${path}`))
    return
  }
  const repo = session.open(found, undefined, '')
  if (service === 'git-upload-pack') await uploadPack(session, repo, packets, socket.writer)
  else if (service === 'git-receive-pack') await receivePackService(session, repo, packets, socket.writer)
}

function advertisement(repo: Repository, capabilities: readonly string[]): Uint8Array {
  const refs = advertisedRefs(repo)
  const head = refs.find((ref) => ref.name === 'HEAD')
  const words = [...capabilities, ...head?.target === undefined ? [] : [`symref=HEAD:${head.target}`], 'agent=git/2.39.5'].join(' ')
  if (refs.length === 0) return concatBytes([packet(`${NOTHING} capabilities^{}\0${words}\n`), FLUSH])
  return concatBytes([...refs.flatMap(({ name, id, peeled }, i) => [packet(`${id} ${name}${i === 0 ? `\0${words}` : ''}\n`), ...peeled === undefined ? [] : [packet(`${peeled} ${name}^{}\n`)]]), FLUSH])
}

/** Gives what a client wants and doesn't have. */
async function uploadPack(session: Session, repo: Repository, packets: PacketReader, writer: ByteWriter): Promise<void> {
  await writer.write(advertisement(repo, ['ofs-delta', 'side-band-64k', 'no-progress', 'shallow']))
  const wants: string[] = []
  let capabilities: string[] = []
  let depth: number | undefined
  const shallowThere: string[] = []
  for (let line = await packets.next(); line; line = await packets.next()) {
    const [word = '', value = '', ...rest] = decodeText(line).trim().split(' ')
    if (word === 'want') { wants.push(value); if (rest.length > 0) capabilities = rest } else if (word === 'deepen') depth = Number(value)
    else if (word === 'shallow') shallowThere.push(value)
  }
  if (wants.length === 0) return
  const cut = new Set<string>()
  if (depth !== undefined) {
    let level = wants.map((id) => { let at = id; while (repo.objects.typeOf(at) === 'tag') at = repo.objects.tag(at).object; return at }).filter((id) => repo.objects.typeOf(id) === 'commit')
    const seen = new Set(level)
    for (let i = 1; level.length > 0; i++) {
      if (i >= depth) for (const id of level) if (repo.objects.commit(id).parents.length > 0) cut.add(id)
      if (i >= depth) break
      level = level.flatMap((id) => [...repo.objects.commit(id).parents]).filter((id) => !seen.has(id) && repo.objects.has(id))
      for (const id of level) seen.add(id)
    }
    for (const id of cut) await writer.write(packet(`shallow ${id}`))
    for (const id of shallowThere) if (!cut.has(id)) await writer.write(packet(`unshallow ${id}`))
    await writer.write(FLUSH)
  }
  const haves: string[] = []
  for (;;) {
    const line = await packets.next()
    const text = line ? decodeText(line).trim() : ''
    if (text === 'done') break
    if (text.startsWith('have ')) haves.push(text.slice(5))
    if (line === null) await writer.write(packet('NAK\n'))
  }
  const common = haves.filter((id) => repo.objects.has(id))
  await writer.write(packet(common.length > 0 ? `ACK ${common[0]}\n` : 'NAK\n'))
  const cutParents = new Set([...cut].flatMap((id) => [...repo.objects.commit(id).parents]))
  const theirs = new Set(depth === undefined && shallowThere.length === 0 ? await closure(session, repo, common, () => false) : common)
  const ids = await closure(session, repo, wants, (id) => theirs.has(id) || cutParents.has(id))
  const pack = await buildPack(repo.objects, ids, session.proc.clock)
  if (!capabilities.includes('side-band-64k')) { await writer.write(pack); return }
  const band = (number: number, bytes: Uint8Array) => packet(concatBytes([Uint8Array.of(number), bytes]))
  if (!capabilities.includes('no-progress')) await writer.write(band(2, new TextEncoder().encode(`Enumerating objects: ${ids.length}, done.\nTotal ${ids.length} (delta 0), reused 0 (delta 0), pack-reused 0\n`)))
  for (let at = 0; at < pack.length; at += BAND_BYTES) await writer.write(band(1, pack.subarray(at, at + BAND_BYTES)))
  await writer.write(FLUSH)
}

/** Takes what a client pushes. */
async function receivePackService(session: Session, repo: Repository, packets: PacketReader, writer: ByteWriter): Promise<void> {
  await writer.write(advertisement(repo, ['report-status', 'delete-refs', 'ofs-delta']))
  const updates: { from: string; to: string; name: string }[] = []
  for (let line = await packets.next(); line; line = await packets.next()) {
    const [from = '', to = '', name = ''] = decodeText(line).split('\0')[0]!.trim().split(' ')
    updates.push({ from, to, name })
  }
  if (updates.length === 0) return
  if (updates.some(({ to }) => to !== NOTHING)) await receivePack(repo.fs, repo.objects, await readWholePack(packets), session.proc.clock)
  const lines = [packet('unpack ok\n')]
  for (const { from, to, name } of updates) {
    const now = repo.refs.id(name) ?? NOTHING
    const isCurrent = !repo.config.flag('core.bare', false) && repo.refs.target('HEAD') === name
    if (now !== from) lines.push(packet(`ng ${name} failed to update ref\n`))
    else if (isCurrent) lines.push(packet(`ng ${name} branch is currently checked out\n`))
    else {
      if (to === NOTHING) repo.refs.remove(name)
      else repo.refs.update(name, to, 'push')
      lines.push(packet(`ok ${name}\n`))
    }
  }
  await writer.write(concatBytes([...lines, FLUSH]))
}

/** A pack ends where its checksum is right; the connection stays open for the answer. */
async function readWholePack(packets: PacketReader): Promise<Uint8Array> {
  let pack: Uint8Array = new Uint8Array(0)
  for (;;) {
    const more = await packets.some()
    if (!more) throw fatal('early EOF')
    pack = concatBytes([pack, more])
    if (pack.length >= 32 && hexText(pack.subarray(-20)) === sha1(pack.subarray(0, -20))) return pack
  }
}
