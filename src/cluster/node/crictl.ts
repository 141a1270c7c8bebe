import type { Proc, Program } from '../../unix/types.ts'
import { terminalSizes } from '../../unix/terminal-sizes.ts'
import { UsageError, parseOptions, utilityProgram } from '../../unix/utilities/utility.ts'
import type { UtilityContext } from '../../unix/utilities/utility.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { RuntimeError } from '../runtime/cri.ts'
import type { ContainerStatus, ImageSummary, PodSandbox } from '../runtime/cri.ts'

const STATES = { created: 'CONTAINER_CREATED', running: 'CONTAINER_RUNNING', exited: 'CONTAINER_EXITED', unknown: 'CONTAINER_UNKNOWN' } as const

/** `crictl`: the container runtime of a node, asked directly. */
// @k8s part: crictl: containers and pods can't be created by hand, and events and checkpoints are missing
export function crictl(runtime: ContainerRuntime): Program {
  return utilityProgram(async (context) => {
    let args = [...context.args]
    while (args[0]?.startsWith('-') && args[0] !== '-h' && args[0] !== '--help' && args[0] !== '-v' && args[0] !== '--version') args = /^(?:-r|-i|-c|-t|--runtime-endpoint|--image-endpoint|--config|--timeout)$/.test(args[0]) ? args.slice(2) : args.slice(1)
    const [command, ...rest] = args
    const tool = new Crictl(context, runtime)
    try {
      switch (command) {
        case 'ps': return await tool.ps(rest)
        case 'pods': case 'sandboxes': return await tool.pods(rest)
        case 'images': case 'image': case 'img': return await tool.images(rest)
        case 'logs': return await tool.logs(rest)
        case 'exec': return await tool.exec(rest)
        case 'inspect': return await tool.inspect(rest, 'container')
        case 'inspectp': return await tool.inspect(rest, 'pod')
        case 'inspecti': return await tool.inspect(rest, 'image')
        case 'stop': return await tool.stop(rest)
        case 'rm': return await tool.rm(rest)
        case 'stopp': return await tool.stopPods(rest)
        case 'pull': return await tool.pull(rest)
        case 'rmi': return await tool.rmi(rest)
        case 'stats': return await tool.stats()
        case 'version': await context.out(`Version:  0.1.0\nRuntimeName:  ${runtime.name}\nRuntimeVersion:  v${runtime.version}\nRuntimeApiVersion:  v1\n`); return 0
        case 'info': await context.out(`${JSON.stringify({ status: { conditions: [{ type: 'RuntimeReady', status: true, reason: '', message: '' }, { type: 'NetworkReady', status: true, reason: '', message: '' }] } }, undefined, 2)}\n`); return 0
        case '-v': case '--version': await context.out('crictl version v1.36.0\n'); return 0
        case undefined: case 'help': case '-h': case '--help':
          await context.out('NAME:\n   crictl - client for CRI\n\nUSAGE:\n   crictl [global options] command [command options] [arguments...]\n\nCOMMANDS:\n   exec      Run a command in a running container\n   images    List images\n   info      Display information of the container runtime\n   inspect   Display the status of one or more containers\n   inspecti  Return the status of one or more images\n   inspectp  Display the status of one or more pods\n   logs      Fetch the logs of a container\n   pods      List pods\n   ps        List containers\n   pull      Pull an image from a registry\n   rm        Remove one or more containers\n   rmi       Remove one or more images\n   stats     List container(s) resource usage statistics\n   stop      Stop one or more running containers\n   stopp     Stop one or more running pods\n   version   Display runtime version information\n')
          return 0
        default: await context.err(`No help topic for '${command}'\n`); return 3
      }
    } catch (error) {
      if (error instanceof RuntimeError) throw error
      if (!(error instanceof Fatal)) throw error
      await context.err(`FATA[0000] ${error.message} \n`)
      return 1
    }
  }, 'gnu', 'crictl')
}

class Fatal extends Error {}

class Crictl {
  readonly #context: UtilityContext
  readonly #runtime: ContainerRuntime

  constructor(context: UtilityContext, runtime: ContainerRuntime) {
    this.#context = context
    this.#runtime = runtime
  }

  get #proc(): Proc {
    return this.#context.proc
  }

  #sandbox(container: ContainerStatus): PodSandbox | undefined {
    return this.#runtime.listPodSandboxes().find((sandbox) => sandbox.id === container.sandboxId)
  }

  #container(prefix: string | undefined): ContainerStatus {
    if (prefix === undefined) throw new Fatal('ID cannot be empty')
    const found = this.#runtime.listContainers().filter(({ id }) => id.startsWith(prefix))
    if (found.length !== 1) throw new Fatal(found.length === 0 ? `rpc error: code = NotFound desc = an error occurred when try to find container "${prefix}": not found` : `rpc error: code = NotFound desc = an error occurred when try to find container "${prefix}": multiple IDs found with provided prefix: ${prefix}`)
    return found[0]!
  }

  #ago(ms: number): string {
    const seconds = Math.max(0, Math.floor((this.#proc.clock.nowMs() - ms) / 1000))
    const unit = (count: number, name: string) => `${count} ${name}${count === 1 ? '' : 's'} ago`
    if (seconds < 1) return 'Less than a second ago'
    if (seconds < 60) return unit(seconds, 'second')
    const minutes = Math.floor(seconds / 60)
    if (minutes === 1) return 'About a minute ago'
    if (minutes < 60) return unit(minutes, 'minute')
    const hours = Math.round(minutes / 60)
    if (hours === 1) return 'About an hour ago'
    if (hours < 48) return unit(hours, 'hour')
    return unit(Math.floor(hours / 24), 'day')
  }

  #imageId(name: string): string {
    return this.#runtime.images.imageStatus(name)?.id ?? name
  }

  async #table(rows: string[][]): Promise<void> {
    const widths = rows[0]!.map((_, i) => Math.max(20, ...rows.map((row) => row[i]!.length + 3)))
    for (const row of rows) await this.#context.out(`${row.map((cell, i) => i === row.length - 1 ? cell : cell.padEnd(widths[i]!)).join('').trimEnd()}\n`)
  }

  async #print(object: unknown, output: string | undefined): Promise<number> {
    if (output === 'yaml') {
      const { stringify } = await this.#proc.clock.outside(import('yaml'))
      await this.#context.out(stringify(object))
    } else await this.#context.out(`${JSON.stringify(object, undefined, 2)}\n`)
    return 0
  }

  #containerObject(c: ContainerStatus) {
    const sandbox = this.#sandbox(c)
    return {
      id: c.id, podSandboxId: c.sandboxId, metadata: { name: c.name, attempt: c.attempt }, image: { image: this.#imageId(c.image), annotations: {}, userSpecifiedImage: c.image }, imageRef: this.#imageId(c.image), state: STATES[c.state], createdAt: String(Math.round(c.createdMs * 1e6)),
      labels: { 'io.kubernetes.container.name': c.name, 'io.kubernetes.pod.name': sandbox?.config.name ?? '', 'io.kubernetes.pod.namespace': sandbox?.config.namespace ?? '', 'io.kubernetes.pod.uid': c.podUid }, annotations: c.annotations,
    }
  }

  #sandboxObject(s: PodSandbox) {
    return { id: s.id, metadata: { name: s.config.name, uid: s.config.uid, namespace: s.config.namespace, attempt: s.config.attempt }, state: s.state === 'ready' ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY', createdAt: String(Math.round(s.createdMs * 1e6)), labels: { 'io.kubernetes.pod.name': s.config.name, 'io.kubernetes.pod.namespace': s.config.namespace, 'io.kubernetes.pod.uid': s.config.uid }, annotations: {}, runtimeHandler: '' }
  }

  async ps(args: readonly string[]): Promise<number> {
    const options = parseOptions(args, 'aqo:p:s:ln:', { all: 'a', quiet: 'q', 'output=': 'o', 'name=': 'N', 'pod=': 'p', 'state=': 's', 'image=': 'I', latest: 'l', 'last=': 'n', 'no-trunc': 'T', 'label=': 'L', 'namespace=': 'S' })
    const name = options.value('N')
    let shown = this.#runtime.listContainers().filter((c) => (options.has('a') || options.has('l') || options.has('s') || c.state === 'running')
      && (name === undefined || new RegExp(name).test(c.name)) && (options.value('p') === undefined || c.sandboxId.startsWith(options.value('p')!)) && (options.value('s') === undefined || c.state === options.value('s')!.toLowerCase()) && (options.value('S') === undefined || this.#sandbox(c)?.config.namespace === options.value('S'))
      && (options.value('I') === undefined || c.image.includes(options.value('I')!)) && options.all.filter(([key]) => key === 'L').every(([, value]) => { const [label, wanted] = String(value).split('='); return (this.#containerObject(c).labels as Record<string, string>)[label!] === wanted }))
    shown = [...shown].sort((a, b) => b.createdMs - a.createdMs)
    if (options.has('l')) shown = shown.slice(0, 1)
    if (options.has('q')) { for (const { id } of shown) await this.#context.out(`${id}\n`); return 0 }
    if (options.has('o') && options.value('o') !== 'table') return this.#print({ containers: shown.map((c) => this.#containerObject(c)) }, options.value('o'))
    const cut = (id: string) => options.has('T') ? id : id.replace(/^sha256:/, '').slice(0, 13)
    await this.#table([['CONTAINER', 'IMAGE', 'CREATED', 'STATE', 'NAME', 'ATTEMPT', 'POD ID', 'POD', 'NAMESPACE'], ...shown.map((c) => {
      const sandbox = this.#sandbox(c)
      return [cut(c.id), cut(this.#imageId(c.image)), this.#ago(c.createdMs), c.state[0]!.toUpperCase() + c.state.slice(1), c.name, String(c.attempt), cut(c.sandboxId), sandbox?.config.name ?? '', sandbox?.config.namespace ?? '']
    })])
    return 0
  }

  async pods(args: readonly string[]): Promise<number> {
    const options = parseOptions(args, 'qo:s:l', { quiet: 'q', 'output=': 'o', 'name=': 'N', 'namespace=': 'S', 'state=': 's', 'no-trunc': 'T', 'id=': 'I', 'label=': 'L', latest: 'l' })
    const shown = this.#runtime.listPodSandboxes().filter((s) => (options.value('N') === undefined || new RegExp(options.value('N')!).test(s.config.name)) && (options.value('S') === undefined || s.config.namespace === options.value('S')) && (options.value('s') === undefined || s.state === options.value('s')!.toLowerCase()) && (options.value('I') === undefined || s.id.startsWith(options.value('I')!)))
      .sort((a, b) => b.createdMs - a.createdMs)
    if (options.has('q')) { for (const { id } of shown) await this.#context.out(`${id}\n`); return 0 }
    if (options.has('o') && options.value('o') !== 'table') return this.#print({ items: shown.map((s) => this.#sandboxObject(s)) }, options.value('o'))
    await this.#table([['POD ID', 'CREATED', 'STATE', 'NAME', 'NAMESPACE', 'ATTEMPT', 'RUNTIME'], ...shown.map((s) => [options.has('T') ? s.id : s.id.slice(0, 13), this.#ago(s.createdMs), s.state === 'ready' ? 'Ready' : 'NotReady', s.config.name, s.config.namespace, String(s.config.attempt), '(default)'])])
    return 0
  }

  async images(args: readonly string[]): Promise<number> {
    const options = parseOptions(args, 'qo:v', { quiet: 'q', 'output=': 'o', digests: 'D', 'no-trunc': 'T', verbose: 'v' })
    const wanted = options.operands[0]
    const images = this.#runtime.images.listImages().filter((image) => wanted === undefined || image.names.some((name) => name.includes(wanted)))
    if (options.has('q')) { for (const { id } of images) await this.#context.out(`${id}\n`); return 0 }
    if (options.has('o') && options.value('o') !== 'table') return this.#print({ images: images.map(imageObject) }, options.value('o'))
    const rows: string[][] = []
    for (const image of images) {
      const digest = image.names.find((name) => name.includes('@'))?.split('@')[1] ?? ''
      const tags = image.names.filter((name) => !name.includes('@'))
      for (const tag of tags.length > 0 ? tags : ['<none>:<none>']) {
        const at = tag.lastIndexOf(':')
        rows.push([tag.slice(0, at), tag.slice(at + 1), ...(options.has('D') ? [digest.slice(0, 20)] : []), options.has('T') ? image.id : image.id.replace(/^sha256:/, '').slice(0, 13), sizeText(image.sizeBytes)])
      }
    }
    await this.#table([['IMAGE', 'TAG', ...(options.has('D') ? ['DIGEST'] : []), 'IMAGE ID', 'SIZE'], ...rows.sort((a, b) => a[0]! < b[0]! ? -1 : 1)])
    return 0
  }

  async logs(args: readonly string[]): Promise<number> {
    const options = parseOptions(args, 'ftp', { follow: 'f', 'tail=': 'n', timestamps: 't', 'since=': 's', previous: 'p', 'limit-bytes=': 'b' })
    const container = this.#container(options.operands[0])
    const log = this.#runtime.containerLog(container.id)
    if (!log) return 0
    const lines = options.value('n')
    const reader = log.read({ follow: options.has('f'), timestamps: options.has('t'), ...(lines === undefined ? {} : { tailLines: Number(lines) }) })
    for (let chunk = await reader.read(); chunk; chunk = await reader.read()) await this.#context.out(chunk)
    return 0
  }

  async exec(args: readonly string[]): Promise<number> {
    const options = parseOptions(args, 'itsr:', { interactive: 'i', tty: 't', sync: 's', 'timeout=': 'T' }, { stopAtOperand: true })
    const [id, ...argv] = options.operands
    const container = this.#container(id)
    if (argv.length === 0) throw new UsageError('command must be specified')
    const { tty } = this.#proc
    const asTerminal = options.has('t') && tty !== undefined && this.#proc.isTty(0)
    const wasRaw = tty?.raw ?? false
    const sizes = terminalSizes(this.#proc)
    if (asTerminal) tty.setRaw(true)
    const stdin = options.has('i') ? { read: () => this.#proc.stdin.read(), cancel() {} } : undefined
    try {
      const status = await this.#runtime.exec(container.id, argv, { ...(stdin ? { stdin } : {}), stdout: this.#proc.stdout, stderr: this.#proc.stderr, tty: asTerminal, ...(asTerminal ? { resizes: sizes.all } : {}), signal: this.#proc.killed })
      if (status.code !== 0) await this.#context.err(`FATA[0000] execing command in container: command terminated with exit code ${status.code} \n`)
      return status.code === 0 ? 0 : 1
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      throw new Fatal(`execing command in container: rpc error: code = ${error.code} desc = ${error.message}`)
    } finally {
      sizes.stop()
      if (asTerminal) tty.setRaw(wasRaw)
    }
  }

  async inspect(args: readonly string[], kind: 'container' | 'pod' | 'image'): Promise<number> {
    const options = parseOptions(args, 'o:q', { 'output=': 'o', quiet: 'q', 'template=': 'T' })
    if (options.operands.length === 0) throw new Fatal('ID cannot be empty')
    for (const id of options.operands) {
      if (kind === 'image') {
        const image = this.#image(id)
        await this.#print({ status: imageObject(image) }, options.value('o'))
      } else if (kind === 'pod') {
        const sandbox = this.#runtime.listPodSandboxes().find((each) => each.id.startsWith(id))
        if (!sandbox) throw new Fatal(`rpc error: code = NotFound desc = an error occurred when try to find sandbox "${id}": not found`)
        await this.#print({ status: { ...this.#sandboxObject(sandbox), network: { ip: sandbox.ips[0] ?? '', additionalIps: sandbox.ips.slice(1).map((ip) => ({ ip })) } } }, options.value('o'))
      } else {
        const c = this.#container(id)
        const iso = (ms: number) => ms > 0 ? new Date(ms).toISOString() : '0001-01-01T00:00:00Z'
        await this.#print({
          status: {
            ...this.#containerObject(c), createdAt: iso(c.createdMs), startedAt: iso(c.startedMs), finishedAt: iso(c.finishedMs), exitCode: c.exitCode, reason: c.reason, message: c.message, logPath: `${this.#sandbox(c)?.config.logDirectory ?? ''}/${c.name}/${c.attempt}.log`,
            resources: { linux: { ...(c.resources.memoryBytes ? { memoryLimitInBytes: String(c.resources.memoryBytes) } : {}), ...(c.resources.cpuMillis ? { cpuPeriod: '100000', cpuQuota: String(c.resources.cpuMillis * 100) } : {}) } }, user: { linux: { uid: String(c.user.uid), gid: String(c.user.gid), supplementalGroups: c.user.supplementalGroups.map(String) } },
          },
        }, options.value('o'))
      }
    }
    return 0
  }

  #image(name: string): ImageSummary {
    const image = this.#runtime.images.imageStatus(name) ?? this.#runtime.images.listImages().find((each) => each.id.replace(/^sha256:/, '').startsWith(name.replace(/^sha256:/, '')))
    if (!image) throw new Fatal(`no such image "${name}" present`)
    return image
  }

  async stop(args: readonly string[]): Promise<number> {
    const options = parseOptions(args, 't:', { 'timeout=': 't' })
    for (const id of options.operands) { await this.#runtime.stopContainer(this.#container(id).id, Number(options.value('t') ?? 0)); await this.#context.out(`${id}\n`) }
    return 0
  }

  async rm(args: readonly string[]): Promise<number> {
    const options = parseOptions(args, 'fa', { force: 'f', all: 'a' })
    for (const id of options.operands) {
      const container = this.#container(id)
      if (container.state === 'running') {
        if (!options.has('f')) throw new Fatal(`container "${id}" is running, please stop it first`)
        await this.#runtime.stopContainer(container.id, 0)
      }
      this.#runtime.removeContainer(container.id)
      await this.#context.out(`${id}\n`)
    }
    return 0
  }

  async stopPods(args: readonly string[]): Promise<number> {
    for (const id of args.filter((arg) => !arg.startsWith('-'))) {
      const sandbox = this.#runtime.listPodSandboxes().find((each) => each.id.startsWith(id))
      if (!sandbox) throw new Fatal(`stopping the pod sandbox "${id}": rpc error: code = NotFound desc = an error occurred when try to find sandbox "${id}": not found`)
      await this.#runtime.stopPodSandbox(sandbox.id)
      await this.#context.out(`Stopped sandbox ${id}\n`)
    }
    return 0
  }

  async pull(args: readonly string[]): Promise<number> {
    const name = args.find((arg) => !arg.startsWith('-'))
    if (name === undefined) throw new Fatal('image name cannot be empty')
    try {
      const { imageRef } = await this.#runtime.images.pullImage(name)
      await this.#context.out(`Image is up to date for ${imageRef}\n`)
      return 0
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      throw new Fatal(`pulling image: rpc error: code = ${error.code} desc = ${error.message}`)
    }
  }

  async rmi(args: readonly string[]): Promise<number> {
    for (const name of args.filter((arg) => !arg.startsWith('-'))) {
      const image = this.#image(name)
      this.#runtime.images.removeImage(image.id)
      for (const tag of image.names.filter((each) => !each.includes('@'))) await this.#context.out(`Deleted: ${tag}\n`)
    }
    return 0
  }

  async stats(): Promise<number> {
    const running = this.#runtime.listContainers().filter((c) => c.state === 'running')
    const before = new Map(running.map((c) => [c.id, this.#runtime.stats(c.id)?.cpuNanoseconds ?? 0]))
    await this.#proc.sleep(1_000)
    await this.#table([['CONTAINER', 'NAME', 'CPU %', 'MEM', 'DISK', 'INODES'], ...running.flatMap((c) => {
      const stats = this.#runtime.stats(c.id)
      return stats ? [[c.id.slice(0, 13), c.name, ((stats.cpuNanoseconds - before.get(c.id)!) / 1e7).toFixed(2), sizeText(stats.memoryBytes), sizeText(stats.rootfsBytes), '-']] : []
    })])
    return 0
  }
}

function imageObject(image: ImageSummary) {
  return { id: image.id, repoTags: image.names.filter((name) => !name.includes('@')), repoDigests: image.names.filter((name) => name.includes('@')), size: String(image.sizeBytes), uid: image.uid === undefined ? null : { value: String(image.uid) }, username: image.userName ?? '', spec: null, pinned: false }
}

/** Decimal units with three digits. k8s: docker/go-units HumanSizeWithPrecision */
function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1 }
  return `${Number(value.toPrecision(3))}${units[unit]}`
}
