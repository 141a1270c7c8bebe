import { createMemoryFileSystem, createOverlay, withOwnMounts } from '../../unix/file-system.ts'
import type { MemoryFileSystem } from '../../unix/file-system.ts'
import type { ByteWriter } from '../../base/streams.ts'
import { httpRequest } from '../../base/http.ts'
import { baseName, joinPath, resolvePath } from '../../unix/path.ts'
import { parseSignal } from '../../unix/signals.ts'
import { goNetError } from '../../unix/net/go-net-error.ts'
import { UnixError } from '../../unix/types.ts'
import type { MountableFileSystem, NetStack } from '../../unix/types.ts'
import { RuntimeError } from '../runtime/cri.ts'
import type { Mount } from '../runtime/cri.ts'
import type { RegistryCredentials } from '../runtime/image-registry.ts'
import type { ImageReference } from '../runtime/image-reference.ts'
import type { BuildCache } from './build-cache.ts'
import { BuildProgress } from './build-progress.ts'
import type { Vertex } from './build-progress.ts'
import { NotFoundInContext, carryOutCopy, contextSize, digestOfCopy, planCopy } from './copy-step.ts'
import type { CopySource } from './copy-step.ts'
import { digestOfText } from './digest.ts'
import { DockerError } from './docker-error.ts'
import { envRecord, execForm, manifestDigest, topOf } from './docker-image.ts'
import type { BaseImage, DockerConfig, DockerImage, HealthCheck, HistoryEntry } from './docker-image.ts'
import type { DockerEngine } from './docker-engine.ts'
import { DockerfileError, expandVariables, parseDockerfile, parseInstruction, splitPairs, splitWords } from './dockerfile.ts'
import type { Instruction } from './dockerfile.ts'
import { durationMs } from './durations.ts'
import { referenceOf } from './image-table.ts'
import type { Layer } from './layer-store.ts'
import type { RemoteImage } from './registry-transfer.ts'
import { RUNTIME_FILES } from './runtime-files.ts'
import { humanSize } from './units.ts'

export interface BuildRequest {
  /** Its text. */
  dockerfile: string
  /** What it is called in messages. */
  dockerfileName: string
  /** Undefined where only a Dockerfile was given. */
  context?: CopySource
  /** How long its .dockerignore is. */
  ignoreBytes?: number
  /** Full names that the image gets. */
  tags: readonly ImageReference[]
  buildArgs: Readonly<Record<string, string>>
  labels: Readonly<Record<string, string>>
  target?: string
  noCache: boolean
  /** Asks registries for base images that are here already. */
  pull: boolean
  credentialsFor(domain: string): RegistryCredentials | undefined
  /** Aborts when whoever wants the image has gone. */
  signal: AbortSignal
  /** Progress. */
  write(text: string): Promise<void>
}

/** Why an image couldn't be built: what BuildKit prints behind `failed to solve: `. */
export class BuildError extends Error {
  readonly instruction: Instruction | undefined
  readonly vertexName: string | undefined
  readonly output: readonly string[]
  constructor(message: string, at: { instruction?: Instruction; vertexName?: string; output?: readonly string[] } = {}) {
    super(message)
    this.instruction = at.instruction
    this.vertexName = at.vertexName
    this.output = at.output ?? []
  }
}

interface Stage {
  index: number
  name: string
  from: Instruction
  instructions: Instruction[]
}

/** An image that a stage begins with, here or still to be fetched. */
interface Base {
  image?: DockerImage
  remote?: RemoteImage
}

/** A stage as far as it has been built. */
interface BuiltStage {
  config: Mutable<DockerConfig>
  history: HistoryEntry[]
  base: BaseImage | undefined
  baseSizeBytes: number
  layers: Layer[]
  files: MountableFileSystem
  /** When the last layer was made. */
  createdMs: number
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Arguments that are there without being declared, and those that a declaration brings in. */
const PROXY_ARGS = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'FTP_PROXY', 'ftp_proxy', 'NO_PROXY', 'no_proxy', 'ALL_PROXY', 'all_proxy']
const PLATFORM_ARGS: Readonly<Record<string, string>> = { TARGETPLATFORM: 'linux/amd64', TARGETOS: 'linux', TARGETARCH: 'amd64', TARGETVARIANT: '', BUILDPLATFORM: 'linux/amd64', BUILDOS: 'linux', BUILDARCH: 'amd64', BUILDVARIANT: '' }
const DEFAULT_SHELL = ['/bin/sh', '-c']
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Instructions that show up as steps. */
const STEPS = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR'])

/** Builds an image from a Dockerfile. @throws BuildError, DockerfileError */
export async function buildImage(engine: DockerEngine, cache: BuildCache, net: NetStack, request: BuildRequest): Promise<DockerImage> {
  return new ImageBuilder(engine, cache, net, request).build()
}

class ImageBuilder {
  readonly #engine: DockerEngine
  readonly #cache: BuildCache
  readonly #net: NetStack
  readonly #request: BuildRequest
  readonly #progress: BuildProgress
  readonly #built = new Map<Stage, BuiltStage>()
  readonly #bases = new Map<string, Base>()
  #stages: Stage[] = []
  #escape = '\\'
  #globalArgs: Record<string, string> = {}
  #contextShown = false

  constructor(engine: DockerEngine, cache: BuildCache, net: NetStack, request: BuildRequest) {
    this.#engine = engine
    this.#cache = cache
    this.#net = net
    this.#request = request
    this.#progress = new BuildProgress(request.write, engine.clock)
  }

  async build(): Promise<DockerImage> {
    const { dockerfile, dockerfileName, tags } = this.#request
    await this.#progress.head('building with "default" instance using docker driver')
    const definition = await this.#progress.begin(`[internal] load build definition from ${baseName(dockerfileName)}`)
    await definition.say(`transferring dockerfile: ${humanSize(new TextEncoder().encode(dockerfile).length + 31)} done`)
    await definition.done()
    const { instructions, escape } = parseDockerfile(dockerfile)
    this.#escape = escape
    this.#split(instructions)
    const target = this.#target()
    const wanted = this.#needed(target)
    await this.#loadBases(wanted)
    const ignore = await this.#progress.begin('[internal] load .dockerignore')
    await ignore.say(`transferring context: ${humanSize(this.#request.ignoreBytes ?? 2)} done`)
    await ignore.done()
    for (const stage of this.#stages) if (wanted.has(stage)) this.#built.set(stage, await this.#buildStage(stage))
    const image = this.#imageOf(this.#built.get(target)!)
    const exporting = await this.#progress.begin('exporting to image')
    await exporting.say('exporting layers done')
    this.#engine.images.add(image)
    for (const layer of image.layers) this.#engine.shelf.keepLayer(layer)
    await exporting.say(`writing image ${image.id} done`)
    for (const tag of tags) {
      this.#engine.images.tag(tag.fullName, image.id)
      await exporting.say(`naming to ${tag.fullName} done`)
    }
    await exporting.done()
    return image
  }

  // --- stages --------------------------------------------------------------------------------------------------------------------

  #split(instructions: readonly Instruction[]): void {
    for (const instruction of instructions) {
      if (instruction.name === 'FROM') {
        const [, from, , name] = /^(\S+)(\s+as\s+(\S+))?$/i.exec(instruction.rest.trim()) ?? []
        if (from === undefined) throw new DockerfileError(instruction.line, 'FROM requires either one or three arguments')
        this.#stages.push({ index: this.#stages.length, name: name?.toLowerCase() ?? '', from: { ...instruction, rest: from }, instructions: [] })
      } else if (this.#stages.length > 0) this.#stages.at(-1)!.instructions.push(instruction)
      else if (instruction.name === 'ARG') {
        for (const [name, value] of this.#declared(instruction)) this.#globalArgs[name] = this.#request.buildArgs[name] ?? (value === undefined ? this.#globalArgs[name] ?? '' : expandVariables(value, this.#globalArgs, this.#escape))
      } else throw new DockerfileError(instruction.line, 'no build stage in current context')
    }
    if (this.#stages.length === 0) throw new BuildError(instructions.length === 0 ? 'the Dockerfile cannot be empty' : 'dockerfile parse error: no build stage in current context')
  }

  #declared({ rest }: Instruction): [name: string, value: string | undefined][] {
    return splitWords(rest, this.#escape).map((word) => { const at = word.indexOf('='); return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)] })
  }

  #target(): Stage {
    const { target } = this.#request
    if (target === undefined) return this.#stages.at(-1)!
    const found = this.#stageByName(target, this.#stages.length)
    if (!found) throw new BuildError(`target stage "${target}" could not be found`)
    return found
  }

  #stageByName(name: string, before: number): Stage | undefined {
    const named = this.#stages.slice(0, before).reverse().find((stage) => stage.name !== '' && stage.name === name.toLowerCase())
    return named ?? (/^\d+$/.test(name) && Number(name) < before ? this.#stages[Number(name)] : undefined)
  }

  /** The stages that the target is made of: others aren't built. */
  #needed(target: Stage): Set<Stage> {
    const needed = new Set<Stage>()
    const need = (stage: Stage) => {
      if (needed.has(stage)) return
      needed.add(stage)
      const below = this.#stageByName(this.#baseName(stage), stage.index)
      if (below) need(below)
      for (const { flags } of stage.instructions) for (const [flag, value] of flags) {
        const source = flag === 'from' ? this.#stageByName(value, stage.index) : flag === 'mount' ? this.#stageByName(/(?:^|,)from=([^,]+)/.exec(value)?.[1] ?? '', stage.index) : undefined
        if (source) need(source)
      }
    }
    need(target)
    return needed
  }

  #baseName(stage: Stage): string {
    const name = expandVariables(stage.from.rest, { ...PLATFORM_ARGS, ...this.#globalArgs }, this.#escape)
    if (name === '') throw new BuildError(`base name (${stage.from.rest}) should not be blank`, { instruction: stage.from })
    return name
  }

  async #loadBases(wanted: ReadonlySet<Stage>): Promise<void> {
    for (const stage of this.#stages) {
      const name = this.#baseName(stage)
      if (!wanted.has(stage) || name === 'scratch' || this.#stageByName(name, stage.index)) continue
      await this.#base(name, stage.from)
    }
  }

  /** An image that a stage begins with or copies from. */
  async #base(name: string, instruction: Instruction): Promise<Base> {
    let reference: ImageReference
    try {
      reference = referenceOf(name)
    } catch {
      throw new BuildError(`failed to parse stage name "${name}": invalid reference format`, { instruction })
    }
    const known = this.#bases.get(reference.fullName)
    if (known) return known
    const here = this.#request.pull ? undefined : this.#engine.images.find(name)
    const vertexName = `[internal] load metadata for ${reference.fullName}`
    const vertex = await this.#progress.begin(vertexName)
    let base: Base
    try {
      base = here ? { image: here } : { remote: await this.#engine.transfer.resolve(reference, this.#request.credentialsFor(reference.domain)) }
    } catch (error) {
      if (!(error instanceof DockerError)) throw error
      const why = /pull access denied/.test(error.message) ? 'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'
        : /manifest unknown/.test(error.message) ? `${reference.fullName}: not found` : error.message
      await vertex.failed(why)
      throw new BuildError(`${name}: failed to resolve source metadata for ${reference.fullName}: ${why}`, { instruction, vertexName })
    }
    await vertex.done()
    this.#bases.set(reference.fullName, base)
    return base
  }

  /** Fetches a base that isn't here yet. */
  async #fetched(base: Base, title: (text: string) => string, name: string): Promise<DockerImage> {
    const vertex = await this.#progress.begin(title(`FROM ${referenceOf(name).fullName.replace(/@.*$/, '')}@${base.image?.id ?? base.remote!.digest}`))
    if (!base.image) {
      const { remote } = base
      await vertex.say(`resolve ${remote!.reference.fullName.replace(/@.*$/, '')}@${remote!.digest} done`)
      base.image = (await this.#engine.transfer.fetch(remote!, async (digest, state, sizeBytes) => {
        const size = humanSize(sizeBytes, 4)
        if (state === 'downloaded') await vertex.say(`${digest} ${size} / ${size} done`)
        if (state === 'extracted') await vertex.say(`extracting ${digest} done`)
      })).image
    }
    await vertex.done()
    return base.image
  }

  async #buildStage(stage: Stage): Promise<BuiltStage> {
    const baseText = this.#baseName(stage)
    const below = this.#stageByName(baseText, stage.index)
    const base = below || baseText === 'scratch' ? undefined : await this.#base(baseText, stage.from)
    let step = 0
    let steps = 0
    const label = this.#stages.length === 1 ? '' : `${stage.name || `stage-${stage.index}`} `
    const title = (text: string) => `[${label}${String(++step).padStart(String(steps).length)}/${steps}] ${text}`
    const stepsOf = (list: readonly Instruction[]) => list.filter(({ name }) => STEPS.has(name)).length + (base ? 1 : 0)
    // What the base asks its users to do is known once it is here.
    steps = stepsOf(stage.instructions) + (base?.image ? stepsOf(triggersOf(base.image.config, stage.from)) - 1 : 0)
    const built = below ? copyOf(this.#built.get(below)!) : base ? fromImage(await this.#fetched(base, title, baseText)) : this.#scratch()
    const triggers = below ? [] : triggersOf(built.config, stage.from)
    delete built.config.onBuild
    const instructions = [...triggers, ...stage.instructions]
    steps = stepsOf(instructions)
    const args: Record<string, string> = {}
    for (const instruction of instructions) await this.#carryOut(instruction, built, args, stage, title)
    if (stage === this.#target()) built.config.labels = { ...built.config.labels, ...this.#request.labels }
    return built
  }

  #scratch(): BuiltStage {
    return {
      config: { env: [DEFAULT_PATH], workingDir: '', user: '', exposedPorts: [], volumes: [], labels: {} }, history: [], base: undefined, baseSizeBytes: 0, layers: [],
      files: createMemoryFileSystem({ clock: this.#engine.clock }), createdMs: this.#engine.clock.nowMs(),
    }
  }

  #imageOf(stage: BuiltStage): DockerImage {
    const { config, history, base, baseSizeBytes, layers, createdMs, files } = stage
    const parts = { config, history, base, baseSizeBytes, layers, createdMs }
    return { ...parts, id: manifestDigest(parts), files: layers.at(-1)?.files ?? files }
  }

  // --- instructions --------------------------------------------------------------------------------------------------------------

  async #carryOut(instruction: Instruction, built: BuiltStage, args: Record<string, string>, stage: Stage, title: (text: string) => string): Promise<void> {
    const { config } = built
    const variables = { ...args, ...envRecord(config.env) }
    const expand = (text: string) => {
      try {
        return expandVariables(text, variables, this.#escape)
      } catch (error) {
        throw new BuildError((error as Error).message, { instruction })
      }
    }
    const expanded = expand(instruction.rest)
    const remember = (createdBy: string, sizeBytes = 0, empty = true) => built.history.push({ createdMs: built.createdMs, createdBy, comment: 'buildkit.dockerfile.v0', sizeBytes, empty })
    switch (instruction.name) {
      case 'ARG':
        for (const [name, value] of this.#declared(instruction)) {
          const known = this.#request.buildArgs[name] ?? (value === undefined ? this.#globalArgs[name] ?? PLATFORM_ARGS[name] : expand(value))
          if (known !== undefined) args[name] = known
          remember(`ARG ${name}${known === undefined ? '' : `=${known}`}`)
        }
        return
      case 'ENV': {
        for (const [name, value] of splitPairs(expanded, this.#escape)) {
          config.env = [...config.env.filter((each) => !each.startsWith(`${name}=`)), `${name}=${value}`]
          remember(`ENV ${name}=${value}`)
        }
        return
      }
      case 'LABEL':
        for (const [name, value] of splitPairs(expanded, this.#escape)) config.labels = { ...config.labels, [name]: value }
        remember(`LABEL ${splitPairs(expanded, this.#escape).map(([name, value]) => `${name}=${value}`).join(' ')}`)
        return
      case 'MAINTAINER': remember(`MAINTAINER ${expanded}`); return
      case 'USER': config.user = expanded.trim(); remember(`USER ${config.user}`); return
      case 'EXPOSE': {
        const ports = splitWords(expanded, this.#escape).flatMap((word) => portsOf(word, instruction))
        config.exposedPorts = [...new Set([...config.exposedPorts, ...ports])].sort()
        remember(`EXPOSE [${ports.join(' ')}]`)
        return
      }
      case 'VOLUME':
        config.volumes = [...new Set([...config.volumes, ...(instruction.json?.map(expand) ?? splitWords(expanded, this.#escape))])]
        remember(`VOLUME [${(instruction.json ?? splitWords(expanded, this.#escape)).join(' ')}]`)
        return
      case 'STOPSIGNAL': {
        const signal = parseSignal(expanded.trim())
        if (!signal) throw new BuildError(`invalid signal: ${expanded.trim()}`, { instruction })
        config.stopSignal = signal
        remember(`STOPSIGNAL ${expanded.trim()}`)
        return
      }
      case 'SHELL':
        if (!instruction.json) throw new DockerfileError(instruction.line, 'SHELL requires the arguments to be in JSON form')
        config.shell = instruction.json
        remember(`SHELL ${execForm(instruction.json)}`)
        return
      case 'CMD':
        config.cmd = this.#commandOf(instruction, config)
        remember(`CMD ${execForm(config.cmd)}`)
        return
      case 'ENTRYPOINT':
        config.entrypoint = this.#commandOf(instruction, config)
        // A command of the base belongs to the base's entrypoint.
        if (!stage.instructions.slice(0, stage.instructions.indexOf(instruction)).some(({ name }) => name === 'CMD')) delete config.cmd
        remember(`ENTRYPOINT ${execForm(config.entrypoint)}`)
        return
      case 'ONBUILD': config.onBuild = [...config.onBuild ?? [], instruction.rest]; remember(`ONBUILD ${instruction.rest}`); return
      case 'HEALTHCHECK': config.healthCheck = healthCheckOf(instruction); remember(`HEALTHCHECK ${instruction.rest}`); return
      case 'WORKDIR': {
        config.workingDir = resolvePath(config.workingDir || '/', expanded.trim().replace(/^"(.*)"$/, '$1'))
        const name = title(`WORKDIR ${expanded.trim()}`)
        await this.#layer(built, name, `WORKDIR ${config.workingDir}`, `WORKDIR ${config.workingDir}`, async (files) => {
          if (!files.exists(config.workingDir)) files.mkdir(config.workingDir, { recursive: true, mode: 0o755 })
        })
        return
      }
      case 'RUN': return this.#run(instruction, built, args, stage, title(instruction.text))
      case 'COPY': case 'ADD': return this.#copy(instruction, built, expand, stage, title)
    }
  }

  #commandOf(instruction: Instruction, config: DockerConfig): string[] {
    if (instruction.json) return instruction.json
    return instruction.rest === '' ? [] : [...config.shell ?? DEFAULT_SHELL, instruction.rest]
  }

  /** A step that makes a layer, or takes it from the cache. */
  async #layer(built: BuiltStage, name: string, key: string, createdBy: string, make: (files: MemoryFileSystem, vertex: Vertex) => Promise<void>): Promise<void> {
    const { clock, layers, shelf } = this.#engine
    const below = topOf(built)
    const cacheKey = digestOfText(`${below.chainId} ${key}`)
    const vertex = await this.#progress.begin(name)
    const cached = this.#request.noCache ? undefined : this.#cache.get(cacheKey)
    let layer = cached && (shelf.layerOn(below.chainId, cached.layerId) ?? await layers.load(cached.layerId, cached.sizeBytes, below))
    if (layer) {
      await vertex.cached()
      built.createdMs = cached!.createdMs
    } else {
      const files = createOverlay(below.files, clock)
      try {
        await make(files, vertex)
      } catch (error) {
        if (error instanceof BuildError) await vertex.failed(error.message)
        throw error
      }
      layer = await layers.seal(files, below)
      built.createdMs = clock.nowMs()
      this.#cache.set(cacheKey, { layerId: layer.id, sizeBytes: layer.sizeBytes, createdMs: built.createdMs })
      await vertex.done()
    }
    shelf.keepLayer(layer)
    built.layers.push(layer)
    built.history.push({ createdMs: built.createdMs, createdBy: `${createdBy} # buildkit`, comment: 'buildkit.dockerfile.v0', sizeBytes: layer.sizeBytes, empty: false })
  }

  async #run(instruction: Instruction, built: BuiltStage, args: Readonly<Record<string, string>>, stage: Stage, name: string): Promise<void> {
    const { config } = built
    const heredocs = instruction.heredocs
    const isScript = heredocs.length > 0 && /^<<-?["']?\w+["']?$/.test(instruction.rest.trim())
    const line = isScript ? heredocs[0]!.content : [instruction.rest, ...heredocs.map((each) => `${each.content}${each.name}`)].join('\n')
    const argv = instruction.json ?? (isScript && line.startsWith('#!') ? ['/bin/sh', '-c', line] : [...config.shell ?? DEFAULT_SHELL, line])
    const env = { ...Object.fromEntries(PROXY_ARGS.flatMap((each) => this.#request.buildArgs[each] === undefined ? [] : [[each, this.#request.buildArgs[each]!]])), ...args, ...envRecord(config.env) }
    const mounts = instruction.flags.filter(([flag]) => flag === 'mount').map(([, value]) => value)
    const key = `RUN ${JSON.stringify({ argv, env, user: config.user, cwd: config.workingDir, mounts })}`
    const given = Object.entries(args).map(([each, value]) => `${each}=${value}`)
    const createdBy = `RUN ${given.length > 0 ? `|${given.length} ${given.join(' ')} ` : ''}${argv.join(' ')}`
    await this.#layer(built, name, key, createdBy, async (files, vertex) => {
      const shown = argv.join(' ')
      const code = await this.#process(files, built, { argv, env, mounts: await Promise.all(mounts.map((mount) => this.#mount(mount, built, stage, instruction))), output: vertex.output }).catch((error: unknown) => {
        if (!(error instanceof RuntimeError)) throw error
        return vertex.output.write(`runc run failed: ${error.message.replace(/^.*?runc create failed: /, '').replace('error during container init: ', '')}\n`).then(() => 127)
      })
      await vertex.output.write('')
      if (code !== 0) throw new BuildError(`process "${shown}" did not complete successfully: exit code: ${code}`, { instruction, vertexName: name, output: vertex.tail })
      for (const path of RUNTIME_FILES) if (!topOf(built).files.exists(path)) files.remove(path, { recursive: true, force: true })
    })
  }

  /** Runs a program in a container of the stage. @throws RuntimeError when it can't be started */
  async #process(files: MemoryFileSystem, { config, base, layers }: BuiltStage, options: { argv: readonly string[]; env: Record<string, string>; mounts: Mount[]; output: ByteWriter }): Promise<number> {
    const { runtime, random, disk } = this.#engine
    const uid = `build-${random.hex(8)}`
    disk.mkdir('/var/lib/docker/buildkit', { recursive: true })
    disk.writeFile('/var/lib/docker/buildkit/hosts', '127.0.0.1\tlocalhost buildkitsandbox\n::1\tlocalhost ip6-localhost ip6-loopback\n')
    disk.writeFile('/var/lib/docker/buildkit/resolv.conf', '')
    const sandbox = await runtime.runPodSandbox({ uid, namespace: 'build', name: uid, attempt: 0, hostname: 'buildkitsandbox', hostDomain: '', logDirectory: `/tmp/${uid}`, dns: { servers: [], searches: [], options: [] }, hostNetwork: false, portMappings: [], sysctls: {}, shareProcesses: false })
    // The image need not exist yet: what the runtime must know of it is in what it is told.
    const placeholder: DockerImage = { id: `sha256:${uid}`, config: { ...config, entrypoint: [], cmd: [] }, createdMs: 0, history: [], base, baseSizeBytes: 0, layers, files }
    const forget = this.#engine.images.lend(placeholder)
    try {
      const id = runtime.createContainer(sandbox.id, {
        name: uid, attempt: 0, image: placeholder.id, imageRef: placeholder.id, command: options.argv, args: [], workingDir: config.workingDir, env: options.env, stdin: false, stdinOnce: false, tty: false, logPath: '0.log', annotations: {}, root: withOwnMounts(files), resources: {},
        mounts: [...['hosts', 'resolv.conf'].map((name) => ({ containerPath: `/etc/${name}`, tree: disk, subPath: `/var/lib/docker/buildkit/${name}`, readOnly: true })), ...options.mounts],
        security: { supplementalGroups: [], mergeImageGroups: true, readOnlyRootFilesystem: false, privileged: false },
      })
      const ended = runtime.attach(id, { stdout: options.output, stderr: options.output, tty: false, signal: this.#request.signal })
      await runtime.startContainer(id)
      await ended
      this.#request.signal.throwIfAborted()
      return runtime.containerStatus(id)!.exitCode
    } finally {
      forget()
      await runtime.stopPodSandbox(sandbox.id)
      runtime.removePodSandbox(sandbox.id)
    }
  }

  /** `RUN --mount=type=...`. */
  async #mount(text: string, built: BuiltStage, stage: Stage, instruction: Instruction): Promise<Mount> {
    const options = Object.fromEntries(text.split(',').map((each) => { const at = each.indexOf('='); return at < 0 ? [each, 'true'] : [each.slice(0, at), each.slice(at + 1)] }))
    const type = options.type ?? 'bind'
    const target = resolvePath(built.config.workingDir || '/', options.target ?? options.dst ?? options.destination ?? '/')
    const empty = () => createMemoryFileSystem({ clock: this.#engine.clock })
    if (type === 'cache') {
      const id = options.id ?? target
      let kept = this.#cache.mounts.get(id)
      if (!kept) this.#cache.mounts.set(id, kept = empty())
      return { containerPath: target, tree: kept, readOnly: false }
    }
    if (type === 'tmpfs') return { containerPath: target, tree: empty(), readOnly: false, inMemory: true }
    if (type === 'bind') {
      const source = options.from === undefined ? this.#context(instruction) : await this.#source(options.from, stage, instruction)
      return { containerPath: target, tree: source.files as MountableFileSystem, subPath: joinPath(source.directory, resolvePath('/', options.source ?? options.src ?? '/').slice(1)), readOnly: options.rw === undefined && options.readwrite === undefined }
    }
    throw new BuildError(`unsupported mount type "${type}"`, { instruction })
  }

  #context(instruction: Instruction): CopySource {
    const { context } = this.#request
    if (!context) throw new BuildError(`failed to compute cache key: no build context was given`, { instruction })
    return context
  }

  async #source(from: string, stage: Stage, instruction: Instruction): Promise<CopySource> {
    const other = this.#stageByName(from, stage.index)
    if (other) return { files: topOf(this.#built.get(other)!).files, directory: '/' }
    const base = await this.#base(from, instruction)
    return { files: (base.image ?? await this.#fetched(base, (text) => text, from)).files, directory: '/' }
  }

  async #copy(instruction: Instruction, built: BuiltStage, expand: (text: string) => string, stage: Stage, title: (text: string) => string): Promise<void> {
    const { clock } = this.#engine
    const flag = (name: string) => instruction.flags.find(([each]) => each === name)?.[1]
    const shown = [instruction.name, ...instruction.flags.map(([name, value]) => `--${name}=${value}`), instruction.rest].join(' ')
    const words = instruction.json?.map(expand) ?? splitWords(expand(instruction.rest), this.#escape)
    if (words.length < 2) throw new DockerfileError(instruction.line, `${instruction.name} requires at least two arguments, but only one was provided. Destination could not be determined`)
    const last = words.pop()!
    const destination = resolvePath(built.config.workingDir || '/', last) + (/(?:\/|(?:^|\/)\.)$/.test(last) && last !== '/' ? '/' : '')
    const from = flag('from') === undefined ? undefined : expand(flag('from')!)
    const source = from === undefined ? undefined : await this.#source(from, stage, instruction)
    const written = createMemoryFileSystem({ clock })
    const local: string[] = []
    for (const word of words) {
      const heredoc = /^<<-?/.test(word) ? instruction.heredocs.find(({ name }) => name === word.replace(/^<<-?/, '')) : undefined
      if (heredoc) written.writeFile(`/${heredoc.name}`, heredoc.expands ? expand(heredoc.content) : heredoc.content)
      else if (instruction.name === 'ADD' && /^https?:\/\//.test(word)) written.writeFile(`/${baseName(new URL(word).pathname) || 'index.html'}`, await this.#download(word, instruction), { mode: 0o600 })
      else local.push(word)
    }
    const top = topOf(built).files
    const madeHere = written.readdir('/')
    if (local.length > 0 && !source && !this.#contextShown) await this.#showContext(instruction)
    const name = title(shown)
    const plans: { from: CopySource; plan: ReturnType<typeof planCopy> }[] = []
    try {
      if (local.length > 0) { const context = source ?? this.#context(instruction); plans.push({ from: context, plan: planCopy(context, local, destination, top) }) }
      if (madeHere.length > 0) { const context = { files: written, directory: '/' }; plans.push({ from: context, plan: planCopy(context, madeHere, destination, top) }) }
    } catch (error) {
      if (!(error instanceof NotFoundInContext)) throw error
      const why = `failed to calculate checksum of ref ${digestOfText(name).slice(7, 32)}::${digestOfText(error.message).slice(7, 32)}: ${error.message}`
      const vertex = await this.#progress.begin(name)
      await vertex.failed(why)
      throw new BuildError(`failed to compute cache key: ${why}`, { instruction, vertexName: name })
    }
    const owner = flag('chown') === undefined ? undefined : this.#owner(expand(flag('chown')!), top, instruction)
    const mode = flag('chmod') === undefined ? undefined : parseInt(expand(flag('chmod')!), 8)
    if (mode !== undefined && Number.isNaN(mode)) throw new BuildError(`invalid chmod parameter: '${flag('chmod')}'. it should be octal string and between 0 and 07777`, { instruction })
    const digests = await Promise.all(plans.map(({ from: each, plan }) => digestOfCopy(each, plan, clock)))
    const key = `${instruction.name} ${destination} ${JSON.stringify({ digests, owner, mode, into: plans.map(({ plan }) => [plan.intoDirectory, plan.paths.length]) })}`
    await this.#layer(built, name, key, shown, async (files) => {
      for (const { from: each, plan } of plans) await carryOutCopy(each, plan, files, { clock, unpacks: instruction.name === 'ADD' && each !== undefined && each.files !== written, ...(owner ? { owner } : {}), ...(mode === undefined ? {} : { mode }) })
    })
  }

  async #showContext(instruction: Instruction): Promise<void> {
    this.#contextShown = true
    const vertex = await this.#progress.begin('[internal] load build context')
    await vertex.say(`transferring context: ${humanSize(await contextSize(this.#context(instruction), this.#engine.clock))} done`)
    await vertex.done()
  }

  async #download(url: string, instruction: Instruction): Promise<Uint8Array> {
    try {
      const response = await this.#net.fetch(httpRequest(url))
      if (response.ok) return new Uint8Array(await this.#engine.clock.outside(response.arrayBuffer()))
      throw new Error(`invalid response status ${response.status}`)
    } catch (error) {
      const { hostname, port, protocol } = new URL(url)
      throw new BuildError(`failed to load cache key: ${error instanceof UnixError ? `Get ${JSON.stringify(url)}: ${goNetError(error, hostname, Number(port) || (protocol === 'https:' ? 443 : 80))}` : (error as Error).message}`, { instruction })
    }
  }

  #owner(text: string, files: MountableFileSystem, instruction: Instruction): { uid: number; gid: number } {
    const [user = '', group] = text.split(':')
    const lookUp = (file: string, name: string, column: number, what: string): number | undefined => {
      const line = files.exists(file) ? files.readText(file).split('\n').find((each) => each.split(':')[column === 3 ? 2 : 0] === name) : undefined
      if (line) return Number(line.split(':')[column])
      if (column === 3) return undefined
      throw new BuildError(`unable to convert uid/gid chown string to host mapping: can't find ${what} for ${what} ${name}: no such ${what}: ${name}`, { instruction })
    }
    const uid = /^\d+$/.test(user) ? Number(user) : lookUp('/etc/passwd', user, 2, 'uid')!
    const gid = group === undefined ? uid : /^\d+$/.test(group) ? Number(group) : lookUp('/etc/group', group, 2, 'gid')!
    return { uid, gid: group === undefined ? (/^\d+$/.test(user) ? uid : lookUp('/etc/passwd', String(uid), 3, 'gid') ?? uid) : gid }
  }
}

function triggersOf({ onBuild = [] }: DockerConfig, from: Instruction): Instruction[] {
  return onBuild.map((text) => parseInstruction(text, from.line))
}

function copyOf(stage: BuiltStage): BuiltStage {
  return { ...stage, config: { ...stage.config }, history: [...stage.history], layers: [...stage.layers] }
}

function fromImage(image: DockerImage): BuiltStage {
  return { config: { ...image.config, env: image.config.env.some((each) => each.startsWith('PATH=')) ? image.config.env : [DEFAULT_PATH, ...image.config.env] }, history: [...image.history], base: image.base, baseSizeBytes: image.baseSizeBytes, layers: [...image.layers], files: image.files, createdMs: image.createdMs }
}

/** `8080`, `8080/udp`, `8000-8002`. */
function portsOf(word: string, instruction: Instruction): string[] {
  const [, first, last, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? []
  if (first === undefined || Number(first) > 65_535) throw new BuildError(`failed to parse instruction: invalid containerPort: ${word.replace(/\/.*$/, '')}`, { instruction })
  return Array.from({ length: Number(last ?? first) - Number(first) + 1 }, (_, i) => `${Number(first) + i}/${protocol.toLowerCase()}`)
}

function healthCheckOf(instruction: Instruction): HealthCheck {
  const flag = (name: string, otherwise: string) => {
    const text = instruction.flags.find(([each]) => each === name)?.[1] ?? otherwise
    const ms = durationMs(text)
    if (ms === undefined) throw new BuildError(`failed to parse instruction: time: invalid duration "${text}"`, { instruction })
    return ms
  }
  const [, type] = /^(\S+)/.exec(instruction.rest) ?? []
  if (type?.toUpperCase() !== 'NONE' && type?.toUpperCase() !== 'CMD') throw new DockerfileError(instruction.line, `unknown type "${type?.toUpperCase()}" in HEALTHCHECK (try CMD)`)
  const test = type.toUpperCase() === 'NONE' ? ['NONE'] : instruction.json ? ['CMD', ...instruction.json] : ['CMD-SHELL', instruction.rest.replace(/^CMD\s+/i, '')]
  return { test, intervalMs: flag('interval', '30s'), timeoutMs: flag('timeout', '30s'), startPeriodMs: flag('start-period', '0s'), retries: Number(instruction.flags.find(([each]) => each === 'retries')?.[1] ?? 3) || 3 }
}

/** Forgets what builds left behind. @returns bytes that nothing else needs */
export function pruneBuildCache(engine: DockerEngine, cache: BuildCache): number {
  const used = new Set(engine.images.list().flatMap((image) => image.layers.map(({ id }) => id)))
  const unused = new Map(cache.list().filter(([, { layerId }]) => !used.has(layerId)).map(([, { layerId, sizeBytes }]) => [layerId, sizeBytes]))
  cache.clear()
  collectLayers(engine, cache)
  return [...unused.values()].reduce((sum, bytes) => sum + bytes, 0)
}

/** Takes layers off the disk that neither an image nor the cache needs. */
export function collectLayers(engine: DockerEngine, cache: BuildCache): void {
  engine.layers.collect(new Set([...engine.images.list().flatMap((image) => image.layers.map(({ id }) => id)), ...cache.list().map(([, { layerId }]) => layerId)]))
}
