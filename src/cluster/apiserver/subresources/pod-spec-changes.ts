import { specDiff } from '../../kinds/core/spec-diff.ts'
import { deepEqual, thaw } from '../../../base/freeze.ts'
import { podQosClass } from '../../kinds/core/pod-qos.ts'
import { forbidden, invalid, type Finding } from '../../kinds/findings.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import { validateCreate } from '../../kinds/validate.ts'
import { validateKindMetaUpdate } from '../../kinds/validate-metadata.ts'
import type { Endpoint } from '../endpoint.ts'
import type { UpdatePlan } from '../registry.ts'

interface Resources {
  requests?: Record<string, string>
  limits?: Record<string, string>
  claims?: unknown[]
}

interface Container {
  name: string
  resources?: Resources
  resizePolicy?: { resourceName: string; restartPolicy: string }[]
  restartPolicy?: string
}

/** How field.NewPath("") reads in messages. */
const WHOLE = '[]'

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'

/** `ephemeralcontainers` only adds debug containers. k8s: registry/core/pod podEphemeralContainersStrategy */
export function ephemeralContainersPlan(endpoint: Endpoint): Partial<UpdatePlan> {
  return {
    prepare(draft, old) {
      const ephemeral = draft['spec']?.ephemeralContainers
      draft['spec'] = thaw(old['spec'])
      if (ephemeral?.length > 0) draft['spec'].ephemeralContainers = ephemeral
      else delete draft['spec'].ephemeralContainers
      draft['status'] = old['status']
      keepMeta(draft, old)
      bumpGeneration(draft, old)
    },
    validate(draft, old) {
      if (old.metadata.annotations?.[MIRROR_ANNOTATION]) return refused(endpoint, draft, [forbidden(WHOLE, 'static pods do not support ephemeral containers')])
      const findings = [...validateKindMetaUpdate(endpoint.kind, draft.metadata, old.metadata), ...specFindings(endpoint, draft)]
      const now = new Map(((draft['spec'].ephemeralContainers ?? []) as Container[]).map((container) => [container.name, container]))
      for (const before of (old['spec'].ephemeralContainers ?? []) as Container[]) {
        const after = now.get(before.name)
        if (!after) findings.push(forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`))
        else if (!deepEqual(before, after)) findings.push(forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n${specDiff('EphemeralContainer', before, after)}`))
      }
      return refused(endpoint, draft, findings)
    },
  }
}

/** `resize` only changes the resources of containers. k8s: registry/core/pod podResizeStrategy, ValidatePodResize */
export function resizePlan(endpoint: Endpoint): Partial<UpdatePlan> {
  return {
    prepare(draft, old) {
      const sameContainers = ['containers', 'initContainers'].every((list) => (draft['spec']?.[list]?.length ?? 0) === (old['spec'][list]?.length ?? 0))
      if (sameContainers) {
        const spec = thaw(old['spec'])
        for (const list of ['containers', 'initContainers']) {
          const wanted = (draft['spec'][list] ?? []) as Container[]
          if (!wanted.every((container, i) => container.name === spec[list][i].name)) spec[list] = wanted
          else for (const [i, container] of wanted.entries()) {
            spec[list][i].resources = container.resources ?? {}
            if (container.resizePolicy) spec[list][i].resizePolicy = container.resizePolicy
            else delete spec[list][i].resizePolicy
          }
        }
        if (draft['spec'].resources) spec.resources = draft['spec'].resources
        else delete spec.resources
        draft['spec'] = spec
        draft['status'] = old['status']
        keepMeta(draft, old)
      }
      bumpGeneration(draft, old)
    },
    validate(draft, old) {
      if (old.metadata.annotations?.[MIRROR_ANNOTATION]) return refused(endpoint, draft, [forbidden(WHOLE, 'static pods cannot be resized')])
      if (old['spec'].os?.name === 'windows') return refused(endpoint, draft, [forbidden(WHOLE, 'windows pods cannot be resized')])
      const findings = [...validateKindMetaUpdate(endpoint.kind, draft.metadata, old.metadata), ...specFindings(endpoint, draft)]
      if ((old['status']?.qosClass ?? podQosClass(old['spec'])) !== podQosClass(draft['spec']))
        findings.push(invalid('spec', draft['status']?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'))
      const running = ((old['status']?.containerStatuses ?? []) as { state?: { running?: object }; resources?: object }[]).find((status) => status.state?.running)
      if (running && !running.resources) findings.push(forbidden('spec', 'Pod running on node without support for resize'))
      if (isSet(old['spec'].resources) || isSet(draft['spec'].resources)) findings.push(...podLevelFindings(draft['spec'].resources, old['spec'].resources))
      const order = orderFindings(draft, old)
      if (order.length > 0) return refused(endpoint, draft, [...findings, ...order])
      const pairs = (list: 'initContainers' | 'containers') => ((old['spec'][list] ?? []) as Container[]).map((before, i) => [draft['spec'][list][i] as Container, before, `spec.${list}[${i}]`] as const)
      for (const [after, before, at] of [...pairs('initContainers'), ...pairs('containers')]) findings.push(...containerFindings(after, before, `${at}.resources`))
      for (const [after, before] of pairs('containers')) if (!onlyCpuAndMemoryDiffer(after, before)) findings.push(forbidden('spec', 'only cpu and memory resources are mutable'))
      for (const [after, before, at] of pairs('initContainers')) {
        if (!onlyCpuAndMemoryDiffer(after, before)) findings.push(forbidden(at, 'only cpu and memory resources for init or sidecar containers are mutable'))
        if (after.restartPolicy === 'Always' || deepEqual(after, before)) continue
        for (const policy of after.resizePolicy ?? []) if (policy.restartPolicy === 'RestartContainer') findings.push(forbidden(at, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized'))
      }
      return refused(endpoint, draft, findings)
    },
  }
}

/** What updates of a subresource leave alone. k8s: metav1.ResetObjectMetaForStatus */
function keepMeta(draft: KubeObject, old: KubeObject): void {
  const meta = draft.metadata as Record<string, unknown>
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences', 'deletionTimestamp'] as const) {
    if (old.metadata[field] === undefined) delete meta[field]
    else meta[field] = old.metadata[field]
  }
}

const isSet = (resources: Resources | undefined) => Object.keys(resources?.requests ?? {}).length + Object.keys(resources?.limits ?? {}).length > 0

/** k8s: resourcesRemoved */
const removed = (after: Record<string, string> | undefined, before: Record<string, string> | undefined) => Object.keys(before ?? {}).some((name) => after?.[name] === undefined)

/** k8s: validatePodLevelResourcesResize */
function podLevelFindings(after: Resources | undefined, before: Resources | undefined): Finding[] {
  const findings: Finding[] = []
  if (before && !after) return [forbidden('spec.resources', 'pod-level resources cannot be removed')]
  for (const part of ['requests', 'limits'] as const) if (removed(after?.[part], before?.[part])) findings.push(forbidden(`spec.resources.${part}`, `pod-level resource ${part} cannot be removed`))
  if (!deepEqual(masked(after, before, after?.claims), comparable(before))) findings.push(forbidden('spec', 'only cpu and memory resources are mutable at pod-level'))
  return findings
}

/** k8s: validateContainerResize */
function containerFindings(after: Container, before: Container, path: string): Finding[] {
  return (['requests', 'limits'] as const).filter((part) => removed(after.resources?.[part], before.resources?.[part])).map((part) => forbidden(`${path}.${part}`, `resource ${part} cannot be removed`))
}

/** k8s: validatePodResizeContainerOrdering */
function orderFindings(draft: KubeObject, old: KubeObject): Finding[] {
  const findings: Finding[] = []
  for (const list of ['containers', 'initContainers'] as const) {
    const before = (old['spec'][list] ?? []) as Container[]
    const after = (draft['spec'][list] ?? []) as Container[]
    if (before.length !== after.length) findings.push(forbidden(`spec.${list}`, `${list} may not be added or removed on resize`))
    else for (const [i, container] of before.entries()) if (container.name !== after[i]!.name) findings.push(forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`))
  }
  return findings
}

/** k8s: dropCPUMemoryResourcesFromContainer, which forgets claims */
function onlyCpuAndMemoryDiffer(after: Container, before: Container): boolean {
  return deepEqual({ ...after, resources: masked(after.resources, before.resources) }, { ...before, resources: comparable(before.resources) })
}

/** Resources with CPU and memory as they were before. */
function masked(after: Resources | undefined, before: Resources | undefined, claims?: unknown[]): Resources {
  const mask = (now: Record<string, string> = {}, then: Record<string, string> = {}) => {
    const out = { ...now }
    for (const name of ['cpu', 'memory']) {
      if (then[name] === undefined) delete out[name]
      else out[name] = then[name]
    }
    return out
  }
  return comparable({ requests: mask(after?.requests, before?.requests), limits: mask(after?.limits, before?.limits), ...(claims ? { claims } : {}) })
}

/** Without what is empty. */
function comparable(resources: Resources | undefined): Resources {
  return Object.fromEntries(Object.entries(resources ?? {}).filter(([, value]) => Object.keys(value).length > 0))
}

function specFindings(endpoint: Endpoint, draft: KubeObject): Finding[] {
  // This is no creation: debug containers may be there.
  return validateCreate(endpoint.kind, draft).filter((finding) => finding.field.startsWith('spec') && !finding.body.endsWith('cannot be set on create'))
}

function bumpGeneration(draft: KubeObject, old: KubeObject): void {
  if (!deepEqual(draft['spec'], old['spec'])) draft.metadata.generation = (old.metadata.generation ?? 0) + 1
}

function refused(endpoint: Endpoint, draft: KubeObject, findings: readonly Finding[]) {
  return findings.length > 0 ? apiError.invalid(endpoint.kind, draft.metadata.name ?? '', findings) : undefined
}
