import { expect, test } from 'vitest'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Pod, Secret } from '../kinds/generated/types.ts'
import { PullSecrets } from './pull-secrets.ts'

const text = (value: unknown) => btoa(JSON.stringify(value))
const secrets: Record<string, Partial<Secret>> = {
  new: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': text({ auths: { 'https://registry.example': { auth: btoa('me:pass:word') }, other: { username: 'x', password: 'y' } } }) } },
  old: { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': text({ 'https://index.docker.io/v1/': { username: 'me', password: 'p' } }) } },
  broken: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': btoa('{') } },
}

test('a pod\'s Secrets give credentials for the registry of its image, and those that are missing are told', async () => {
  const told: string[] = []
  const pulls = new PullSecrets({ secret: async (_uid, _namespace, name) => { if (!secrets[name]) throw new Error('not found'); return secrets[name] as Secret } }, { event: (...args: unknown[]) => { told.push(args.slice(1).join(' ')) } } as unknown as EventRecorder)
  const pod = (...names: string[]) => ({ metadata: { uid: 'u', namespace: 'default', name: 'p' }, spec: { containers: [], imagePullSecrets: names.map((name) => ({ name })) } }) as unknown as Pod
  expect(await pulls.credentialsFor(pod('new', 'broken'), 'registry.example')).toEqual([{ username: 'me', password: 'pass:word' }])
  expect(await pulls.credentialsFor(pod('new', 'old'), 'docker.io')).toEqual([{ username: 'me', password: 'p' }])
  expect(told).toEqual([])
  expect(await pulls.credentialsFor(pod('gone', 'new', 'lost'), 'elsewhere')).toEqual([])
  expect(told).toEqual(['Warning FailedToRetrieveImagePullSecret Unable to retrieve some image pull secrets (gone, lost); attempting to pull the image may not succeed.'])
})
