import { bash, dash } from '../../unix/shell/sh.ts'
import type { Program } from '../../unix/types.ts'
import { setUserId } from '../../unix/set-user-id.ts'
import { utilities, utilityPrograms } from '../../unix/utilities/list.ts'
import { utilityProgram } from '../../unix/utilities/utility.ts'
import { accountFiles } from './accounts.ts'
import { apt } from './apt.ts'
import { defineImage } from './image.ts'
import type { ImageFile } from './image.ts'

/** /etc/os-release of Debian, which many images are built on. */
export const debianRelease = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\nHOME_URL="https://www.debian.org/"\n'

/** Utilities of the Debian image: no ps, no editors, no network tools but curl. */
const debianUtilities = ['awk', 'base64', 'basename', 'cat', 'chmod', 'chown', 'chroot', 'cp', 'curl', 'cut', 'date', 'dd', 'df', 'diff', 'dirname', 'dmesg', 'du', 'echo', 'egrep', 'env', 'expr', 'false', 'fgrep', 'find', 'getent', 'grep', 'gzip', 'head', 'hostname', 'id', 'ln', 'ls', 'md5sum', 'mkdir', 'mktemp', 'mkfifo', 'mknod', 'mount', 'mv', 'nl', 'nohup', 'nproc', 'nsenter', 'od', 'paste', 'printenv', 'printf', 'pwd', 'readlink', 'realpath', 'rm', 'rmdir', 'sed', 'seq', 'setpriv', 'sha256sum', 'sleep', 'sort', 'split', 'stat', 'stty', 'tac', 'tail', 'tar', 'tee', 'test', '[', 'timeout', 'touch', 'tr', 'true', 'truncate', 'tty', 'umount', 'uname', 'uniq', 'unshare', 'wc', 'which', 'whoami', 'xargs', 'yes']

/** The user land of Debian-based images. */
export const debianPrograms: Record<string, Program> = {
  ...utilityPrograms('gnu', { names: debianUtilities }), ...utilityPrograms('gnu', { directory: '/usr/sbin', names: ['adduser', 'addgroup', 'deluser', 'delgroup', 'useradd', 'groupadd', 'usermod', 'userdel', 'groupdel'] }),
  '/bin/sh': dash, '/bin/bash': bash, '/usr/bin/su': setUserId(utilityProgram(utilities.su!, 'gnu')), '/usr/bin/apt': apt, '/usr/bin/apt-get': apt,
}

/** Without curl: what a bare Debian or Ubuntu has. */
const bare = Object.fromEntries(Object.entries(debianPrograms).filter(([path]) => path !== '/usr/bin/curl'))

/** Directories of Debian's root that are there though nothing is in them, and its links into /usr. */
export const debianDirectories: Readonly<Record<string, ImageFile>> = {
  ...Object.fromEntries(['/boot', '/media', '/mnt', '/opt', '/srv', '/usr/games', '/usr/include', '/usr/lib', '/usr/lib64', '/usr/sbin', '/usr/src', '/usr/local/bin', '/usr/local/sbin', '/usr/local/lib', '/usr/share', '/var/backups', '/var/cache', '/var/lib', '/var/local', '/var/log', '/var/mail', '/var/opt', '/var/spool'].map((path) => [path, { directory: true as const }])),
  '/lib': { link: 'usr/lib' }, '/lib64': { link: 'usr/lib64' }, '/sbin': { link: 'usr/sbin' },
}

export const debian = defineImage({
  repository: 'docker.io/library/debian', tags: ['12', '12-slim', '13', '13-slim', 'bookworm', 'bookworm-slim', 'trixie', 'trixie-slim', 'latest', 'stable', 'stable-slim'], sizeBytes: 49_000_000, cmd: ['bash'],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  files: { ...debianDirectories, ...accountFiles('/bin/bash'), '/etc/os-release': debianRelease, '/etc/debian_version': '12.12\n' },
  programs: { ...bare, ...utilityPrograms('gnu', { names: ['ps', 'free', 'top', 'kill', 'pkill', 'pgrep'] }) },
})

export const ubuntu = defineImage({
  repository: 'docker.io/library/ubuntu', tags: ['20.04', '22.04', '24.04', 'focal', 'jammy', 'noble', 'latest', 'rolling'], sizeBytes: 30_000_000, cmd: ['/bin/bash'], base: debian,
  files: { '/etc/os-release': 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\nVERSION="24.04.3 LTS (Noble Numbat)"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n' },
})
