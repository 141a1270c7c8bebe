import type { Proc, TcpSocket } from '../../../unix/types.ts'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import { errorText } from '../../../unix/errno.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { createPipe, readLines } from '../../../base/streams.ts'
import { datedIndex, sendBulk } from './elasticsearch-sender.ts'
import { fieldOf, matchesTag, parseCri } from './event.ts'
import type { LogEvent } from './event.ts'
import { fluentdPositions, tailFiles } from './file-tail.ts'
import { ConfigError, secondsOf } from './fluentd-config.ts'
import type { Section } from './fluentd-config.ts'
import { PodMetadata, parseLogFileName } from './pod-metadata.ts'

/** Writes a line of the agent's own log. */
export type Log = (level: 'info' | 'warn' | 'error', text: string) => void

type Filter = (event: LogEvent) => LogEvent | undefined | Promise<LogEvent | undefined>
type Output = (event: LogEvent) => void | Promise<void>

/** What takes events of a label, in the order of the configuration. */
interface Route { pattern: string; filter?: Filter; output?: Output }

const SOURCES = ['tail', 'forward', 'http', 'exec']
const FILTERS = ['stdout', 'grep', 'record_transformer', 'kubernetes_metadata', 'parser']
const OUTPUTS = ['stdout', 'file', 'forward', 'elasticsearch', 'copy', 'null', 'relabel']

/** How long outputs wait for more before they send. */
const FLUSH_SECONDS = 60
const RETRY_MS = 1_000
const LONGEST_RETRY_MS = 30_000

/** fluentd's events on their way: sources, filters, and the output of the first match. */
// @k8s part: fluentd: in tail, forward (JSON between fluentds here), http and exec; parsers json, regexp, cri and none; filters stdout, grep, record_transformer (without Ruby), kubernetes_metadata and parser; out stdout, file, forward, elasticsearch, copy, null and relabel; buffers are in memory only, without limits, and of their settings flush_interval and flush_mode immediate are followed; other parameters of these plugins are taken as they are and change nothing
export class FluentdEngine {
  readonly #proc: Proc
  readonly #log: Log
  readonly #labels = new Map<string, Route[]>()
  readonly #flushes: (() => Promise<void>)[] = []
  readonly #starts: (() => void | Promise<unknown>)[] = []

  constructor(proc: Proc, root: Section, log: Log) {
    this.#proc = proc
    this.#log = log
    this.#labels.set('', [])
    for (const section of root.sections) if (section.name === 'label') this.#labels.set(section.argument, [])
    for (const section of root.sections) {
      if (section.name === 'label') for (const inner of section.sections) this.#route(section.argument, inner)
      else if (section.name === 'filter' || section.name === 'match') this.#route('', section)
      else if (section.name === 'source') this.#source(section)
      else if (section.name === 'worker') throw new ConfigError('<worker> sections can\'t be followed here: there is one worker')
      else if (section.name !== 'system') throw new ConfigError(`unknown section <${section.name}>`)
    }
  }

  start(): void {
    for (const start of this.#starts) Promise.resolve(start()).catch((error: unknown) => {
      if (error instanceof ProcessKilled || this.#proc.killed.aborted) return
      // A file of positions that can't be written, for example: the source has ended.
      this.#log('error', `#0 unexpected error error_class=${error instanceof UnixError ? `Errno::${error.code} error=${JSON.stringify(`${errorText(error)} @ rb_sysopen - ${error.path ?? ''}`)}` : `StandardError error=${JSON.stringify(String(error))}`}`)
    })
  }

  /** Sends what waits in buffers. */
  async stop(): Promise<void> {
    for (const flush of this.#flushes) await flush()
  }

  async emit(event: LogEvent, label = ''): Promise<void> {
    let now: LogEvent | undefined = event
    for (const { pattern, filter, output } of this.#labels.get(label) ?? []) {
      if (!matchesTag(pattern, now.tag)) continue
      if (filter) { now = await filter(now); if (!now) return }
      else { await output!(now); return }
    }
    if (!/^fluent\./.test(event.tag)) this.#log('warn', `no patterns matched tag="${event.tag}"`)
  }

  #route(label: string, section: Section): void {
    const routes = this.#labels.get(label)!
    const type = typeOf(section, section.name === 'filter' ? 'filter' : 'output')
    const pattern = section.argument || '**'
    this.#log('info', `adding ${section.name}${label ? ` in ${label}` : ''} pattern="${pattern}" type="${type}"`)
    routes.push(section.name === 'filter' ? { pattern, filter: this.#filter(section) } : { pattern, output: this.#output(section) })
  }

  // --- sources -------------------------------------------------------------------------------------------------------------------

  #source(section: Section): void {
    const { params } = section
    const type = typeOf(section, 'input')
    if (!SOURCES.includes(type)) throw new ConfigError(`Unknown input plugin '${type}'. Run 'gem search -rd fluent-plugin' to find plugins`, 'Fluent::NotFoundPluginError')
    this.#log('info', `adding source type="${type}"`)
    const proc = this.#proc
    const label = params.get('@label') ?? ''
    if (label && !this.#labels.has(label)) throw new ConfigError(`Cannot find <label ${label}>`)
    const need = (name: string) => params.get(name) ?? (() => { throw new ConfigError(`'${name}' parameter is required`) })()
    switch (type) {
      case 'tail': {
        const [path, tag, parse] = [need('path'), need('tag'), parserOf(section)]
        const posFile = params.get('pos_file')
        this.#starts.push(() => tailFiles(proc, {
          paths: path.split(','), excludes: listOf(params.get('exclude_path') ?? ''), fromHead: params.get('read_from_head') === 'true', positions: posFile ? fluentdPositions(proc, posFile) : undefined,
          onFile: (file) => this.#log('info', `#0 following tail of ${file}`),
          onLines: async (file, lines) => {
            for (const line of lines) {
              const parsed = parse(line, proc.clock.nowMs())
              if (!parsed) { this.#log('warn', `#0 pattern not matched: ${JSON.stringify(line)}`); continue }
              const own = tag.includes('*') ? tag.replace('*', file.slice(1).replaceAll('/', '.')) : tag
              if (params.has('path_key')) parsed.record[params.get('path_key')!] = file
              await this.emit({ tag: own, ...parsed }, label)
            }
          },
        }))
        return
      }
      case 'forward': {
        const port = Number(params.get('port') ?? 24_224)
        this.#starts.push(() => {
          proc.net.listenTcp(port, (socket) => { this.#take(socket, label).catch(() => {}) })
          this.#log('info', `#0 listening port port=${port} bind="${params.get('bind') ?? '0.0.0.0'}"`)
        })
        return
      }
      case 'http': {
        const port = Number(params.get('port') ?? 9880)
        this.#starts.push(() => {
          proc.net.listenHttp(port, async (request) => {
            const url = new URL(request.url)
            const text = await request.text()
            let records: unknown
            try { records = JSON.parse(text.startsWith('json=') ? decodeURIComponent(text.slice(5)) : text) } catch { return new Response('400 Bad Request\n\'json\' or \'msgpack\' parameter is required\n', { status: 400 }) }
            for (const record of Array.isArray(records) ? records : [records]) await this.emit({ tag: url.pathname.slice(1).replaceAll('/', '.'), timeMs: url.searchParams.has('time') ? Number(url.searchParams.get('time')) * 1000 : proc.clock.nowMs(), record: record as Record<string, unknown> }, label)
            return new Response('', { headers: { 'content-type': 'text/plain' } })
          })
        })
        return
      }
      default: {
        const [command, tag, parse, everyMs] = [need('command'), need('tag'), parserOf(section, 'none'), secondsOf(params.get('run_interval'), 0) * 1000]
        this.#starts.push(async () => {
          for (;;) {
            const out = createPipe()
            const child = proc.spawn(['/bin/sh', '-c', command], { stdout: out.writer })
            void child.wait().then(() => out.writer.close())
            for await (const line of readLines(out.reader)) {
              const parsed = parse(line, proc.clock.nowMs())
              if (parsed) await this.emit({ tag, ...parsed }, label)
            }
            if (everyMs <= 0) return
            await proc.sleep(everyMs)
          }
        })
      }
    }
  }

  /** Events of another fluentd: a line of JSON for each. */
  async #take(socket: TcpSocket, label: string): Promise<void> {
    for await (const line of readLines(socket.reader)) {
      try {
        const [tag, timeMs, record] = JSON.parse(line) as [string, number, Record<string, unknown>]
        await this.emit({ tag, timeMs, record }, label)
      } catch { this.#log('warn', '#0 invalid event of forward: only fluentd and Fluent Bit of this network are understood') }
    }
  }

  // --- filters -------------------------------------------------------------------------------------------------------------------

  #filter(section: Section): Filter {
    const type = typeOf(section, 'filter')
    const { params } = section
    switch (type) {
      case 'stdout': return (event) => { this.#print(event); return event }
      case 'grep': {
        const rules = (name: string) => section.sections.filter((each) => each.name === name).map((each) => ({ key: each.params.get('key') ?? '', pattern: regexpOf(each.params.get('pattern') ?? '') }))
        const [wanted, unwanted] = [rules('regexp'), rules('exclude')]
        const text = (event: LogEvent, key: string) => { const value = fieldOf(event.record, key); return value === undefined ? '' : String(value) }
        return (event) => wanted.every(({ key, pattern }) => pattern.test(text(event, key))) && !unwanted.some(({ key, pattern }) => pattern.test(text(event, key))) ? event : undefined
      }
      case 'record_transformer': {
        if (params.get('enable_ruby') === 'true') throw new ConfigError('enable_ruby: Ruby is not run here')
        const fields = [...section.sections.find((each) => each.name === 'record')?.params ?? []]
        const remove = listOf(params.get('remove_keys') ?? '')
        return ({ tag, timeMs, record }) => {
          const parts = tag.split('.')
          const fill = (text: string) => text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
            const of = /^record\["?([^"\]]+)"?\]$/.exec(name)?.[1] ?? /^record\.dig\("([^)]*)"\)$/.exec(name)?.[1]?.replace(/",\s*"/g, '.')
            const part = /^tag_parts\[(-?\d+)\]$/.exec(name)?.[1]
            return String((of !== undefined ? fieldOf(record, of) : part !== undefined ? parts.at(Number(part)) : ({ tag, hostname: this.#proc.machine.hostname, time: formatDate('%Y-%m-%d %H:%M:%S +0000', timeMs) } as Record<string, string>)[name]) ?? '')
          })
          const base = params.get('renew_record') === 'true' ? {} : record
          const out = { ...base, ...Object.fromEntries(fields.map(([name, value]) => [name, fill(value)])) }
          for (const name of remove) delete out[name]
          return { tag, timeMs, record: out }
        }
      }
      case 'parser': {
        const key = params.get('key_name') ?? (() => { throw new ConfigError("'key_name' parameter is required") })()
        const parse = parserOf(section)
        return (event) => {
          const parsed = parse(String(fieldOf(event.record, key) ?? ''), event.timeMs)
          if (!parsed) return event
          const rest = params.get('reserve_data') === 'true' ? { ...event.record } : {}
          if (params.get('remove_key_name_field') === 'true') delete rest[key]
          return { tag: event.tag, timeMs: params.get('reserve_time') === 'true' ? event.timeMs : parsed.timeMs, record: { ...rest, ...parsed.record } }
        }
      }
      case 'kubernetes_metadata': return this.#metadata()
      default: throw new ConfigError(`Unknown filter plugin '${type}'. Run 'gem search -rd fluent-plugin' to find plugins (known here: ${FILTERS.join(', ')})`, 'Fluent::NotFoundPluginError')
    }
  }

  #metadata(): Filter {
    const metadata = new PodMetadata(this.#proc, 'fluent-plugin-kubernetes_metadata_filter')
    const master = `https://${this.#proc.env.KUBERNETES_SERVICE_HOST}:${this.#proc.env.KUBERNETES_SERVICE_PORT}/api`
    return async (event) => {
      const name = parseLogFileName(event.tag)
      if (!name) return event
      const [pod, namespace] = [await metadata.pod(name), await metadata.namespace(name.namespace)]
      const status = [...pod?.status?.containerStatuses ?? [], ...pod?.status?.initContainerStatuses ?? []].find((each) => each.name === name.container)
      const kubernetes = {
        container_name: name.container, namespace_name: name.namespace, pod_name: name.pod,
        ...(pod ? { ...(status ? { container_image: status.image, container_image_id: status.imageID } : {}), pod_id: pod.metadata.uid, pod_ip: pod.status?.podIP, host: pod.spec.nodeName, labels: pod.metadata.labels ?? {}, master_url: master } : {}),
        ...(namespace ? { namespace_id: namespace.metadata.uid, namespace_labels: namespace.metadata.labels ?? {} } : {}),
      }
      return { ...event, record: { ...event.record, docker: { container_id: name.id }, kubernetes } }
    }
  }

  // --- outputs -------------------------------------------------------------------------------------------------------------------

  #print({ tag, timeMs, record }: LogEvent): void {
    void this.#proc.stdout.write(`${formatDate('%Y-%m-%d %H:%M:%S', timeMs)}.${String(Math.floor(timeMs % 1000)).padStart(3, '0')}000000 +0000 ${tag}: ${JSON.stringify(record)}\n`)
  }

  #output(section: Section): Output {
    const type = typeOf(section, 'output')
    const { params } = section
    switch (type) {
      case 'stdout': return (event) => this.#print(event)
      case 'null': return () => {}
      case 'relabel': { const label = params.get('@label') ?? ''; if (!this.#labels.has(label)) throw new ConfigError(`Cannot find <label ${label}>`); return (event) => this.emit(event, label) }
      case 'copy': {
        const stores = section.sections.filter((each) => each.name === 'store').map((each) => this.#output(each))
        return async (event) => { for (const store of stores) await store(event) }
      }
      case 'file': {
        const path = params.get('path') ?? (() => { throw new ConfigError("'path' parameter is required") })()
        return this.#buffered(section, async (events) => {
          for (const { tag, timeMs, record } of events) {
            const day = new Date(Math.floor(timeMs)).toISOString().slice(0, 10).replaceAll('-', '')
            const file = path.includes('*') ? path.replace('*', day) : `${path.replace('${tag}', tag)}.${day}.log`
            this.#proc.fs.mkdir(file.slice(0, file.lastIndexOf('/')) || '/', { recursive: true })
            this.#proc.fs.writeFile(file, `${new Date(Math.floor(timeMs)).toISOString().slice(0, 19)}+00:00\t${tag}\t${JSON.stringify(record)}\n`, { append: true })
          }
        })
      }
      case 'forward': {
        const servers = section.sections.filter((each) => each.name === 'server').map(({ params: own }) => ({ host: own.get('host') ?? '', port: Number(own.get('port') ?? 24_224) }))
        if (servers.length === 0) throw new ConfigError("'<server>' sections are required")
        let turn = 0
        return this.#buffered(section, async (events) => {
          // They take turns, and who doesn't answer leaves it to the next one.
          const { host, port } = servers[turn++ % servers.length]!
          const socket = await this.#proc.net.connectTcp(host, port, { timeoutMs: 5_000 })
          await socket.writer.write(events.map(({ tag, timeMs, record }) => `${JSON.stringify([tag, timeMs, record])}\n`).join(''))
          socket.writer.close()
        })
      }
      case 'elasticsearch': {
        if (params.get('hosts')?.includes(',')) throw new ConfigError("'hosts': only one host can be sent to here")
        const [host, port] = (params.get('hosts') ?? `${params.get('host') || 'localhost'}:${params.get('port') || 9200}`).replace(/^https?:\/\//, '').split(':')
        const target = { host: host!, port: Number(port ?? 9200), scheme: params.get('scheme') || 'http', ...(params.get('user') ? { user: params.get('user'), password: params.get('password') } : {}) }
        const dated = params.get('logstash_format') === 'true'
        const tagKey = params.get('include_tag_key') === 'true' ? params.get('tag_key') ?? 'tag' : undefined
        return this.#buffered(section, (events) => sendBulk(this.#proc, target, events.map(({ tag, timeMs, record }) => ({
          index: dated ? datedIndex(params.get('logstash_prefix') || 'logstash', timeMs, params.get('logstash_prefix_separator') ?? '-') : params.get('index_name') || 'fluentd',
          record: { ...record, ...(dated || params.get('include_timestamp') === 'true' ? { '@timestamp': `${new Date(Math.floor(timeMs)).toISOString().slice(0, 23)}000000+00:00` } : {}), ...(tagKey === undefined ? {} : { [tagKey]: tag }) },
        }))))
      }
      default: throw new ConfigError(`Unknown output plugin '${type}'. Run 'gem search -rd fluent-plugin' to find plugins (known here: ${OUTPUTS.join(', ')})`, 'Fluent::NotFoundPluginError')
    }
  }

  /** Events wait for the flush interval, and are sent again while it fails. */
  #buffered(section: Section, send: (events: readonly LogEvent[]) => Promise<void>): Output {
    const buffer = section.sections.find((each) => each.name === 'buffer')?.params
    const seconds = buffer?.get('flush_mode') === 'immediate' ? 0.1 : secondsOf(buffer?.get('flush_interval') ?? section.params.get('flush_interval'), FLUSH_SECONDS)
    let waiting: LogEvent[] = []
    let isSending = false
    const flush = async () => {
      if (waiting.length === 0 || isSending) return
      isSending = true
      const events = waiting
      waiting = []
      try { await send(events) } catch (error) {
        waiting = [...events, ...waiting]
        throw error
      } finally { isSending = false }
    }
    this.#flushes.push(() => flush().catch(() => {}))
    this.#starts.push(async () => {
      for (let retryMs = RETRY_MS; ;) {
        await this.#proc.sleep(seconds * 1000)
        try { await flush(); retryMs = RETRY_MS } catch (error) {
          if (!(error instanceof Error)) throw error
          const text = error instanceof UnixError ? errorText(error) : error.message
          this.#log('warn', `#0 failed to flush the buffer. retry_times=0 next_retry_time=${formatDate('%Y-%m-%d %H:%M:%S +0000', this.#proc.clock.nowMs() + retryMs)} error=${JSON.stringify(text)}`)
          await this.#proc.sleep(retryMs)
          retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
        }
      }
    })
    return (event) => { waiting.push(event) }
  }
}

function typeOf({ params, name }: Section, kind: string): string {
  const type = params.get('@type')
  if (!type) throw new ConfigError(`Missing '@type' parameter on <${name}> directive (${kind})`)
  return type
}

/** `a,b` or a list of JSON. */
function listOf(text: string): string[] {
  return text.startsWith('[') ? JSON.parse(text) as string[] : text.split(',').map((each) => each.trim()).filter(Boolean)
}

/** `/.../i`, or the text itself. Ruby's named groups are JavaScript's. @throws ConfigError */
function regexpOf(text: string): RegExp {
  const [, source, flags = ''] = /^\/(.*)\/([imx]*)$/s.exec(text) ?? [undefined, text]
  try { return new RegExp(source!, flags.replace(/[mx]/g, '')) } catch (error) { throw new ConfigError(`Invalid regexp: ${(error as Error).message}`) }
}

type Parser = (line: string, nowMs: number) => { timeMs: number; record: Record<string, unknown> } | undefined

function parserOf(section: Section, otherwise?: string): Parser {
  const parse = section.sections.find((each) => each.name === 'parse')
  const type = parse?.params.get('@type') ?? section.params.get('format') ?? otherwise
  if (type === undefined) throw new ConfigError('<parse> section is required.')
  const params = parse?.params ?? section.params
  const timeKey = params.get('time_key') ?? 'time'
  /** The time that a record has, which it keeps only if told so. */
  const timed = (record: Record<string, unknown>, nowMs: number) => {
    const value = record[timeKey]
    const timeMs = value === undefined ? NaN : typeof value === 'number' ? value * 1000 : Date.parse(String(value).replace(/(\.\d{3})\d+/, '$1'))
    if (Number.isNaN(timeMs)) return { timeMs: nowMs, record }
    if (params.get('keep_time_key') !== 'true') delete record[timeKey]
    return { timeMs, record }
  }
  switch (type) {
    case 'json': return (line, nowMs) => {
      try { const record = JSON.parse(line) as unknown; return typeof record === 'object' && record !== null && !Array.isArray(record) ? timed(record as Record<string, unknown>, nowMs) : undefined } catch { return undefined }
    }
    case 'none': return (line, nowMs) => ({ timeMs: nowMs, record: { [params.get('message_key') ?? 'message']: line } })
    case 'cri': return (line) => {
      const parsed = parseCri(line)
      if (!parsed) return undefined
      const { timeMs, stream, logtag, message } = parsed
      return { timeMs, record: params.get('merge_cri_fields') === 'false' ? { message } : { stream, logtag, message, ...(params.get('keep_time_key') === 'true' ? { time: line.split(' ', 1)[0] } : {}) } }
    }
    default: {
      const expression = type === 'regexp' ? params.get('expression') : type.startsWith('/') ? type : undefined
      if (expression === undefined) throw new ConfigError(`Unknown parser plugin '${type}'. Run 'gem search -rd fluent-plugin' to find plugins`, 'Fluent::NotFoundPluginError')
      const pattern = regexpOf(expression)
      return (line, nowMs) => { const found = pattern.exec(line); return found ? timed(Object.fromEntries(Object.entries(found.groups ?? {}).filter(([, value]) => value !== undefined)), nowMs) : undefined }
    }
  }
}
