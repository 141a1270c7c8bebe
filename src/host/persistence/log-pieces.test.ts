import { expect, test } from 'vitest'
import { Random } from '../../base/random.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import { LogPieces } from './log-pieces.ts'
import type { PieceKey } from './log-pieces.ts'

let nowMs = 0
const newFiles = () => createMemoryFileSystem({ clock: { nowMs: () => nowMs++ }, files: { '/var/log/pods': { directory: true } } })

/** A table as IndexedDB has them: ordered by key, changed by transactions. */
class Table {
  rows = new Map<string, [PieceKey, Uint8Array]>()
  writes = 0
  bytes = 0

  async write(pieces: LogPieces, options: { fails?: boolean } = {}): Promise<void> {
    const rows = new Map(this.rows)
    const { commit } = await pieces.write({
      put: async (key, data) => { rows.set(JSON.stringify(key), [key, structuredClone(data)]); this.writes++; this.bytes += data.length },
      delete: async (key) => { rows.delete(JSON.stringify(key)) },
    })
    if (options.fails) return
    this.rows = rows
    commit()
  }

  sorted(): [PieceKey, Uint8Array][] {
    return [...this.rows.values()].sort(([a], [b]) => a[0] < b[0] || (a[0] === b[0] && (a[1] < b[1] || (a[1] === b[1] && a[2] < b[2]))) ? -1 : 1)
  }

  texts(): Record<string, string> {
    return Object.fromEntries(new LogPieces().load(this.sorted()).map(({ path, data }) => [path, new TextDecoder().decode(data)]))
  }
}

test('what a log holds is kept in few pieces, each byte written a few times, and comes back whole', async () => {
  const [files, table, pieces] = [newFiles(), new Table(), new LogPieces()]
  for (let i = 0; i < 2_000; i++) {
    files.writeFile('/var/log/pods/0.log', `line ${i} of a log that somebody wants to keep\n`, { append: true })
    pieces.changed('node/a', '/var/log/pods/0.log', files)
    await table.write(pieces)
  }
  expect(table.texts()['/var/log/pods/0.log']).toBe(files.readText('/var/log/pods/0.log'))
  expect(table.rows.size).toBeLessThan(16)
  expect(table.bytes).toBeLessThan(files.stat('/var/log/pods/0.log').sizeBytes * 13)
})

test('files that are rotated, removed, cut or moved are followed, whatever the order', async () => {
  const random = new Random('logs')
  const [files, table] = [newFiles(), new Table()]
  let pieces = new LogPieces()
  const watch = () => files.watch('/', (path) => { if (path.startsWith('/var/log/pods/')) pieces.changed('node/a', path, files) })
  watch()
  const paths = ['/var/log/pods/a/0.log', '/var/log/pods/a/1.log', '/var/log/pods/b/0.log']
  for (let i = 0; i < 3_000; i++) {
    const path = random.pick(paths)
    const what = random.float()
    files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    if (what < 0.8) files.writeFile(path, random.hex(Math.floor(random.float() * 400)), { append: true })
    else if (what < 0.85 && files.exists(path)) files.rename(path, `${path}.${i}`)
    else if (what < 0.9) files.remove(path, { force: true })
    else if (what < 0.93) files.writeFile(path, 'anew')
    else if (what < 0.95) files.remove('/var/log/pods/a', { recursive: true, force: true })
    else if (what < 0.96 && files.exists('/var/log/pods/a')) { files.remove('/var/log/pods/c', { recursive: true, force: true }); files.rename('/var/log/pods/a', '/var/log/pods/c') }
    if (random.float() < 0.3) await table.write(pieces)
    if (random.float() < 0.01) {
      // Another start: only the disk knows.
      await table.write(pieces)
      pieces = new LogPieces()
      pieces.load(table.sorted())
    }
  }
  await table.write(pieces)
  const expected: Record<string, string> = {}
  for (const directory of files.readdir('/var/log/pods')) for (const name of files.readdir(`/var/log/pods/${directory}`)) {
    const text = files.readText(`/var/log/pods/${directory}/${name}`)
    if (text) expected[`/var/log/pods/${directory}/${name}`] = text
  }
  expect(Object.keys(expected).length).toBeGreaterThan(3)
  expect(table.texts()).toEqual(expected)
})

test('a damaged log is cut where the damage begins, and grows on from there', async () => {
  const [files, table, pieces] = [newFiles(), new Table(), new LogPieces()]
  const path = '/var/log/pods/0.log'
  for (const size of [400, 200, 100, 50]) {
    files.writeFile(path, `${size}`.padEnd(size, '.'), { append: true })
    pieces.changed('n', path, files)
    await table.write(pieces)
  }
  expect(table.rows.size).toBe(4)
  table.rows.set(JSON.stringify(['n', path, 400]), [['n', path, 400], 'nonsense' as never])
  table.rows.set('["x"]', [['x'] as never, new Uint8Array(1)])
  const again = new LogPieces()
  const [found] = again.load(table.sorted())
  expect(found!.data).toHaveLength(400)
  const restored = newFiles()
  restored.writeFile(path, found!.data)
  restored.writeFile(path, 'more', { append: true })
  again.changed('n', path, restored)
  await table.write(again)
  expect(table.texts()[path]).toBe(`${'400'.padEnd(400, '.')}more`)
})

test('a write that did not go through is made up for by the next', async () => {
  const [files, table, pieces] = [newFiles(), new Table(), new LogPieces()]
  const path = '/var/log/pods/0.log'
  for (const fails of [false, true, false]) {
    files.writeFile(path, 'line\n', { append: true })
    pieces.changed('n', path, files)
    await table.write(pieces, { fails })
  }
  expect(table.texts()[path]).toBe('line\nline\nline\n')
})

test('of too many logs the oldest are given up, rotated ones first', async () => {
  const [files, table, pieces] = [newFiles(), new Table(), new LogPieces(1_000)]
  for (const name of ['old.log', 'a.log.1', 'new.log', 'newest.log']) {
    files.writeFile(`/var/log/pods/${name}`, name.padEnd(400, '.'))
    pieces.changed('n', `/var/log/pods/${name}`, files)
    await table.write(pieces)
  }
  expect(Object.keys(table.texts())).toEqual(['/var/log/pods/new.log', '/var/log/pods/newest.log'])
  files.writeFile('/var/log/pods/old.log', 'more', { append: true })
  pieces.changed('n', '/var/log/pods/old.log', files)
  await table.write(pieces)
  expect(Object.keys(table.texts())).toEqual(['/var/log/pods/new.log', '/var/log/pods/newest.log'])
})
