import { expect, test } from 'vitest'
import { ClusterClock } from '../base/clock.ts'
import { httpRequest } from '../base/http.ts'
import { testPlatform } from '../base/test-platform.ts'
import { RequestTracer } from '../cluster/apiserver/tracing/request-tracer.ts'
import { RequestFollowers } from './request-followers.ts'

test('requests are followed until the last page that looked has turned away or gone', () => {
  const tracer = new RequestTracer(new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' }))
  const followers = new RequestFollowers()
  const ask = () => { tracer.begin(httpRequest('https://127.0.0.1:6443/api', {}), '/api') }
  ask()
  expect(followers.follow(tracer, 'one')).toEqual([])
  followers.follow(tracer, 'two')
  ask()
  followers.unfollow(tracer, 'one')
  expect(followers.follow(tracer, 'two')).toHaveLength(1)
  followers.unfollow(tracer, 'three')
  ask()
  expect(tracer.requests()).toHaveLength(2)
  followers.forget('two')
  ask()
  expect(tracer.requests()).toEqual([])
})
