import { lazyProgram } from '../../../unix/lazy-program.ts'
import { nodePrograms } from '../../../unix/node/node.ts'
import type { Program } from '../../../unix/types.ts'
import { accountFiles } from '../accounts.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'

// @k8s part: Parse Server: objects with their operations and queries, users, sessions, schemas and batches over REST, in MongoDB; a program of ours, so no Cloud Code, files, GraphQL, LiveQuery, push, roles, permissions of classes and objects (ACL is kept and not enforced; masterKeyIps are single addresses or 0.0.0.0/0; host and serverURL change nothing), relations, aggregation and PostgreSQL

const VERSIONS: Readonly<Record<string, string>> = { '4': '4.10.4', '4.10.4': '4.10.4', '5': '5.6.0', '5.6.0': '5.6.0', '6': '6.5.11', '6.5.11': '6.5.11', '7': '7.5.4', '7.5.4': '7.5.4', '8': '8.6.1', '8.6.1': '8.6.1', latest: '8.6.1' }
const SCRIPT = '/parse-server/bin/parse-server'

function programsOf(version: string): Record<string, Program> {
  const node = nodePrograms(20)
  const server = lazyProgram(async () => { const { parseServer } = await import('./server.ts'); return (proc) => parseServer(proc, version) })
  return { ...node, '/usr/local/bin/node': (proc) => { const script = proc.argv[1]; return script !== undefined && [SCRIPT, `${SCRIPT}.js`].includes(proc.resolve(script)) ? server(proc) : node['/usr/local/bin/node']!(proc) } }
}

/** The image of the project itself. */
export const parseServerImage = defineImage({
  repository: 'docker.io/parseplatform/parse-server', tags: Object.keys(VERSIONS), sizeBytes: 145_000_000, base: alpine, entrypoint: ['node', './bin/parse-server'], workingDir: '/parse-server', user: 'node', exposedPorts: [1337], env: { PORT: '1337', NODE_VERSION: '20.19.5' },
  variants: Object.fromEntries(Object.entries(VERSIONS).map(([tag, version]) => [tag, { programs: programsOf(version) }])),
  files: { ...accountFiles('/bin/sh', { passwd: 'node:x:1000:1000::/home/node:/bin/sh\n', group: 'node:x:1000:\n' }), '/home/node': { directory: true, uid: 1000, gid: 1000 }, '/parse-server': { directory: true, uid: 1000, gid: 1000 }, '/parse-server/cloud': { directory: true, uid: 1000, gid: 1000 }, '/parse-server/config': { directory: true, uid: 1000, gid: 1000 }, [SCRIPT]: '#!/usr/bin/env node\n// node starts the program of this image for this file; there is no more of it.\n' },
})
