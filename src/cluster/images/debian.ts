import { bash, dash } from '../../unix/shell/sh.ts'
import type { Program } from '../../unix/types.ts'
import { setUserId } from '../../unix/set-user-id.ts'
import { utilities, utilityPrograms } from '../../unix/utilities/list.ts'
import { utilityProgram } from '../../unix/utilities/utility.ts'
import { accountFiles } from './accounts.ts'
import { apt } from './apt.ts'
import { defineImage } from './image.ts'
import type { ImageFile } from './image.ts'

export type DebianCodename = 'jessie' | 'stretch' | 'buster' | 'bullseye' | 'bookworm' | 'trixie'

interface Release {
  /** As /etc/os-release calls it. */
  version: string
  codename: string
  /** Its last point release. */
  full: string
}

const DEBIAN: readonly (Release & { codename: DebianCodename })[] = [
  { version: '8', codename: 'jessie', full: '8.11' },  { version: '9', codename: 'stretch', full: '9.13' }, { version: '10', codename: 'buster', full: '10.13' }, { version: '11', codename: 'bullseye', full: '11.11' }, { version: '12', codename: 'bookworm', full: '12.12' }, { version: '13', codename: 'trixie', full: '13.2' },
]
const UBUNTU: readonly (Release & { name: string; isLts?: boolean })[] = [
  { version: '14.04', codename: 'trusty', full: '14.04.6', name: 'Trusty Tahr', isLts: true }, { version: '16.04', codename: 'xenial', full: '16.04.7', name: 'Xenial Xerus', isLts: true }, { version: '18.04', codename: 'bionic', full: '18.04.6', name: 'Bionic Beaver', isLts: true },
  { version: '20.04', codename: 'focal', full: '20.04.6', name: 'Focal Fossa', isLts: true }, { version: '22.04', codename: 'jammy', full: '22.04.5', name: 'Jammy Jellyfish', isLts: true }, { version: '24.04', codename: 'noble', full: '24.04.3', name: 'Noble Numbat', isLts: true },
  { version: '25.04', codename: 'plucky', full: '25.04', name: 'Plucky Puffin' }, { version: '25.10', codename: 'questing', full: '25.10', name: 'Questing Quokka' },
]

const debianReleaseOf = ({ version, codename }: Release) => `PRETTY_NAME="Debian GNU/Linux ${version} (${codename})"\nNAME="Debian GNU/Linux"\nVERSION_ID="${version}"\nVERSION="${version} (${codename})"\nVERSION_CODENAME=${codename}\nID=debian\nHOME_URL="https://www.debian.org/"\n`
const ubuntuFiles = ({ version, codename, full, name, isLts }: typeof UBUNTU[number]): Record<string, ImageFile> => ({
  '/etc/os-release': `PRETTY_NAME="Ubuntu ${full}${isLts ? ' LTS' : ''}"\nNAME="Ubuntu"\nVERSION_ID="${version}"\nVERSION="${full}${isLts ? ' LTS' : ''} (${name})"\nVERSION_CODENAME=${codename}\nID=ubuntu\nID_LIKE=debian\n`,
  '/etc/lsb-release': `DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=${version}\nDISTRIB_CODENAME=${codename}\nDISTRIB_DESCRIPTION="Ubuntu ${full}${isLts ? ' LTS' : ''}"\n`,
})

/** The files that name a release of Debian. */
export function debianReleaseFiles(codename: DebianCodename): Record<string, ImageFile> {
  const release = DEBIAN.find((each) => each.codename === codename)!
  return { '/etc/os-release': debianReleaseOf(release), '/etc/debian_version': `${release.full}\n` }
}

/** /etc/os-release of Debian, which many images are built on. */
export const debianRelease = debianReleaseOf(DEBIAN.find(({ codename }) => codename === 'bookworm')!)

/** Utilities of the Debian image: no ps, no editors, no network tools but curl. */
const debianUtilities = ['awk', 'base64', 'basename', 'blkid', 'blockdev', 'cat', 'chmod', 'chown', 'chroot', 'cp', 'curl', 'cut', 'date', 'dd', 'df', 'diff', 'dirname', 'dmesg', 'du', 'echo', 'egrep', 'env', 'expr', 'fallocate', 'false', 'fgrep', 'find', 'getent', 'grep', 'gzip', 'head', 'hostname', 'id', 'ln', 'losetup', 'ls', 'lsblk', 'md5sum', 'mkdir', 'mktemp', 'mkfifo', 'mknod', 'mount', 'mv', 'nl', 'nohup', 'nproc', 'nsenter', 'od', 'paste', 'printenv', 'printf', 'pwd', 'readlink', 'realpath', 'rm', 'rmdir', 'sed', 'seq', 'setpriv', 'sha256sum', 'shuf', 'sleep', 'sort', 'split', 'stat', 'stty', 'tac', 'tail', 'tar', 'tee', 'test', '[', 'timeout', 'touch', 'tr', 'true', 'truncate', 'tty', 'umount', 'uname', 'uniq', 'unshare', 'wc', 'which', 'whoami', 'xargs', 'yes']

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

/** The release of each tag. */
const debianTags: readonly (readonly [tag: string, release: typeof DEBIAN[number]])[] = DEBIAN.flatMap((release) => {
  const names = [release.version, release.codename, release.full, ...release === DEBIAN.at(-1) ? ['latest', 'stable'] : release === DEBIAN.at(-2) ? ['oldstable'] : []]
  return [...names, ...names.map((name) => name === 'latest' ? 'stable-slim' : `${name}-slim`)].map((tag) => [tag, release] as const)
})
const ubuntuTags = UBUNTU.flatMap((release) => [release.version, release.codename, ...release.codename === 'noble' ? ['latest'] : release === UBUNTU.at(-1) ? ['rolling'] : []].map((tag) => [tag, release] as const))

export const debian = defineImage({
  repository: 'docker.io/library/debian', tags: [...new Set(debianTags.map(([tag]) => tag))], sizeBytes: 49_000_000, cmd: ['bash'],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  files: { ...debianDirectories, ...accountFiles('/bin/bash'), ...debianReleaseFiles('bookworm') },
  programs: { ...bare, ...utilityPrograms('gnu', { names: ['ps', 'free', 'top', 'kill', 'pkill', 'pgrep'] }) },
  variants: Object.fromEntries(debianTags.map(([tag, release]) => [tag, { files: debianReleaseFiles(release.codename) }])),
})

export const ubuntu = defineImage({
  repository: 'docker.io/library/ubuntu', tags: ubuntuTags.map(([tag]) => tag), sizeBytes: 30_000_000, cmd: ['/bin/bash'], base: debian,
  files: ubuntuFiles(UBUNTU.find(({ codename }) => codename === 'noble')!), variants: Object.fromEntries(ubuntuTags.map(([tag, release]) => [tag, { files: ubuntuFiles(release) }])),
})

/** What Kubernetes' own images are built on; the control plane empties volumes with it. */
export const debianBase = defineImage({ repository: 'registry.k8s.io/build-image/debian-base', tags: ['bookworm-v1.0.6'], sizeBytes: 22_000_000, cmd: ['/bin/sh'], base: debian })
