import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startApp, tabOf, waitForPrompt } from './app.ts'
import type { App, Tab } from './app.ts'

let app: App
beforeEach(async () => { app = await startApp() })
afterEach(() => app?.stop())

/** Ends the tab's process as a crash or the system would: no event, no clean-up. */
async function kill(tab: Tab): Promise<void> {
  const session = await app.context.newCDPSession(tab.page)
  const crashed = new Promise((resolve) => tab.page.once('crash', resolve))
  session.send('Page.crash').catch(() => {})
  await crashed
  await tab.page.close()
}

/** Changes what is on disk while no page is open, from a page of the same origin that isn't the app. */
async function tamper(change: (db: IDBDatabase) => Promise<void> | void, version?: number): Promise<void> {
  const page = await app.context.newPage()
  await page.goto(`${app.url}icon.svg`)
  await page.evaluate(({ source, version }) => new Promise<void>((resolve, reject) => {
    const request = indexedDB.open('drydock', version)
    request.onerror = () => reject(request.error)
    request.onsuccess = async () => {
      await (0, eval)(`(${source})`)(request.result)
      request.result.close()
      resolve()
    }
  }), { source: change.toString(), version })
  await page.close()
}

test('a tab killed in the middle of a rollout comes back in the same state and goes on', async () => {
  let tab = await app.open()
  await tab.run('kubectl create deployment web --image=nginx:1.27 --replicas=3')
  await tab.run('echo kept > note.txt')
  const uid = await tab.run('kubectl get deployment web -o jsonpath={.metadata.uid}')
  await tab.run('kubectl rollout status deployment web', { timeoutMs: 60_000 })
  const oldPods = (await tab.run('kubectl get pods -o name')).split('\n').sort()
  // A new image has to be pulled: the rollout is under way when the tab dies.
  await tab.run('kubectl scale deployment web --replicas=24; kubectl set image deployment web nginx=nginx:1.26')
  await kill(tab)

  tab = await app.open()
  expect(await tab.run('kubectl get deployment web -o jsonpath={.metadata.uid}')).toBe(uid)
  expect(await tab.run('kubectl get deployment web -o jsonpath={.spec.replicas},{.spec.template.spec.containers[0].image}')).toBe('24,nginx:1.26')
  expect(await tab.run('cat note.txt')).toBe('kept')
  expect(oldPods).toHaveLength(3)
  expect(await tab.run('kubectl rollout status deployment web', { timeoutMs: 90_000 })).toContain('successfully rolled out')
  await tab.until('kubectl get pods --no-headers | grep -c Running', (count) => count === '24')
  expect(app.errors.filter((error) => !error.includes('crash'))).toEqual([])
}, 180_000)

test('an acknowledged write survives a kill right after it', async () => {
  for (let i = 0; i < 2; i++) {
    const tab = await app.open()
    await tab.run(`kubectl create configmap kept-${i} --from-literal=n=${i}`)
    await kill(tab)
  }
  for (let i = 0; i < 2; i++) {
    const tab = await app.open()
    await tab.run(`echo ${i} >> kept.txt`)
    await kill(tab)
  }
  const tab = await app.open()
  expect(await tab.run('cat kept.txt')).toBe('0\n1')
  expect((await tab.run('kubectl get configmaps -o name')).split('\n')).toEqual(expect.arrayContaining(['configmap/kept-0', 'configmap/kept-1']))
}, 120_000)

test('terminals are there again after a reload, with what they showed and where their shells were', async () => {
  const tab = await app.open()
  await tab.run('mkdir -p deep/er; cd deep; echo first-screen')
  await tab.page.getByRole('button', { name: 'New terminal' }).click()
  await waitForPrompt(tab.page)
  await tab.run('cd deep/er; echo second-screen')
  await tab.page.reload()
  await waitForPrompt(tab.page)
  const second = await tab.screen()
  expect(second).toContain('second-screen')
  expect(second).toContain('Restored.')
  expect(await tab.run('pwd')).toBe('/home/learner/deep/er')
  await tab.page.getByRole('tab', { name: 'Terminal 1' }).click()
  await waitForPrompt(tab.page)
  expect(await tab.screen()).toContain('first-screen')
  expect(await tab.run('pwd')).toBe('/home/learner/deep')
  // Another tab has its own, beside the one that shows these.
  const other = await app.open()
  expect(await other.screen()).not.toContain('screen')
  // Another cluster has none of it.
  await tab.page.evaluate(() => (document.querySelector('dd-app') as unknown as { client: { ask(name: string, ask: unknown): Promise<unknown> } }).client.ask('reset', {}))
  await expect.poll(() => tab.screen(), { timeout: 30_000 }).not.toContain('first-screen')
  expect(app.errors).toEqual([])
}, 90_000)

test('files in volumes outlive the tab', async () => {
  let tab = await app.open()
  await tab.run(`kubectl run keeper --image=nginx:1.27 --overrides='{"spec":{"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"name":"keeper","image":"nginx:1.27","volumeMounts":[{"name":"v","mountPath":"/data"}]}]}}'`)
  await tab.run('kubectl wait --for=condition=Ready pod/keeper', { timeoutMs: 60_000 })
  await tab.run(`kubectl exec keeper -- sh -c 'echo treasure > /data/chest'`)
  await tab.run('kubectl create configmap after --from-literal=a=b')
  await kill(tab)
  tab = await app.open()
  await tab.until('kubectl exec keeper -- cat /data/chest', (output) => output === 'treasure')
}, 90_000)

test('containers go on as themselves, and what they printed outlives the tab', async () => {
  let tab = await app.open()
  await tab.run(`kubectl run talker --image=busybox:1.37 -- sh -c 'echo hello; i=0; while true; do i=$((i+1)); echo "line $i"; sleep 0.1; done'; kubectl run done --image=busybox:1.37 --restart=Never -- echo result`)
  await tab.run('kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/done; kubectl wait --for=condition=Ready pod/talker', { timeoutMs: 60_000 })
  await tab.until('kubectl logs talker | grep -c line', (count) => Number(count) > 30)
  const identity = "kubectl get pod talker -o jsonpath='{.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].state.running.startedAt}'"
  const before = await tab.run(identity)
  await kill(tab)
  tab = await app.open()
  expect(await tab.run(identity)).toBe(before)
  await tab.until('kubectl logs talker | grep -c hello', (count) => count === '2')
  const lines = (await tab.run('kubectl logs talker')).split('\n')
  const again = lines.lastIndexOf('hello')
  expect(again).toBeGreaterThan(15)
  expect(lines.slice(0, again)).toEqual(lines.slice(0, again).map((_, i) => i === 0 ? 'hello' : `line ${i}`))
  expect(await tab.run('kubectl logs done')).toBe('result')
  // Time went on from there.
  const [last, first] = (await tab.run('kubectl logs talker --timestamps | grep -B1 hello | tail -2')).split('\n').map((line) => line.split(' ')[0]!)
  expect(first! > last!).toBe(true)
  // Once more, with a piece of the log damaged: it costs what follows it and nothing else.
  await tab.page.waitForTimeout(1_500)
  await tab.page.close()
  await tamper((db) => new Promise<void>((resolve) => {
    const tx = db.transaction('logs', 'readwrite')
    const request = tx.objectStore('logs').openKeyCursor()
    request.onsuccess = () => {
      const cursor = request.result
      if (!cursor) return
      if (String((cursor.key as unknown[])[1]).includes('_done_')) tx.objectStore('logs').put('damaged', cursor.key)
      cursor.continue()
    }
    tx.oncomplete = () => resolve()
  }))
  tab = await app.open()
  expect(await tab.run('kubectl logs done')).toBe('')
  await tab.until('kubectl logs talker | head -1', (output) => output === 'hello')
  expect(app.errors.filter((error) => !error.includes('crash'))).toEqual([])
}, 120_000)

test('a paused clock stays paused, and the containers run all the same', async () => {
  let tab = await app.open()
  await tab.run('kubectl run web --image=nginx:1.27; kubectl wait --for=condition=Ready pod/web', { timeoutMs: 60_000 })
  await tab.page.evaluate(() => (document.querySelector('dd-app') as unknown as { client: { ask(name: string, ask: unknown): Promise<unknown> } }).client.ask('clock', { mode: 'paused' }))
  await tab.run('kubectl create configmap later --from-literal=a=b')
  await kill(tab)
  tab = await app.open()
  const times = await tab.run('date +%s%N; date +%s%N')
  expect(new Set(times.split('\n')).size).toBe(1)
  expect(await tab.run("kubectl get pod web --no-headers | awk '{print $2, $3, $4}'; kubectl exec web -- cat /etc/hostname")).toBe('1/1 Running 0\nweb')
}, 60_000)

describe('two tabs', () => {
  test('share one cluster, and the second takes over when the first closes', async () => {
    const first = await app.open()
    const second = await app.open()
    await second.page.getByText('Attached: another tab runs this cluster').waitFor()
    await second.run('kubectl run shared --image=nginx:1.27')
    await first.page.getByRole('button', { name: /^Pod shared, Running/ }).waitFor()
    expect(await first.run('kubectl get pod shared -o name')).toBe('pod/shared')
    await first.page.close()
    await second.page.getByText('Cluster is up').waitFor()
    await waitForPrompt(second.page)
    const after = tabOf(second.page)
    expect(await after.run('kubectl get pod shared -o name')).toBe('pod/shared')
    expect(app.errors).toEqual([])
  }, 90_000)
})

describe('saved data that can not be used', () => {
  const failurePage = async () => {
    const page = await app.context.newPage()
    await page.goto(app.url)
    return page
  }

  test('a gap in the log: a page that explains, exports and resets', async () => {
    const tab = await app.open()
    await tab.run('kubectl create configmap a --from-literal=a=b')
    await tab.page.close()
    await tamper((db) => new Promise<void>((resolve) => {
      const tx = db.transaction(['log', 'meta'], 'readwrite')
      tx.objectStore('meta').put(1_000_000, 'folded')
      tx.objectStore('log').put({ first: 2_000_000, last: 2_000_000, commits: [{ revision: 2_000_000, changes: [] }] }, 2_000_000)
      tx.oncomplete = () => resolve()
    }))
    const page = await failurePage()
    await page.getByRole('heading', { name: 'The saved cluster is damaged' }).waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export what is there' }).click()
    expect((await download).suggestedFilename()).toMatch(/^drydock-.*\.drydock$/)
    await page.getByRole('button', { name: 'Start over' }).click()
    await page.getByRole('button', { name: 'Delete and start over' }).click()
    await waitForPrompt(page)
    expect(await tabOf(page).run('kubectl get configmaps -o name')).toBe('configmap/kube-root-ca.crt')
    // The terminal that went with its pane asks for no shell.
    expect(await tabOf(page).run("ps aux | grep -c '[b]ash'")).toBe('1')
  }, 90_000)

  test('the database of an earlier version is taken over', async () => {
    const tab = await app.open()
    await tab.run('kubectl create configmap old --from-literal=a=b; echo kept > note.txt')
    await tab.page.close()
    await tamper(async (db) => {
      const tables = ['meta', 'log', 'kvs', 'files']
      const read = <T>(request: IDBRequest<T>) => new Promise<T>((resolve) => { request.onsuccess = () => resolve(request.result) })
      const rows = await Promise.all(tables.map(async (table) => {
        const store = db.transaction(table).objectStore(table)
        const [keys, values] = await Promise.all([read(store.getAllKeys()), read(store.getAll())])
        return values.map((value: unknown, i) => [keys[i], value] as const)
      }))
      db.close()
      await read(indexedDB.deleteDatabase('drydock'))
      const request = indexedDB.open('drydock', 1)
      request.onupgradeneeded = () => tables.forEach((table, i) => {
        const store = request.result.createObjectStore(table)
        for (const [key, value] of rows[i]!) store.put(table === 'meta' && key === 'identity' ? { ...value as object, schema: 1 } : value, key)
      })
      const old = await read(request)
      old.close()
    })
    const again = await app.open()
    expect(await again.run('kubectl get configmap old -o name; cat note.txt; kubectl run x --image=busybox:1.37 -- echo hi')).toBe('configmap/old\nkept\npod/x created')
    expect(app.errors).toEqual([])
  }, 60_000)

  test('a newer version\'s database: a page that says so', async () => {
    const tab = await app.open()
    await tab.page.close()
    await tamper(() => {}, 99)
    const page = await failurePage()
    await page.getByRole('heading', { name: 'This cluster was saved by a newer Drydock' }).waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export what is there' }).click()
    await download
  })
})

test('a cluster goes to a file, and comes back from it after a reset', async () => {
  const tab = await app.open()
  const { page } = tab
  await tab.run('kubectl create configmap precious --from-literal=a=b; echo hello > note.txt; kubectl run talker --image=busybox:1.37 --restart=Never -- echo said')
  await tab.run('kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/talker', { timeoutMs: 60_000 })
  await page.getByRole('button', { name: 'Menu' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export the cluster' }).click()
  const file = await (await download).path()

  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByRole('button', { name: 'Start over' }).click()
  await page.getByRole('button', { name: 'Delete and start over' }).click()
  await page.waitForTimeout(300)
  await waitForPrompt(page)
  expect(await tabOf(page).run('kubectl get configmap precious -o name')).toContain('NotFound')

  await page.locator('dd-main-menu input[type=file]').setInputFiles({ name: 'bad.drydock', mimeType: 'application/octet-stream', buffer: Buffer.from('nonsense') })
  await page.getByRole('button', { name: 'Replace' }).click()
  await page.getByText('The file could not be imported').waitFor()
  await page.getByRole('button', { name: 'Close', exact: true }).last().click()

  await page.locator('dd-main-menu input[type=file]').setInputFiles(file)
  await page.getByRole('button', { name: 'Replace' }).click()
  await page.waitForTimeout(300)
  await waitForPrompt(page)
  const after = tabOf(page)
  expect(await after.run('kubectl get configmap precious -o name')).toBe('configmap/precious')
  expect(await after.run('cat note.txt')).toBe('hello')
  expect(await after.run('kubectl logs talker')).toBe('said')

  // A file that is whole but holds no cluster costs nothing either.
  const packed = new Blob([await readFile(file)]).stream().pipeThrough(new DecompressionStream('gzip'))
  const broken = JSON.parse(await new Response(packed).text()) as { tables: { kvs: unknown[]; log: unknown[] } }
  broken.tables.log = [[5, { first: 1, last: 1_000_000, commits: [{ revision: 1_000_000, changes: [] }] }], [{ not: 'a key' }, 1]]
  const again = new Response(new Blob([JSON.stringify(broken)]).stream().pipeThrough(new CompressionStream('gzip')))
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.locator('dd-main-menu input[type=file]').setInputFiles({ name: 'broken.drydock', mimeType: 'application/octet-stream', buffer: Buffer.from(await again.arrayBuffer()) })
  await page.getByRole('button', { name: 'Replace' }).click()
  await page.getByText('The file could not be imported').waitFor()
  await page.getByRole('button', { name: 'Close', exact: true }).last().click()
  expect(await after.run('kubectl get configmap precious -o name')).toBe('configmap/precious')
}, 120_000)

