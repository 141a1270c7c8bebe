import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import 'bcryptjs'
import '../src/cli/context-switchers.ts'
import '../src/cli/kustomize.ts'
import '../src/unix/openssl/htpasswd.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('terminal tools') }, 60_000)
afterAll(() => lab.stop())

test("kubectl's own script makes bash complete for an alias too, as the cheat sheet says", async () => {
  expect(await lab.out('source <(kubectl completion bash) && alias k=kubectl && complete -o default -F __start_kubectl k && complete -p k')).toBe('complete -o default -F __start_kubectl k\n')
  // Of what kubectl answers, the directive is no candidate.
  expect(await lab.out('source <(kubectl completion bash); COMP_WORDS=(kubectl get daemon); COMP_CWORD=2; __start_kubectl; echo "${#COMPREPLY[@]} ${COMPREPLY[@]}"')).toBe('1 daemonsets.apps\n')
  // Where a file is meant, those of the right kind, and directories that may hold some.
  expect(await lab.out(`mkdir -p manifests/more && touch manifests/{web.yaml,notes.txt}; source <(kubectl completion bash); COMP_WORDS=(kubectl apply -f manifests/); COMP_CWORD=3; __start_kubectl; echo "\${COMPREPLY[@]}"; rm -r manifests`)).toBe('manifests/more/ manifests/web.yaml\n')
})

test('envsubst fills manifests from the environment, all of it or what it is told', async () => {
  expect(await lab.out(`export APP=web TAG=1.27; envsubst <<'X' | kubectl create --dry-run=client -o name -f -
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "\${APP}"}, "spec": {"containers": [{"name": "c", "image": "nginx:$TAG"}]}}
X
echo '$APP $host \${TAG}|$' | envsubst '$APP'; echo '$NOT_SET.' | envsubst; envsubst -v '$A \${B}'`)).toBe('pod/web\nweb $host ${TAG}|$\n.\nA\nB\n')
})

test('kubens and kubectx change namespace and context, and back', async () => {
  expect(await lab.out('kubens | head -2; kubens -c')).toBe('default\nkube-node-lease\ndefault\n')
  expect(await lab.run('kubens kube-system; kubens -c; kubectl config view --minify -o jsonpath={..namespace}; echo; kubens -; kubens -c; kubens nosuch')).toEqual({
    stdout: 'kube-system\nkube-system\ndefault\n', stderr: 'Active namespace is "kube-system".\nActive namespace is "default".\nerror: no namespace exists with name "nosuch"\n', code: 1,
  })
  const context = (await lab.out('kubectx -c')).trim()
  expect(await lab.run(`kubectl config set-context other --cluster=$(kubectl config view -o jsonpath={.clusters[0].name}) >/dev/null; kubectx other; kubectx -c; kubectx -; kubectx; kubectx gone`)).toEqual({
    stdout: `other\n${[context, 'other'].sort().join('\n')}\n`, stderr: `Switched to context "other".\nSwitched to context "${context}".\nerror: no context exists with the name: "gone"\n`, code: 1,
  })
})

test('kustomize builds as kubectl does, and says what it lacks', async () => {
  await lab.out("mkdir -p app && cat > app/kustomization.yaml <<'X'\nnamePrefix: my-\nresources: [cm.yaml]\nX\nkubectl create configmap cm --from-literal=a=b --dry-run=client -o yaml > app/cm.yaml")
  expect(await lab.out('kustomize build app')).toBe(await lab.out('kubectl kustomize app'))
  expect(await lab.out('kustomize build app | kubectl apply -f -')).toBe('configmap/my-cm created\n')
  expect(await lab.run('kustomize edit set image a=b')).toMatchObject({ stderr: "Error: 'kustomize edit' is not available in Drydock\n", code: 1 })
})

test('htpasswd keeps users for an Ingress, and knows their passwords again', async () => {
  const { stdout, stderr } = await lab.run('htpasswd -cb auth foo bar; htpasswd -bB auth baz qux; htpasswd -vb auth foo bar; htpasswd -vb auth baz wrong; cut -c1-10 auth; htpasswd -nb a b | head -1 | cut -c1-8; htpasswd -b nofile a b')
  expect(stdout).toBe('foo:$apr1$\nbaz:$2y$05\na:$apr1$\n')
  expect(stderr).toBe("Adding password for user foo\nAdding password for user baz\nPassword for user foo correct.\npassword verification failed\nhtpasswd: cannot modify file nofile; use '-c' to create it\n")
  expect(await lab.out("openssl passwd -apr1 -salt $(head -1 auth | cut -d'$' -f3) bar")).toBe(await lab.out('head -1 auth | cut -d: -f2'))
})

test('paste joins lines of files, of standard input, and of one file in one', async () => {
  expect(await lab.out("seq 3 | paste -sd,; seq 3 | paste -sd+ -; paste -d: <(seq 2) <(echo a); seq 4 | paste - -; paste -s <(seq 2) <(seq 3 4)")).toBe('1,2,3\n1+2+3\n1:a\n2:\n1\t2\n3\t4\n1\t2\n3\t4\n')
})

test('shuf takes from what there is, each once', async () => {
  expect(await lab.out('shuf -i 1-9 | sort | tr -d "\\n"; shuf -e a b c -n 2 | sort -u | wc -l; seq 3 | shuf | sort | paste -sd,; uuidgen | grep -cE "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"')).toBe('1234567892\n1,2,3\n1\n')
})
