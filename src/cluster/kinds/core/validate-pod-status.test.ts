import { describe, expect, test } from 'vitest'
import { validatePodStatusUpdate } from './validate-pod-status.ts'
import type { Pod } from '../generated/types.ts'

const pod = (status: Pod['status'], more: { annotations?: Record<string, string>; os?: string } = {}) => ({
  metadata: { name: 'p', ...(more.annotations && { annotations: more.annotations }) },
  spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], ...(more.os && { os: { name: more.os } }) },
  status,
}) as Pod
const ran = (uid: number, gid: number, supplementalGroups: number[]) => [{ name: 'c', image: 'i', imageID: '', ready: true, restartCount: 0, user: { linux: { uid, gid, supplementalGroups } } }]
const messages = (now: Pod, before: Pod = pod({})) => validatePodStatusUpdate(now, before).map((finding) => finding.message)

describe('statuses of pods', () => {
  test('name whom containers run as by ids that there can be', () => {
    expect(messages(pod({ containerStatuses: ran(0, 5, [1]) }))).toEqual([])
    expect(messages(pod({ initContainerStatuses: ran(-1, 0, [1, -2]) }))).toEqual([
      'status.initContainerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'status.initContainerStatuses[0].user.linux.supplementalGroups[1]: Invalid value: -2: must be between 0 and 2147483647, inclusive',
    ])
  })

  test('name no Linux user of a Windows pod', () => {
    expect(messages(pod({ ephemeralContainerStatuses: ran(1, 1, []) }, { os: 'windows' }))).toEqual(['status.ephemeralContainerStatuses[0].user.linux: Forbidden: cannot be set for a windows pod'])
  })

  test('are written without taking the mark of a mirror pod away', () => {
    const mirror = pod({}, { annotations: { 'kubernetes.io/config.mirror': 'x' } })
    expect(messages(mirror, mirror)).toEqual([])
    expect(messages(pod({}), mirror)).toEqual(['metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not remove or update mirror pod annotation'])
  })
})
