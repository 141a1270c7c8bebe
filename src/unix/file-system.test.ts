import { expect, test } from 'vitest'
import { createMemoryFileSystem, createOverlay, withOwnMounts } from './file-system.ts'

const clock = { nowMs: () => 1_700_000_000_000 }
const code = (work: () => unknown) => { try { work(); return 'ok' } catch (error) { return (error as { code: string }).code } }

test('layers share what they don\'t change', () => {
  const lower = createMemoryFileSystem({ clock, files: { '/etc/a': 'lower', '/etc/deep/b': 'b', '/gone': 'x' } })
  const one = createOverlay(lower, clock)
  const two = createOverlay(lower, clock)
  expect(one.usedBytes()).toBe(0)
  one.writeFile('/etc/a', '!', { append: true })
  one.remove('/gone')
  one.rename('/etc/deep', '/etc/moved')
  expect(one.readText('/etc/a')).toBe('lower!')
  expect(one.readdir('/etc')).toEqual(['a', 'moved'])
  expect(one.readText('/etc/moved/b')).toBe('b')
  expect(one.readdir('/')).toEqual(['etc'])
  expect([two.readText('/etc/a'), two.readdir('/'), two.readText('/etc/deep/b')]).toEqual(['lower', ['etc', 'gone'], 'b'])
})

test('a view that was read stays what it was when the file grows or is overwritten', () => {
  const fs = createMemoryFileSystem({ clock, files: { '/f': 'abc' } })
  const before = fs.readFile('/f')
  fs.writeFile('/f', 'def', { append: true })
  fs.writeFile('/f', 'xyz')
  expect(new TextDecoder().decode(before)).toBe('abc')
})

test('mounts cover directories and single files, follow links across, and may be read-only', () => {
  const root = createMemoryFileSystem({ clock, files: { '/app/config.yaml': 'old', '/link': { link: '/data/x' } } })
  const volume = createMemoryFileSystem({ clock, files: { '/x': 'from volume', '/..data': { link: 'v1' }, '/v1/key': 'one', '/key': { link: '..data/key' } } })
  root.mount('/data', volume)
  root.mount('/app/config.yaml', volume, { subPath: 'v1/key', readOnly: true })
  expect(root.readText('/link')).toBe('from volume')
  expect(root.readText('/data/key')).toBe('one')
  expect(root.readText('/app/config.yaml')).toBe('one')
  expect(code(() => root.writeFile('/app/config.yaml', 'no'))).toBe('EROFS')
  expect(code(() => root.remove('/data', { recursive: true }))).toBe('EBUSY')
  expect(code(() => root.rename('/data/x', '/x'))).toBe('EXDEV')
  expect(root.readdir('/app')).toEqual(['config.yaml'])
})

test('permissions bind users, not the kernel', () => {
  const fs = createMemoryFileSystem({ clock, files: { '/secret': { content: 's', mode: 0o600 }, '/tmp': { directory: true, mode: 0o1777 }, '/shared': { directory: true, mode: 0o2775, gid: 500 } } })
  const user = fs.viewAs({ uid: 1000, gid: 1000, groups: [500] })
  expect(code(() => user.readFile('/secret'))).toBe('EACCES')
  expect(code(() => user.writeFile('/new', ''))).toBe('EACCES')
  expect(code(() => user.writeFile('/shared/f', ''))).toBe('ok')
  fs.writeFile('/tmp/roots', '')
  expect(code(() => user.remove('/tmp/roots'))).toBe('EPERM')
  expect(fs.stat('/shared/f')).toMatchObject({ uid: 1000, mode: 0o644 })
})

test('named pipes are opened by whom their mode allows, each way on its own', () => {
  const fs = createMemoryFileSystem({ clock })
  fs.mkfifo!('/orders', 0o620)
  fs.chown('/orders', 0, 500)
  const guest = fs.viewAs({ uid: 1001, gid: 1001, groups: [] })
  const member = fs.viewAs({ uid: 1000, gid: 1000, groups: [500] })
  const opened = (view: typeof guest, flags: 'r' | 'w' | 'r+') => code(() => view.open('/orders', flags).close())
  expect([opened(guest, 'r'), opened(guest, 'w'), opened(guest, 'r+')]).toEqual(['EACCES', 'EACCES', 'EACCES'])
  expect([opened(member, 'r'), opened(member, 'w'), opened(member, 'r+')]).toEqual(['EACCES', 'ok', 'EACCES'])
  expect(code(() => guest.writeFile('/orders', 'x'))).toBe('EACCES')
  expect(opened(fs as typeof guest, 'r+')).toBe('ok')
})

test('a directory with the set-group-ID bit hands its group on', () => {
  const fs = createMemoryFileSystem({ clock, files: { '/shared': { directory: true, mode: 0o2777, gid: 500 }, '/own': { directory: true, mode: 0o777 } } })
  const user = fs.viewAs({ uid: 1000, gid: 1000, groups: [500] })
  user.mkdir('/shared/d')
  user.writeFile('/shared/d/f', '')
  user.writeFile('/own/f', '')
  expect(fs.stat('/shared/d')).toMatchObject({ gid: 500, mode: 0o2755 })
  expect(fs.stat('/shared/d/f')).toMatchObject({ uid: 1000, gid: 500, mode: 0o644 })
  expect(fs.stat('/own/f').gid).toBe(1000)
})

test('a read-only root takes writes only in its mounts', () => {
  const root = createOverlay(createMemoryFileSystem({ clock, files: { '/etc/a': 'a' } }), clock, { readOnly: true })
  root.mount('/tmp', createMemoryFileSystem({ clock }))
  expect(code(() => root.writeFile('/etc/a', 'b'))).toBe('EROFS')
  expect(code(() => root.writeFile('/tmp/a', 'b'))).toBe('ok')
})

test('watchers hear of changes through any mount of the tree', () => {
  const root = createMemoryFileSystem({ clock })
  const volume = createMemoryFileSystem({ clock, files: { '/dir/f': '1' } })
  root.mount('/v', volume)
  const heard: string[] = []
  const stop = root.watch('/v/dir', (path) => heard.push(path))
  volume.writeFile('/dir/f', '2')
  volume.writeFile('/other', '')
  stop()
  volume.writeFile('/dir/f', '3')
  expect(heard).toEqual(['/v/dir/f'])
})

test('a size limit is ENOSPC, and removing makes room', () => {
  const fs = createMemoryFileSystem({ clock, sizeLimitBytes: 10 })
  fs.writeFile('/a', '12345678')
  expect(code(() => fs.writeFile('/b', '12345'))).toBe('ENOSPC')
  fs.remove('/a')
  expect(code(() => fs.writeFile('/b', '12345'))).toBe('ok')
})

test('loops of links end with ELOOP', () => {
  const fs = createMemoryFileSystem({ clock, files: { '/a': { link: 'b' }, '/b': { link: 'a' } } })
  expect(code(() => fs.readFile('/a'))).toBe('ELOOP')
})

test('later mounts are seen as far as mounts propagate', () => {
  const disk = createMemoryFileSystem({ clock, files: Object.fromEntries(['host', 'master', 'slave', 'private'].map((name) => [`/mnt/${name}`, { directory: true as const }])) })
  const host = withOwnMounts(disk, { follows: true })
  host.shareMountsWith(disk)
  const container = (options: { shared?: boolean; receives?: boolean }) => {
    const root = createMemoryFileSystem({ clock })
    root.mount('/data', disk, { subPath: '/mnt', recursive: true, ...options })
    return root
  }
  const views = { host, master: container({ shared: true, receives: true }), slave: container({ receives: true }), private: container({}) }
  for (const [name, view] of Object.entries(views)) view.mount(`${view === host ? '/mnt' : '/data'}/${name}`, createMemoryFileSystem({ clock, files: { '/file': name } }))
  const seen = Object.fromEntries(Object.entries(views).map(([name, view]) => [name, Object.keys(views).filter((other) => view.exists(`${view === host ? '/mnt' : '/data'}/${other}/file`))]))
  expect(seen).toEqual({ host: ['host', 'master'], master: ['host', 'master'], slave: ['host', 'master', 'slave'], private: ['private'] })
  host.unmount('/mnt/host')
  expect([views.master.exists('/data/host/file'), views.slave.exists('/data/host/file'), views.slave.exists('/data/master/file')]).toEqual([false, false, true])
})

test('what lies in no directory isn\'t there, and asking makes none', () => {
  const fs = createMemoryFileSystem({ clock, files: { '/a/file': 'x' } })
  fs.symlink('/nowhere/at/all', '/dangling')
  expect(['/a/file', '/a/none', '/b/none', '/b/c/none', '/a/file/none', '/dangling', '/dangling/none', 'a/file'].map((path) => fs.exists(path))).toEqual([true, false, false, false, false, false, false, false])
  expect(fs.readdir('/')).toEqual(['a', 'dangling'])
})
