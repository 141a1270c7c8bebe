import { bash } from '../../unix/shell/sh.ts'
import { editorPrograms } from '../../unix/editors/programs.ts'
import { git, openssl } from '../../unix/lazy-programs.ts'
import type { Program } from '../../unix/types.ts'
import { utilityPrograms } from '../../unix/utilities/list.ts'
import { alpine } from './alpine.ts'
import { debian, ubuntu } from './debian.ts'
import { defineImage } from './image.ts'
import type { ImageDefinition } from './image.ts'
import { nginxAlpine } from './nginx/nginx.ts'

const gnu = (...names: string[]) => utilityPrograms('gnu', { names })
const lookups = ['dig', 'nslookup', 'host']
const tools = gnu('curl', ...lookups, 'nc', 'ping', 'traceroute', 'ip', 'ss', 'netstat', 'ifconfig', 'jq', 'file')

/** netshoot's shell is zsh. */
// @k8s part: netshoot image: zsh is bash, and of the tools there are those that Drydock has elsewhere
const netshoot = defineImage({
  repository: 'docker.io/nicolaka/netshoot', tags: ['latest', 'v0.8', 'v0.9', 'v0.10', 'v0.11', 'v0.12', 'v0.13', 'v0.14'], sizeBytes: 205_000_000, cmd: ['zsh'], workingDir: '/root', base: alpine,
  programs: { ...tools, '/bin/bash': bash, '/bin/zsh': bash, '/usr/bin/git': git, '/usr/bin/openssl': openssl, '/usr/bin/vim': editorPrograms['/usr/bin/vim']! },
})

/** Writes a page that says who serves it, then becomes nginx: so that one can be asked, too. */
const multitoolEntrypoint = (title: string, formerly: string): Program => async (proc) => {
  const { env } = proc
  const http = env.HTTP_PORT || '80'
  const ip = proc.net.addresses.find((each) => each !== '127.0.0.1') ?? '127.0.0.1'
  const line = `${title} - ${proc.machine.hostname} - ${ip} - HTTP: ${http} , HTTPS: ${env.HTTPS_PORT || '443'}${formerly}\n`
  const isMounted = /^\S+ \/usr\/share\/nginx\/html /m.test(proc.fs.readText('/proc/mounts'))
  if (!isMounted) proc.fs.writeFile('/usr/share/nginx/html/index.html', line)
  if (http !== '80') proc.fs.writeFile('/etc/nginx/conf.d/default.conf', proc.fs.readText('/etc/nginx/conf.d/default.conf').replace(/listen( +)80;/, `listen$1${http};`))
  await proc.stdout.write(`The directory /usr/share/nginx/html is ${isMounted ? 'a volume mount.\nTherefore, will not over-write index.html\nOnly logging the container characteristics' : 'not mounted.\nTherefore, over-writing the default index.html file with some useful information'}:\n${line}`)
  return proc.exec!(proc.argv.slice(1))
}
// @k8s part: network-multitool image: HTTPS on port 443 is missing
const multitool = (repository: string, title: string, formerly: string): ImageDefinition => defineImage({
  repository, tags: ['latest', 'minimal', 'extra', 'alpine-minimal', 'alpine-extra', 'fedora-minimal'], sizeBytes: 25_000_000, base: nginxAlpine, entrypoint: ['/docker/entrypoint.sh'], cmd: ['/usr/sbin/nginx', '-g', 'daemon off;'], exposedPorts: [80],
  programs: { ...tools, '/bin/bash': bash, '/docker/entrypoint.sh': multitoolEntrypoint(title, formerly) },
})

/** Images that people start to look at the network from inside: shells with clients. */
export const networkToolImages: readonly ImageDefinition[] = [
  netshoot,
  multitool('docker.io/wbitt/network-multitool', 'WBITT Network MultiTool (with NGINX)', ' . (Formerly praqma/network-multitool)'),
  multitool('docker.io/praqma/network-multitool', 'Praqma Network MultiTool (with NGINX)', ''),
  defineImage({ repository: 'docker.io/alpine/curl', tags: ['latest', '8.1.2', '8.5.0', '8.7.1', '8.8.0', '8.9.1', '8.10.0', '8.11.1', '8.12.1', '8.14.1'], sizeBytes: 8_000_000, entrypoint: ['curl'], base: alpine, programs: gnu('curl') }),
  defineImage({ repository: 'docker.io/tutum/curl', tags: ['latest', 'alpine', 'trusty'], sizeBytes: 90_000_000, cmd: ['/bin/bash'], base: ubuntu, programs: gnu('curl') }),
  defineImage({ repository: 'docker.io/tutum/dnsutils', tags: ['latest'], sizeBytes: 75_000_000, cmd: ['bash'], base: ubuntu, programs: gnu(...lookups) }),
  defineImage({ repository: 'docker.io/infoblox/dnstools', tags: ['latest', 'v2', 'v3'], sizeBytes: 5_300_000, cmd: ['/bin/sh'], base: alpine, programs: gnu('curl', ...lookups, 'jq') }),
  defineImage({ repository: 'docker.io/yauritux/busybox-curl', tags: ['latest'], sizeBytes: 9_000_000, cmd: ['/bin/sh'], base: alpine, programs: gnu('curl') }),
  defineImage({ repository: 'docker.io/library/buildpack-deps', tags: ['curl', 'bookworm-curl', 'trixie-curl', 'stable-curl'], sizeBytes: 75_000_000, cmd: ['bash'], base: debian, programs: gnu('curl', 'wget') }),
]
