import path from 'node:path'
import { expect, test } from 'vitest'
import { checkFile, checkTree } from './layers.ts'

test('no arrow of src points up', () => {
  expect(checkTree(path.resolve(import.meta.dirname, '../..'))).toEqual([])
})

test('an import from a higher layer is found', () => {
  expect(checkFile('src/unix/planted.ts', "import { kubectl } from '../cli/kubectl/kubectl.ts'\n")).toEqual([
    { file: 'src/unix/planted.ts', line: 1, message: 'src/unix may not import src/cli/kubectl/kubectl.ts' },
  ])
  expect(checkFile('src/cluster/etcd/planted.ts', "const x = await import('../apiserver/api-server.ts')")).toHaveLength(1)
})

test('Node, platform timers and unseeded chance are found below the hosts', () => {
  const messages = (source: string) => checkFile('src/cluster/kubelet/planted.ts', source).map((b) => b.message)
  expect(messages("import fs from 'node:fs'\n")).toEqual(['imports node:fs: only src/host may know Node'])
  expect(messages('const t = Date.now()')).toEqual(['uses Date.now; only src/host may'])
  expect(messages('setTimeout(f, 1)')).toEqual(['uses a platform timer; only src/host may'])
  expect(messages('const x = Math.random()')).toEqual(['uses Math.random; only src/host may'])
  expect(messages("const text = 'Date.now()' // setTimeout(x)")).toEqual([])
})

test('a missing suffix is found', () => {
  expect(checkFile('src/base/planted.ts', "import { a } from './clock'\n").map((b) => b.message)).toEqual(['imports ./clock without its suffix'])
})
