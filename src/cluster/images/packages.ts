import { editorPrograms, pagerPrograms } from '../../unix/editors/programs.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import type { InitialFile, MemoryFileSystem } from '../../unix/file-system.ts'
import type { Clock } from '../../base/clock.ts'
import { git, htpasswd, openssl } from '../../unix/lazy-programs.ts'
import { nodePrograms } from '../../unix/node/node.ts'
import { baseName } from '../../unix/path.ts'
import { bash } from '../../unix/shell/sh.ts'
import type { FileSystem, Program } from '../../unix/types.ts'
import { setUserId } from '../../unix/set-user-id.ts'
import { gosu as gosuUtility } from '../../unix/utilities/become.ts'
import { utilityPrograms } from '../../unix/utilities/list.ts'
import { sudo } from '../../unix/utilities/sudo.ts'
import { utilityProgram } from '../../unix/utilities/utility.ts'

/** Distributions that packages are fetched for. */
export type Distribution = 'alpine' | 'debian'

/** Something that `apk add` and `apt-get install` fetch from their mirrors. */
export interface Package {
  /** What it is called, where it is there. */
  name: Partial<Record<Distribution, string>>
  version: Partial<Record<Distribution, string>>
  /** To be fetched, and unpacked, in kilobytes. */
  kilobytes: readonly [fetched: number, installed: number]
  programs: Readonly<Record<string, Program>>
  /** Files that aren't programs. */
  files?: Readonly<Record<string, string>>
}

const utilities = (...names: string[]) => utilityPrograms('gnu', { names })
const both = (name: string, alpine: string, debian: string) => ({ name: { alpine: name, debian: name }, version: { alpine, debian } })
const named = (alpine: string, alpineVersion: string, debian: string, debianVersion: string) => ({ name: { alpine, debian }, version: { alpine: alpineVersion, debian: debianVersion } })
/** Node's programs where distributions put them. */
const node = (...names: string[]) => Object.fromEntries(Object.entries(nodePrograms(22)).filter(([path]) => names.includes(baseName(path))).map(([path, program]) => [`/usr/bin/${baseName(path)}`, program]))

/** Those whose programs there are here. */
const packages: readonly Package[] = [
  { ...both('curl', '8.14.1-r2', '7.88.1-10+deb12u14'), kilobytes: [315, 512], programs: utilities('curl') },
  { ...both('wget', '1.25.0-r1', '1.21.3-1+deb12u1'), kilobytes: [984, 3_692], programs: utilities('wget') },
  { ...both('bash', '5.2.37-r0', '5.2.15-2+b9'), kilobytes: [1_491, 7_164], programs: { '/bin/bash': bash } },
  { ...both('jq', '1.8.0-r0', '1.6-2.1+deb12u1'), kilobytes: [64, 113], programs: utilities('jq') },
  { ...both('vim', '9.1.1566-r0', '2:9.0.1378-2+deb12u2'), kilobytes: [1_567, 3_738], programs: { '/usr/bin/vim': editorPrograms['/usr/bin/vim']!, '/usr/bin/vi': editorPrograms['/usr/bin/vi']! } },
  { ...named('gettext-envsubst', '0.24.1-r0', 'gettext-base', '0.21-12'), kilobytes: [38, 118], programs: utilities('envsubst') },
  { ...both('apache2-utils', '2.4.65-r0', '2.4.65-1~deb12u1'), kilobytes: [207, 422], programs: { '/usr/bin/htpasswd': htpasswd } },
  { ...both('less', '679-r0', '590-2.1~deb12u2'), kilobytes: [128, 313], programs: { '/usr/bin/less': pagerPrograms['/usr/bin/less']! } },
  { ...both('nano', '8.4-r0', '7.2-1+deb12u1'), kilobytes: [690, 2_871], programs: { '/usr/bin/nano': editorPrograms['/usr/bin/nano']! } },
  { ...both('git', '2.49.1-r0', '1:2.39.5-0+deb12u3'), kilobytes: [2_735, 14_336], programs: { '/usr/bin/git': git } },
  { ...both('openssl', '3.5.4-r0', '3.0.17-1~deb12u3'), kilobytes: [1_427, 2_275], programs: { '/usr/bin/openssl': openssl } },
  { ...both('nodejs', '22.16.0-r2', '18.20.4+dfsg-1~deb12u1'), kilobytes: [14_848, 44_032], programs: node('node') },
  { ...both('npm', '11.3.0-r1', '9.2.0~ds1-1'), kilobytes: [2_201, 9_216], programs: node('npm', 'npx') },
  { ...both('coreutils', '9.7-r1', '9.1-1'), kilobytes: [2_897, 17_882], programs: utilities('cat', 'cp', 'cut', 'date', 'head', 'ls', 'sort', 'stat', 'tail', 'tr', 'wc') },
  { ...both('grep', '3.12-r0', '3.8-5'), kilobytes: [411, 1_246], programs: utilities('grep', 'egrep', 'fgrep') },
  { ...both('sed', '4.9-r2', '4.9-1'), kilobytes: [329, 987], programs: utilities('sed') },
  { ...both('gawk', '5.3.2-r1', '1:5.2.1-2'), kilobytes: [673, 2_951], programs: utilities('awk') },
  { ...both('tar', '1.35-r3', '1.34+dfsg-1.2+deb12u1'), kilobytes: [884, 3_147], programs: utilities('tar') },
  { ...both('gzip', '1.14-r1', '1.12-1'), kilobytes: [137, 232], programs: utilities('gzip', 'gunzip', 'zcat') },
  { ...both('findutils', '4.10.0-r0', '4.9.0-4'), kilobytes: [673, 1_912], programs: utilities('find', 'xargs') },
  { ...both('diffutils', '3.12-r0', '1:3.8-4'), kilobytes: [388, 1_598], programs: utilities('diff') },
  { ...named('procps-ng', '4.0.4-r3', 'procps', '2:4.0.2-3'), kilobytes: [709, 2_309], programs: utilities('ps', 'top', 'free', 'pgrep', 'pkill', 'watch', 'uptime', 'sysctl') },
  { ...both('iproute2', '6.15.0-r0', '6.1.0-3'), kilobytes: [1_044, 3_569], programs: utilities('ip', 'ss') },
  { ...named('iputils', '20240905-r0', 'iputils-ping', '3:20221126-1+deb12u1'), kilobytes: [47, 120], programs: utilities('ping') },
  { ...both('net-tools', '2.10-r3', '2.10-0.1+deb12u2'), kilobytes: [243, 1_001], programs: utilities('netstat', 'ifconfig') },
  { ...named('libcap', '2.76-r0', 'libcap2-bin', '1:2.66-4+deb12u2'), kilobytes: [31, 117], programs: utilityPrograms('gnu', { directory: '/usr/sbin', names: ['capsh', 'getpcaps'] }) },
  { ...both('sudo', '1.9.17_p2-r0', '1.9.13p3-1+deb12u2'), kilobytes: [1_889, 6_205], programs: { '/usr/bin/sudo': setUserId(utilityProgram(sudo, 'gnu')) }, files: { '/etc/sudoers': 'Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n' } },
  { ...both('su-exec', '0.2-r3', ''), name: { alpine: 'su-exec' }, kilobytes: [5, 18], programs: { '/sbin/su-exec': utilityProgram(gosuUtility, 'gnu', 'su-exec') } },
  { ...named('bind-tools', '9.20.13-r0', 'dnsutils', '1:9.18.33-1~deb12u2'), kilobytes: [406, 821], programs: utilities('dig', 'nslookup', 'host') },
  { ...both('netcat-openbsd', '1.229.1-r0', '1.219-1'), kilobytes: [42, 110], programs: utilities('nc') },
  { ...both('ca-certificates', '20250911-r0', '20230311+deb12u1'), kilobytes: [153, 382], programs: {}, files: { '/usr/share/ca-certificates/mozilla/README': 'Authorities of the real web; in here nobody is signed by them.\n' } },
  { ...both('tzdata', '2025b-r0', '2025b-0+deb12u2'), kilobytes: [301, 1_954], programs: {}, files: { '/usr/share/zoneinfo/UTC': 'TZif2\n' } },
]

/** The package of a name. */
export function packageOf(distribution: Distribution, name: string): Package | undefined {
  return packages.find((each) => each.name[distribution] === name)
}

/** Whether everything of a package is there. */
export function isUnpacked(fs: FileSystem, { programs, files = {} }: Package): boolean {
  return [...Object.keys(programs), ...Object.keys(files)].every((path) => fs.exists(path) || fs.exists(path.replace(/^\/usr/, '')) || fs.exists(`/usr${path}`))
}

/** Puts a package's files into place; what was there of the same name is replaced. */
export function unpack(fs: FileSystem, { programs, files = {} }: Package): void {
  for (const [path, content] of Object.entries(files)) {
    fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    fs.writeFile(path, content)
  }
  for (const [path, program] of Object.entries(programs)) {
    fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    fs.remove(path, { force: true })
    ;(fs as MemoryFileSystem).installProgram(path, program)
  }
}

/** What all packages' programs are known by where files are written down: an image's name that no registry has. */
export const PACKAGES_NAME = 'packages:all'

/** All programs of packages, each in a directory of its package. */
export function packageFiles(clock: Pick<Clock, 'nowMs'>): MemoryFileSystem {
  const files: Record<string, InitialFile> = {}
  for (const { name, programs } of packages) for (const [path, program] of Object.entries(programs)) files[`/${name.alpine ?? name.debian}${path}`] = { program }
  return createMemoryFileSystem({ clock, files })
}
