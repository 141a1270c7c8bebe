import { errorText } from '../errno.ts'
import { MemoryFileSystem, createMemoryFileSystem } from '../file-system.ts'
import { SECTOR_BYTES } from '../fs/block-device.ts'
import type { BlockDevice, LoopDevice } from '../fs/block-device.ts'
import { demandCall } from '../system-calls.ts'
import { UnixError } from '../types.ts'
import type { Proc } from '../types.ts'
import { sizeOf } from './file-bytes.ts'
import { humanSize } from './listing.ts'
import { mountPointOf } from './mounts.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

/** File systems that can be made; e2fsprogs is what Debian's nodes come with. */
const EXT_TYPES = new Set(['ext2', 'ext3', 'ext4'])

/** The device behind a name. @throws UnixError ENOENT, ENOTBLK */
function deviceOf(proc: Proc, name: string): BlockDevice {
  const device = proc.fs instanceof MemoryFileSystem ? proc.fs.blockDevice(proc.resolve(name)) : undefined
  if (!device) throw new UnixError('ENOTBLK', 'Block device required')
  return device
}

/** losetup(8): files as devices. */
// @k8s part: losetup: -a, -f, -d, -D, -c, -j, -r, --show and the table; offsets, size limits, partitions and direct I/O aren't followed. Loop devices and the file systems on them are gone after a reload
export const losetup: Utility = async (context) => {
  const { proc } = context
  const { loopDevices } = proc.machine
  const options = parseOptions(context.args, 'acDdfj:rPnlLO:J', { all: 'a', 'set-capacity': 'c', 'detach-all': 'D', detach: 'd', find: 'f', 'associated=': 'j', 'read-only': 'r', show: 's', nooverlap: 'L', noheadings: 'n', list: 'l', 'output=': 'O', partscan: 'P' })
  if (options.has('P', 'O', 'J')) return context.complain('of the options of losetup only -a, -c, -d, -D, -f, -j, -r, -l, -n, -L and --show are followed here')
  const fs = proc.fs as MemoryFileSystem
  const fail = (name: string, text: string) => context.complain(`${name}: ${text}`)
  const numbered = (name: string): number => {
    const found = /^(?:\/dev\/)?loop(\d+)$/.exec(name)?.[1]
    if (found === undefined) throw new UnixError('ENOTBLK', 'Block device required')
    return Number(found)
  }
  const line = (device: LoopDevice) => `/dev/${device.name}: [65024]:${device.inode.number} (${device.path})\n`
  try {
    if (options.has('d') || options.has('D')) {
      demandCall(proc, 'mount')
      for (const name of options.has('D') ? loopDevices.list().map((device) => device.name) : options.operands) {
        const device = loopDevices.get(numbered(name))
        if (!device) { await fail(name, 'detach failed: No such device or address'); return 1 }
        loopDevices.detach(device.minor)
      }
      return 0
    }
    if (options.has('c')) {
      for (const name of options.operands) {
        const device = loopDevices.get(numbered(name))
        if (!device) return await fail(name, 'set capacity failed: No such device or address')
        device.measure()
      }
      return 0
    }
    const related = options.value('j')
    if (related !== undefined || options.has('a')) {
      const path = related === undefined ? undefined : fs.realpath(proc.resolve(related))
      for (const device of loopDevices.list()) if (path === undefined || device.path === path) await context.out(line(device))
      return 0
    }
    const file = options.has('f') ? options.operands[0] : options.operands[1]
    if (file !== undefined) {
      demandCall(proc, 'mount')
      const existing = options.has('L') ? loopDevices.list().find((device) => device.path === fs.realpath(proc.resolve(file))) : undefined
      const device = existing ?? loopDevices.attach(options.has('f') ? loopDevices.firstFree() : numbered(options.operands[0]!), fs.loopFile(proc.resolve(file)), options.has('r'))
      // Where /dev isn't the kernel's own, a device gets its file from whoever attaches it.
      if (!fs.exists(`/dev/${device.name}`)) fs.makeBlockDevice(`/dev/${device.name}`, 0o660, device)
      if (options.has('s')) await context.out(`/dev/${device.name}\n`)
      return 0
    }
    if (options.has('f')) {
      await context.out(`/dev/loop${loopDevices.firstFree()}\n`)
      return 0
    }
    const shown = options.operands.length > 0 ? options.operands.map((name) => ({ name, device: loopDevices.get(numbered(name)) })) : loopDevices.list().map((device) => ({ name: device.name, device }))
    const missing = shown.find(({ device }) => !device)
    if (missing) return await fail(missing.name, 'No such device or address')
    if (options.operands.length > 0 && !options.has('l')) {
      for (const { device } of shown) await context.out(line(device!))
      return 0
    }
    if (shown.length === 0) return 0
    const rows = shown.map(({ device }) => [`/dev/${device!.name}`, '0', '0', device!.isTransient ? '1' : '0', device!.readOnly ? '1' : '0', device!.path, '0', String(SECTOR_BYTES)])
    const table = options.has('n') ? rows : [['NAME', 'SIZELIMIT', 'OFFSET', 'AUTOCLEAR', 'RO', 'BACK-FILE', 'DIO', 'LOG-SEC'], ...rows]
    const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)))
    const toLeft = new Set([0, 5])
    for (const row of table) await context.out(`${row.map((cell, i) => toLeft.has(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(' ')}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    const name = (options.has('f') ? options.operands[0] : options.operands.at(-1)) ?? ''
    return fail(name, `failed to set up loop device: ${errorText(error)}`)
  }
}

/** mkfs(8) and mkfs.ext2, mkfs.ext3, mkfs.ext4. */
// @k8s part: mkfs: ext2, ext3 and ext4; what says how the file system is laid out (-b, -i, -m, -O, -E, -I, -J) changes nothing, and its bytes can't be seen on the device
export const mkfs: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 't:FqL:m:E:O:b:i:I:J:N:T:U:Vvn', { 'type=': 't' })
  const type = /\.(\w+)$/.exec(context.name)?.[1] ?? options.value('t') ?? 'ext2'
  if (!EXT_TYPES.has(type)) return context.complain(`failed to execute mkfs.${type}: No such file or directory`)
  const [name] = options.operands
  if (name === undefined) throw new UsageError('no device specified')
  try {
    const device = deviceOf(proc, name)
    const mounted = mountPointOf(proc, device)
    if (mounted !== undefined) return await complainAs(context, 'mke2fs', `${name} is mounted; will not make a filesystem here!`)
    const uuid = options.value('U') ?? proc.random.uuid()
    const files = createMemoryFileSystem({ clock: proc.clock, sizeLimitBytes: device.sizeBytes })
    files.mkdir('/lost+found', { mode: 0o700 })
    device.format({ type, uuid, label: options.value('L') ?? '', files })
    if (!options.has('q')) {
      const blocks = Math.floor(device.sizeBytes / 4096)
      await context.err('mke2fs 1.47.0 (5-Feb-2023)\n')
      await context.out(`Discarding device blocks: done                            \nCreating filesystem with ${blocks} 4k blocks and ${Math.max(16, Math.floor(blocks / 16) * 16)} inodes\nFilesystem UUID: ${uuid}\n\nAllocating group tables: done                            \nWriting inode tables: done                            \n${type === 'ext2' ? '' : 'Creating journal (1024 blocks): done\n'}Writing superblocks and filesystem accounting information: done\n\n`)
    }
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return complainAs(context, 'mke2fs', error.code === 'ENOENT' ? `The file ${name} does not exist and no size was specified.` : `${errorText(error)} while setting up superblock`)
  }
}

async function complainAs({ err }: UtilityContext, name: string, text: string): Promise<number> {
  await err(`${name}: ${text}\n`)
  return 1
}

/** resize2fs(8): a file system takes the room that its device has, or that is asked for. */
export const resize2fs: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'fFpPM')
  const [name, size] = options.operands
  if (name === undefined) throw new UsageError('Usage: resize2fs [-d debug_flags] [-f] [-F] [-M] [-P] [-p] device [new_size]')
  try {
    const device = deviceOf(proc, name)
    const fileSystem = device.fileSystem
    if (!fileSystem || !EXT_TYPES.has(fileSystem.type)) return await complainAs(context, context.name, `Bad magic number in super-block while trying to open ${name}`)
    const { root } = fileSystem.files.space
    const wanted = size === undefined ? device.sizeBytes : sizeOf(size) ?? device.sizeBytes
    const blocks = Math.floor(Math.min(wanted, device.sizeBytes) / 4096)
    await context.err('resize2fs 1.47.0 (5-Feb-2023)\n')
    if (wanted > device.sizeBytes) return await complainAs(context, context.name, `The containing partition (or device) is only ${Math.floor(device.sizeBytes / 4096)} (4k) blocks.`)
    if (root.sizeLimitBytes === wanted) await context.out(`The filesystem is already ${blocks} (4k) blocks long.  Nothing to do!\n\n`)
    else {
      root.sizeLimitBytes = wanted
      await context.out(`The filesystem on ${name} is now ${blocks} (4k) blocks long.\n\n`)
    }
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return complainAs(context, context.name, `${errorText(error)} while opening ${name}`)
  }
}

/** blkid(8): what is on devices. */
export const blkid: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'po:s:u:c:', { probe: 'p', 'output=': 'o', 'match-tag=': 's' })
  const names = options.operands.length > 0 ? options.operands : proc.machine.loopDevices.list().map((device) => `/dev/${device.name}`)
  let found = 0
  for (const name of names) {
    let device: BlockDevice
    try { device = deviceOf(proc, name) } catch { continue }
    const { fileSystem } = device
    if (!fileSystem) continue
    found += 1
    const tags = Object.entries({ ...(fileSystem.label ? { LABEL: fileSystem.label } : {}), UUID: fileSystem.uuid, BLOCK_SIZE: '4096', TYPE: fileSystem.type }).filter(([tag]) => options.value('s') === undefined || options.value('s') === tag)
    const format = options.value('o')
    if (format === 'export') await context.out(`DEVNAME=${name}\n${tags.map(([tag, value]) => `${tag}=${value}\n`).join('')}`)
    else if (format === 'value') await context.out(tags.map(([, value]) => `${value}\n`).join(''))
    else await context.out(`${name}: ${tags.map(([tag, value]) => `${tag}="${value}"`).join(' ')}\n`)
  }
  return found > 0 ? 0 : 2
}

/** blockdev(8): figures of a device. */
export const blockdev: Utility = async (context) => {
  const { proc, args } = context
  const figures: Readonly<Record<string, (device: BlockDevice) => number>> = {
    '--getss': () => SECTOR_BYTES, '--getpbsz': () => SECTOR_BYTES, '--getbsz': () => 4096, '--getsize64': (device) => device.sizeBytes, '--getsz': (device) => device.sizeBytes / SECTOR_BYTES, '--getsize': (device) => device.sizeBytes / SECTOR_BYTES, '--getro': (device) => device.readOnly ? 1 : 0, '--getra': () => 256,
  }
  const commands = args.filter((arg) => arg.startsWith('-') && arg !== '-q' && arg !== '-v')
  const bad = commands.find((command) => !figures[command] && command !== '--flushbufs' && command !== '--rereadpt')
  if (bad !== undefined) return context.complain(`Unknown command: ${bad}`)
  for (const name of args.filter((arg) => !arg.startsWith('-'))) {
    try {
      const device = deviceOf(proc, name)
      for (const command of commands) if (figures[command]) await context.out(`${figures[command](device)}\n`)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      return context.complain(error.code === 'ENOTBLK' ? `ioctl error on ${commands[0] ?? ''}: Inappropriate ioctl for device` : `cannot open ${name}: ${errorText(error)}`)
    }
  }
  return 0
}

/** lsblk(8): the devices, and where they are mounted. */
export const lsblk: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'bnafl', { bytes: 'b', noheadings: 'n', all: 'a' })
  const rows = proc.machine.loopDevices.list().map((device) => [device.name, `${device.major}:${device.minor}`, '0', options.has('b') ? String(device.sizeBytes) : humanSize(device.sizeBytes), device.readOnly ? '1' : '0', 'loop', mountPointOf(proc, device) ?? ''])
  const table = options.has('n') ? rows : [['NAME', 'MAJ:MIN', 'RM', 'SIZE', 'RO', 'TYPE', 'MOUNTPOINTS'], ...rows]
  const widths = table[0]?.map((_, i) => Math.max(...table.map((row) => row[i]!.length))) ?? []
  const toRight = new Set([2, 3, 4])
  for (const row of table) await context.out(`${row.map((cell, i) => toRight.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)).join(' ').trimEnd()}\n`)
  return 0
}

/** fallocate(1): room for a file. */
export const fallocate: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'l:o:nxzcdp', { 'length=': 'l', 'offset=': 'o', 'keep-size': 'n', posix: 'x' })
  if (options.has('z', 'c', 'd', 'p', 'n')) return context.complain('of the options of fallocate only -l, -o and -x are followed here')
  const length = sizeOf(options.value('l') ?? '')
  if (length === undefined) return context.complain(options.value('l') === undefined ? 'no length argument specified' : 'invalid length value specified')
  const [name] = options.operands
  if (name === undefined) return context.complain('no filename specified')
  const path = proc.resolve(name)
  const wanted = length + (sizeOf(options.value('o') ?? '0') ?? 0)
  try {
    if (!proc.fs.exists(path)) proc.fs.writeFile(path, '')
    if (proc.fs.stat(path).sizeBytes < wanted) (proc.fs as MemoryFileSystem).resize(path, wanted)
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return context.complain(`${error.code === 'ENOSPC' ? `fallocate failed` : `cannot open ${name}`}: ${errorText(error)}`)
  }
}
