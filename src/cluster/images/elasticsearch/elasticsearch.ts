import { lazyProgram } from '../../../unix/lazy-program.ts'
import { accountFiles } from '../accounts.ts'
import { debianDirectories, debianPrograms, debianRelease } from '../debian.ts'
import { defineImage } from '../image.ts'

const VERSIONS: Readonly<Record<string, string>> = { '7.17.0': '7.17.0', '7.17.10': '7.17.10', '7.17.28': '7.17.28', '8.5.1': '8.5.1', '8.11.1': '8.11.1', '8.13.4': '8.13.4', '8.15.3': '8.15.3', '8.17.0': '8.17.0', '8.19.5': '8.19.5' }

const program = (version: string) => lazyProgram(async () => (await import('./node.ts')).elasticsearch(version))

const image = (repository: string) => defineImage({
  repository, tags: Object.keys(VERSIONS), sizeBytes: 620_000_000, entrypoint: ['/bin/tini', '--', '/usr/local/bin/docker-entrypoint.sh'], cmd: ['eswrapper'], user: '1000:0', workingDir: '/usr/share/elasticsearch', exposedPorts: [9200, 9300],
  env: { PATH: '/usr/share/elasticsearch/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ELASTIC_CONTAINER: 'true' },
  files: { ...debianDirectories, ...accountFiles('/bin/bash', { passwd: 'elasticsearch:x:1000:1000::/usr/share/elasticsearch:/bin/bash\n', group: 'elasticsearch:x:1000:\n' }), '/etc/os-release': debianRelease, '/usr/share/elasticsearch/data': { directory: true, mode: 0o775, uid: 1000, gid: 0 }, '/usr/share/elasticsearch/config/elasticsearch.yml': 'cluster.name: "docker-cluster"\nnetwork.host: 0.0.0.0\n' },
  programs: { ...debianPrograms, '/bin/tini': async (proc) => proc.exec!(proc.argv.slice(proc.argv.indexOf('--') + 1)) },
  variants: Object.fromEntries(Object.entries(VERSIONS).map(([tag, version]) => [tag, { programs: { '/usr/local/bin/docker-entrypoint.sh': program(version), '/usr/share/elasticsearch/bin/elasticsearch': program(version) } }])),
})

/** Elasticsearch of its makers' registry and of Docker Hub. */
export const elasticsearchImages = [image('docker.elastic.co/elasticsearch/elasticsearch'), image('docker.io/library/elasticsearch')]
