import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/docker/docker.ts'
import '../src/cluster/docker/docker-engine.ts'
import '../src/cluster/docker/build-cache.ts'
import '../src/cluster/docker/pushed-images.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('docker') })
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)
const run = (script: string) => lab.run(script)
/** What a script printed on both streams. */
const both = async (script: string) => (await run(`{ ${script}\n} 2>&1`)).stdout
const say = (name: string, dockerfile: string) => lab.writeFile(`${name}/Dockerfile`, dockerfile)

test('a container in the background is reached by its published port, is stopped, and gives its name back', async () => {
  const id = (await out('docker pull -q gcr.io/kuar-demo/kuard-amd64:blue >/dev/null; docker run -d --name kuard --publish 8080:8080 gcr.io/kuar-demo/kuard-amd64:blue')).trim()
  expect(id).toMatch(/^[0-9a-f]{64}$/)
  expect(await out('docker ps')).toMatch(new RegExp(`^CONTAINER ID   IMAGE {31}COMMAND    CREATED +STATUS +PORTS +NAMES\n${id.slice(0, 12)}   gcr.io/kuar-demo/kuard-amd64:blue   "/kuard"   .* 0.0.0.0:8080->8080/tcp, \\[::\\]:8080->8080/tcp   kuard\n$`))
  expect(await out('sleep 1; curl -s http://localhost:8080')).toContain('<html')
  expect(await run('docker run -d --name kuard busybox')).toMatchObject({ code: 125, stderr: expect.stringContaining(`docker: Error response from daemon: Conflict. The container name "/kuard" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.\n`) })
  expect(await run('docker run -d -p 8080:80 --name other nginx:1.27')).toMatchObject({ code: 125, stderr: expect.stringMatching(/Bind for 0\.0\.0\.0:8080 failed: port is already allocated\n/) })
  expect(await run('docker rm kuard')).toMatchObject({ code: 1, stderr: 'Error response from daemon: cannot remove container "kuard": container is running: stop the container before removing or force remove\n' })
  expect(await out('docker stop kuard; docker ps -q; docker ps -a --filter name=kuard --format "{{.Status}}"')).toMatch(/^kuard\nExited \(\d+\) .* ago\n$/)
  expect((await run('curl -s http://localhost:8080')).code).toBe(7)
  expect(await out('docker rm kuard other; docker ps -aq')).toBe('kuard\nother\n')
})

test('a container that takes more memory than it may is killed', async () => {
  await out('docker run -d --name greedy -p 8081:8080 --memory 200m --memory-swap 1G --cpu-shares 1024 gcr.io/kuar-demo/kuard-amd64:blue; sleep 1')
  expect(await out(`docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.CpuShares}} {{.State.OOMKilled}}' greedy`)).toBe('209715200 1024 false\n')
  await run('curl -s -X POST "localhost:8081/mem/api/alloc?size=300000000"')
  expect(await out(`docker inspect -f '{{.State.Status}} {{.State.OOMKilled}} {{.State.ExitCode}}' greedy; docker rm greedy`)).toBe('exited true 137\ngreedy\n')
})

test('a Dockerfile is carried out: stages, arguments, programs of the image, users, what it starts', async () => {
  say('app', `FROM alpine:3.20 AS build
ARG GREETING=hello
ENV PLACE=world
RUN echo "$GREETING $PLACE" > /message && echo made
FROM busybox
WORKDIR /app
COPY --from=build /message .
COPY --chown=nobody run.sh ./
RUN chmod 755 run.sh
USER nobody
ENTRYPOINT ["/app/run.sh"]
CMD ["one", "two"]
`)
  lab.writeFile('app/run.sh', '#!/bin/sh\necho "$(cat message): $@ as $(whoami) in $(pwd)"\n')
  const progress = await both('docker build -t app:1 --build-arg GREETING=good\\ day app')
  expect(progress).toMatch(/#\d+ \[build 2\/2\] RUN echo "\$GREETING \$PLACE" > \/message && echo made\n#\d+ \d\.\d+ made\n#\d+ DONE/)
  expect(progress).toMatch(/\[stage-1 5\/5\] RUN chmod 755 run\.sh\n/)
  expect(progress).toMatch(/writing image sha256:[0-9a-f]{64} done\n#\d+ naming to docker\.io\/library\/app:1 done\n/)
  expect(await out('docker run --rm app:1; docker run --rm app:1 three; docker run --rm --entrypoint id app:1 -un; docker ps -aq')).toBe('good day world: one two as nobody in /app\ngood day world: three as nobody in /app\nnobody\n')
  expect(await out("docker run --rm -u root -w / -e GREETING=x --entrypoint sh app:1 -c 'echo $GREETING $(id -u) $(pwd)'")).toBe('x 0 /\n')
  expect(await out('docker history app:1 --format "{{.CreatedBy}}"')).toMatch(/^CMD \["one" "two"\]\nENTRYPOINT \["\/app\/run\.sh"\]\nUSER nobody\nRUN \/bin\/sh -c chmod 755 run\.sh # buildkit\nCOPY --chown=nobody run\.sh \.\/ # buildkit\n/)
})

test('a build takes from the cache what has not changed, up to the first step that has', async () => {
  say('cached', 'FROM busybox\nWORKDIR /src\nCOPY first* ./\nRUN echo step\nCOPY . .\nCMD ["true"]\n')
  lab.writeFile('cached/first.txt', '1')
  lab.writeFile('cached/server.js', '1')
  lab.writeFile('cached/node_modules/big', 'x')
  lab.writeFile('cached/.dockerignore', 'node_modules\n')
  await run('docker build -t cached cached')
  const id = await out('docker images -q cached')
  expect((await both('docker build -t cached cached')).match(/CACHED/g)).toHaveLength(4)
  expect(await out('docker images -q cached')).toBe(id)
  lab.writeFile('cached/server.js', '2')
  expect((await both('docker build -t cached cached')).match(/CACHED/g)).toHaveLength(3)
  // What had the name before is still there, without one.
  expect(await out('docker images --filter dangling=true --format "{{.Repository}} {{.Tag}} {{.ID}}"')).toBe(`<none> <none> ${id}`)
  expect(await out('docker run --rm cached ls')).toBe('Dockerfile\nfirst.txt\nserver.js\n')
  expect(await out('docker system prune -f')).toContain(`deleted: sha256:${id.trim()}`)
})

test('a build that fails says where', async () => {
  say('broken', 'FROM busybox\n\nRUN echo before && false\n')
  expect(await run('docker build broken')).toMatchObject({ code: 1, stderr: expect.stringContaining(` > [2/2] RUN echo before && false:\n`) })
  expect((await run('docker build broken')).stderr).toMatch(/------\nDockerfile:3\n-{20}\n {3}1 \| {5}FROM busybox\n {3}2 \| {5}\n {3}3 \| >>> RUN echo before && false\n {3}4 \| {5}\n-{20}\nERROR: failed to build: failed to solve: process "\/bin\/sh -c echo before && false" did not complete successfully: exit code: 1\n$/)
  say('broken', 'FROM busybox\nCOPY missing /\n')
  expect((await run('docker build broken')).stderr).toMatch(/ERROR: failed to build: failed to solve: failed to compute cache key: failed to calculate checksum of ref \S+: "\/missing": not found\n$/)
  say('broken', 'FROM busybox\nRUM true\n')
  expect((await run('docker build broken')).stderr).toMatch(/ERROR: failed to build: failed to solve: dockerfile parse error on line 2: unknown instruction: RUM \(did you mean RUN\?\)\n$/)
})

test('a build that is given up leaves nothing that runs', async () => {
  say('endless', 'FROM busybox\nRUN --mount=type=cache,target=/c while sleep 1; do echo x >> /c/f; done\n')
  say('count', 'FROM busybox\nRUN --mount=type=cache,target=/c echo lines: $(wc -l < /c/f)\n')
  expect((await run('timeout -s INT 5 docker build endless')).code).toBe(124)
  const count = async () => /lines: (\d+)\n/.exec(await both('docker build --no-cache count'))?.[1]
  const counted = await count()
  expect(Number(counted)).toBeGreaterThan(0)
  await out('sleep 5')
  expect(await count()).toBe(counted)
})

test('images go by names, ids and the beginnings of ids', async () => {
  await out('docker pull -q busybox >/dev/null; docker tag busybox learner/box:1; docker tag busybox learner/box:2')
  const id = (await out('docker images -q --no-trunc learner/box:1')).trim()
  expect(await out(`docker rmi learner/box:2`)).toBe('Untagged: learner/box:2\n')
  expect(await run(`docker rmi ${id.slice(7, 12)}`)).toMatchObject({ code: 1, stderr: `Error response from daemon: conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories\n` })
  expect(await run('docker rmi nothing')).toMatchObject({ code: 1, stderr: 'Error response from daemon: No such image: nothing:latest\n' })
  const first = (await out('docker images -q')).split('\n').filter(Boolean).map((each) => each[0]!)
  const twice = first.find((each, i) => first.indexOf(each) !== i)
  if (twice) expect((await run(`docker rmi ${twice}`)).stderr).toMatch(/multiple IDs found with provided prefix/)
  expect(await out(`docker rmi -f ${id.slice(7, 12)}`)).toContain(`Deleted: ${id}\n`)
})

test('images get packages and users of their own, which are still there after a reload', async () => {
  say('tools', 'FROM alpine:3.20\nRUN apk add --no-cache curl jq && addgroup -S app && adduser -S -G app app\nUSER app\nWORKDIR /home/app\nCMD echo "[\\"$(id -un) $(pwd)\\"]" | jq -r ".[0]"; command -v curl\n')
  expect(await both('docker build -t tools tools')).toMatch(/\(1\/2\) Installing curl \(\S+\)\n/)
  say('deb', 'FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\nRUN useradd -m -u 1234 worker\nUSER worker\nCMD curl --version | head -1 | cut -d" " -f1; id -u\n')
  expect(await both('docker build -t deb deb')).toMatch(/Setting up curl \(\S+\) \.\.\.\n/)
  const prints = 'docker run --rm tools; docker run --rm deb'
  expect(await out(prints)).toBe('app /home/app\n/usr/bin/curl\ncurl\n1234\n')
  lab = await lab.reload()
  expect(await out(prints)).toBe('app /home/app\n/usr/bin/curl\ncurl\n1234\n')
})

test('a health check tells whether a container is well', async () => {
  say('healthy', 'FROM busybox\nHEALTHCHECK --interval=2s --retries=2 CMD test -f /ok\nCMD sleep 1000\n')
  await run('docker build -q -t healthy healthy; docker run -d --name heart healthy')
  const status = () => out('docker ps --filter name=heart --format "{{.Status}}"')
  expect(await status()).toMatch(/\(health: starting\)\n$/)
  await out('sleep 5')
  expect(await status()).toMatch(/\(unhealthy\)\n$/)
  await out('docker exec heart sh -c "touch /ok"; sleep 3')
  expect(await status()).toMatch(/\(healthy\)\n$/)
  expect(await out(`docker inspect -f '{{range .State.Health.Log}}{{.ExitCode}} {{end}}' heart`)).toMatch(/^1 1 (1 )*0 (0 )*\n$/)
  await out('docker rm -f heart')
})

test('what is pushed after a login is pulled by nodes, and all of it is there after a reload', async () => {
  say('page', 'FROM nginx:1.27\nCOPY index.html /usr/share/nginx/html/index.html\n')
  lab.writeFile('page/index.html', '<h1>Mine</h1>\n')
  await run('docker build -t learner/page:1 page')
  expect(await run('docker push learner/page:1')).toMatchObject({ code: 1, stderr: 'denied: requested access to the resource is denied\n' })
  expect(await both('echo secret | docker login -u learner --password-stdin')).toMatch(/Login Succeeded\n$/)
  expect(await out('docker push learner/page:1')).toMatch(/^The push refers to repository \[docker\.io\/learner\/page\]\n[\s\S]*[0-9a-f]{12}: Pushed\n[\s\S]*Mounted from library\/nginx\n1: digest: sha256:[0-9a-f]{64} size: \d+\n$/)
  expect(await out('kubectl run page --image=learner/page:1 && kubectl wait --for=condition=Ready pod/page --timeout=60s && kubectl exec page -- curl -s localhost')).toContain('<h1>Mine</h1>\n')
  // The private registry wants its own account for both ways.
  await out('docker tag learner/page:1 registry.drydock.test/learner/page:1')
  expect(await run('docker push registry.drydock.test/learner/page:1')).toMatchObject({ code: 1, stderr: 'no basic auth credentials\n' })
  expect((await run('docker login -u learner -p wrong registry.drydock.test')).stderr).toContain('unauthorized: authentication required\n')
  await run('docker login -u learner -p drydock registry.drydock.test')
  await out('docker push registry.drydock.test/learner/page:1')
  await run('kubectl run private --image=registry.drydock.test/learner/page:1; sleep 5')
  expect(await out('kubectl get pod private --no-headers')).toMatch(/ErrImagePull|ImagePullBackOff/)
  await out("docker run -d --name site -p 9000:80 learner/page:1 >/dev/null; docker exec site sh -c 'echo changed > /usr/share/nginx/html/index.html'; docker create --name idle busybox true >/dev/null 2>&1; sleep 1")
  const before = await out('docker ps -a --format "{{.Names}} {{.ID}} {{.State}}"; docker images --format "{{.Repository}}:{{.Tag}} {{.ID}}" | sort')
  lab = await lab.reload()
  expect(await out('sleep 1; docker ps -a --format "{{.Names}} {{.ID}} {{.State}}"; docker images --format "{{.Repository}}:{{.Tag}} {{.ID}}" | sort')).toBe(before)
  expect(await out('curl -s localhost:9000')).toBe('changed\n')
  expect(await out('docker push learner/page:1 | tail -1')).toMatch(/digest: sha256/)
  expect(await both('docker build -t again page')).toContain('CACHED')
  expect(await out('kubectl run later --image=learner/page:1 && kubectl wait --for=condition=Ready pod/later --timeout=60s && kubectl exec later -- curl -s localhost')).toContain('<h1>Mine</h1>\n')
  expect(await out('docker rm -f site; docker rmi -f again learner/page:1 registry.drydock.test/learner/page:1 >/dev/null; docker pull -q learner/page:1; docker run --rm learner/page:1 cat /usr/share/nginx/html/index.html')).toBe('site\ndocker.io/learner/page:1\n<h1>Mine</h1>\n')
})

test('Tab knows commands, flags, containers and images', async () => {
  await out('docker create --name tabbed --label team=blue busybox true')
  const complete = async (line: string) => (await out(`docker __complete ${line}`)).split('\n').filter(Boolean)
  expect(await complete("''")).toEqual(expect.arrayContaining(['run', 'container', 'images']))
  expect(await complete("image ''")).toContain('prune')
  expect(await complete('run --mem')).toContain('--memory-swap')
  expect(await complete("rm ''")).toContain('tabbed')
  expect(await complete("run -d --name x ''")).toContain('busybox:latest')
  expect(await complete("exec -it tabbed ''")).toEqual([])
  expect(await out(`docker ps -a --filter label=team --format '{{.Names}} {{.Label "team"}} {{json .Labels}}{{.Label "none"}}'`)).toBe('tabbed blue "team=blue"\n')
  await out('docker rm tabbed')
})

test('an archive shows what is in each layer, removed files too, and gives the image back', async () => {
  say('secret', 'FROM alpine:3.20\nRUN echo hunter2 > /password\nRUN rm /password && apk add --no-cache jq\nUSER nobody\n')
  await run('docker build -q -t secret secret')
  const id = await out('docker images -q --no-trunc secret')
  await out('docker save secret -o secret.tar; mkdir -p layers; tar -xf secret.tar -C layers')
  const [, second, third] = JSON.parse(await out('cat layers/manifest.json'))[0].Layers as string[]
  expect(await out(`tar -xOf layers/${second} password; tar -tf layers/${third} | grep password`)).toBe('hunter2\n.wh.password\n')
  await out('docker rmi -f secret; docker system prune -f')
  expect(await out('docker load -i secret.tar; docker images -q --no-trunc secret')).toBe(`Loaded image: secret:latest\n${id}`)
  expect(await out(`docker run --rm secret sh -c 'id -un; echo "[7]" | jq ".[0]"; test -e /password || echo gone'`)).toBe('nobody\n7\ngone\n')
})

test('containers are behind the laptop: it and they reach pods and each other, the cluster does not reach them', async () => {
  await out("docker run -d --name inner busybox sh -c 'mkdir /www; echo inside > /www/index.html; httpd -f -p 80 -h /www'; sleep 1")
  const ip = (await out(`docker inspect -f '{{.NetworkSettings.IPAddress}}' inner`)).trim()
  expect(await out(`curl -s ${ip}; docker run --rm busybox wget -qO- ${ip}`)).toBe('inside\ninside\n')
  await out('kubectl run plain --image=nginx:1.27; kubectl wait --for=condition=Ready pod/plain')
  expect((await run(`kubectl exec plain -- curl -s -m 3 ${ip}`)).stderr).toContain('exit code 28')
  await out("docker run --rm busybox wget -qO- $(kubectl get pod plain -o jsonpath='{.status.podIP}')")
  expect(await out('kubectl logs plain | tail -1')).toMatch(/^10\.89\.0\.1 - - /)
  // On a network of their own they know each other's names.
  await out('docker network create quay; docker run -d --name named --network quay busybox sh -c "echo hi > /index.html; httpd -f -p 80 -h /"; sleep 1')
  expect(await out('docker run --rm --network quay busybox wget -qO- named')).toBe('hi\n')
  await out('docker rm -f inner named; docker network rm quay; kubectl delete pod plain --now')
})

test('volumes outlive containers, directories of the machine are shared, and files are copied both ways', async () => {
  await out("docker volume create data; docker run --rm -v data:/data busybox sh -c 'echo kept > /data/f'")
  expect(await out('docker run --rm -v data:/data busybox cat /data/f')).toBe('kept\n')
  expect(await out('mkdir -p share; echo host > share/x; docker run --rm -v $PWD/share:/s busybox sh -c "cat /s/x; echo back > /s/y"; cat share/y')).toBe('host\nback\n')
  expect(await run('docker run --rm --read-only busybox touch /x')).toMatchObject({ code: 1, stderr: 'touch: /x: Read-only file system\n' })
  expect(await run('docker volume rm data; docker run -d --name holder -v held:/h busybox sleep 100; docker volume rm held')).toMatchObject({ code: 1, stderr: expect.stringMatching(/remove held: volume is in use - \[[0-9a-f]{64}\]\n/) })
  await run('docker cp share/x holder:/tmp/copied; docker cp holder:/etc/passwd passwd')
  expect(await out('docker exec holder cat /tmp/copied; head -1 passwd; docker rm -f holder')).toBe('host\nroot:x:0:0:root:/root:/bin/sh\nholder\n')
})

test('containers are started again as their policy says', async () => {
  await out("docker run -d --name flaky --restart on-failure:3 busybox sh -c 'echo try; exit 3'; sleep 10")
  expect(await out(`docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}' flaky; docker logs flaky; docker rm flaky`)).toBe('exited 3 3\ntry\ntry\ntry\ntry\nflaky\n')
})
