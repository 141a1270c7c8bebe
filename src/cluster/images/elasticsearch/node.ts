import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Program } from '../../../unix/types.ts'
import { parse } from 'yaml'
import { IndexStore } from './index-store.ts'
import { ElasticServer } from './server.ts'

const HOME = '/usr/share/elasticsearch'
/** What a heap of the image's default size takes. */
const MEMORY_BYTES = 900 * 2 ** 20
/** How long the virtual machine and the plugins take to start, in milliseconds of cluster time. */
const START_MS = 6_000
const LEAST_MAPS = 262_144

/** A node of Elasticsearch: settings of elasticsearch.yml and of the environment, then the REST API on port 9200. */
export function elasticsearch(version: string): Program {
  return async (proc) => {
    const isNew = !version.startsWith('7')
    const settings = new Map(Object.entries(flat((proc.fs.exists(`${HOME}/config/elasticsearch.yml`) ? parse(proc.fs.readText(`${HOME}/config/elasticsearch.yml`)) : null) as unknown)))
    for (const [name, value] of Object.entries(proc.env)) if (/^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+$/.test(name)) settings.set(name, value)
    const nodeName = settings.get('node.name') ?? proc.machine.hostname
    const clusterName = settings.get('cluster.name') ?? 'docker-cluster'
    const log = (level: string, logger: string, message: string) => {
      const time = new Date(Math.floor(proc.clock.nowMs())).toISOString()
      return proc.stdout.write(`${JSON.stringify(isNew ? { '@timestamp': time, 'log.level': level, message, 'ecs.version': '1.2.0', 'service.name': 'ES_ECS', 'event.dataset': 'elasticsearch.server', 'process.thread.name': 'main', 'log.logger': `org.elasticsearch.${logger}`, 'elasticsearch.node.name': nodeName, 'elasticsearch.cluster.name': clusterName }
        : { type: 'server', timestamp: time, level, component: logger, 'cluster.name': clusterName, 'node.name': nodeName, message })}\n`)
    }
    if (proc.user.uid === 0) { await proc.stderr.write('fatal exception while booting Elasticsearch\njava.lang.RuntimeException: can not run elasticsearch as root\n'); return 1 }
    if ((settings.get('xpack.security.enabled') ?? String(isNew)) !== 'false') {
      await proc.stderr.write('ERROR: Elasticsearch with security (TLS, users and passwords) can\'t be run here; set xpack.security.enabled to false\n')
      return 78
    }
    await log('INFO', 'node.Node', `version[${version}], pid[${proc.pid}], build[docker], OS[Linux]`)
    await proc.sleep(START_MS)
    proc.useMemory(MEMORY_BYTES, { figurative: true })
    proc.useCpuSteadily(15)
    const problems: string[] = []
    if (settings.get('discovery.type') !== 'single-node') {
      const maps = Number(proc.fs.readText('/proc/sys/vm/max_map_count'))
      if (maps < LEAST_MAPS) problems.push(`max virtual memory areas vm.max_map_count [${maps}] is too low, increase to at least [${LEAST_MAPS}]`)
      const discovery = ['discovery.seed_hosts', 'discovery.seed_providers', 'cluster.initial_master_nodes']
      if (!discovery.some((name) => settings.has(name))) problems.push(`the default discovery settings are unsuitable for production use; at least one of [${discovery.join(', ')}] must be configured`)
      else if ((settings.get('cluster.initial_master_nodes') ?? nodeName).split(',').length > 1) problems.push('a cluster of several nodes can\'t be run here; set discovery.type to single-node')
    }
    if (problems.length > 0) {
      await log('ERROR', 'bootstrap.Elasticsearch', `node validation exception\n[${problems.length}] bootstrap checks failed. You must address the points described in the following [${problems.length}] lines before starting Elasticsearch.\n${problems.map((problem, i) => `bootstrap check failure [${i + 1}] of [${problems.length}]: ${problem}`).join('\n')}`)
      await proc.stdout.write(`ERROR: [${problems.length}] bootstrap checks failed. You must address the points described in the following [${problems.length}] lines before starting Elasticsearch.\n${problems.map((problem, i) => `bootstrap check failure [${i + 1}] of [${problems.length}]: ${problem}\n`).join('')}ERROR: Elasticsearch did not exit normally - check the logs at ${HOME}/logs/${clusterName}.log\n`)
      return 78
    }
    const data = settings.get('path.data') ?? `${HOME}/data`
    const store = new IndexStore(proc.fs, data, proc.clock, proc.random.fork('elasticsearch'))
    let clusterUuid: string
    try {
      await store.open()
      const file = `${data}/cluster-uuid`
      if (!proc.fs.exists(file)) proc.fs.writeFile(file, Array.from({ length: 22 }, () => 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-'[proc.random.int(64)]).join(''))
      clusterUuid = proc.fs.readText(file)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await log('ERROR', 'bootstrap.Elasticsearch', `fatal exception while booting Elasticsearch: java.lang.IllegalStateException: failed to obtain node locks, tried [${data}]; maybe these locations are not writable or multiple nodes were started on the same data path? (${errorText(error)})`)
      return 1
    }
    const server = new ElasticServer(store, proc.clock, { version, nodeName, clusterName, clusterUuid, ip: proc.net.addresses[0] ?? '127.0.0.1' })
    const port = Number(settings.get('http.port') ?? 9200)
    proc.net.listenHttp(port, (request) => server.handle(request))
    await log('INFO', 'http.AbstractHttpServerTransport', `publish_address {${proc.net.addresses[0] ?? '127.0.0.1'}:${port}}, bound_addresses {0.0.0.0:${port}}`)
    await log('INFO', 'node.Node', 'started')
    await proc.signal('SIGTERM', 'SIGINT')
    await log('INFO', 'node.Node', 'stopping ...')
    await log('INFO', 'node.Node', 'closed')
    return 143
  }
}

/** Settings by their dotted names. */
function flat(value: unknown, prefix = ''): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).flatMap(([name, each]): [string, string][] => typeof each === 'object' && each !== null && !Array.isArray(each) ? Object.entries(flat(each, `${prefix}${name}.`)) : [[`${prefix}${name}`, Array.isArray(each) ? each.join(',') : String(each)]]))
}
