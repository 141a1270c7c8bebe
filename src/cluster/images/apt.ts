import type { Proc, Program } from '../../unix/types.ts'

const MIRRORS = ['bookworm', 'bookworm-updates', 'bookworm-security']
const host = (suite: string) => `http://deb.debian.org/debian${suite.endsWith('-security') ? '-security' : ''}`

/** Packages whose program has another name. */
const PROGRAMS: Readonly<Record<string, string>> = { procps: 'ps', coreutils: 'ls', dnsutils: 'dig', 'bind9-dnsutils': 'dig', iproute2: 'ip', 'netcat-openbsd': 'nc', 'iputils-ping': 'ping' }

function isInstalled(proc: Proc, name: string): boolean {
  return ['/bin', '/usr/bin', '/usr/sbin'].some((directory) => proc.fs.exists(`${directory}/${PROGRAMS[name] ?? name}`))
}

// @k8s part: apt: packages can't be fetched or removed; what an image brings counts as installed

/** Operations that find nothing to do where no package lists are. */
const NOTHING_TO_DO = new Set(['upgrade', 'dist-upgrade', 'full-upgrade', 'autoremove', 'clean', 'autoclean'])

/** apt and apt-get: packages come from servers that can't be reached from here. */
export const apt: Program = async (proc) => {
  const [command, ...names] = proc.argv.slice(1).filter((arg) => !arg.startsWith('-'))
  switch (command) {
    case 'update':
      for (const suite of MIRRORS) await proc.stdout.write(`Ign:${MIRRORS.indexOf(suite) + 1} ${host(suite)} ${suite} InRelease\n`)
      for (const suite of MIRRORS) await proc.stdout.write(`Err:${MIRRORS.indexOf(suite) + 1} ${host(suite)} ${suite} InRelease\n  Temporary failure resolving 'deb.debian.org'\n`)
      await proc.stdout.write('Reading package lists... Done\n')
      for (const suite of MIRRORS) await proc.stderr.write(`W: Failed to fetch ${host(suite)}/dists/${suite}/InRelease  Temporary failure resolving 'deb.debian.org'\n`)
      await proc.stderr.write('W: Some index files failed to download. They have been ignored, or old ones used instead.\n')
      return 0
    case 'install': {
      await proc.stdout.write('Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n')
      const missing = names.filter((name) => !isInstalled(proc, name))
      for (const name of names) if (!missing.includes(name)) await proc.stdout.write(`${name} is already the newest version.\n`)
      if (missing.length === 0) { await proc.stdout.write('0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n'); return 0 }
      for (const name of missing) await proc.stderr.write(`E: Unable to locate package ${name}\n`)
      return 100
    }
    case undefined:
      await proc.stdout.write('apt 2.6.1 (amd64)\nUsage: apt-get [options] command\n')
      return 0
    case 'remove': case 'purge': {
      const installed = names.filter((name) => isInstalled(proc, name))
      for (const name of names) await proc.stderr.write(installed.includes(name) ? `E: ${name} belongs to the image and can't be removed here\n` : `E: Unable to locate package ${name}\n`)
      return names.length > 0 ? 100 : 0
    }
    default:
      if (!NOTHING_TO_DO.has(command)) {
        await proc.stderr.write(`E: Invalid operation ${command}\n`)
        return 100
      }
      await proc.stdout.write('Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n')
      return 0
  }
}
