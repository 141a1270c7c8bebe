import type { FileSystem } from '../../unix/types.ts'
import type { LeftBehind } from './node-kernel.ts'

/** Where it is written down what a kernel has after its agent ended: in memory on a real machine, and gone with its next start. */
const FILE = '/run/network/left-behind.json'

/** Writes down what an agent left; undefined: one runs again, and makes everything itself. */
export function keepLeftBehind(files: FileSystem, left: LeftBehind | undefined): void {
  if (left) {
    const text = JSON.stringify(left)
    if (files.exists(FILE) && files.readText(FILE) === text) return
    files.mkdir('/run/network', { recursive: true })
    files.writeFile(FILE, text)
  } else if (files.exists(FILE)) files.remove(FILE)
}

/** What was left before this process began; undefined: nothing, or nothing that can be read, as root of the node may write there. */
export function leftBehind(files: FileSystem): LeftBehind | undefined {
  if (!files.exists(FILE)) return undefined
  try {
    const { links, routes, filters = [] } = JSON.parse(files.readText(FILE)) as Partial<LeftBehind>
    return Array.isArray(links) && Array.isArray(routes) && Array.isArray(filters) ? { links, routes, filters } : undefined
  } catch {
    return undefined
  }
}
