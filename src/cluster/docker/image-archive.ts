import type { Clock } from '../../base/clock.ts'
import { concatBytes } from '../../base/streams.ts'
import type { ByteReader } from '../../base/streams.ts'
import { createMemoryFileSystem, createOverlay } from '../../unix/file-system.ts'
import type { MemoryFileSystem } from '../../unix/file-system.ts'
import { layerChanges } from '../../unix/fs/layer-changes.ts'
import { baseName, directoryName, joinPath } from '../../unix/path.ts'
import type { FileSystem, MountableFileSystem } from '../../unix/types.ts'
import { BLOCK_BYTES, TarReader, encodeHeader, paddingOf } from '../../unix/utilities/tar-format.ts'
import type { TarEntry } from '../../unix/utilities/tar-format.ts'
import { digestOfText } from './digest.ts'
import type { DockerEngine } from './docker-engine.ts'
import { DockerError } from './docker-error.ts'
import { baseLayerDigest, layerDigests, recordOf, topOf } from './docker-image.ts'
import type { DockerImage, StoredImageRecord } from './docker-image.ts'
import type { Layer } from './layer-store.ts'
import type { ProgramNames } from './program-names.ts'

/** What of an image has no place in the archive's own format: what its programs are, and what it is built on. */
const OWN_RECORDS = 'drydock.json'

interface OwnRecords {
  images: { record: StoredImageRecord; names: string[] }[]
  /** By layer and path. */
  programs: Record<string, Record<string, string>>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const hex = (digest: string) => digest.replace(/^sha256:/, '')
const blob = (digest: string) => `blobs/sha256/${hex(digest)}`

function member(name: string, content: Uint8Array, more: Partial<TarEntry> = {}): Uint8Array[] {
  const entry: TarEntry = { type: 'file', name, linkName: '', mode: 0o644, uid: 0, gid: 0, userName: '', groupName: '', sizeBytes: content.length, modifiedMs: 0, ...more }
  return [encodeHeader(entry), content, new Uint8Array(paddingOf(content.length))]
}

const END = new Uint8Array(BLOCK_BYTES * 2)
const NOTHING = new Uint8Array(0)

/** A layer as an archive, with its removals as the OCI's format writes them. Programs are empty files; `programs` is filled with what they are. */
async function layerArchive(layer: Layer, names: ProgramNames, programs: Record<string, string>, clock: Clock): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (const change of layerChanges(layer.files)) {
    await clock.breathe()
    const name = change.path.slice(1)
    if (change.kind === 'removed') { parts.push(...member(joinPath(directoryName(change.path), `.wh.${baseName(change.path)}`).slice(1), NOTHING)); continue }
    const { mode, uid, gid, modifiedMs, content, sizeBytes, target = '', program } = change.inode
    const about = { mode, uid, gid, modifiedMs }
    if (change.kind === 'directory') {
      parts.push(...member(`${name}/`, NOTHING, { ...about, type: 'directory' }))
      if (change.replaces) parts.push(...member(`${name}/.wh..wh..opq`, NOTHING))
    } else if (change.kind === 'symlink') parts.push(...member(name, NOTHING, { ...about, type: 'symlink', linkName: target }))
    else {
      const known = program && names.nameOf(program)
      if (known !== undefined) programs[change.path] = known
      parts.push(...member(name, content?.subarray(0, sizeBytes) ?? NOTHING, about))
    }
  }
  return concatBytes([...parts, END])
}

/** What an image is built on, as one layer. */
async function baseArchive(files: FileSystem, clock: Clock): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  const visit = async (path: string): Promise<void> => {
    for (const name of files.readdir(path)) {
      await clock.breathe()
      const child = joinPath(path, name)
      const { type, mode, uid, gid, modifiedMs } = files.lstat(child)
      const about = { mode, uid, gid, modifiedMs }
      if (type === 'directory') {
        parts.push(...member(`${child.slice(1)}/`, NOTHING, { ...about, type: 'directory' }))
        await visit(child)
      } else if (type === 'symlink') parts.push(...member(child.slice(1), NOTHING, { ...about, type: 'symlink', linkName: files.readlink(child) }))
      else if (type === 'file') parts.push(...member(child.slice(1), files.readFile(child), about))
    }
  }
  await visit('/')
  return concatBytes([...parts, END])
}

/** The images as `docker save` writes them. */
export async function* saveImages(engine: DockerEngine, saved: readonly { image: DockerImage; names: readonly string[] }[]): AsyncGenerator<Uint8Array> {
  const { clock, programs: names } = engine
  const written = new Set<string>()
  const own: OwnRecords = { images: [], programs: {} }
  const manifest: object[] = []
  for (const { image, names: tags } of saved) {
    const config = JSON.stringify({
      architecture: 'amd64', os: 'linux', created: new Date(image.createdMs).toISOString(), config: { User: image.config.user, Env: image.config.env, Cmd: image.config.cmd, Entrypoint: image.config.entrypoint, WorkingDir: image.config.workingDir, Labels: image.config.labels },
      rootfs: { type: 'layers', diff_ids: layerDigests(image) }, history: image.history.map((entry) => ({ created: new Date(entry.createdMs).toISOString(), created_by: entry.createdBy, comment: entry.comment, ...(entry.empty ? { empty_layer: true } : {}) })),
    })
    const configDigest = digestOfText(config)
    const base = image.base && engine.shelf.fromCatalogue(image.base)
    if (base && !written.has(baseLayerDigest(base.base!))) {
      written.add(baseLayerDigest(base.base!))
      yield concatBytes(member(blob(baseLayerDigest(base.base!)), await baseArchive(base.files, clock)))
    }
    for (const layer of image.layers) {
      if (written.has(layer.id)) continue
      written.add(layer.id)
      yield concatBytes(member(blob(layer.id), await layerArchive(layer, names, own.programs[layer.id] = {}, clock)))
    }
    yield concatBytes(member(blob(configDigest), encoder.encode(config)))
    manifest.push({ Config: blob(configDigest), RepoTags: tags, Layers: layerDigests(image).map(blob) })
    own.images.push({ record: recordOf(image), names: [...tags] })
  }
  yield concatBytes([...member('manifest.json', encoder.encode(JSON.stringify(manifest))), ...member('oci-layout', encoder.encode('{"imageLayoutVersion":"1.0.0"}')), ...member(OWN_RECORDS, encoder.encode(JSON.stringify(own))), END])
}

/** Takes the images of an archive. @throws DockerError for anything but what {@link saveImages} wrote, TarFormatError */
export async function loadImages(engine: DockerEngine, input: ByteReader): Promise<{ image: DockerImage; names: readonly string[] }[]> {
  const { clock } = engine
  const members = new Map<string, Uint8Array>()
  const reader = new TarReader(input)
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const chunks: Uint8Array[] = []
    for await (const chunk of reader.content()) chunks.push(chunk)
    members.set(entry.name, concatBytes(chunks))
    await clock.breathe()
  }
  const records = members.get(OWN_RECORDS)
  if (!records) throw new DockerError(members.has('manifest.json') ? 'the archive holds programs for real processors, which this engine has none of' : `open manifest.json: no such file or directory`)
  const own = JSON.parse(decoder.decode(records)) as OwnRecords
  const loaded: { image: DockerImage; names: readonly string[] }[] = []
  for (const { record, names } of own.images) {
    const base = record.base && engine.shelf.fromCatalogue(record.base)
    if (record.base && !base) throw new DockerError(`no registry has ${record.base.repository}:${record.base.tag}, which the image is built on`)
    let files: MountableFileSystem = base?.files ?? createMemoryFileSystem({ clock })
    const layers: Layer[] = []
    for (const { id } of record.layers) {
      const below = topOf({ base: record.base, layers, files })
      let layer = engine.shelf.layerOn(below.chainId, id)
      if (!layer) {
        const overlay = createOverlay(below.files, clock)
        await unpackLayer(members.get(blob(id)) ?? END, overlay, own.programs[id] ?? {}, engine.programs)
        layer = await engine.layers.seal(overlay, below)
        engine.shelf.keepLayer(layer)
      }
      layers.push(layer)
      files = layer.files
    }
    const image: DockerImage = { ...record, base: record.base, layers, files }
    engine.images.add(image)
    loaded.push({ image, names })
  }
  return loaded
}

async function unpackLayer(archive: Uint8Array, files: MemoryFileSystem, programs: Readonly<Record<string, string>>, names: ProgramNames): Promise<void> {
  const reader = new TarReader({ read: (() => { let rest: Uint8Array | null = archive; return async () => { const out = rest; rest = null; return out } })(), cancel() {} })
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const path = `/${entry.name.replace(/\/$/, '')}`
    const name = baseName(path)
    if (name === '.wh..wh..opq') { for (const each of files.readdir(directoryName(path))) files.remove(joinPath(directoryName(path), each), { recursive: true }); continue }
    if (name.startsWith('.wh.')) { files.remove(joinPath(directoryName(path), name.slice(4)), { recursive: true, force: true }); continue }
    if (entry.type === 'directory') files.mkdir(path, { recursive: true })
    else {
      files.remove(path, { recursive: true, force: true })
      if (entry.type === 'symlink') { files.symlink(entry.linkName, path); continue }
      const program = programs[path] === undefined ? undefined : names.find(programs[path])
      const chunks: Uint8Array[] = []
      for await (const chunk of reader.content()) chunks.push(chunk)
      if (program) files.installProgram(path, program)
      else files.writeFile(path, concatBytes(chunks))
    }
    files.chmod(path, entry.mode)
    files.chown(path, entry.uid, entry.gid)
    if (entry.type === 'file') files.utimes(path, entry.modifiedMs, entry.modifiedMs)
  }
}
