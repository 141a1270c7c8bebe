import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp } from './app.ts'
import type { App, Tab } from './app.ts'

let app: App
let tab: Tab

beforeAll(async () => {
  app = await startApp()
  tab = await app.open()
})
afterAll(() => app?.stop())

const region = () => tab.page.getByRole('region', { name: 'Cluster', exact: true })
const which = () => region().getByRole('combobox', { name: 'Which cluster is shown' })
const options = () => which().getByRole('option').allTextContents()
const shownNow = () => which().evaluate((select) => (select as unknown as HTMLSelectElement).selectedOptions[0]!.textContent)
const said = () => region().getByRole('status').allTextContents()
/** A network of machines. */
const LAB = "<network><name>lab</name><forward mode='nat'/><ip address='192.168.100.1' netmask='255.255.255.0'><dhcp><range start='192.168.100.10' end='192.168.100.20'/></dhcp></ip></network>"

test('with one cluster there is nothing to choose', async () => {
  await region().getByRole('button', { name: /^drydock-worker2/ }).waitFor()
  expect(await which().count()).toBe(0)
})

test('a cluster that is being made can be chosen, says so, and shows its nodes as they come', async () => {
  await tab.page.locator('dd-terminal-pane .screen:not([hidden])').click()
  await tab.page.keyboard.insertText('kind create cluster --wait 2m; echo ma""de')
  await tab.page.keyboard.press('Enter')
  await expect.poll(() => which().count(), { timeout: 20_000 }).toBe(1)
  expect(await options()).toEqual(['drydock', 'kind: being made'])
  expect((await said()).join()).toContain('There is a new cluster: kind.')
  await which().selectOption('kind: being made')
  await region().getByText('This cluster is being made.').waitFor()
  await tab.shot('switch-making')
  await expect.poll(() => tab.screen(), { timeout: 90_000 }).toMatch(/^made$/m)
  await expect.poll(options).toEqual(['drydock', 'kind'])
  await region().getByRole('button', { name: /^kind-control-plane/ }).waitFor()
  expect(await region().getByRole('button', { name: /^drydock-/ }).count()).toBe(0)
})

test('pods, details, events, logs and YAML are of the cluster that is shown', async () => {
  await tab.run('kubectl run whale --image=nginx:1.27 && kubectl --context drydock run seal --image=nginx:1.27')
  const pod = region().getByRole('button', { name: /^Pod whale, Running, 1\/1/ })
  await pod.click()
  expect(await region().getByRole('button', { name: /^Pod seal/ }).count()).toBe(0)
  const details = tab.page.getByRole('region', { name: 'Details of pod whale' })
  for (const [name, words] of [['Describe', /^Name: +whale\n[^]*kind-control-plane\//], ['Logs', /nginx\/1\.27/], ['YAML', /nodeName: kind-control-plane/], ['Events', /Successfully assigned default\/whale to kind-control-plane/]] as const) {
    await details.getByRole('tab', { name }).click()
    await expect.poll(() => details.getByRole('tabpanel').textContent(), { timeout: 10_000 }).toMatch(words)
  }
  // The learner's own kubectl is already there.
  expect(await details.locator('code').textContent()).toBe('$ kubectl events --for pod/whale')
  await tab.page.keyboard.press('Escape')
})

test('the choice is made with keys, is said, and commands name the context where they have to', async () => {
  await which().focus()
  await tab.page.keyboard.press('ArrowUp')
  await region().getByRole('button', { name: /^drydock-worker2/ }).waitFor()
  await expect.poll(said).toContainEqual('The cluster drydock is shown.')
  await region().getByRole('button', { name: /^Pod seal/ }).click()
  const details = tab.page.getByRole('region', { name: 'Details of pod seal' })
  await expect.poll(() => details.locator('code').textContent()).toBe('$ kubectl --context drydock describe pod seal')
  await details.getByRole('button', { name: /^Run in the terminal/ }).click()
  await expect.poll(() => tab.screen()).toMatch(/^Name: +seal$/m)
  await details.getByRole('button', { name: 'Close details' }).click()
})

test('what is installed is read from the objects of each cluster, and Deployments of the same name are compared', async () => {
  await tab.run('kubectl create deployment web --image=nginx:1.27 && kubectl --context drydock create deployment web --image=nginx:1.26')
  await region().getByRole('button', { name: 'What is installed' }).click()
  const overview = tab.page.getByRole('region', { name: 'What is installed' })
  const section = (name: string) => overview.getByRole('region', { name, exact: true })
  await expect.poll(() => section('Container runtime').textContent()).toMatch(/containerd \d.*3 nodes/s)
  expect(await section('Network').textContent()).toMatch(/kube-system\/kindnet.*3\/3 ready/s)
  expect(await section('Storage').textContent()).toMatch(/standard.*default.*rancher\.io\/local-path.*WaitForFirstConsumer/s)
  expect(await section('DNS').textContent()).toMatch(/kube-system\/coredns.*2\/2 ready.*10\.96\.0\.10/s)
  expect(await section('Ingress and Gateway').textContent()).toContain('nobody follows them')
  await tab.shot('installed')
  await overview.getByRole('tab', { name: 'Images by cluster' }).click()
  await expect.poll(() => section('default/web').textContent()).toMatch(/2 different.*drydock.*nginx:1\.26.*kind.*nginx:1\.27/s)
  await tab.shot('versions')
  await overview.getByRole('button', { name: 'Close the overview' }).click()
})

test('whoever wants to start over is told which further clusters go with it, those of now', async () => {
  const dialog = tab.page.getByRole('dialog', { name: 'Start over?' })
  const look = async () => {
    await tab.page.getByRole('button', { name: 'Menu' }).click()
    await tab.page.getByRole('button', { name: 'Start over …' }).click()
    await dialog.waitFor()
    const words = await dialog.textContent()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    return words
  }
  expect(await look()).toContain('as they run on the same machine: kind.')
  expect(await tab.run(`echo "${LAB}" > lab.xml; virsh net-create lab.xml`)).toContain('Network lab created')
  expect(await look()).toContain('as they run on the same machine: kind, lab (libvirt).')
  await tab.run('virsh net-destroy lab')
  expect(await look()).toContain('as they run on the same machine: kind.')
})

test('the choice outlasts a reload', async () => {
  await which().selectOption('kind')
  await region().getByRole('button', { name: /^kind-control-plane/ }).waitFor()
  await tab.page.close()
  tab = await app.open()
  await region().getByRole('button', { name: /^kind-control-plane/ }).waitFor({ timeout: 20_000 })
  expect(await shownNow()).toMatch(/^kind/)
  await region().getByRole('button', { name: /^Pod whale/ }).waitFor()
})

test('the power of its machine is taken away and given back; a cluster that is off says so', async () => {
  await region().getByRole('button', { name: 'What to do with the machine kind-control-plane' }).click()
  expect(await region().getByRole('menuitem').allTextContents()).toEqual(['Reboot', 'Shut down', 'Cut the power'])
  await region().getByRole('menuitem', { name: 'Cut the power' }).click()
  await tab.page.getByRole('dialog').getByRole('button', { name: 'Cut the power' }).click()
  await region().getByText('This cluster is off.').waitFor({ timeout: 20_000 })
  expect(await options()).toEqual(['drydock', 'kind: off'])
  await tab.shot('switch-off')
  await region().getByRole('button', { name: 'Switch the cluster on' }).click()
  await region().getByRole('button', { name: /^kind-control-plane.* Ready/ }).waitFor({ timeout: 60_000 })
  expect(await tab.until('kubectl get --raw /readyz', (out) => out.endsWith('ok'))).toBe('ok')
  await region().getByRole('button', { name: /^Pod whale, Running, 1\/1/ }).waitFor({ timeout: 60_000 })
})

test('machines on a network of their own are shown before anybody has installed Kubernetes on them', async () => {
  expect(await tab.run(`virsh net-create lab.xml && virt-install --name vm1 --network network=lab > install.log`)).toContain('Network lab created')
  await which().selectOption('lab (libvirt): machines alone')
  await region().getByText('These machines are on a network of their own.').waitFor()
  await region().getByRole('region', { name: 'vm1' }).getByText('not a node').waitFor({ timeout: 20_000 })
  expect(await region().getByRole('button', { name: 'What is installed' }).count()).toBe(0)
  await tab.shot('switch-blank')
  await which().selectOption('kind')
  await region().getByRole('button', { name: /^kind-control-plane/ }).waitFor()
  await tab.run('virsh destroy vm1; virsh undefine vm1; virsh net-destroy lab')
  await expect.poll(options).toEqual(['drydock', 'kind'])
})

test('a cluster that is deleted gives its place to the first one, and the switch goes', async () => {
  expect(await tab.run('kind delete cluster')).toContain('Deleted nodes')
  await region().getByRole('button', { name: /^drydock-worker2/ }).waitFor()
  expect(await which().count()).toBe(0)
  expect((await said()).join()).toContain('The cluster kind is gone. drydock is shown.')
  await region().getByRole('button', { name: /^Pod seal/ }).waitFor()
  expect(app.errors).toEqual([])
})
