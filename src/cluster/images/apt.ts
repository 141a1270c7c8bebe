import { isCapable } from '../../unix/capabilities.ts'
import type { Proc, Program } from '../../unix/types.ts'
import { isUnpacked, packageOf, unpack } from './packages.ts'
import type { Package } from './packages.ts'

/** What `update` leaves, and Dockerfiles clear away. */
const LISTS = '/var/lib/apt/lists'
/** How long a mirror takes to answer, in milliseconds of cluster time. */
const FETCH_MS = 300

interface Mirror {
  url: string
  suites: readonly string[]
}

function mirrorOf(proc: Proc): Mirror {
  const release = proc.fs.exists('/etc/os-release') ? proc.fs.readText('/etc/os-release') : ''
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(release)?.[1] ?? 'bookworm'
  return /^ID=ubuntu/m.test(release) ? { url: 'http://archive.ubuntu.com/ubuntu', suites: [codename, `${codename}-updates`, `${codename}-security`] } : { url: 'http://deb.debian.org/debian', suites: [codename, `${codename}-updates`, `${codename}-security`] }
}

function knowsPackages(proc: Proc): boolean {
  return proc.fs.exists(LISTS) && proc.fs.readdir(LISTS).some((name) => name.endsWith('_Packages'))
}

/** Packages that the image has under another name than their program. */
const PROGRAMS: Readonly<Record<string, string>> = { procps: 'ps', coreutils: 'ls', dnsutils: 'dig', 'bind9-dnsutils': 'dig', iproute2: 'ip', 'netcat-openbsd': 'nc', 'iputils-ping': 'ping' }

function isInstalled(proc: Proc, name: string): boolean {
  const known = packageOf('debian', name)
  if (known && isUnpacked(proc.fs, known)) return true
  return ['/bin', '/usr/bin', '/usr/sbin'].some((directory) => proc.fs.exists(`${directory}/${PROGRAMS[name] ?? name}`))
}

/** Operations that find nothing to do. */
const NOTHING_TO_DO = new Set(['upgrade', 'dist-upgrade', 'full-upgrade', 'autoremove', 'clean', 'autoclean'])
const READING = 'Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n'
const sizeText = (kilobytes: number) => kilobytes >= 1000 ? `${kilobytes.toLocaleString('en-US')} kB` : `${kilobytes} kB`

/** apt and apt-get: packages that there are programs for. */
// @k8s part: apt: the mirror has only packages whose programs there are here; nothing is removed
export const apt: Program = async (proc) => {
  const args = proc.argv.slice(1)
  const [command, ...words] = args.filter((arg, i) => !arg.startsWith('-') && args[i - 1] !== '-o')
  const yes = args.some((arg) => /^-(?:-yes|-assume-yes|[a-z]*y[a-z]*)$/.test(arg))
  const mirror = mirrorOf(proc)
  const out = (text: string) => proc.stdout.write(text)
  switch (command) {
    case 'update': {
      if (proc.user.uid !== 0) { await proc.stderr.write(`E: Could not open lock file ${LISTS}/lock - open (13: Permission denied)\n`); return 100 }
      if (await isStuckAsRoot(proc)) return 100
      for (const [i, suite] of mirror.suites.entries()) {
        await out(`Get:${i + 1} ${mirror.url} ${suite} InRelease [${[151, 55, 48][i]} kB]\n`)
        await proc.sleep(FETCH_MS)
      }
      await out(`Get:4 ${mirror.url} ${mirror.suites[0]}/main amd64 Packages [8791 kB]\nFetched 9045 kB in 1s (8713 kB/s)\nReading package lists... Done\n`)
      proc.fs.mkdir(LISTS, { recursive: true })
      proc.fs.writeFile(`${LISTS}/${mirror.url.slice(7).replaceAll('/', '_')}_dists_${mirror.suites[0]}_main_binary-amd64_Packages`, 'Package: apt\n')
      return 0
    }
    case 'install': {
      if (proc.user.uid !== 0) { await proc.stderr.write('E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?\n'); return 100 }
      await out(READING)
      const names = words.map((word) => word.replace(/=.*$/, ''))
      const missing = names.filter((name) => !isInstalled(proc, name))
      for (const name of names) if (!missing.includes(name)) await out(`${name} is already the newest version${packageOf('debian', name) ? ` (${packageOf('debian', name)!.version.debian})` : ''}.\n`)
      if (missing.length === 0) { await out('0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n'); return 0 }
      const unknown = missing.filter((name) => !knowsPackages(proc) || !packageOf('debian', name))
      if (unknown.length > 0) {
        for (const name of unknown) await proc.stderr.write(`E: Unable to locate package ${name}\n`)
        return 100
      }
      return install(proc, [...new Set(missing)].map((name) => packageOf('debian', name)!), { yes, mirror })
    }
    case undefined:
      await out('apt 2.6.1 (amd64)\nUsage: apt-get [options] command\n')
      return 0
    case 'remove': case 'purge': {
      const installed = words.filter((name) => isInstalled(proc, name))
      for (const name of words) await proc.stderr.write(installed.includes(name) ? `E: ${name} belongs to the image and can't be removed here\n` : `E: Unable to locate package ${name}\n`)
      return words.length > 0 ? 100 : 0
    }
    default:
      if (!NOTHING_TO_DO.has(command)) {
        await proc.stderr.write(`E: Invalid operation ${command}\n`)
        return 100
      }
      await out(`${READING}0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n`)
      return 0
  }
}

/** apt fetches as a user of its own, which it must be able to become. */
async function isStuckAsRoot(proc: Proc): Promise<boolean> {
  if (isCapable(proc, 'SETGID') && isCapable(proc, 'SETUID')) return false
  if (!isCapable(proc, 'SETGID')) await proc.stderr.write('E: setgroups 65534 failed - setgroups (1: Operation not permitted)\nE: setegid 65534 failed - setegid (1: Operation not permitted)\n')
  if (!isCapable(proc, 'SETUID')) await proc.stderr.write('E: seteuid 42 failed - seteuid (1: Operation not permitted)\n')
  if (!isCapable(proc, 'SETGID')) await proc.stderr.write('E: setgroups 0 failed - setgroups (1: Operation not permitted)\n')
  return true
}

async function install(proc: Proc, packages: readonly Package[], { yes, mirror }: { yes: boolean; mirror: Mirror }): Promise<number> {
  const out = (text: string) => proc.stdout.write(text)
  const fetched = packages.reduce((sum, each) => sum + each.kilobytes[0], 0)
  await out(`The following NEW packages will be installed:\n  ${packages.map(({ name }) => name.debian).join(' ')}\n0 upgraded, ${packages.length} newly installed, 0 to remove and 0 not upgraded.\nNeed to get ${sizeText(fetched)} of archives.\nAfter this operation, ${sizeText(packages.reduce((sum, each) => sum + each.kilobytes[1], 0))} of additional disk space will be used.\n`)
  if (!yes) {
    await out('Do you want to continue? [Y/n] ')
    const answer = await proc.stdin.read()
    const text = answer && new TextDecoder().decode(answer).trim()
    if (text === null || !/^(?:y(?:es)?)?$/i.test(text)) { await out('Abort.\n'); return 1 }
  }
  if (await isStuckAsRoot(proc)) return 100
  for (const [i, { name, version, kilobytes }] of packages.entries()) {
    await out(`Get:${i + 1} ${mirror.url} ${mirror.suites[0]}/main amd64 ${name.debian} amd64 ${version.debian} [${sizeText(kilobytes[0])}]\n`)
    await proc.sleep(FETCH_MS)
  }
  await proc.stderr.write('debconf: delaying package configuration, since apt-utils is not installed\n')
  await out(`Fetched ${sizeText(fetched)} in 0s (${sizeText(fetched * 3)}/s)\n`)
  for (const each of packages) {
    const { name, version } = each
    await out(`Selecting previously unselected package ${name.debian}.\nPreparing to unpack .../${name.debian}_${version.debian!.replace(/^\d+:/, '')}_amd64.deb ...\nUnpacking ${name.debian} (${version.debian}) ...\n`)
    unpack(proc.fs, each)
  }
  for (const { name, version } of packages) await out(`Setting up ${name.debian} (${version.debian}) ...\n`)
  return 0
}
