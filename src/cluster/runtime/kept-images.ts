import type { MountableFileSystem } from '../../unix/types.ts'
import { parseImageReference } from './image-reference.ts'
import type { ImageStore } from './image-store.ts'

/**
 * A node's images, with the list on its disk, below `storage`, of those that were pulled or loaded. `load` takes one from an archive; `recall` brings
 * them back in the next process.
 */
export function keepImages(store: ImageStore, files: MountableFileSystem, storage: string): ImageStore & { load(name: string): boolean; recall(): void } {
  /** Names of images that were pulled, one a line. */
  const list = `${storage}/pulled-images`
  const pulled = new Set<string>()
  const write = () => {
    try {
      files.mkdir(storage, { recursive: true })
      files.writeFile(list, [...pulled].map((name) => `${name}\n`).join(''))
    } catch { /* the disk is full: they will have to be pulled again */ }
  }
  const keep = (name: string) => {
    const { fullName } = parseImageReference(name)
    if (pulled.has(fullName)) return
    pulled.add(fullName)
    write()
  }
  return {
    ...store,
    async pullImage(name, credentials) {
      const result = await store.pullImage(name, credentials)
      keep(name)
      return result
    },
    load(name) {
      const isThere = store.importImage(name)
      if (isThere) keep(name)
      return isThere
    },
    removeImage(name) {
      const names = store.imageStatus(name)?.names ?? []
      store.removeImage(name)
      if (names.map((each) => pulled.delete(each)).includes(true)) write()
    },
    recall() {
      if (!files.exists(list)) return
      for (const name of files.readText(list).split('\n')) if (name && store.importImage(name)) pulled.add(name)
    },
  }
}
