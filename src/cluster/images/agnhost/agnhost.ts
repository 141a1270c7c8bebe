import { imageProgram } from '../../../unix/lazy-program.ts'
import { bash } from '../../../unix/shell/sh.ts'
import { setUserId } from '../../../unix/set-user-id.ts'
import { utilityPrograms } from '../../../unix/utilities/list.ts'
import { accountFiles } from '../accounts.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { coredns } from '../coredns/coredns.ts'
import { defineImage } from '../image.ts'
import { localhostCertificatePem, localhostKeyPem } from './localhost-certificate.ts'

export const agnhostImage = defineImage({
  repository: 'registry.k8s.io/e2e-test-images/agnhost', tags: ['2.9', '2.21', '2.32', '2.39', '2.40', '2.43', '2.45', '2.47', '2.52', '2.53', '2.54', '2.55', '2.56', '2.57', '2.59', '2.61', '2.63.0'], sizeBytes: 51_000_000,
  entrypoint: ['/agnhost'], cmd: ['pause'], exposedPorts: [80, 8080, 8081, 9376, 5000], base: alpine,
  files: {
    ...accountFiles('/bin/sh', { passwd: 'user-defined-in-image:x:1000:1000:Linux User,,,:/home/user-defined-in-image:/bin/sh\n', group: 'user-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n' }),
    '/uploads': { directory: true }, '/localhost.crt': localhostCertificatePem, '/localhost.key': localhostKeyPem, '/agnhost-2': { link: 'agnhost' },
  },
  programs: { '/agnhost': imageProgram(async () => (await import('./agnhost-program.ts')).agnhost), '/coredns': coredns({ version: '1.6.2', goVersion: 'go1.12.8', commit: '795a3eb' }), '/bin/bash': bash, ...utilityPrograms('gnu', { names: ['curl', 'dig', 'nslookup', 'host', 'nc', 'ss', 'ip'] }) },
})

/** Pictures of the update demo: a web server with a file that says which picture it is. */
const picture = (name: string, tags: readonly string[]) => defineImage({
  repository: `registry.k8s.io/e2e-test-images/${name}`, tags, sizeBytes: 49_000_000, cmd: ['test-webserver'], base: agnhostImage,
  files: { '/data.json': `{\n  "image": "${name}.jpg"\n}\n` },
})
export const nautilus = picture('nautilus', ['1.4', '1.5', '1.7', '1.8'])
export const kitten = picture('kitten', ['1.4', '1.5', '1.7', '1.8'])

/** Debian with the tools of DNS. */
export const glibcDnsTesting = defineImage({
  repository: 'registry.k8s.io/e2e-test-images/glibc-dns-testing', tags: ['2.0.0'], sizeBytes: 78_000_000, cmd: ['bash'], base: debian,
  programs: utilityPrograms('gnu', { names: ['dig', 'nslookup', 'host', 'hostname', 'getent'] }),
})

/** The same of an older Debian: what the page about debugging DNS looks names up with. */
export const jessieDnsutils = defineImage({ ...glibcDnsTesting, repository: 'registry.k8s.io/e2e-test-images/jessie-dnsutils', tags: ['1.0', '1.1', '1.3', '1.4', '1.5', '1.7'], sizeBytes: 116_000_000, cmd: ['/bin/sleep', '3600'] })

/** Servers that had images of their own before agnhost. */
const formerly = (name: string, tags: readonly string[], entrypoint: readonly string[]) => defineImage({ repository: `registry.k8s.io/${name}`, tags, sizeBytes: 3_000_000, entrypoint: ['/agnhost', ...entrypoint], cmd: [], base: agnhostImage })
export const serveHostnameImage = formerly('serve_hostname', ['latest', '1.4', 'v1.4'], ['serve-hostname'])
export const livenessImage = formerly('liveness', ['latest'], ['liveness'])
export const testWebserverImage = formerly('test-webserver', ['latest'], ['test-webserver'])

/** Says as whom it runs; its set-user-ID bit makes that root where privileges may grow. */
export const noNewPrivileges = defineImage({
  repository: 'registry.k8s.io/e2e-test-images/nonewprivs', tags: ['1.3', '1.4'], sizeBytes: 17_000_000, cmd: ['nnp'], base: alpine,
  programs: { '/usr/local/bin/nnp': setUserId(async (proc) => { await proc.stdout.write(`Effective uid: ${proc.user.uid}\n`); return 0 }) },
})

/** BusyBox' user land that runs as uid 1234. */
export const nonRoot = defineImage({ repository: 'registry.k8s.io/e2e-test-images/nonroot', tags: ['1.2', '1.4', '1.5'], sizeBytes: 17_000_000, user: '1234', cmd: ['/bin/sh'], base: alpine })
