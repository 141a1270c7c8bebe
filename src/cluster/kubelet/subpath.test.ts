import { expect, test } from 'vitest'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import { prepareSubPath } from './subpath.ts'

const clock = { nowMs: () => 0 }
const node = () => createMemoryFileSystem({ clock, files: { '/vol/dir/file': 'x', '/vol/in': { link: 'dir' }, '/vol/abs': { link: '/vol/dir' }, '/vol/out': { link: '/etc' }, '/vol/up': { link: '../etc' }, '/vol/dangling': { link: '/etc/none' }, '/etc/secret': 's' } })
const prepare = (subPath: string, tree = node(), root = '/vol', isWholeTree = false) => prepareSubPath({ tree, root, subPath, isWholeTree, volumeMount: 'data', container: 'main' })

test('a subPath is found through links that stay in the volume', () => {
  expect([prepare('dir'), prepare('in/file'), prepare('abs'), prepare('dir/file')]).toEqual(['/vol/dir', '/vol/dir/file', '/vol/dir', '/vol/dir/file'])
})

test('a subPath that leads out of the volume is refused, in words that tell nothing of the node', () => {
  const refused = 'failed to prepare subPath for volumeMount "data" of container "main"'
  for (const path of ['out', 'up', 'out/secret', 'up/secret']) expect(() => prepare(path), path).toThrow(refused)
  for (const path of ['out/new', 'dangling']) expect(() => prepare(path), path).toThrow('failed to create subPath directory for volumeMount "data" of container "main"')
})

test('a missing directory is made with the mode of the volume', () => {
  const tree = node()
  tree.chmod('/vol', 0o2770)
  expect(prepare('in/new/deep', tree)).toBe('/vol/dir/new/deep')
  expect([tree.stat('/vol/dir/new').mode, tree.stat('/vol/dir/new/deep').mode]).toEqual([0o2770, 0o2770])
})

test('in a volume of its own, links to places of the node lead out', () => {
  const tree = createMemoryFileSystem({ clock, files: { '/a/file': '', '/in': { link: 'a' }, '/out': { link: '/a' }, '/up': { link: '../a' } } })
  expect(prepare('in', tree, '/', true)).toBe('/a')
  for (const path of ['out', 'up']) expect(() => prepare(path, tree, '/', true)).toThrow('failed to prepare subPath')
})
