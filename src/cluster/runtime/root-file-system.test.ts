import { expect, test } from 'vitest'
import { createMemoryFileSystem, withOwnMounts } from '../../unix/file-system.ts'
import { mountAll } from './root-file-system.ts'

test('later mounts of the node are seen where its root is mounted, as far as mounts propagate', () => {
  const clock = { nowMs: () => 0 }
  const disk = createMemoryFileSystem({ clock, files: { '/mnt/early': { directory: true }, '/mnt/late': { directory: true }, '/mnt/inside': { directory: true } } })
  const holding = (name: string) => createMemoryFileSystem({ clock, files: { [`/${name}`]: '' } })
  const host = withOwnMounts(disk, { follows: true })
  host.shareMountsWith(disk)
  host.mount('/mnt/early', holding('file'))
  const container = (propagation?: 'HostToContainer' | 'Bidirectional') => {
    const root = createMemoryFileSystem({ clock })
    mountAll(root, [{ containerPath: '/host', tree: disk, readOnly: false, inMemory: false, ...(propagation ? { propagation } : {}) }], () => host)
    return root
  }
  const views = [container(), container('HostToContainer'), container('Bidirectional')]
  host.mount('/mnt/late', holding('file'))
  views[2]!.mount('/host/mnt/inside', holding('file'))
  expect(views.map((view) => ['early', 'late', 'inside'].map((name) => view.exists(`/host/mnt/${name}/file`)))).toEqual([[true, false, false], [true, true, true], [true, true, true]])
  expect([host.exists('/mnt/inside/file'), disk.exists('/mnt/inside/file')]).toEqual([true, true])
})
