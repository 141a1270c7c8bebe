import { expect, test } from 'vitest'
import { keyPairProblem } from './key-pair.ts'

const certificate = `-----BEGIN CERTIFICATE-----
MIIBcjCCARegAwIBAgIUX7aNfoJhqbNhj1+Y2sKGNDuoaaUwCgYIKoZIzj0EAwIw
DjEMMAoGA1UEAwwDb25lMB4XDTI2MTEyMTExMzMxN1oXDTM2MTExODExMzMxN1ow
DjEMMAoGA1UEAwwDb25lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEIV/yRifR
MgfPiIGQThokvo+oscgSgCfiwmgSiOM9sN5A3C8LRp4/YbnNLLpM6rYuRHdmVKna
8Gk8NXBKizmIZKNTMFEwHQYDVR0OBBYEFCXY3X0uP4U1w/NiE/AjN/QGPep8MB8G
A1UdIwQYMBaAFCXY3X0uP4U1w/NiE/AjN/QGPep8MA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSQAwRgIhAKE533tiWmd/8yH5AOP6CQcpbeAO8J2cpOLwpZ/R
wuu+AiEA016EhGcCKkoBlGAtZVo0HHYgmaocSUq5Yjc3OkzHve4=
-----END CERTIFICATE-----
`
const key = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEII497o1hu4lzqZ/A6AJacG5sMD7Jb8zr7fYDqmE11H6doAoGCCqGSM49
AwEHoUQDQgAEIV/yRifRMgfPiIGQThokvo+oscgSgCfiwmgSiOM9sN5A3C8LRp4/
YbnNLLpM6rYuRHdmVKna8Gk8NXBKizmIZA==
-----END EC PRIVATE KEY-----
`
const otherKey = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIKk3zuG6vHGhkOKVwcgfQ6Etm6PiVMR7vyxa9itLB05yoAoGCCqGSM49
AwEHoUQDQgAEVpOlzYNseDiQyaDcVJZCVkLJ2aUlNOEFM7HIK56gdzK+y/CPm8jo
+LjstnN8PpR24QXT9N7Wc5l7TfDv+VAQnw==
-----END EC PRIVATE KEY-----
`

test('a certificate and its key are a pair', () => {
  expect(keyPairProblem(certificate, key)).toBeUndefined()
})

test('what is no pair is told as Go tells it', () => {
  expect(keyPairProblem(certificate, otherKey)).toBe('tls: private key does not match public key')
  expect(keyPairProblem('no PEM', key)).toBe('tls: failed to find any PEM data in certificate input')
  expect(keyPairProblem(key, key)).toBe('tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched')
  expect(keyPairProblem(certificate, certificate)).toBe('tls: found a certificate rather than a key in the PEM for the private key')
  expect(keyPairProblem(certificate, certificate.replaceAll('CERTIFICATE', 'PRIVATE KEY'))).toBe('tls: failed to parse private key')
})
