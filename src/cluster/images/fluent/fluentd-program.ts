import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Program } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { ConfigError, configText, parseConfig } from './fluentd-config.ts'
import { FluentdEngine } from './fluentd-engine.ts'

const MEMORY_BYTES = 48 * 2 ** 20

/** fluentd of one version. */
export function fluentd(version: string): Program {
  return async (proc) => {
    const log = (level: string, text: string) => { void proc.stdout.write(`${formatDate('%Y-%m-%d %H:%M:%S +0000', proc.clock.nowMs())} [${level}]: ${text}\n`) }
    const { argv } = proc
    const at = argv.findIndex((arg) => arg === '-c' || arg === '--config')
    const path = at >= 0 ? argv[at + 1]! : '/fluentd/etc/fluent.conf'
    if (argv.includes('--version')) { await proc.stdout.write(`fluentd ${version}\n`); return 0 }
    const directory = path.slice(0, path.lastIndexOf('/'))
    let engine: FluentdEngine
    try {
      const text = proc.fs.readText(proc.resolve(path))
      log('info', `parsing config file is succeeded path="${path}"`)
      log('info', `gem 'fluentd' version '${version}'`)
      const root = parseConfig(text, path, {
        env: { HOSTNAME: proc.machine.hostname, ...proc.env },
        include(pattern) {
          const whole = pattern.startsWith('/') ? pattern : `${directory}/${pattern}`
          const [folder, name] = [whole.slice(0, whole.lastIndexOf('/')), whole.slice(whole.lastIndexOf('/') + 1)]
          if (!name.includes('*')) return [{ path: whole, text: proc.fs.readText(whole) }]
          const expression = new RegExp(`^${name.replace(/[.+^$()|[\]{}\\]/g, '\\$&').replaceAll('*', '.*')}$`)
          return proc.fs.exists(folder) ? proc.fs.readdir(folder).filter((each) => expression.test(each)).map((each) => ({ path: `${folder}/${each}`, text: proc.fs.readText(`${folder}/${each}`) })) : []
        },
      })
      log('info', `using configuration file: <ROOT>\n${configText(root)}</ROOT>`)
      log('info', `starting fluentd-${version} pid=${proc.pid}`)
      engine = new FluentdEngine(proc, root, log)
    } catch (error) {
      if (error instanceof ConfigError) log('error', `config error file="${path}" error_class=${error.errorClass} error=${JSON.stringify(error.message)}`)
      else if (error instanceof UnixError) log('error', `config error file="${path}" error_class=Errno::${error.code} error="${errorText(error)} @ rb_sysopen - ${error.path ?? path}"`)
      else throw error
      return 1
    }
    if (argv.includes('--dry-run')) { log('info', 'finished dry run mode'); return 0 }
    proc.useMemory(MEMORY_BYTES)
    log('info', `#0 starting fluentd worker pid=${proc.pid} ppid=${proc.ppid} worker=0`)
    try { engine.start() } catch (error) {
      if (!(error instanceof UnixError)) throw error
      log('error', `unexpected error error_class=Errno::${error.code} error="${errorText(error)} - bind(2)"`)
      return 1
    }
    log('info', '#0 fluentd worker is now running worker=0')
    await proc.signal('SIGTERM', 'SIGINT')
    log('info', 'Received graceful stop')
    await engine.stop()
    log('info', '#0 fluentd worker is now stopping worker=0')
    log('info', 'Worker 0 finished with status 0')
    return 0
  }
}
