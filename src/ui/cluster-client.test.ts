import { afterEach, expect, test, vi } from 'vitest'
import type { FromWorker, ToWorker } from '../host/protocol.ts'
import { ClusterClient } from './cluster-client.ts'

afterEach(() => vi.unstubAllGlobals())

function clientOf(page: { hidden: boolean }): { posted: ToWorker[]; tell: (message: FromWorker) => void } {
  vi.stubGlobal('document', { ...page, addEventListener() {} })
  vi.stubGlobal('addEventListener', () => {})
  const posted: ToWorker[] = []
  const worker = { postMessage: (message: ToWorker) => posted.push(message), terminate() {} } as unknown as Worker
  new ClusterClient(() => worker)
  return { posted, tell: (data) => worker.onmessage!({ data } as MessageEvent<FromWorker>) }
}

test('a page in the background says so to whoever serves it, also when that is another one', () => {
  const { posted, tell } = clientOf({ hidden: true })
  expect(posted).toEqual([{ type: 'hello' }, { type: 'visibility', isHidden: true }])
  tell({ type: 'restarted' })
  expect(posted.slice(2)).toEqual([{ type: 'visibility', isHidden: true }])
})

test('a page that can be seen has nothing to say', () => {
  const { posted, tell } = clientOf({ hidden: false })
  tell({ type: 'restarted' })
  expect(posted).toEqual([{ type: 'hello' }])
})
