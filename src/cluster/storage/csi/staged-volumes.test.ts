import { expect, test } from 'vitest'
import { UncertainMountError } from '../volume.ts'
import { StagedVolumes } from './staged-volumes.ts'

const nothing = async () => {}

/** Work that ends when it is told to. */
function held(calls: string[], name: string): { work: () => Promise<void>; end(): void } {
  let end!: () => void
  const ended = new Promise<void>((resolve) => { end = resolve })
  return { work: async () => { calls.push(`${name} begins`); await ended; calls.push(`${name} ends`) }, end: () => end() }
}

test('two pods that start at once stage their volume once, and it stays until the last of them is gone', async () => {
  const staged = new StagedVolumes()
  const calls: string[] = []
  const first = held(calls, 'stage')
  const both = [staged.use('v', 'a', first.work), staged.use('v', 'b', async () => { calls.push('staged again') })]
  first.end()
  await Promise.all(both)
  await staged.release('v', 'a', async () => { calls.push('unstaged under b') })
  await staged.release('v', 'b', async () => { calls.push('unstage') })
  expect(calls).toEqual(['stage begins', 'stage ends', 'unstage'])
})

test('a pod that comes while the last one lets go stages the volume anew', async () => {
  const staged = new StagedVolumes()
  const calls: string[] = []
  await staged.use('v', 'a', nothing)
  const unstage = held(calls, 'unstage')
  const gone = staged.release('v', 'a', unstage.work)
  const come = staged.use('v', 'b', async () => { calls.push('stage') })
  unstage.end()
  await Promise.all([gone, come])
  expect(calls).toEqual(['unstage begins', 'unstage ends', 'stage'])
})

test('what could not be staged is nobody\'s, and what could not be let go is let go at the next try', async () => {
  const staged = new StagedVolumes()
  const calls: string[] = []
  await expect(staged.use('v', 'a', async () => { throw new Error('no disk') })).rejects.toThrow('no disk')
  await staged.release('v', 'a', async () => { calls.push('unstage for nobody') })
  await staged.use('v', 'a', async () => { calls.push('stage') })
  await expect(staged.release('v', 'a', async () => { throw new Error('busy') })).rejects.toThrow('busy')
  await staged.release('v', 'a', async () => { calls.push('unstage') })
  expect(calls).toEqual(['stage', 'unstage'])
})

test('what may be staged or not is staged again, and let go even if that never worked; what failed for good is not', async () => {
  const staged = new StagedVolumes()
  const calls: string[] = []
  const late = async () => { calls.push('late'); throw new UncertainMountError('deadline', nothing) }
  await expect(staged.use('v', 'a', late)).rejects.toThrow('deadline')
  await expect(staged.use('v', 'a', late)).rejects.toThrow('deadline')
  await staged.release('v', 'a', async () => { calls.push('unstage') })
  await expect(staged.use('w', 'a', late)).rejects.toThrow('deadline')
  await expect(staged.use('w', 'a', async () => { throw new Error('no disk') })).rejects.toThrow('no disk')
  await staged.release('w', 'a', async () => { calls.push('unstage for nobody') })
  expect(calls).toEqual(['late', 'late', 'unstage', 'late'])
})
