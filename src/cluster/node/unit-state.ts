import type { FileSystem } from '../../unix/types.ts'

const WANTS = '/etc/systemd/system/multi-user.target.wants'
/** Emptied by each start of the machine: a service that was stopped comes back with it. */
const STOPPED = '/run/systemd/stopped'

/** systemd's link that has a service start with the machine. */
export const enablingLink = (name: string) => `${WANTS}/${name}.service`

/** Has services start with the machine, as an image of a node leaves them. */
export function installUnits(files: FileSystem, names: readonly string[]): void {
  files.mkdir(WANTS, { recursive: true })
  for (const name of names) if (!files.exists(enablingLink(name))) enableUnit(files, name)
}

/** Whether a service starts with the machine. Disks of before have no links. */
export function isUnitEnabled(files: FileSystem, name: string): boolean {
  return !files.exists(WANTS) || files.readdir(WANTS).includes(`${name}.service`)
}

export function enableUnit(files: FileSystem, name: string): void {
  files.mkdir(WANTS, { recursive: true })
  if (!files.readdir(WANTS).includes(`${name}.service`)) files.symlink(`/etc/systemd/system/${name}.service`, enablingLink(name))
}

export function disableUnit(files: FileSystem, name: string): void {
  // Disks of before have containerd.
  if (!files.exists(WANTS)) installUnits(files, ['containerd', 'kubelet'])
  files.remove(enablingLink(name), { force: true })
}

/** Whether somebody stopped a service since the machine started. */
export function isUnitStopped(files: FileSystem, name: string): boolean {
  return files.exists(`${STOPPED}/${name}`)
}

export function markUnit(files: FileSystem, name: string, isStopped: boolean): void {
  if (isStopped) {
    files.mkdir(STOPPED, { recursive: true })
    files.writeFile(`${STOPPED}/${name}`, '')
  } else files.remove(`${STOPPED}/${name}`, { force: true })
}

/** Whether a service that comes with its machine is to run: nobody has stopped it, or has it not start with the machine any more. Without a unit nobody could. */
export function isServiceWanted(files: FileSystem, name: string, isFreshStart: boolean): boolean {
  return !files.exists(`/etc/systemd/system/${name}.service`) || (!isUnitStopped(files, name) && (!isFreshStart || isUnitEnabled(files, name)))
}
