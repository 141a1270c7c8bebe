import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/cert-manager/cainjector.ts'
import '../src/cluster/images/cert-manager/controller.ts'
import '../src/cluster/images/cert-manager/webhook.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('cert-manager')
  lab.writeFile('cert-manager.yaml', fs.readFileSync(path.join(import.meta.dirname, 'cert-manager.yaml'), 'utf8'))
  await lab.run('kubectl apply -f cert-manager.yaml; kubectl wait --for=condition=Available deploy --all -n cert-manager; sleep 5')
}, 120_000)
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)
async function apply(name: string, ...objects: string[]): Promise<void> {
  lab.writeFile(`${name}.yaml`, objects.map((object) => `apiVersion: cert-manager.io/v1\n${object}\n`).join('---\n'))
  await out(`kubectl apply -f ${name}.yaml; sleep 5`)
}

test('a self-signed authority issues a certificate by way of a CA issuer, with events on the way', async () => {
  await apply('authority', 'kind: ClusterIssuer\nmetadata: {name: self}\nspec: {selfSigned: {}}', 'kind: Certificate\nmetadata: {name: root}\nspec: {isCA: true, commonName: root, secretName: root, issuerRef: {name: self, kind: ClusterIssuer}}', 'kind: Issuer\nmetadata: {name: ca}\nspec: {ca: {secretName: root}}')
  expect(await out('kubectl get clusterissuer,issuer')).toMatch(/clusterissuer\S+\/self +True [^]*issuer\S+\/ca +True /)
  await apply('web', 'kind: Certificate\nmetadata: {name: web}\nspec: {secretName: web-tls, dnsNames: [web.example.com], duration: 1h, renewBefore: 58m, issuerRef: {name: ca}}')
  expect(await out('kubectl get certificate web')).toMatch(/^NAME +READY +SECRET +AGE\nweb +True +web-tls +5s\n$/)
  expect(await out('kubectl get secret web-tls -o jsonpath={.type}; kubectl get secret web-tls -o jsonpath="{.data.ca\\.crt}" | base64 -d > ca.crt; kubectl get secret web-tls -o jsonpath="{.data.tls\\.crt}" | base64 -d > web.crt; openssl verify -CAfile ca.crt web.crt; openssl x509 -in web.crt -noout -issuer -ext subjectAltName')).toMatch(/^kubernetes\.io\/tlsweb\.crt: OK\nissuer=CN ?= ?root\n[^]*DNS:web\.example\.com/)
  expect(await out('kubectl get certificaterequest')).toMatch(/root-1 +True +True +self [^]*web-1 +True +True +ca /)
  const events = await out('kubectl get events --field-selector involvedObject.name=web -o jsonpath="{range .items[*]}{.reason}: {.message}{\'\\n\'}{end}"')
  expect(events).toMatch(/^Issuing: Issuing certificate as Secret does not exist\nGenerated: Stored new private key in temporary Secret resource "web-\w{5}"\nRequested: Created new CertificateRequest resource "web-1"\nIssuing: The certificate has been successfully issued\n$/)
  expect(await out('kubectl get secrets -o name')).not.toMatch(/secret\/web-\w{5}\n/)
})

test('a certificate is renewed when the time that it names is left', async () => {
  const before = await out('openssl x509 -in web.crt -noout -serial')
  await out('sleep 100')
  await out('sleep 60')
  expect(await out('kubectl get certificate web -o jsonpath={.status.revision}')).toBe('2')
  expect(await out('kubectl get certificaterequest -o name')).toMatch(/\/root-1\n[^]*\/web-2\n$/)
  expect(await out('kubectl get secret web-tls -o jsonpath="{.data.tls\\.crt}" | base64 -d | openssl x509 -noout -serial')).not.toBe(before)
})

test('Ingresses ask for certificates, and what cannot be is told', async () => {
  await out('kubectl create ingress shop --rule="shop.example.com/*=web:80,tls=shop-tls" --annotation cert-manager.io/issuer=ca; sleep 5')
  expect(await out('kubectl get certificate shop-tls --no-headers; kubectl get secret shop-tls -o name')).toMatch(/^shop-tls +True +shop-tls [^]*secret\/shop-tls\n$/)
  await apply('acme', 'kind: Issuer\nmetadata: {name: letsencrypt}\nspec: {acme: {server: "https://acme-v02.api.letsencrypt.org/directory", privateKeySecretRef: {name: key}, solvers: [{http01: {ingress: {ingressClassName: nginx}}}]}}')
  expect(await out('kubectl get issuer letsencrypt -o jsonpath="{.status.conditions[0].status} {.status.conditions[0].message}"')).toBe('False Error initializing issuer: ACME servers cannot be reached from this cluster')
  lab.writeFile('bad.yaml', 'apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: bad}\nspec: {secretName: bad, issuerRef: {name: ca}}\n')
  expect((await lab.run('kubectl apply -f bad.yaml')).stderr).toContain('admission webhook "webhook.cert-manager.io" denied the request: spec: Invalid value: "": at least one of commonName')
})

test('an authority below another one hands out the chain to it, keys that must not rotate stay, and new usages issue anew', async () => {
  await apply('below', 'kind: Certificate\nmetadata: {name: middle}\nspec: {isCA: true, commonName: middle, secretName: middle, issuerRef: {name: ca}}', 'kind: Issuer\nmetadata: {name: middle}\nspec: {ca: {secretName: middle}}',
    'kind: Certificate\nmetadata: {name: leaf}\nspec: {secretName: leaf, dnsNames: [leaf.example.com], ipAddresses: ["::1"], privateKey: {rotationPolicy: Never}, issuerRef: {name: middle}}')
  const field = (key: string, file: string) => `kubectl get secret leaf -o jsonpath="{.data.${key}}" | base64 -d > ${file}`
  await out(`${field('ca\\.crt', 'top.crt')}; ${field('tls\\.crt', 'leaf.crt')}; ${field('tls\\.key', 'leaf.key')}`)
  expect(await out('grep -c BEGIN leaf.crt; openssl x509 -in top.crt -noout -subject; openssl x509 -in leaf.crt -noout -issuer')).toMatch(/^2\nsubject=CN ?= ?root\nissuer=CN ?= ?middle\n$/)
  await out(`kubectl patch certificate leaf --type merge -p '{"spec":{"usages":["server auth"]}}'; sleep 10`)
  expect(await out('kubectl get certificate leaf -o jsonpath="{.status.revision} {.status.conditions[0].status}"')).toBe('2 True')
  expect(await out(`${field('tls\\.key', 'new.key')}; cat leaf.key new.key | sort | uniq -u`)).toBe('')
  expect(await out('cat new.key')).toContain('PRIVATE KEY')
})

test('fields, annotations and flags that nothing follows are refused', async () => {
  lab.writeFile('refused.yaml', 'apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: refused}\nspec: {secretName: refused, dnsNames: [a], usages: [timestamping], issuerRef: {name: ca}}\n')
  expect((await lab.run('kubectl apply -f refused.yaml')).stderr).toContain('spec.usages: Invalid value: "timestamping": not supported by this build')
  await out('kubectl create ingress keys --rule="keys.example.com/*=web:80,tls=keys-tls" --annotation cert-manager.io/issuer=ca --annotation cert-manager.io/private-key-size=4096; sleep 5')
  expect(await out('kubectl get events --field-selector involvedObject.name=keys,reason=BadConfig -o jsonpath="{.items[0].message}"')).toBe('annotation cert-manager.io/private-key-size is not supported by this build')
  expect((await lab.run('kubectl get certificate keys-tls')).stderr).toContain('not found')
  expect(await out(`kubectl run flags --image=quay.io/jetstack/cert-manager-controller:v1.21.2 --restart=Never -- --enable-gateway-api=true; sleep 5; kubectl logs flags`)).toBe('pod/flags created\nError: unknown flag, or one that is not supported by this build: --enable-gateway-api\n')
})
