import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../kinds/object.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { type TestApiServer, startTestApiServer } from '../auth/test-api-server.ts'

let lab: TestApiServer
beforeAll(async () => { lab = await startTestApiServer() })
afterAll(() => lab.stop())

let count = 0
async function newNamespace(labels: Record<string, string> = {}): Promise<string> {
  const name = `ns${++count}`
  await lab.masters.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
  await lab.masters.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } })
  return name
}
const pod = (namespace: string, spec: object = {}, name = 'p'): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })
const refusal = (work: Promise<unknown>) => work.then(() => undefined, (error: unknown) => (isStatusError(error) ? error.message : String(error)))

describe('ServiceAccount', () => {
  test('mounts the token everywhere, names the account and passes on pull secrets', async () => {
    const namespace = await newNamespace()
    await lab.masters.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'puller', namespace }, imagePullSecrets: [{ name: 'registry' }] })
    const { spec } = await lab.masters.create('pods', pod(namespace, { serviceAccountName: 'puller', initContainers: [{ name: 'i', image: 'i' }] }))
    const volume = spec.volumes[0].name as string
    expect(volume).toMatch(/^kube-api-access-[a-z0-9]{5}$/)
    expect([...spec.containers, ...spec.initContainers].map((c: { volumeMounts: unknown }) => c.volumeMounts)).toEqual(Array(2).fill([{ name: volume, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }]))
    expect(spec).toMatchObject({ serviceAccountName: 'puller', serviceAccount: 'puller', imagePullSecrets: [{ name: 'registry' }] })
  })

  test('waits for the default account of a new namespace, but not for ever and not for others', async () => {
    await lab.masters.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fresh' } })
    const waiting = lab.masters.create('pods', pod('fresh'))
    await lab.clock.advance(50)
    await lab.masters.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'fresh' } })
    expect((await waiting).spec.serviceAccountName).toBe('default')
    expect(await refusal(lab.masters.create('pods', pod('fresh', { serviceAccountName: 'nobody' }, 'q')))).toBe('pods "q" is forbidden: error looking up service account fresh/nobody: serviceaccount "nobody" not found')
    await lab.masters.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bare' } })
    const never = refusal(lab.masters.create('pods', pod('bare')))
    await lab.clock.advance(3_000)
    expect(await never).toBe('pods "p" is forbidden: error looking up service account bare/default: serviceaccount "default" not found')
  })

  test('adds no token where none is wanted', async () => {
    expect((await lab.masters.create('pods', pod(await newNamespace(), { automountServiceAccountToken: false }))).spec.volumes).toBeUndefined()
  })
})

test('Pods get tolerations, a priority, and what their class says', async () => {
  const namespace = await newNamespace()
  await lab.masters.create('priorityclasses.scheduling.k8s.io', { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' })
  const { spec } = await lab.masters.create('pods', pod(namespace, { priorityClassName: 'high' }))
  expect(spec).toMatchObject({ priority: 1000, preemptionPolicy: 'Never', priorityClassName: 'high' })
  expect(spec.tolerations).toEqual(['not-ready', 'unreachable'].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })))
  expect(await refusal(lab.masters.create('pods', pod(namespace, { priorityClassName: 'none' }, 'q')))).toBe('pods "q" is forbidden: no PriorityClass with name none was found')
  expect(await refusal(lab.masters.create('pods', pod(namespace, { priority: 7 }, 'q')))).toBe('pods "q" is forbidden: the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name')
})

test('the system\'s namespaces stay, and nothing new comes to a dying one', async () => {
  expect(await refusal(lab.masters.delete('namespaces', 'default'))).toBe('namespaces "default" is forbidden: this namespace may not be deleted')
  expect(await refusal(lab.masters.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'nowhere' } }))).toBe('namespaces "nowhere" not found')
  const namespace = await newNamespace()
  await lab.masters.delete('namespaces', namespace)
  expect(await refusal(lab.masters.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace } }))).toBe(`configmaps "a" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`)
})

test('claims and ingresses get the default class, the newest of several', async () => {
  const namespace = await newNamespace()
  for (const name of ['old', 'new']) {
    await lab.masters.create('storageclasses.storage.k8s.io', { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'x' })
    await lab.clock.advance(1000)
  }
  const claim: KubeObject = await lab.masters.create<KubeObject>('persistentvolumeclaims', { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c', namespace }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } })
  expect(claim.spec.storageClassName).toBe('new')
  expect(claim.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
})

describe('ResourceQuota', () => {
  const quota = (namespace: string, hard: Record<string, string>) => lab.masters.create('resourcequotas', { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q', namespace }, spec: { hard } })
    .then((made) => lab.masters.updateStatus('resourcequotas', { ...made, status: { hard, used: Object.fromEntries(Object.keys(hard).map((name) => [name, '0'])) } }))

  test('lets exactly as many in as it says, however many ask at once', async () => {
    const namespace = await newNamespace()
    await quota(namespace, { pods: '3', 'requests.cpu': '1' })
    const asks = Array.from({ length: 8 }, (_, i) => refusal(lab.masters.create('pods', pod(namespace, { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' } } }] }, `p${i}`))))
    const answers = await Promise.all(asks)
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(3)
    expect(answers.at(-1)).toBe('pods "p7" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3')
    expect((await lab.masters.get('resourcequotas', 'q', namespace)).status.used).toEqual({ pods: '3', 'requests.cpu': '300m' })
  })

  test('books nothing when only tried', async () => {
    const namespace = await newNamespace()
    await quota(namespace, { configmaps: '1', 'count/secrets': '0' })
    await lab.masters.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace } }, { dryRun: true })
    expect((await lab.masters.get('resourcequotas', 'q', namespace)).status.used).toEqual({ configmaps: '0', 'count/secrets': '0' })
    expect(await refusal(lab.masters.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace } }))).toBe('secrets "s" is forbidden: exceeded quota: q, requested: count/secrets=1, used: count/secrets=0, limited: count/secrets=0')
  })
})

describe('PodSecurity', () => {
  test('enforces, and warns of workloads whose Pods would be refused', async () => {
    const namespace = await newNamespace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
    expect(await refusal(lab.masters.create('pods', pod(namespace)))).toBe('pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")')
    const good = { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }, containers: [{ name: 'c', image: 'i', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }] }
    expect(await refusal(lab.masters.create('pods', pod(namespace, good)))).toBeUndefined()
    const { certificatePem } = await lab.pki.issueClientCertificate({ commonName: 'root', organizations: ['system:masters'] })
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { hostNetwork: true, containers: [{ name: 'c', image: 'i', securityContext: good.containers[0]!.securityContext }], securityContext: good.securityContext } } } }
    const { code, warnings } = await lab.call('POST', `/apis/apps/v1/namespaces/${namespace}/deployments`, { body: deployment, connection: { clientCertificatePem: certificatePem } })
    expect([code, warnings]).toEqual([201, ['would violate PodSecurity "restricted:latest": host namespaces (hostNetwork=true)']])
  })

  test('refuses labels that make no sense', async () => {
    expect(await refusal(newNamespace({ 'pod-security.kubernetes.io/enforce': 'strict' }))).toMatch(/^Namespace "ns\d+" is invalid: metadata.labels\[pod-security.kubernetes.io\/enforce\]: Invalid value: "strict": must be one of privileged, baseline, restricted$/)
  })
})

describe('policies in CEL', () => {
  const GROUP = 'admissionregistration.k8s.io'
  const policy = (type: 'Validating' | 'Mutating', name: string, spec: object, bindingSpec: object = {}) => Promise.all([
    lab.masters.create(`${type.toLowerCase()}admissionpolicies.${GROUP}`, { apiVersion: `${GROUP}/v1`, kind: `${type}AdmissionPolicy`, metadata: { name }, spec }),
    lab.masters.create(`${type.toLowerCase()}admissionpolicybindings.${GROUP}`, { apiVersion: `${GROUP}/v1`, kind: `${type}AdmissionPolicyBinding`, metadata: { name }, spec: { policyName: name, ...(type === 'Validating' ? { validationActions: ['Deny'] } : {}), ...bindingSpec } }),
  ]).then(() => lab.clock.advance(1_000))
  const rules = (resources: string[], apiGroups = ['']) => ({ resourceRules: [{ apiGroups, apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources }] })
  const config = (namespace: string, name: string, data = {}): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data })

  test('use parameters and variables, and say why they refuse', async () => {
    const namespace = await newNamespace({ strict: 'yes' })
    await lab.masters.create('configmaps', config(namespace, 'limits', { max: '2' }))
    const chosen = { matchResources: { namespaceSelector: { matchLabels: { strict: 'yes' } } } }
    await policy('Validating', 'few-keys', {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, matchConstraints: rules(['configmaps']), matchConditions: [{ name: 'not-limits', expression: "object.metadata.name != 'limits'" }],
      variables: [{ name: 'keys', expression: 'has(object.data) ? size(object.data) : 0' }],
      validations: [{ expression: 'variables.keys <= int(params.data.max)', messageExpression: "string(variables.keys) + ' keys are too many'", reason: 'Forbidden' }],
    }, { ...chosen, paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } })
    expect(await refusal(lab.masters.create('configmaps', config(namespace, 'a', { a: '1', b: '2' })))).toBeUndefined()
    expect(await refusal(lab.masters.create('configmaps', config(namespace, 'b', { a: '1', b: '2', c: '3' })))).toBe("configmaps \"b\" is forbidden: ValidatingAdmissionPolicy 'few-keys' with binding 'few-keys' denied request: 3 keys are too many")
    expect(await refusal(lab.masters.create('configmaps', config(await newNamespace(), 'b', { a: '1', b: '2', c: '3' })))).toBeUndefined()
    await lab.masters.delete('configmaps', 'limits', namespace)
    expect(await refusal(lab.masters.create('configmaps', config(namespace, 'c')))).toMatch(/failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction$/)
  })

  test('change objects by configuration and by patch', async () => {
    const namespace = await newNamespace()
    const mine = { matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } } }
    await policy('Mutating', 'label', { reinvocationPolicy: 'Never', matchConstraints: rules(['pods']), mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"by": request.operation}}, spec: Object.spec{containers: [Object.spec.containers{name: "sidecar", image: "s"}]}}' } }] }, mine)
    await policy('Mutating', 'patch', { reinvocationPolicy: 'Never', matchConstraints: rules(['pods']), mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "test", path: "/spec/containers/0/name", value: object.spec.containers[0].name}, JSONPatch{op: "add", path: "/spec/terminationGracePeriodSeconds", value: 5}]' } }] }, mine)
    const { metadata, spec } = await lab.masters.create<KubeObject>('pods', pod(namespace))
    expect(metadata.labels).toEqual({ by: 'CREATE' })
    expect(spec.containers.map((c: { name: string }) => c.name).sort()).toEqual(['c', 'sidecar'])
    expect(spec.terminationGracePeriodSeconds).toBe(5)
  })
})
