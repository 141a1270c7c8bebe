import { afterEach, beforeEach, expect, test } from 'vitest'
import { startApp } from './app.ts'
import type { App } from './app.ts'

let app: App
beforeEach(async () => { app = await startApp() })
afterEach(() => app?.stop())

test("images, containers and what was pushed outlive the tab", async () => {
  let tab = await app.open()
  await tab.run(`mkdir web; echo '<h1>Mine</h1>' > web/index.html; printf 'FROM nginx:1.27\\nCOPY index.html /usr/share/nginx/html/\\n' > web/Dockerfile`)
  await tab.run('docker build -q -t learner/web:1 web; docker login -u learner -p secret; docker push -q learner/web:1')
  await tab.run('docker run -d --name site -p 8080:80 learner/web:1; docker exec site sh -c "echo changed >> /usr/share/nginx/html/index.html"; sleep 1')
  const images = await tab.run('docker images --format "{{.Repository}}:{{.Tag}} {{.ID}}"')
  expect(await tab.run('curl -s localhost:8080')).toBe('<h1>Mine</h1>\nchanged')
  await tab.page.close()
  tab = await app.open()
  expect(await tab.run('docker images --format "{{.Repository}}:{{.Tag}} {{.ID}}"')).toBe(images)
  expect(await tab.until('curl -s localhost:8080', (text) => text !== '')).toBe('<h1>Mine</h1>\nchanged')
  await tab.run('kubectl run web --image=learner/web:1; kubectl wait --for=condition=Ready pod/web')
  expect(await tab.run('kubectl exec web -- cat /usr/share/nginx/html/index.html')).toBe('<h1>Mine</h1>')
  expect(app.errors).toEqual([])
}, 120_000)
