import { createPrivateKey, X509Certificate, createPublicKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { bash } from '../shell/sh.ts'
import { utilityPrograms } from '../utilities/list.ts'
import { openssl } from './openssl.ts'

function box() {
  const machine = testMachine({ programs: { ...utilityPrograms('gnu'), '/bin/sh': bash, '/usr/bin/openssl': openssl } })
  return { ...machine, sh: (script: string) => machine.run(['sh', '-c', script], { cwd: '/tmp' }), read: (path: string) => machine.machine.fs.readText(path) }
}

test('a key, a request and a certificate from an authority, as for a user of a cluster', async () => {
  const { sh, read, machine } = box()
  const made = await sh(`openssl genrsa -out ca.key 2048 && openssl req -x509 -new -key ca.key -subj /CN=my-ca -days 365 -out ca.crt &&
    openssl genrsa -out jane.key 2048 && openssl req -new -key jane.key -out jane.csr -subj "/CN=jane/O=dev/O=ops" &&
    openssl x509 -req -in jane.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out jane.crt -days 30 && openssl verify -CAfile ca.crt jane.crt`)
  expect(made).toMatchObject({ stdout: 'jane.crt: OK\n', stderr: 'Certificate request self-signature ok\nsubject=CN = jane, O = dev, O = ops\n' })
  // Another implementation agrees.
  const certificate = new X509Certificate(read('/tmp/jane.crt'))
  expect(certificate.subject).toBe('CN=jane\nO=dev\nO=ops')
  expect(certificate.verify(createPublicKey(read('/tmp/ca.crt')))).toBe(true)
  expect(certificate.checkPrivateKey(createPrivateKey(read('/tmp/jane.key')))).toBe(true)
  expect(machine.fs.stat('/tmp/jane.key').mode & 0o777).toBe(0o600)
  expect((await sh('openssl x509 -in jane.crt -noout -subject -issuer -enddate')).stdout).toBe('subject=CN = jane, O = dev, O = ops\nissuer=CN = my-ca\nnotAfter=Dec 14 22:13:20 2023 GMT\n')
  expect((await sh('openssl x509 -in jane.crt -noout -text')).stdout).toMatch(/^Certificate:\n {4}Data:\n {8}Version: 3 \(0x2\)\n {8}Serial Number:\n {12}[0-9a-f:]{59}\n {8}Signature Algorithm: sha256WithRSAEncryption\n {8}Issuer: CN = my-ca\n {8}Validity\n {12}Not Before: Nov 14 22:13:20 2023 GMT\n {12}Not After : Dec 14 22:13:20 2023 GMT\n {8}Subject: CN = jane, O = dev, O = ops\n/)
  expect((await sh('openssl x509 -checkend 2600000 -noout -in jane.crt')).stdout).toBe('Certificate will expire\n')
})

test('a request with alternative names on an elliptic curve', async () => {
  const { sh } = box()
  const { stdout, stderr, status } = await sh('openssl ecparam -name prime256v1 -genkey -noout -out k.pem && openssl req -new -key k.pem -subj /CN=web -addext "subjectAltName=DNS:web.default.svc,IP:10.96.0.7" | openssl req -noout -text -verify')
  expect(status.code).toBe(0)
  expect(stderr).toBe('Certificate request self-signature verify OK\n')
  expect(stdout).toContain('            Requested Extensions:\n                X509v3 Subject Alternative Name: \n                    DNS:web.default.svc, IP Address:10.96.0.7\n')
  expect(stdout).toContain('        Subject: CN = web\n')
})

test("kubeadm's hash of the authority's key comes out of a pipeline", async () => {
  const { sh, read } = box()
  await sh('openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -subj /CN=kubernetes')
  const { stdout } = await sh(`openssl x509 -pubkey -in c.pem -noout | openssl rsa -pubin -outform der 2>/dev/null | openssl dgst -sha256 -hex | sed 's/^.* //'`)
  const spki = createPublicKey(read('/tmp/c.pem')).export({ type: 'spki', format: 'der' })
  expect(stdout).toBe(`${(await import('node:crypto')).createHash('sha256').update(spki).digest('hex')}\n`)
})

test('what is missing or wrong is said, with exit code 1', async () => {
  const { sh } = box()
  expect(await sh('openssl x509 -in nope.crt -noout -text')).toMatchObject({ stderr: expect.stringMatching(/^Can't open "nope.crt" for reading, No such file or directory/), status: { code: 1 } })
  expect(await sh('echo hi > f; openssl req -in f -noout')).toMatchObject({ stderr: expect.stringMatching(/^Could not find certificate request/), status: { code: 1 } })
  expect(await sh('openssl frob')).toMatchObject({ stderr: `Invalid command 'frob'; type "help" for a list.\n`, status: { code: 1 } })
  expect((await sh('openssl rand -hex 8')).stdout).toMatch(/^[0-9a-f]{16}\n$/)
  expect((await sh('printf hello | openssl base64; echo aGVsbG8= | openssl base64 -d')).stdout).toBe('aGVsbG8=\nhello')
})
