import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { Random } from '../../base/random.ts'
import { nodePlatform } from '../../host/platform-node.ts'
import { imageProgram, lazyProgram } from '../../unix/lazy-program.ts'
import { defineImage } from '../images/image.ts'
import { createImageRegistry } from './image-registry.ts'
import { createImageStore } from './image-store.ts'

test('an image is pulled with the code of the programs that it is for, not of those that it merely has', async () => {
  const loaded: string[] = []
  const base = defineImage({ repository: 'docker.io/library/base', tags: ['1'], sizeBytes: 1, cmd: ['base'], programs: { '/bin/base': imageProgram(async () => { loaded.push('base'); return () => 0 }) } })
  const web = defineImage({
    repository: 'docker.io/library/web', tags: ['1'], sizeBytes: 1, base, cmd: ['web'],
    programs: { '/bin/web': imageProgram(async () => { loaded.push('web'); return () => 0 }), '/bin/editor': lazyProgram(async () => { loaded.push('editor'); return () => 0 }) },
  })
  const clock = new ClusterClock(nodePlatform, { mode: 'paused' })
  const store = createImageStore({ registry: createImageRegistry([base, web], clock), clock, random: new Random('pull') })
  let isPulled = false
  void store.pullImage('web:1').then(() => { isPulled = true })
  await clock.until(() => isPulled)
  expect(loaded).toEqual(['base', 'web'])
})

test('an image whose code can\'t be had is one that can\'t be pulled, and the next attempt asks again', async () => {
  let attempts = 0
  const image = defineImage({ repository: 'docker.io/library/big', tags: ['1'], sizeBytes: 1, cmd: ['big'], programs: { '/bin/big': imageProgram(async () => { if (++attempts === 1) throw new TypeError('Failed to fetch'); return () => 0 }) } })
  const clock = new ClusterClock(nodePlatform, { mode: 'paused' })
  const store = createImageStore({ registry: createImageRegistry([image], clock), clock, random: new Random('pull') })
  const pull = async () => {
    let outcome = ''
    void store.pullImage('big:1').then(() => { outcome = 'pulled' }, (error: Error) => { outcome = error.message })
    await clock.until(() => outcome !== '')
    return outcome
  }
  expect(await pull()).toBe('failed to pull and unpack image "docker.io/library/big:1": failed to copy: httpReadSeeker: failed open: failed to do request: Failed to fetch')
  expect(await pull()).toBe('pulled')
})
