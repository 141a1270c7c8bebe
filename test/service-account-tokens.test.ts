import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('tokens in Secrets') }, 60_000)
afterAll(() => lab.stop())

const sh = async (script: string) => { const { stdout, stderr } = await lab.run(script); return stdout + stderr }

test('a Secret for a service account gets a token that lasts as long as both', async () => {
  lab.writeFile('secret.yaml', 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: robot-token\n  annotations: { kubernetes.io/service-account.name: robot }\ntype: kubernetes.io/service-account-token\n')
  await sh('kubectl create serviceaccount robot; kubectl apply -f secret.yaml; sleep 1')
  expect(await sh("kubectl get secret robot-token -o jsonpath='{.metadata.annotations.kubernetes\\.io/service-account\\.uid}'")).toBe(await sh("kubectl get sa robot -o jsonpath='{.metadata.uid}'"))
  expect(await sh("kubectl get secret robot-token -o jsonpath='{.data.namespace}' | base64 -d")).toBe('default')
  const asRobot = (script: string) => sh(`TOKEN=$(cat token); kubectl --kubeconfig /dev/null --server https://127.0.0.1:6443 --insecure-skip-tls-verify --token=$TOKEN ${script}`)
  await sh("kubectl get secret robot-token -o jsonpath='{.data.token}' | base64 -d > token")
  expect(await asRobot("auth whoami -o jsonpath='{.status.userInfo.username}'")).toBe('system:serviceaccount:default:robot')
  await sh('kubectl delete serviceaccount robot; sleep 1')
  expect(await sh('kubectl get secret robot-token')).toBe('Error from server (NotFound): secrets "robot-token" not found\n')
})

test('a Secret whose service account does not exist goes away, and accounts forget Secrets that are gone', async () => {
  expect(await sh("sed 's/robot/nobody/g' secret.yaml | kubectl apply -f -; sleep 1; kubectl get secret nobody-token")).toContain('Error from server (NotFound): secrets "nobody-token" not found')
  await sh(`kubectl create serviceaccount robot; kubectl apply -f secret.yaml; kubectl patch serviceaccount robot -p '{"secrets":[{"name":"robot-token"}]}'; sleep 1; kubectl delete secret robot-token; sleep 1`)
  expect(await sh("kubectl get serviceaccount robot -o jsonpath='{.secrets}'")).toBe('')
})
