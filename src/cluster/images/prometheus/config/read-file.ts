import { errorText } from '../../../../unix/errno.ts'
import type { Proc } from '../../../../unix/types.ts'
import { ConfigError } from './go-yaml.ts'

/** The text of a configuration file; messages name it as `shown`. @throws ConfigError in the words of Go's os package */
export function readConfigFile(proc: Proc, path: string, shown = path): string {
  try {
    return proc.fs.readText(path)
  } catch (error) {
    throw new ConfigError(`open ${shown}: ${errorText(error).toLowerCase()}`)
  }
}
