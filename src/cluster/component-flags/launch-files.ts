import type { FileSystem } from '../../unix/types.ts'
import { LaunchError } from './component-flags.ts'
import type { ComponentFlags } from './component-flags.ts'

/** The files that a component sees, and its standard output. */
export interface LaunchPlace {
  fs: FileSystem
  print(line: string): void
}

/** Text of a file that a flag names. @throws LaunchError: `wrapping` says what was tried, with the error in the place of `%s` */
export function fileText({ fs }: LaunchPlace, path: string, wrapping = '%s'): string {
  try {
    return fs.readText(path)
  } catch {
    throw new LaunchError(wrapping.replace('%s', `open ${path}: no such file or directory`))
  }
}

/** Fails where a file is missing that a flag names. @throws LaunchError */
export function requireFiles(place: LaunchPlace, flags: ComponentFlags, names: readonly (string | readonly [flag: string, wrapping: string])[]): void {
  for (const each of names) {
    const [name, wrapping] = typeof each === 'string' ? [each, '%s'] as const : each
    for (const path of flags.list(name)) fileText(place, path, wrapping)
  }
}
