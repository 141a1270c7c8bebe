import type { MountableFileSystem } from '../../unix/types.ts'
import type { VolumePlugin } from './volume.ts'

/** Checks (and for the OrCreate types makes) a path of the node. @throws Error in the kubelet's words. k8s: pkg/volume/hostpath checkType */
export function prepareHostPath(files: MountableFileSystem, path: string, type: string | undefined): void {
  const kind = (): string | undefined => {
    try {
      return files.stat(path).type
    } catch {
      return undefined
    }
  }
  const expect = (want: string, noun: string) => { if (kind() !== want) throw new Error(`hostPath type check failed: ${path} is not ${noun}`) }
  switch (type ?? '') {
    case '':
      // The container runtime makes what is missing.
      if (kind() === undefined) files.mkdir(path, { recursive: true, mode: 0o755 })
      return
    case 'DirectoryOrCreate':
      if (kind() === undefined) files.mkdir(path, { recursive: true, mode: 0o755 })
      return expect('directory', 'a directory')
    case 'Directory': return expect('directory', 'a directory')
    case 'FileOrCreate':
      if (kind() === undefined) files.writeFile(path, '', { mode: 0o644 })
      return expect('file', 'a file')
    case 'File': return expect('file', 'a file')
    case 'Socket': return expect('socket', 'a socket file')
    case 'CharDevice': return expect('character', 'a character device')
    case 'BlockDevice': return expect('block', 'a block device')
    default: throw new Error(`${type} is an invalid volume type`)
  }
}

/** A path of the node. k8s: pkg/volume/hostpath */
export const hostPathPlugin: VolumePlugin = {
  name: 'kubernetes.io/host-path',
  supports: (volume) => volume.hostPath !== undefined,
  async setUp(volume, _pod, context) {
    const { path, type } = volume.hostPath!
    prepareHostPath(context.nodeFiles, path, type)
    return { plugin: this.name, tree: context.nodeFiles, root: path, readOnly: false, usedBytes: () => 0 }
  },
}
