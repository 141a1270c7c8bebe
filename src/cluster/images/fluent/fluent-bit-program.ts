import { errorText } from '../../../unix/errno.ts'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { datedIndex, sendBulk } from './elasticsearch-sender.ts'
import { httpRequest } from '../../../base/http.ts'
import { fieldOf, parseCri } from './event.ts'
import type { LogEvent } from './event.ts'
import { fluentdPositions, tailFiles } from './file-tail.ts'
import { parseClassic, parseYaml } from './fluent-bit-config.ts'
import type { BitSection } from './fluent-bit-config.ts'
import { ConfigError } from './fluentd-config.ts'
import { PodMetadata, parseLogFileName } from './pod-metadata.ts'

const MEMORY_BYTES = 18 * 2 ** 20

/** Fluent Bit of one version. */
// @k8s part: Fluent Bit: in tail and dummy; parsers json, regex, cri and docker; filters kubernetes, grep, modify, record_modifier and nest; out stdout, null, http, es, forward (between the agents here) and file; the db of positions is a text file; of the service Flush, Parsers_File, HTTP_Server and Health_Check are followed; other properties of these plugins are taken and change nothing
export function fluentBit(version: string): Program {
  return async (proc) => {
    const log = (level: 'info' | 'warn' | 'error', text: string) => { void proc.stderr.write(`[${formatDate('%Y/%m/%d %H:%M:%S', proc.clock.nowMs())}] [${level === 'error' ? 'error' : ` ${level}`}] ${text}\n`) }
    const at = proc.argv.findIndex((arg) => arg === '-c' || arg === '--config')
    const path = at >= 0 ? proc.argv[at + 1]! : proc.fs.exists('/fluent-bit/etc/fluent-bit.yaml') ? '/fluent-bit/etc/fluent-bit.yaml' : '/fluent-bit/etc/fluent-bit.conf'
    await proc.stderr.write(`Fluent Bit v${version}\n* Copyright (C) 2015-2024 The Fluent Bit Authors\n* Fluent Bit is a CNCF sub-project under the umbrella of Fluentd\n* https://fluentbit.io\n\n`)
    let pipeline: Pipeline
    let sections: BitSection[]
    try {
      const directory = path.slice(0, path.lastIndexOf('/'))
      const read = (name: string) => proc.fs.readText(name.startsWith('/') ? name : `${directory}/${name}`)
      const text = read(path)
      const env = { ...proc.env, HOSTNAME: proc.machine.hostname }
      sections = /\.ya?ml$/.test(path) ? parseYaml(text, env) : parseClassic(text, env, read)
      for (const [key, file] of sections.filter(({ kind }) => kind === 'service').flatMap(({ properties }) => properties)) if (key === 'parsers_file') sections.push(...(/\.ya?ml$/.test(file) ? parseYaml(read(file), env) : parseClassic(read(file), env, read)))
      log('info', `[fluent bit] version=${version}, pid=${proc.pid}`)
      pipeline = new Pipeline(proc, sections, log)
    } catch (error) {
      if (error instanceof UnixError) log('error', `[config] could not open configuration file ${error.path ?? path}: ${errorText(error)}`)
      else if (error instanceof ConfigError) { log('error', `[config] ${error.message}`); log('error', 'configuration file contains errors, aborting.') } else throw error
      return 1
    }
    proc.useMemory(MEMORY_BYTES)
    try { serveHealth(proc, version, sections, log) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      log('error', `[http_server] could not listen: ${errorText(error)}`)
    }
    pipeline.start()
    await proc.signal('SIGTERM', 'SIGINT')
    log('warn', '[engine] service will shutdown in max 5 seconds')
    await pipeline.flush()
    log('info', '[engine] service has stopped (0 pending tasks)')
    return 0
  }
}

/** The HTTP server that probes ask, where HTTP_Server is on: who it is, and its health where Health_Check is on. */
function serveHealth(proc: Proc, version: string, sections: readonly BitSection[], log: (level: 'info', text: string) => void): void {
  const service = new Map(sections.filter(({ kind }) => kind === 'service').flatMap(({ properties }) => properties))
  if (!isOn(service.get('http_server'))) return
  const port = Number(service.get('http_port') ?? 2020)
  const beginMs = proc.clock.nowMs()
  proc.net.listenHttp(port, (request) => {
    const json = (body: unknown) => new Response(`${JSON.stringify(body)}\n`, { headers: { 'content-type': 'application/json' } })
    const seconds = Math.floor((proc.clock.nowMs() - beginMs) / 1000)
    switch (new URL(request.url).pathname) {
      case '/': return Promise.resolve(json({ 'fluent-bit': { version, edition: 'Community', flags: [] } }))
      case '/api/v1/uptime': return Promise.resolve(json({ uptime_sec: seconds }))
      case '/api/v1/health': if (isOn(service.get('health_check'))) return Promise.resolve(new Response('ok\n'))
    }
    return Promise.resolve(new Response('', { status: 404 }))
  })
  log('info', `[http_server] listen iface=${service.get('http_listen') ?? '0.0.0.0'} tcp_port=${port}`)
}

type Properties = ReadonlyMap<string, string>
type Parser = (line: string, nowMs: number) => { timeMs: number; record: Record<string, unknown> } | undefined
interface Output { matches(tag: string): boolean; waiting: LogEvent[]; name: string; send(events: readonly LogEvent[]): Promise<void> }

class Pipeline {
  readonly #proc: Proc
  readonly #log: (level: 'info' | 'warn' | 'error', text: string) => void
  readonly #starts: (() => Promise<unknown>)[] = []
  readonly #filters: { matches(tag: string): boolean; apply(event: LogEvent): Promise<LogEvent | undefined> | LogEvent | undefined }[] = []
  readonly #outputs: Output[] = []
  readonly #parsers = new Map<string, Parser>([['cri', parseCriRecord], ['docker', parseJson]])
  #flushSeconds = 1

  constructor(proc: Proc, sections: readonly BitSection[], log: (level: 'info' | 'warn' | 'error', text: string) => void) {
    this.#proc = proc
    this.#log = log
    for (const { properties } of sections.filter(({ kind }) => kind === 'service')) this.#flushSeconds = Number(new Map(properties).get('flush') ?? 1)
    for (const { properties } of sections.filter(({ kind }) => kind === 'parser')) this.#parser(new Map(properties))
    const counts = new Map<string, number>()
    for (const { kind, properties } of sections) {
      if (kind === 'service' || kind === 'parser') continue
      const map = new Map(properties)
      const name = map.get('name')
      if (!name) throw new ConfigError(`no 'name' in section '${kind}'`)
      const number = counts.get(`${kind}/${name}`) ?? 0
      counts.set(`${kind}/${name}`, number + 1)
      if (kind === 'input') this.#input(name, map, `${name}.${number}`)
      else if (kind === 'filter') this.#filter(name, map, properties)
      else this.#output(name, map, `${name}.${number}`)
    }
  }

  start(): void {
    for (const start of this.#starts) start().catch((error: unknown) => {
      if (error instanceof ProcessKilled || this.#proc.killed.aborted) return
      this.#log('error', `[engine] an input has ended: ${error instanceof UnixError ? `${error.path ?? ''}: ${errorText(error)}` : String(error)}`)
    })
    void (async () => {
      for (;;) { await this.#proc.sleep(this.#flushSeconds * 1000); await this.flush() }
    })().catch(() => {})
  }

  async flush(): Promise<void> {
    for (const output of this.#outputs) {
      if (output.waiting.length === 0) continue
      const events = output.waiting
      output.waiting = []
      try { await output.send(events) } catch (error) {
        if (!(error instanceof Error) || error instanceof ProcessKilled) throw error
        output.waiting = [...events, ...output.waiting]
        this.#log('warn', `[engine] failed to flush chunk, retry in ${this.#flushSeconds} seconds: output=${output.name} (${error instanceof UnixError ? errorText(error) : error.message})`)
      }
    }
  }

  async #emit(event: LogEvent): Promise<void> {
    let now: LogEvent | undefined = event
    for (const { matches, apply } of this.#filters) {
      if (!matches(now.tag)) continue
      now = await apply(now)
      if (!now) return
    }
    for (const output of this.#outputs) if (output.matches(now.tag)) output.waiting.push(now)
  }

  #parser(map: Properties): void {
    const format = map.get('format')
    const timeKey = map.get('time_key')
    const timed: (record: Record<string, unknown>, nowMs: number) => { timeMs: number; record: Record<string, unknown> } = (record, nowMs) => {
      const timeMs = timeKey === undefined ? NaN : Date.parse(String(record[timeKey]).replace(/(\.\d{3})\d+/, '$1'))
      if (Number.isNaN(timeMs)) return { timeMs: nowMs, record }
      if (!isOn(map.get('time_keep'))) delete record[timeKey!]
      return { timeMs, record }
    }
    if (format === 'json') this.#parsers.set(map.get('name')!, (line, nowMs) => { const parsed = parseJson(line, nowMs); return parsed && timed(parsed.record, nowMs) })
    else if (format === 'regex') {
      let pattern: RegExp
      try { pattern = new RegExp((map.get('regex') ?? '').replace(/^\/(.*)\/$/, '$1')) } catch (error) { throw new ConfigError(`invalid regex of parser ${map.get('name')}: ${(error as Error).message}`) }
      this.#parsers.set(map.get('name')!, (line, nowMs) => { const found = pattern.exec(line); return found ? timed({ ...found.groups }, nowMs) : undefined })
    } else throw new ConfigError(`parser '${map.get('name')}': format '${format}' is not followed here`)
  }

  #input(name: string, map: Properties, own: string): void {
    const proc = this.#proc
    if (name === 'dummy') {
      this.#starts.push(async () => {
        for (;;) { await proc.sleep(1000 / Number(map.get('rate') ?? 1)); await this.#emit({ tag: map.get('tag') ?? own, timeMs: proc.clock.nowMs(), record: JSON.parse(map.get('dummy') ?? '{"message":"dummy"}') as Record<string, unknown> }) }
      })
      return
    }
    if (name !== 'tail') throw new ConfigError(`Unknown Input plugin '${name}'`)
    const path = map.get('path') ?? (() => { throw new ConfigError('[input:tail] no input \'path\' was given') })()
    const wanted = map.get('parser') ?? map.get('multiline.parser')?.split(',').map((each) => each.trim()).find((each) => each === 'cri')
    const parse = wanted === undefined ? undefined : this.#parsers.get(wanted) ?? (() => { throw new ConfigError(`[input:tail:${own}] parser '${wanted}' is not registered`) })()
    const tag = map.get('tag') ?? own
    const db = map.get('db')
    this.#starts.push(() => tailFiles(proc, {
      paths: path.split(',').map((each) => each.trim()), excludes: (map.get('exclude_path') ?? '').split(',').map((each) => each.trim()).filter(Boolean), fromHead: isOn(map.get('read_from_head')), positions: db ? fluentdPositions(proc, db) : undefined,
      onFile: (file) => this.#log('info', `[input:tail:${own}] inotify_fs_add(): name=${file}`),
      onLines: async (file, lines) => {
        for (const line of lines) {
          const parsed = parse?.(line, proc.clock.nowMs()) ?? { timeMs: proc.clock.nowMs(), record: { [map.get('key') ?? 'log']: line } }
          if (map.has('path_key')) parsed.record[map.get('path_key')!] = file
          await this.#emit({ tag: tag.includes('*') ? tag.replace('*', file.slice(1).replaceAll('/', '.')) : tag, ...parsed })
        }
      },
    }))
  }

  #filter(name: string, map: Properties, properties: readonly [string, string][]): void {
    const matches = matcherOf(map)
    const words = (key: string) => properties.filter(([each]) => each === key).map(([, value]) => { const [, field = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(value) ?? []; return { field: field.replace(/^\$/, '').replace(/\['([^']+)'\]/g, '.$1'), rest } })
    switch (name) {
      case 'grep': {
        const rules = (key: string) => words(key).map(({ field, rest }) => { try { return { field, pattern: new RegExp(rest.replace(/^\/(.*)\/$/, '$1')) } } catch (error) { throw new ConfigError(`[filter:grep] ${(error as Error).message}`) } })
        const [keep, drop] = [rules('regex'), rules('exclude')]
        const fits = (event: LogEvent, { field, pattern }: { field: string; pattern: RegExp }) => { const value = fieldOf(event.record, field); return value !== undefined && pattern.test(String(value)) }
        this.#filters.push({ matches, apply: (event) => keep.every((rule) => fits(event, rule)) && !drop.some((rule) => fits(event, rule)) ? event : undefined })
        return
      }
      case 'modify': case 'record_modifier': {
        const known = ['add', 'set', 'remove', 'rename', 'copy', 'hard_rename', 'record', 'remove_key', 'name', 'match']
        for (const [key] of properties) if (!known.includes(key)) throw new ConfigError(`[filter:${name}] '${key}' is not followed here`)
        this.#filters.push({ matches, apply: (event) => {
          const record = { ...event.record }
          for (const [key, value] of properties) {
            const [, field = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(value) ?? []
            if (key === 'set' || key === 'record' || key === 'add' && !(field in record)) record[field] = rest
            else if (key === 'remove' || key === 'remove_key') delete record[value]
            else if ((key === 'rename' || key === 'hard_rename' || key === 'copy') && field in record && (key === 'hard_rename' || !(rest in record))) { record[rest] = record[field]; if (key !== 'copy') delete record[field] }
          }
          return { ...event, record }
        } })
        return
      }
      case 'kubernetes': this.#filters.push({ matches, apply: this.#kubernetes(map) }); return
      case 'nest': {
        if (map.get('operation')?.toLowerCase() !== 'lift') throw new ConfigError("[filter:nest] only 'Operation lift' is followed here")
        const [under, prefix] = [map.get('nested_under') ?? '', map.get('add_prefix') ?? '']
        this.#filters.push({ matches, apply: (event) => {
          const { [under]: inner, ...rest } = event.record
          return typeof inner === 'object' && inner !== null ? { ...event, record: { ...rest, ...Object.fromEntries(Object.entries(inner).map(([key, value]) => [`${prefix}${key}`, value])) } } : event
        } })
        return
      }
      case 'lua': throw new ConfigError('[filter:lua] Lua is not run here')
      default: throw new ConfigError(`Unknown Filter plugin '${name}'`)
    }
  }

  #kubernetes(map: Properties): (event: LogEvent) => Promise<LogEvent | undefined> {
    const metadata = new PodMetadata(this.#proc, 'Fluent-Bit')
    return async (event) => {
      const name = parseLogFileName(event.tag)
      if (!name) return event
      const pod = await metadata.pod(name)
      // What pods ask of the agent by annotations, where it is allowed to listen to them.
      const wish = (what: 'exclude' | 'parser') => isOn(map.get(`k8s-logging.${what}`)) ? pod?.metadata.annotations?.[`fluentbit.io/${what}-${name.container}`] ?? pod?.metadata.annotations?.[`fluentbit.io/${what}`] : undefined
      if (wish('exclude') === 'true') return undefined
      const status = [...pod?.status?.containerStatuses ?? [], ...pod?.status?.initContainerStatuses ?? []].find((each) => each.name === name.container)
      const about = (key: string, value: Record<string, string> | undefined) => isOn(map.get(key) ?? 'on') && value && Object.keys(value).length > 0 ? { [key]: value } : {}
      const kubernetes = {
        pod_name: name.pod, namespace_name: name.namespace, ...(pod ? { pod_id: pod.metadata.uid, ...about('labels', pod.metadata.labels), ...about('annotations', pod.metadata.annotations), host: pod.spec.nodeName, pod_ip: pod.status?.podIP } : {}),
        container_name: name.container, docker_id: name.id, ...(status ? { container_hash: status.imageID, container_image: status.image } : {}),
      }
      const text = event.record.log ?? event.record.message
      const suggested = this.#parsers.get(wish('parser') ?? '')
      let merged: Record<string, unknown> = typeof text === 'string' && suggested?.(text, event.timeMs)?.record || {}
      if (isOn(map.get('merge_log')) && typeof text === 'string' && text.trim().startsWith('{')) {
        try { const parsed = JSON.parse(text) as Record<string, unknown>; merged = map.has('merge_log_key') ? { [map.get('merge_log_key')!]: parsed } : parsed } catch { /* it stays as it is */ }
      }
      const record: Record<string, unknown> = { ...event.record, ...merged, kubernetes }
      if (Object.keys(merged).length > 0 && map.has('keep_log') && !isOn(map.get('keep_log'))) delete record.log
      return { ...event, record }
    }
  }

  #output(name: string, map: Properties, own: string): void {
    const proc = this.#proc
    const [host, port] = [map.get('host') ?? '127.0.0.1', Number(map.get('port') ?? ({ es: 9200, http: 80, forward: 24_224 } as Record<string, number>)[name] ?? 0)]
    const add = (send: Output['send']) => { this.#outputs.push({ matches: matcherOf(map), waiting: [], name: own, send }); this.#log('info', `[output:${name}:${own}] worker #0 started`) }
    switch (name) {
      case 'null': add(async () => {}); return
      case 'stdout': {
        const isJson = map.get('format') === 'json_lines'
        add(async (events) => { await proc.stdout.write(events.map(({ tag, timeMs, record }, i) => isJson ? `${JSON.stringify({ date: timeMs / 1000, ...record })}\n` : `[${i}] ${tag}: [[${(timeMs / 1000).toFixed(9)}, {}], ${rubyText(record)}]\n`).join('')) })
        return
      }
      case 'file': add(async (events) => {
        const directory = map.get('path') ?? '.'
        for (const { tag, timeMs, record } of events) {
          proc.fs.mkdir(proc.resolve(directory), { recursive: true })
          proc.fs.writeFile(proc.resolve(`${directory}/${map.get('file') ?? tag}`), `${tag}: [${(timeMs / 1000).toFixed(9)}, ${JSON.stringify(record)}]\n`, { append: true })
        }
      }); return
      case 'http': add(async (events) => {
        const format = map.get('format') ?? 'msgpack'
        if (!['json', 'json_lines', 'json_stream'].includes(format)) throw new Error(`format ${format} can't be sent here; say json`)
        const records = events.map(({ timeMs, record }) => ({ date: timeMs / 1000, ...record }))
        const response = await proc.net.fetch(httpRequest(`${isOn(map.get('tls')) ? 'https' : 'http'}://${host}:${port}${map.get('uri') ?? '/'}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: format === 'json' ? JSON.stringify(records) : records.map((record) => JSON.stringify(record)).join('\n') }), { insecure: map.has('tls.verify') && !isOn(map.get('tls.verify')) })
        if (response.status >= 300) throw new Error(`HTTP status=${response.status}`)
      }); return
      case 'forward': add(async (events) => {
        const socket = await proc.net.connectTcp(host, port, { timeoutMs: 5_000 })
        await socket.writer.write(events.map(({ tag, timeMs, record }) => `${JSON.stringify([tag, timeMs, record])}\n`).join(''))
        socket.writer.close()
      }); return
      case 'es': add((events) => sendBulk(proc, { host, port, scheme: isOn(map.get('tls')) ? 'https' : 'http', user: map.get('http_user'), password: map.get('http_passwd') }, events.map(({ timeMs, record }) => ({
        index: isOn(map.get('logstash_format')) ? datedIndex(map.get('logstash_prefix') ?? 'logstash', timeMs) : map.get('index') ?? 'fluent-bit',
        record: { [map.get('time_key') ?? '@timestamp']: new Date(Math.floor(timeMs)).toISOString(), ...(isOn(map.get('replace_dots')) ? withoutDots(record) as Record<string, unknown> : record) },
      })))); return
      default: throw new ConfigError(`Unknown Output plugin '${name}'`)
    }
  }
}

const isOn = (text: string | undefined) => /^(?:on|true|yes)$/i.test(text ?? '')

/** `Match` with `*` for anything, or `Match_Regex`. */
function matcherOf(map: Properties): (tag: string) => boolean {
  const expression = new RegExp(map.get('match_regex') ?? `^${(map.get('match') ?? '*').replace(/[.+^$()|[\]{}\\?]/g, '\\$&').replaceAll('*', '.*')}$`)
  return (tag) => expression.test(tag)
}

function parseJson(line: string, nowMs: number): { timeMs: number; record: Record<string, unknown> } | undefined {
  try { const record = JSON.parse(line) as unknown; return typeof record === 'object' && record !== null && !Array.isArray(record) ? { timeMs: nowMs, record: record as Record<string, unknown> } : undefined } catch { return undefined }
}

function parseCriRecord(line: string): { timeMs: number; record: Record<string, unknown> } | undefined {
  const parsed = parseCri(line)
  return parsed && { timeMs: parsed.timeMs, record: { time: line.split(' ', 1)[0], stream: parsed.stream, _p: parsed.logtag, log: parsed.message } }
}

/** A record as the stdout plugin shows it. */
function rubyText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(rubyText).join(', ')}]`
  if (typeof value === 'object' && value !== null) return `{${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}=>${rubyText(each)}`).join(', ')}}`
  return value === null ? 'nil' : JSON.stringify(value)
}

function withoutDots(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key.replaceAll('.', '_'), withoutDots(each)])) : value
}
