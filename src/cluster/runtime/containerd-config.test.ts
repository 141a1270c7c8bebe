import { expect, it } from 'vitest'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import { CONTAINERD_CONFIG, KIND_CONTAINERD_CONFIG, configuredRuntimes } from './containerd-config.ts'

it('a node has the runtimes of its configuration, and runc without one', () => {
  const of = (files: Record<string, string>) => configuredRuntimes(createMemoryFileSystem({ clock: { nowMs: () => 0 }, files }))
  expect(of({})).toEqual(['runc'])
  expect(of({ [CONTAINERD_CONFIG]: KIND_CONTAINERD_CONFIG })).toEqual(['runc', 'test-handler'])
  expect(of({ [CONTAINERD_CONFIG]: `${KIND_CONTAINERD_CONFIG}\n[plugins."io.containerd.cri.v1.runtime".containerd.runtimes."my.kata"]\n` })).toEqual(['runc', 'test-handler', 'my.kata'])
})
