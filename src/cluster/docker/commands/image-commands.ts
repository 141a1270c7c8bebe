import { readAll } from '../../../base/streams.ts'
import { rfc3339 } from '../../../base/clock.ts'
import { joinPath } from '../../../unix/path.ts'
import { parseImageReference } from '../../runtime/image-reference.ts'
import type { ImageReference } from '../../runtime/image-reference.ts'
import type { DockerEngine } from '../docker-engine.ts'
import { DockerError } from '../docker-error.ts'
import { layerDigests, sizeOnDisk } from '../docker-image.ts'
import type { DockerImage } from '../docker-image.ts'
import { DockerfileError } from '../dockerfile.ts'
import { humanDuration } from '../durations.ts'
import { BuildError, buildImage, collectLayers } from '../image-builder.ts'
import { familiarName, referenceOf } from '../image-table.ts'
import { IgnoreFile, patternSource } from '../ignore-file.ts'
import { humanSize } from '../units.ts'
import { forEach } from './command.ts'
import type { CommandContext, DockerCommand } from './command.ts'
import { credentialsFor } from './credentials.ts'
import { FlagError } from './flags.ts'
import { ellipsis, printRows } from './table.ts'

/** The first characters of an id, as tables show it. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}

/** Pulls with what `docker pull` prints. */
export async function pullImage({ engine, proc }: CommandContext, reference: ImageReference, say: (text: string) => Promise<void>): Promise<DockerImage> {
  return engine.transfer.pull(reference, credentialsFor(proc, reference.domain), (line) => say(`${line}\n`))
}

export const build: DockerCommand = {
  refused: ['add-host', 'network'], usage: 'docker buildx build [OPTIONS] PATH | URL | -', help: 'Start a build', errorCode: 1,
  flags: [
    ['add-host', '', 'list', 'Add a custom host-to-IP mapping (format: "host:ip")'], ['build-arg', '', 'list', 'Set build-time variables'], ['cache-from', '', 'list', 'External cache sources'], ['file', 'f', 'string', 'Name of the Dockerfile (default: "PATH/Dockerfile")'], ['force-rm', '', 'bool', 'Always remove intermediate containers'],
    ['iidfile', '', 'string', 'Write the image ID to a file'], ['label', '', 'list', 'Set metadata for an image'], ['load', '', 'bool', 'Shorthand for "--output=type=docker"'], ['network', '', 'string', 'Set the networking mode for the "RUN" instructions during build'], ['no-cache', '', 'bool', 'Do not use cache when building the image'],
    ['platform', '', 'list', 'Set target platform for build'], ['progress', '', 'string', 'Set type of progress output ("auto", "none", "plain", "quiet", "rawjson", "tty")'], ['pull', '', 'bool', 'Always attempt to pull all referenced images'], ['push', '', 'bool', 'Shorthand for "--output=type=registry"'], ['quiet', 'q', 'bool', 'Suppress the build output and print image ID on success'],
    ['rm', '', 'bool', 'Remove intermediate containers after a successful build'], ['tag', 't', 'list', 'Image identifier (format: "[registry/]repository[:tag]")'], ['target', '', 'string', 'Set the target build stage to build'],
  ],
  async run(context) {
    const { engine, cache, proc, flags, args, out, err } = context
    const fail = async (message: string) => { await err(`ERROR: failed to build: ${message}\n`); return 1 }
    if (args.length !== 1) {
      await err(`ERROR: docker: 'docker buildx build' requires 1 argument\n\nUsage:  docker buildx build [OPTIONS] PATH | URL | -\n\nRun 'docker buildx build --help' for more information\n`)
      return 1
    }
    const tags: ImageReference[] = []
    for (const tag of flags.all('tag')) {
      try {
        tags.push(parseImageReference(tag))
      } catch (error) {
        return fail(`invalid tag "${tag}": ${(error as Error).message.includes('must be lowercase') ? 'repository name must be lowercase' : 'invalid reference format'}`)
      }
    }
    const quiet = flags.is('quiet') || flags.get('progress') === 'quiet'
    const source = args[0]!
    if (/^(?:https?|git):\/\/|^git@|^github\.com\//.test(source)) return fail(`unable to prepare context: unable to download remote context: ${source}`)
    const fromStdin = source === '-'
    const directory = proc.resolve(fromStdin ? '.' : source)
    if (!fromStdin && !proc.fs.exists(directory)) return fail(`unable to prepare context: path "${source}" not found`)
    if (!fromStdin && proc.fs.stat(directory).type !== 'directory') return fail(`unable to prepare context: context must be a directory: ${directory}`)
    const file = flags.get('file') === undefined ? joinPath(directory, 'Dockerfile') : proc.resolve(flags.get('file')!)
    const name = flags.get('file') ?? 'Dockerfile'
    let dockerfile: string
    if (fromStdin || flags.get('file') === '-') dockerfile = new TextDecoder().decode(await readAll(proc.stdin))
    else if (!proc.fs.exists(file)) {
      await err(`#0 building with "default" instance using docker driver\n\n#1 [internal] load build definition from ${name}\n#1 transferring dockerfile: 2B done\n#1 DONE 0.0s\n`)
      return fail(`failed to solve: failed to read dockerfile: open ${name}: no such file or directory`)
    } else dockerfile = proc.fs.readText(file)
    const ignoreFile = [`${file}.dockerignore`, joinPath(directory, '.dockerignore')].find((each) => proc.fs.exists(each))
    const ignore = !fromStdin && ignoreFile ? new IgnoreFile(proc.fs.readText(ignoreFile)) : undefined
    try {
      const image = await buildImage(engine, cache, proc.net, {
        dockerfile, dockerfileName: name, ...(fromStdin ? {} : { context: { files: proc.fs, directory, ...(ignore ? { ignores: (path: string) => ignore.ignores(path), hasExceptions: ignore.hasExceptions } : {}) } }), ...(ignore ? { ignoreBytes: proc.fs.stat(ignoreFile!).sizeBytes } : {}),
        tags, buildArgs: pairs(flags.all('build-arg'), proc.env), labels: pairs(flags.all('label'), {}), ...(flags.get('target') === undefined ? {} : { target: flags.get('target')! }), noCache: flags.is('no-cache'), pull: flags.is('pull'),
        credentialsFor: (domain) => credentialsFor(proc, domain), signal: proc.killed, write: quiet ? async () => {} : err,
      })
      const iidFile = flags.get('iidfile')
      if (iidFile !== undefined) proc.fs.writeFile(proc.resolve(iidFile), image.id)
      if (flags.is('push')) for (const tag of tags) await engine.transfer.push(tag, credentialsFor(proc, tag.domain), (line) => quiet ? Promise.resolve() : err(`${line}\n`))
      if (quiet) await out(`${image.id}\n`)
      return 0
    } catch (error) {
      if (error instanceof BuildError) {
        if (!quiet && error.vertexName && error.output.length > 0) await err(`------\n > ${error.vertexName}:\n${error.output.map((line) => `${line}\n`).join('')}------\n`)
        else if (!quiet && error.vertexName) await err(`------\n > ${error.vertexName}:\n------\n`)
        if (error.instruction) await err(excerpt(dockerfile, name, error.instruction.line, error.instruction.endLine))
        return fail(`failed to solve: ${error.message}`)
      }
      if (error instanceof DockerfileError) { await err(excerpt(dockerfile, name, error.line, error.line)); return fail(`failed to solve: ${error.message}`) }
      if (error instanceof DockerError) return fail(error.message)
      throw error
    }
  },
}

/** `NAME=value`; a name alone has the environment's value. */
function pairs(texts: readonly string[], env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(texts.flatMap((text) => { const at = text.indexOf('='); return at >= 0 ? [[text.slice(0, at), text.slice(at + 1)]] : env[text] === undefined ? [] : [[text, env[text]!]] }))
}

/** The lines of a Dockerfile around those that failed. */
function excerpt(source: string, name: string, line: number, endLine: number): string {
  const lines = source.split(/\r?\n/)
  const from = Math.max(1, line - 2)
  const to = Math.min(lines.length, endLine + 2)
  const shown = lines.slice(from - 1, to).map((text, i) => `${String(from + i).padStart(4)} | ${from + i >= line && from + i <= endLine ? '>>>' : '   '} ${text}\n`)
  return `${name}:${line}\n--------------------\n${shown.join('')}--------------------\n`
}

const imageColumns = [['Repository', 'REPOSITORY'], ['Tag', 'TAG'], ['ID', 'IMAGE ID'], ['CreatedSince', 'CREATED'], ['Size', 'SIZE']] as const

export const images: DockerCommand = {
  usage: 'docker images [OPTIONS] [REPOSITORY[:TAG]]', help: 'List images', max: 1,
  flags: [['all', 'a', 'bool', 'Show all images (default hides intermediate images)'], ['digests', '', 'bool', 'Show digests'], ['filter', 'f', 'list', 'Filter output based on conditions provided'], ['format', '', 'string', 'Format output using a custom template'], ['no-trunc', '', 'bool', "Don't truncate output"], ['quiet', 'q', 'bool', 'Only show image IDs'], ['tree', '', 'bool', 'List multi-platform images as a tree (EXPERIMENTAL)']],
  async run(context) {
    const { engine, flags, args } = context
    const nowMs = engine.clock.nowMs()
    const rows = engine.images.list().filter((image) => matchesFilters(engine, image, flags.all('filter'))).flatMap((image) => {
      const names = engine.images.namesOf(image.id).map(familiarName).filter((name) => args[0] === undefined || matchesName(name, args[0]))
      const row = (repository: string, tag: string) => ({
        Repository: repository, Tag: tag, ID: flags.is('no-trunc') ? image.id : shortId(image.id), CreatedSince: `${humanDuration(nowMs - image.createdMs)} ago`, CreatedAt: goTime(image.createdMs), Size: humanSize(sizeOnDisk(image)),
        Digest: engine.images.digestsOf(image.id).find((each) => familiarName(each).startsWith(`${repository}@`))?.split('@')[1] ?? '<none>', Containers: String(engine.usersOf(image.id).length), SharedSize: 'N/A', UniqueSize: 'N/A', VirtualSize: humanSize(sizeOnDisk(image)),
      })
      // What has no name any more may still be known by where it was pulled from or pushed to.
      if (engine.images.namesOf(image.id).length === 0) {
        const repositories = [...new Set(engine.images.digestsOf(image.id).map((each) => familiarName(each).split('@')[0]!))]
        return (repositories.length > 0 ? repositories : ['<none>']).filter((name) => args[0] === undefined || matchesName(name, args[0])).map((name) => row(name, '<none>'))
      }
      return names.map((name) => { const colon = name.lastIndexOf(':'); return row(name.slice(0, colon), name.slice(colon + 1)) })
    })
    const columns = flags.is('digests') ? [imageColumns[0], imageColumns[1], ['Digest', 'DIGEST'] as const, ...imageColumns.slice(2)] : imageColumns
    const shown = flags.is('quiet') ? rows.filter((row, i) => rows.findIndex((each) => each.ID === row.ID) === i) : rows
    await printRows(context, shown, columns, { ...(flags.is('quiet') ? { quiet: 'ID' } : {}), headings: [['CreatedAt', 'CREATED AT'], ['Digest', 'DIGEST'], ['Containers', 'CONTAINERS']] })
    return 0
  },
}

function matchesName(name: string, pattern: string): boolean {
  const regex = new RegExp(`^${patternSource(familiarName(pattern))}$`)
  return regex.test(name) || regex.test(name.replace(/:[^:/]*$/, ''))
}

function matchesFilters(engine: DockerEngine, image: DockerImage, filters: readonly string[]): boolean {
  const byKey = new Map<string, string[]>()
  for (const filter of filters) {
    const at = filter.indexOf('=')
    if (at < 0) throw new FlagError(`invalid argument "${filter}" for "-f, --filter" flag: invalid filter format (expected "<key>=<value>")`)
    byKey.set(filter.slice(0, at), [...byKey.get(filter.slice(0, at)) ?? [], filter.slice(at + 1)])
  }
  return [...byKey].every(([key, values]) => values.some((value) => {
    const names = engine.images.namesOf(image.id)
    if (key === 'dangling') return (names.length === 0) === /^(?:true|1)$/.test(value)
    if (key === 'reference') return names.some((name) => matchesName(familiarName(name), value))
    if (key === 'label') { const [label, wanted] = value.split('='); return label! in image.config.labels && (wanted === undefined || image.config.labels[label!] === wanted) }
    if (key === 'before' || key === 'since') { const other = engine.images.need(value); return key === 'before' ? image.createdMs < other.createdMs : image.createdMs > other.createdMs }
    throw new DockerError(`invalid filter '${key}'`)
  }))
}

/** As Go prints a time. */
export function goTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`
}

export const pull: DockerCommand = {
  refused: ['all-tags'], usage: 'docker pull [OPTIONS] NAME[:TAG|@DIGEST]', help: 'Download an image from a registry', min: 1, max: 1,
  flags: [['all-tags', 'a', 'bool', 'Download all tagged images in the repository'], ['platform', '', 'string', 'Set platform if server is multi-platform capable'], ['quiet', 'q', 'bool', 'Suppress verbose output']],
  async run(context) {
    const { flags, args, out } = context
    const reference = referenceOf(args[0]!)
    const quiet = flags.is('quiet')
    if (!quiet && reference.requested !== args[0]) await out(`Using default tag: ${reference.tag}\n`)
    await pullImage(context, reference, quiet ? async () => {} : out)
    await out(`${reference.fullName}\n`)
    return 0
  },
}

export const push: DockerCommand = {
  usage: 'docker push [OPTIONS] NAME[:TAG]', help: 'Upload an image to a registry', min: 1, max: 1,
  flags: [['all-tags', 'a', 'bool', 'Push all tags of an image to the repository'], ['platform', '', 'string', 'Push a platform-specific manifest'], ['quiet', 'q', 'bool', 'Suppress verbose output']],
  async run({ engine, proc, flags, args, out, err }) {
    const reference = referenceOf(args[0]!)
    const quiet = flags.is('quiet')
    if (!quiet && reference.requested !== args[0] && !flags.is('all-tags')) await out(`Using default tag: ${reference.tag}\n`)
    const all = flags.is('all-tags') ? engine.images.list().flatMap(({ id }) => engine.images.namesOf(id)).filter((name) => name.startsWith(`${reference.repository}:`)).map(referenceOf) : [reference]
    try {
      for (const each of all) await engine.transfer.push(each, credentialsFor(proc, each.domain), quiet ? async () => {} : (line) => out(`${line}\n`))
    } catch (error) {
      // What a registry says comes as it is.
      if (!(error instanceof DockerError) || error.message.startsWith('Get ')) throw error
      await err(`${error.message}\n`)
      return 1
    }
    if (quiet) await out(`${reference.fullName}\n`)
    return 0
  },
}

export const tag: DockerCommand = {
  usage: 'docker tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]', help: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE', min: 2, max: 2, flags: [],
  async run({ engine, args }) {
    const image = engine.images.need(args[0]!)
    let target: ImageReference
    try {
      target = referenceOf(args[1]!)
    } catch (error) {
      throw new DockerError(`error parsing reference: "${args[1]}" is not a valid repository/tag: ${(error as Error).message}`)
    }
    if (target.digest) throw new DockerError('refusing to create a tag with a digest reference')
    engine.images.tag(target.fullName, image.id)
    return 0
  },
}

export const rmi: DockerCommand = {
  usage: 'docker rmi [OPTIONS] IMAGE [IMAGE...]', help: 'Remove one or more images', min: 1,
  flags: [['force', 'f', 'bool', 'Force removal of the image'], ['no-prune', '', 'bool', 'Do not delete untagged parents']],
  async run(context) {
    const status = await forEach(context, async (name) => removeImage(context.engine, name, context.flags.is('force')).join('\n'))
    collectLayers(context.engine, context.cache)
    return status
  },
}

/** @returns what was done, line by line @throws DockerError */
export function removeImage(engine: DockerEngine, name: string, force: boolean): string[] {
  const { images: table } = engine
  const image = table.need(name)
  const names = table.namesOf(image.id)
  const users = engine.usersOf(image.id)
  const running = users.find(({ status }) => status === 'running' || status === 'paused' || status === 'restarting')
  const named = table.nameMeant(name)
  const lines: string[] = []
  const remove = () => {
    for (const each of table.namesOf(image.id)) lines.push(`Untagged: ${familiarName(each)}`)
    for (const each of table.digestsOf(image.id)) lines.push(`Untagged: ${familiarName(each)}`)
    table.remove(image.id)
    lines.push(`Deleted: ${image.id}`)
    for (const { id } of [...image.layers].reverse()) {
      if (engine.images.list().some((other) => other.layers.some((layer) => layer.id === id))) break
      lines.push(`Deleted: ${id}`)
    }
  }
  if (named) {
    if (names.length > 1) {
      table.untag(named)
      return [`Untagged: ${familiarName(named)}`]
    }
    if (users.length > 0 && !force) throw new DockerError(`conflict: unable to remove repository reference "${name}" (must force) - container ${shortId((running ?? users[0]!).id)} is using its referenced image ${shortId(image.id)}`, 'conflict')
    if (users.length > 0) { table.untag(named); return [`Untagged: ${familiarName(named)}`] }
    remove()
    return lines
  }
  if (running) throw new DockerError(`conflict: unable to delete ${shortId(image.id)} (cannot be forced) - image is being used by running container ${shortId(running.id)}`, 'conflict')
  const repositories = new Set(names.map((each) => each.replace(/:[^/:]*$/, '')))
  if (repositories.size > 1 && !force) throw new DockerError(`conflict: unable to delete ${shortId(image.id)} (must be forced) - image is referenced in multiple repositories`, 'conflict')
  if (users.length > 0 && !force) throw new DockerError(`conflict: unable to delete ${shortId(image.id)} (must be forced) - image is being used by stopped container ${shortId(users[0]!.id)}`, 'conflict')
  remove()
  return lines
}

export const history: DockerCommand = {
  usage: 'docker history [OPTIONS] IMAGE', help: 'Show the history of an image', min: 1, max: 1,
  flags: [['format', '', 'string', 'Format output using a custom template'], ['human', 'H', 'bool', 'Print sizes and dates in human readable format'], ['no-trunc', '', 'bool', "Don't truncate output"], ['quiet', 'q', 'bool', 'Only show image IDs']],
  async run(context) {
    const { engine, flags, args } = context
    const image = engine.images.need(args[0]!)
    const whole = flags.is('no-trunc')
    const human = flags.get('human') === undefined || flags.is('human')
    const rows = [...image.history].reverse().map((entry, i) => ({
      ID: i > 0 ? '<missing>' : whole ? image.id : shortId(image.id), CreatedSince: human ? `${humanDuration(engine.clock.nowMs() - entry.createdMs)} ago` : rfc3339(entry.createdMs), CreatedAt: rfc3339(entry.createdMs), CreatedBy: whole ? entry.createdBy.replaceAll('\t', ' ') : ellipsis(entry.createdBy.replaceAll('\t', ' ').replaceAll('\n', ' '), 45),
      Size: human ? humanSize(entry.sizeBytes) : String(entry.sizeBytes), Comment: entry.comment,
    }))
    await printRows(context, rows, [['ID', 'IMAGE'], ['CreatedSince', 'CREATED'], ['CreatedBy', 'CREATED BY'], ['Size', 'SIZE'], ['Comment', 'COMMENT']], flags.is('quiet') ? { quiet: 'ID' } : {})
    return 0
  },
}

export const prune: DockerCommand = {
  refused: ['filter'], usage: 'docker image prune [OPTIONS]', help: 'Remove unused images', max: 0,
  flags: [['all', 'a', 'bool', 'Remove all unused images, not just dangling ones'], ['filter', '', 'list', 'Provide filter values (e.g. "until=<timestamp>")'], ['force', 'f', 'bool', 'Do not prompt for confirmation']],
  async run(context) {
    const { engine, flags, out } = context
    const all = flags.is('all')
    if (!flags.is('force') && !await confirm(context, `WARNING! This will remove all ${all ? 'images without at least one container associated to them' : 'dangling images'}.\n`)) return 0
    const { lines, bytes } = pruneImages(engine, all)
    await out(`${lines.length > 0 ? `Deleted Images:\n${lines.map((line) => `${line}\n`).join('')}\n` : ''}Total reclaimed space: ${humanSize(bytes)}\n`)
    return 0
  },
}

/** Removes images that no container uses and that have no name, or all that no container uses. */
export function pruneImages(engine: DockerEngine, all: boolean): { lines: string[]; bytes: number } {
  const lines: string[] = []
  let bytes = 0
  for (const image of engine.images.list()) {
    if (engine.usersOf(image.id).length > 0 || (!all && engine.images.namesOf(image.id).length > 0)) continue
    const shared = new Set(engine.images.list().filter((other) => other !== image).flatMap(layerDigests))
    bytes += image.layers.reduce((sum, layer) => sum + (shared.has(layer.id) ? 0 : layer.sizeBytes), 0) + (layerDigests(image).some((id) => !shared.has(id) && !image.layers.some((layer) => layer.id === id)) ? image.baseSizeBytes : 0)
    lines.push(...removeImage(engine, image.id, true).map((line) => line.replace(/^Untagged/, 'untagged').replace(/^Deleted/, 'deleted')))
  }
  return { lines, bytes }
}

/** Asks; a script that gives no answer says no. */
export async function confirm({ proc, out }: CommandContext, warning: string): Promise<boolean> {
  await out(`${warning}Are you sure you want to continue? [y/N] `)
  const answer = await proc.stdin.read()
  return answer !== null && /^y(?:es)?$/i.test(new TextDecoder().decode(answer).trim())
}

/** `docker inspect` of an image. */
export function imageObject(engine: DockerEngine, image: DockerImage) {
  const { config } = image
  return {
    Id: image.id, RepoTags: engine.images.namesOf(image.id).map(familiarName), RepoDigests: engine.images.digestsOf(image.id).map(familiarName), Parent: '', Comment: 'buildkit.dockerfile.v0', Created: new Date(image.createdMs).toISOString(),
    DockerVersion: '', Author: '', Config: imageConfigObject(config), Architecture: 'amd64', Os: 'linux', Size: sizeOnDisk(image), GraphDriver: { Data: null, Name: 'overlayfs' },
    RootFS: { Type: 'layers', Layers: layerDigests(image) }, Metadata: { LastTagTime: new Date(image.createdMs).toISOString() },
  }
}

/** The configuration as inspect shows it for images and containers. */
export function imageConfigObject(config: DockerImage['config']) {
  return {
    User: config.user, ExposedPorts: config.exposedPorts.length > 0 ? Object.fromEntries(config.exposedPorts.map((port) => [port, {}])) : null, Env: [...config.env], Cmd: config.cmd ?? null, Volumes: config.volumes.length > 0 ? Object.fromEntries(config.volumes.map((volume) => [volume, {}])) : null,
    WorkingDir: config.workingDir, Entrypoint: config.entrypoint ?? null, OnBuild: config.onBuild ?? null, Labels: Object.keys(config.labels).length > 0 ? config.labels : null, ...(config.stopSignal ? { StopSignal: config.stopSignal } : {}), ...(config.shell ? { Shell: config.shell } : {}),
    ...(config.healthCheck ? { Healthcheck: { Test: config.healthCheck.test, Interval: config.healthCheck.intervalMs * 1e6, Timeout: config.healthCheck.timeoutMs * 1e6, StartPeriod: config.healthCheck.startPeriodMs * 1e6, Retries: config.healthCheck.retries } } : {}),
  }
}
