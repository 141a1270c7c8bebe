import { errorText } from '../errno.ts'
import { MemoryFileSystem, createMemoryFileSystem } from '../file-system.ts'
import type { BlockDevice } from '../fs/block-device.ts'
import { demandCall } from '../system-calls.ts'
import { UnixError } from '../types.ts'
import type { Proc } from '../types.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

/** mount(8): lists, and mounts tmpfs and directories, for who may. */
// @k8s part: mount: only tmpfs, ext file systems on loop devices, bind mounts and remounts as read-only or writable; of options ro, rw, loop, size and mode are followed, others are taken and change nothing
export const mount: Utility = async (context) => {
  const { proc, busybox } = context
  const { fs } = proc
  const options = parseOptions(context.args, 't:o:rwnaflvsBM', { 'types=': 't', 'options=': 'o', bind: 'B', rbind: 'B', 'read-only': 'r' })
  if (options.has('a', 'f', 'l', 'M')) return context.complain('of the options of mount only -t, -o, -r, -w, -B, -n, -s and -v are followed here')
  const [source, target] = options.operands
  if (!(fs instanceof MemoryFileSystem)) return context.complain('cannot read table of mounted file systems')
  if (source === undefined) {
    const type = options.value('t')
    for (const each of fs.mounts()) if (type === undefined || type === each.type) await context.out(`${each.source} on ${each.path} type ${each.type} (${each.readOnly ? 'ro' : 'rw'},relatime)\n`)
    return 0
  }
  const settings = (options.value('o') ?? '').split(',').filter(Boolean)
  const isBind = options.has('B') || settings.includes('bind') || settings.includes('rbind')
  const remounts = settings.includes('remount')
  const readOnly = options.has('r') || settings.includes('ro')
  const at = target ?? (remounts ? source : undefined)
  if (at === undefined) return busybox ? context.complain(`can't find ${source} in /etc/fstab`) : fail(context, `${source}: can't find in /etc/fstab.`, 1)
  try {
    demandCall(proc, 'mount')
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    if (error.code === 'EPERM') {
      if (busybox) return context.complain('permission denied (are you root?)')
      return fail(context, proc.user.uid === 0 ? `${at}: permission denied.` : `${at}: must be superuser to use mount.`)
    }
    return busybox ? fail(context, `mounting ${source} on ${at} failed: ${errorText(error)}`, 255) : fail(context, `${at}: cannot mount ${source} read-only.`)
  }
  const path = proc.resolve(at)
  if (!fs.exists(path)) return busybox ? fail(context, `mounting ${source} on ${at} failed: No such file or directory`, 255) : fail(context, `${at}: mount point does not exist.`)
  if (remounts) {
    if (fs.remount(fs.realpath(path), readOnly)) return 0
    return busybox ? fail(context, `mounting ${source} on ${at} failed: Invalid argument`, 255) : fail(context, `${at}: mount point not mounted or bad option.`)
  }
  if (isBind) {
    const from = proc.resolve(source)
    if (!fs.exists(from)) return busybox ? fail(context, `mounting ${source} on ${at} failed: No such file or directory`, 255) : fail(context, `${at}: special device ${source} does not exist.`)
    fs.bind(from, path, readOnly)
    return 0
  }
  const type = options.value('t')
  if (type !== 'tmpfs') {
    const mounted = mountDevice(context, source, path, type, readOnly, settings.includes('loop'))
    if (mounted !== undefined) return mounted === '' ? 0 : busybox ? fail(context, `mounting ${source} on ${at} failed: ${mounted === 'bad' ? 'Invalid argument' : mounted}`, 255) : fail(context, mounted === 'bad' ? `${at}: wrong fs type, bad option, bad superblock on ${source}, missing codepage or helper program, or other error.` : `${at}: ${mounted}`)
  }
  if (type !== 'tmpfs') return busybox ? fail(context, `mounting ${source} on ${at} failed: ${type === undefined ? 'Invalid argument' : 'No such device'}`, 255) : fail(context, type === undefined ? `${at}: ${source} is not a block device.` : `${at}: unknown filesystem type '${type}'.`)
  const size = settings.map((setting) => /^size=(\d+)([kmg]?)$/i.exec(setting)).find(Boolean)
  const mode = settings.map((setting) => /^mode=([0-7]+)$/.exec(setting)?.[1]).find(Boolean)
  const files = createMemoryFileSystem({ clock: proc.clock, ...(size ? { sizeLimitBytes: Number(size[1]) * 1024 ** ('kmg'.indexOf(size[2]!.toLowerCase()) + 1) } : {}) })
  files.chmod('/', mode === undefined ? 0o1777 : parseInt(mode, 8))
  fs.mount(path, files, { readOnly, source, type: 'tmpfs' })
  return 0
}

/** Mounts what is on a device. @returns '' where that is done, `bad` where there is no such file system on it, another reason, or undefined for what is no device */
function mountDevice({ proc }: UtilityContext, source: string, path: string, type: string | undefined, readOnly: boolean, isLoop: boolean): string | undefined {
  const fs = proc.fs as MemoryFileSystem
  const from = proc.resolve(source)
  if (!fs.exists(from)) return type !== undefined && DEVICE_TYPES.has(type) ? `special device ${source} does not exist.` : undefined
  const { loopDevices } = proc.machine
  let device = fs.blockDevice(from)
  if (!device && fs.stat(from).type === 'file' && (isLoop || type === undefined || DEVICE_TYPES.has(type))) {
    const file = fs.loopFile(from)
    let loop = loopDevices.list().find((each) => each.inode === file.inode)
    if (!loop) {
      loop = loopDevices.attach(loopDevices.firstFree(), file, readOnly)
      loop.isTransient = true
    }
    device = loop
  }
  if (!device) return undefined
  const { fileSystem } = device
  if (!fileSystem || (type !== undefined && type !== 'auto' && type !== fileSystem.type && !(DEVICE_TYPES.has(type) && DEVICE_TYPES.has(fileSystem.type)))) {
    detachUnused(proc)
    return 'bad'
  }
  fs.mount(path, fileSystem.files, { readOnly: readOnly || device.readOnly, source: `/dev/${device.name}`, type: type === undefined || type === 'auto' ? fileSystem.type : type })
  return ''
}

/** Where a device's files are mounted that this process sees. */
export function mountPointOf(proc: Proc, device: BlockDevice): string | undefined {
  const files = device.fileSystem?.files
  return files && proc.fs instanceof MemoryFileSystem ? proc.fs.mounts().find(({ tree }) => tree === files.space.root)?.path : undefined
}

/** Detaches the devices that mount has made for itself and that nothing is mounted from any more. */
function detachUnused(proc: Proc): void {
  const { loopDevices } = proc.machine
  for (const device of loopDevices.list()) if (device.isTransient && mountPointOf(proc, device) === undefined) loopDevices.detach(device.minor)
}

const DEVICE_TYPES = new Set(['ext2', 'ext3', 'ext4'])

/** umount(8) */
export const umount: Utility = async (context) => {
  const { proc, busybox } = context
  const { fs } = proc
  const options = parseOptions(context.args, 'lfrnadRv', { lazy: 'l', force: 'f', recursive: 'R' })
  if (options.has('a', 'R', 'r', 'd')) return context.complain('of the options of umount only -l, -f, -n and -v are followed here')
  if (options.operands.length === 0) throw new UsageError('bad usage')
  let status = 0
  for (const target of options.operands) {
    try {
      demandCall(proc, 'umount2')
      if (!(fs instanceof MemoryFileSystem) || !fs.exists(proc.resolve(target))) throw new UnixError('ENOENT', 'No such file or directory')
      fs.unmount(proc.resolve(target))
      detachUnused(proc)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      const gnu: Record<string, string> = { EPERM: 'must be superuser to unmount.', EINVAL: 'not mounted.', ENOENT: 'no mount point specified.' }
      status = busybox ? await context.complain(`can't unmount ${target}: ${errorText(error)}`) : await fail(context, `${target}: ${gnu[error.code] ?? errorText(error)}`)
    }
  }
  return status
}

/** A complaint of util-linux' mount, whose exit code says what kind of failure it was. */
async function fail(context: UtilityContext, text: string, status = 32): Promise<number> {
  await context.complain(text)
  if (!context.busybox && context.name === 'mount' && status === 32) await context.err('       dmesg(1) may have more information after failed mount system call.\n')
  return status
}
