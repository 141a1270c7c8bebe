import { expect, test } from 'vitest'
import { createMemoryFileSystem, createOverlay } from '../../unix/file-system.ts'
import { layerChanges } from '../../unix/fs/layer-changes.ts'
import { testMachine } from '../../unix/test-machine.ts'
import { LayerStore } from './layer-store.ts'
import { ProgramNames } from './program-names.ts'

const { clock } = testMachine()
const program = () => 0
const base = createMemoryFileSystem({ clock, files: { '/bin/tool': { program }, '/etc/a': 'a', '/etc/b': 'b', '/lib/x/1': '1', '/lib/x/2': '2' } })
const store = () => {
  const programs = new ProgramNames(() => base)
  programs.learn('base:1')
  const disk = createMemoryFileSystem({ clock })
  return { disk, layers: new LayerStore({ disk, directory: '/layers', programs, clock }) }
}

function changed() {
  const files = createOverlay(base, clock)
  files.writeFile('/etc/a', 'changed')
  files.remove('/etc/b')
  files.mkdir('/new', { mode: 0o700 })
  files.chown('/new', 7, 8)
  files.symlink('../etc/a', '/new/link')
  files.copyProgram('/bin/tool', '/new/tool')
  files.rename('/lib/x', '/lib/y')
  files.remove('/lib', { recursive: true })
  files.mkdir('/lib')
  files.writeFile('/lib/only', 'one')
  return files
}

test('a layer is what was changed, removed and put in the place of something else', () => {
  expect([...layerChanges(changed())].map(({ path, kind }) => `${kind} ${path}`)).toEqual(['directory /etc', 'file /etc/a', 'removed /etc/b', 'directory /lib', 'file /lib/only', 'directory /new', 'symlink /new/link', 'file /new/tool'])
})

test('what was written down comes back as it was, programs by the image that they came with', async () => {
  const { disk, layers } = store()
  const { id, sizeBytes } = await layers.seal(changed(), { chainId: 'base' })
  expect(sizeBytes).toBe('changed'.length + 'one'.length)
  const { files } = (await layers.load(id, sizeBytes, { chainId: 'base', files: base }))!
  expect(files.readText('/etc/a')).toBe('changed')
  expect(files.exists('/etc/b')).toBe(false)
  expect(files.readdir('/lib')).toEqual(['only'])
  expect(files.stat('/new')).toMatchObject({ mode: 0o700, uid: 7, gid: 8 })
  expect(files.readlink('/new/link')).toBe('../etc/a')
  expect(files.program('/new/tool')).toBe(program)
  // The same changes are the same layer, wherever they are made.
  expect((await layers.seal(changed(), { chainId: 'other' })).id).toBe(id)
  layers.collect(new Set())
  expect(disk.readdir('/layers')).toEqual([])
})

test('a directory that was moved brings along what was in it below', async () => {
  const { layers } = store()
  const moved = createOverlay(base, clock)
  moved.rename('/lib/x', '/etc/x')
  const { id } = await layers.seal(moved, { chainId: 'base' })
  const { files } = (await layers.load(id, 0, { chainId: 'base', files: base }))!
  expect(files.readdir('/etc/x')).toEqual(['1', '2'])
  expect(files.exists('/lib/x')).toBe(false)
})

test('a writable layer is written down as it changes', async () => {
  const { disk, layers } = store()
  const files = createOverlay(base, clock)
  const stop = layers.follow(files, 'mine')
  files.writeFile('/etc/a', 'first')
  await clock.advance(1_000)
  expect(disk.readText('/layers/mine/diff/etc/a')).toBe('first')
  files.writeFile('/etc/a', 'second')
  files.writeFile('/etc/c', 'c')
  await stop()
  expect(disk.readText('/layers/mine/diff/etc/a')).toBe('second')
  const again = createOverlay(base, clock)
  await layers.restore('mine', again)
  expect(again.readdir('/etc')).toEqual(['a', 'b', 'c'])
})
