import { bash } from '../../unix/shell/sh.ts'
import type { Program } from '../../unix/types.ts'
import { accountFiles } from './accounts.ts'
import { debianPrograms } from './debian.ts'
import { defineImage } from './image.ts'
import type { ImageDefinition } from './image.ts'

/** dnf and yum: packages come from servers that can't be reached from here. */
const dnf = (repository: string, host: string): Program => async (proc) => {
  const [command, ...names] = proc.argv.slice(1).filter((arg) => !arg.startsWith('-'))
  if (command === undefined) { await proc.stdout.write('usage: dnf [options] COMMAND\n'); return 1 }
  if (!['install', 'update', 'upgrade', 'makecache', 'search', 'info'].includes(command)) return 0
  await proc.stdout.write(`${repository}                                  0.0  B/s |   0  B     00:00    \n`)
  await proc.stderr.write(`Errors during downloading metadata for repository '${repository}':\n  - Curl error (6): Couldn't resolve host name for https://${host}/ [Could not resolve host: ${host}]\nError: Failed to download metadata for repo '${repository}'\n`)
  return names.length > 0 || command !== 'search' ? 1 : 0
}

const utilities = Object.fromEntries(Object.entries(debianPrograms).filter(([path]) => !path.startsWith('/usr/bin/apt')))
const programs = (packages: Program): Record<string, Program> => ({ ...utilities, '/bin/sh': bash, '/usr/bin/dnf': packages, '/usr/bin/yum': packages })

export const fedora: ImageDefinition = defineImage({
  repository: 'docker.io/library/fedora', tags: ['latest', '40', '41', '42', '43'], sizeBytes: 62_000_000, cmd: ['/bin/bash'], env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  files: { ...accountFiles('/bin/bash'), '/etc/os-release': 'NAME="Fedora Linux"\nVERSION="43 (Container Image)"\nID=fedora\nVERSION_ID=43\nPRETTY_NAME="Fedora Linux 43 (Container Image)"\nHOME_URL="https://fedoraproject.org/"\n' },
  programs: programs(dnf('fedora', 'mirrors.fedoraproject.org')),
})

export const centos: ImageDefinition = defineImage({
  repository: 'docker.io/library/centos', tags: ['latest', '7', '8', 'centos7', 'centos8'], sizeBytes: 83_000_000, cmd: ['/bin/bash'], env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  files: { ...accountFiles('/bin/bash'), '/etc/os-release': 'NAME="CentOS Linux"\nVERSION="8"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="8"\nPRETTY_NAME="CentOS Linux 8"\n' },
  programs: programs(dnf('appstream', 'mirrorlist.centos.org')),
})
