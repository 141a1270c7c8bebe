import type { Proc } from '../../../unix/types.ts'
import { ConfigError } from './config/go-yaml.ts'
import { readConfigFile } from './config/read-file.ts'
import { loadConfig } from './config/load.ts'
import { matchesGlob } from './discovery/glob.ts'
import { seriesText, Labels } from './labels.ts'
import { loadRules } from './rules/load-rules.ts'
import { HttpClient } from './scrape/http-client.ts'

/** The program `promtool`: checks of files, and queries. */
export async function promtool(proc: Proc, version: string): Promise<number> {
  const [command, sub, ...rest] = proc.argv.slice(1)
  const files = rest.filter((arg) => !arg.startsWith('-'))
  if (command === '--version') { await proc.stdout.write(`promtool, version ${version} (branch: HEAD, revision: unknown)\n`); return 0 }
  if (command === 'check' && sub === 'config') return checkConfig(proc, files, rest.includes('--syntax-only'))
  if (command === 'check' && sub === 'rules') return checkAll(files, (file) => checkRules(proc, file))
  if (command === 'check' && (sub === 'healthy' || sub === 'ready')) return checkServer(proc, sub, rest)
  if (command === 'query') return query(proc, sub ?? '', rest)
  await proc.stderr.write(`promtool: error: ${command === undefined ? 'command not specified' : `${JSON.stringify([command, sub].filter(Boolean).join(' '))} is not supported by this build`}, try --help\n`)
  return 1
}

async function checkAll(files: readonly string[], check: (file: string) => Promise<boolean>): Promise<number> {
  let ok = true
  for (const file of files) ok = await check(file) && ok
  return ok ? 0 : 1
}

const textOf = (proc: Proc, file: string): string => readConfigFile(proc, proc.resolve(file), file)

async function checkRules(proc: Proc, file: string): Promise<boolean> {
  await proc.stdout.write(`Checking ${file}\n`)
  try {
    const count = loadRules(textOf(proc, file), file).reduce((sum, { rules }) => sum + rules.length, 0)
    await proc.stdout.write(`  SUCCESS: ${count} rules found\n\n`)
    return true
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    await proc.stderr.write(`  FAILED:\n${error.message}\n\n`)
    return false
  }
}

function checkConfig(proc: Proc, files: readonly string[], syntaxOnly: boolean): Promise<number> {
  return checkAll(files, async (file) => {
    await proc.stdout.write(`Checking ${file}\n`)
    let rules: string[]
    try {
      const text = textOf(proc, file)
      let config
      try { config = loadConfig(text) } catch (error) { throw error instanceof ConfigError ? new ConfigError(`parsing YAML file ${file}: ${error.message}`) : error }
      const path = proc.resolve(file)
      const near = (name: string) => name.startsWith('/') ? name : `${path.slice(0, path.lastIndexOf('/'))}/${name}`
      rules = config.ruleFiles.flatMap((pattern) => {
        const found = matchesGlob(proc.fs, near(pattern))
        if (found.length === 0 && !/[*?[]/.test(pattern)) throw new ConfigError(`${JSON.stringify(pattern)} does not point to an existing file`)
        return found
      })
      for (const { http } of syntaxOnly ? [] : [...config.scrapeConfigs, ...config.alertmanagers]) {
        for (const name of [http.authorization?.credentialsFile, http.tls.caFile, http.tls.certFile, http.tls.keyFile]) if (name && !proc.fs.exists(near(name))) throw new ConfigError(`error checking ${name === http.authorization?.credentialsFile ? 'authorization credentials or bearer token file' : 'file'} ${JSON.stringify(near(name))}: stat ${near(name)}: no such file or directory`)
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      await proc.stderr.write(`  FAILED: ${error.message}\n\n`)
      return false
    }
    if (rules.length > 0) await proc.stdout.write(`  SUCCESS: ${rules.length} rule files found\n`)
    await proc.stdout.write(` SUCCESS: ${file} is valid prometheus config file syntax\n\n`)
    let ok = true
    if (!syntaxOnly) for (const each of rules) ok = await checkRules(proc, each) && ok
    return ok
  })
}

const client = (proc: Proc) => new HttpClient(proc, { followRedirects: true, tls: { caFile: '', ca: '', certFile: '', keyFile: '', serverName: '', insecure: false } })

async function checkServer(proc: Proc, what: 'healthy' | 'ready', args: readonly string[]): Promise<number> {
  const url = args.find((arg) => arg.startsWith('--url='))?.slice(6) ?? 'http://localhost:9090'
  try {
    const { status, text } = await client(proc).request(`${url.replace(/\/$/, '')}/-/${what}`, { timeoutMs: 120_000 })
    if (status !== 200) throw new Error(`check failed: URL=${url}, status=${status}`)
    await proc.stdout.write(`  SUCCESS: ${text}`)
    return 0
  } catch (error) {
    await proc.stderr.write(`  FAILED: ${(error as Error).message}\n`)
    return 1
  }
}

async function query(proc: Proc, kind: string, args: readonly string[]): Promise<number> {
  const flag = (name: string) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3)
  const [server = '', ...words] = args.filter((arg) => !arg.startsWith('-'))
  const base = (server.includes('://') ? server : `http://${server}`).replace(/\/$/, '')
  const nowSeconds = proc.clock.nowMs() / 1000
  const params = new URLSearchParams()
  let path: string
  if (kind === 'instant') { path = 'query'; params.set('query', words[0] ?? ''); if (flag('time')) params.set('time', flag('time')!) } else if (kind === 'range') {
    path = 'query_range'
    params.set('query', words[0] ?? '')
    params.set('start', flag('start') ?? String(nowSeconds - 300))
    params.set('end', flag('end') ?? String(nowSeconds))
    params.set('step', flag('step') ?? '15')
  } else if (kind === 'series') { path = 'series'; for (const arg of args) if (arg.startsWith('--match=')) params.append('match[]', arg.slice(8)) } else if (kind === 'labels') path = `label/${words[0] ?? ''}/values`
  else { await proc.stderr.write(`promtool: error: expected command but got ${JSON.stringify(kind)}, try --help\n`); return 1 }
  let answer: { status: string; data?: unknown; error?: string; errorType?: string }
  try {
    answer = JSON.parse((await client(proc).request(`${base}/api/v1/${path}?${params}`, { timeoutMs: 120_000 })).text) as typeof answer
  } catch (error) {
    await proc.stderr.write(`query error: ${(error as Error).message}\n`)
    return 1
  }
  if (answer.status !== 'success') { await proc.stderr.write(`query error: ${answer.errorType}: ${answer.error}\n`); return 1 }
  await proc.stdout.write(resultText(answer.data))
  return 0
}

function resultText(data: unknown): string {
  if (Array.isArray(data)) return data.map((each) => `${typeof each === 'string' ? each : seriesText(Labels.fromRecord(each as Record<string, string>))}\n`).join('')
  const { resultType, result } = data as { resultType: string; result: unknown }
  if (resultType === 'scalar' || resultType === 'string') { const [time, value] = result as [number, string]; return `${resultType}: ${value} @[${time}]\n` }
  const series = result as { metric: Record<string, string>; value?: [number, string]; values?: [number, string][] }[]
  return series.map(({ metric, value, values }) => value ? `${seriesText(Labels.fromRecord(metric))} => ${value[1]} @[${value[0]}]\n` : `${seriesText(Labels.fromRecord(metric))} =>\n${(values ?? []).map(([time, text]) => `${text} @[${time}]\n`).join('')}`).join('')
}
