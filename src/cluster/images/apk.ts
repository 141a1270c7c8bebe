import { machineName } from '../../unix/architecture.ts'
import type { Proc, Program } from '../../unix/types.ts'
import { isUnpacked, packageOf, unpack } from './packages.ts'

/** What was asked for, one a line. */
const WORLD = '/etc/apk/world'
const BASE = ['alpine-baselayout', 'alpine-keys', 'apk-tools', 'busybox', 'musl', 'zlib']
/** How long a mirror takes to answer, in milliseconds of cluster time. */
const FETCH_MS = 250

function worldOf(proc: Proc): string[] {
  return proc.fs.exists(WORLD) ? proc.fs.readText(WORLD).split('\n').filter(Boolean) : []
}

function keepWorld(proc: Proc, names: readonly string[]): void {
  proc.fs.mkdir('/etc/apk', { recursive: true })
  proc.fs.writeFile(WORLD, names.map((name) => `${name}\n`).join(''))
}

/** apk: packages that there are programs for. */
// @k8s part: apk: the mirror has only packages whose programs there are here; nothing is removed
export const apk: Program = async (proc) => {
  const [command, ...words] = proc.argv.slice(1).filter((arg, i, all) => !arg.startsWith('-') && !['-t', '--virtual', '-X', '--repository'].includes(all[i - 1] ?? ''))
  const quiet = proc.argv.includes('-q') || proc.argv.includes('--quiet')
  const out = async (text: string) => { if (!quiet) await proc.stdout.write(text) }
  const release = proc.fs.exists('/etc/alpine-release') ? proc.fs.readText('/etc/alpine-release').trim().split('.').slice(0, 2).join('.') : '3.22'
  const fetchIndexes = async () => {
    for (const part of ['main', 'community']) {
      await out(`fetch https://dl-cdn.alpinelinux.org/alpine/v${release}/${part}/${machineName(proc.machine.hardware.architecture)}/APKINDEX.tar.gz\n`)
      await proc.sleep(FETCH_MS)
    }
  }
  const world = worldOf(proc)
  const total = () => `${8 + Math.ceil(worldOf(proc).reduce((sum, name) => sum + (packageOf('alpine', name)?.kilobytes[1] ?? 0), 0) / 1024)} MiB in ${16 + worldOf(proc).length} packages\n`
  switch (command) {
    case undefined:
      await proc.stdout.write(`apk-tools 2.14.9, compiled for ${machineName(proc.machine.hardware.architecture)}.\n\nusage: apk [<OPTIONS>...] COMMAND [<ARGUMENTS>...]\n`)
      return 1
    case 'info': case 'list':
      await proc.stdout.write([...BASE, ...world].sort().map((name) => `${name}\n`).join(''))
      return 0
    case 'update':
      await fetchIndexes()
      await out(`v${release}.2 [https://dl-cdn.alpinelinux.org/alpine/v${release}/main]\nv${release}.2 [https://dl-cdn.alpinelinux.org/alpine/v${release}/community]\nOK: 26219 distinct packages available\n`)
      return 0
    case 'upgrade': await out(`OK: ${total()}`); return 0
    case 'cache': case 'fix': case 'audit': return 0
    case 'del': {
      keepWorld(proc, world.filter((name) => !words.includes(name)))
      await out(`OK: ${total()}`)
      return 0
    }
    case 'add': {
      if (proc.user.uid !== 0) { await proc.stderr.write('ERROR: Unable to lock database: Permission denied\nERROR: Failed to open apk database: Permission denied\n'); return 99 }
      await fetchIndexes()
      const names = words.map((word) => word.replace(/[<>=~].*$/, ''))
      const missing = names.filter((name) => !BASE.includes(name) && !packageOf('alpine', name))
      if (missing.length > 0) {
        await proc.stderr.write(`ERROR: unable to select packages:\n${missing.map((name) => `  ${name} (no such package):\n    required by: world[${name}]\n`).join('')}`)
        return missing.length
      }
      const fresh = [...new Set(names)].filter((name) => !BASE.includes(name) && !world.includes(name)).map((name) => packageOf('alpine', name)!)
      for (const [i, each] of fresh.entries()) {
        await out(`(${i + 1}/${fresh.length}) Installing ${each.name.alpine} (${each.version.alpine})\n`)
        await proc.sleep(FETCH_MS)
        unpack(proc.fs, each)
      }
      keepWorld(proc, [...world, ...fresh.map((each) => each.name.alpine!)])
      if (fresh.some((each) => isUnpacked(proc.fs, each))) await out('Executing busybox-1.37.0-r19.trigger\n')
      await out(`OK: ${total()}`)
      return 0
    }
    default:
      await proc.stderr.write(`apk-tools 2.14.9, compiled for ${machineName(proc.machine.hardware.architecture)}.\n\nusage: apk [<OPTIONS>...] COMMAND [<ARGUMENTS>...]\n`)
      return 1
  }
}
