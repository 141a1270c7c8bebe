import { expect, test } from 'vitest'
import { parseImageReference } from './image-reference.ts'

test('short names belong to Docker Hub and get a tag', () => {
  expect(parseImageReference('nginx')).toMatchObject({ repository: 'docker.io/library/nginx', tag: 'latest', fullName: 'docker.io/library/nginx:latest', requested: 'nginx:latest' })
  expect(parseImageReference('bitnami/redis:7')).toMatchObject({ repository: 'docker.io/bitnami/redis', tag: '7', requested: 'bitnami/redis:7' })
  expect(parseImageReference('localhost:5000/app')).toMatchObject({ domain: 'localhost:5000', path: 'app', tag: 'latest' })
  expect(parseImageReference('gcr.io/kuar-demo/kuard-amd64:blue')).toMatchObject({ domain: 'gcr.io', fullName: 'gcr.io/kuar-demo/kuard-amd64:blue' })
  const digest = `sha256:${'a'.repeat(64)}`
  expect(parseImageReference(`nginx@${digest}`)).toMatchObject({ digest, tag: '', fullName: `docker.io/library/nginx@${digest}` })
})

test('names that are none are refused in the words of the kubelet', () => {
  expect(() => parseImageReference('Nginx:latest')).toThrow('couldn\'t parse image name "Nginx:latest": invalid reference format: repository name (library/Nginx) must be lowercase')
  expect(() => parseImageReference('a b')).toThrow('couldn\'t parse image name "a b": invalid reference format')
  expect(() => parseImageReference('nginx:')).toThrow('invalid reference format')
  expect(() => parseImageReference('')).toThrow('invalid reference format')
})
