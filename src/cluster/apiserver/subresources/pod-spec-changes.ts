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

interface Container {
  name: string
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
  resizePolicy?: { resourceName: string; restartPolicy: string }[]
  restartPolicy?: string
}

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
      bumpGeneration(draft, old)
    },
    validate(draft, old) {
      if (old.metadata.annotations?.[MIRROR_ANNOTATION]) return refused(endpoint, draft, [forbidden('', 'static pods do not support ephemeral containers')])
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
          }
        }
        if (draft['spec'].resources) spec.resources = draft['spec'].resources
        draft['spec'] = spec
        draft['status'] = old['status']
        const meta = draft.metadata as Record<string, unknown>
        for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences', 'deletionTimestamp'] as const) {
          if (old.metadata[field] === undefined) delete meta[field]
          else meta[field] = old.metadata[field]
        }
      }
      bumpGeneration(draft, old)
    },
    validate(draft, old) {
      if (old.metadata.annotations?.[MIRROR_ANNOTATION]) return refused(endpoint, draft, [forbidden('', 'static pods cannot be resized')])
      const findings = [...validateKindMetaUpdate(endpoint.kind, draft.metadata, old.metadata), ...specFindings(endpoint, draft)]
      if ((old['status']?.qosClass ?? podQosClass(old['spec'])) !== podQosClass(draft['spec']))
        findings.push(invalid('spec', draft['status']?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'))
      const order = orderFindings(draft, old)
      if (order.length > 0) return refused(endpoint, draft, [...findings, ...order])
      for (const list of ['initContainers', 'containers']) {
        const before = (old['spec'][list] ?? []) as Container[]
        for (const [i, container] of before.entries()) {
          const after = draft['spec'][list][i] as Container
          if (list === 'initContainers' && container.restartPolicy !== 'Always') {
            if (!deepEqual(after, container)) findings.push(forbidden('spec', 'resources for non-sidecar init containers are immutable'))
            continue
          }
          findings.push(...containerFindings(after, container, `spec.${list}[${i}].resources`))
          if (!deepEqual(withoutCpuAndMemory(after), withoutCpuAndMemory(container))) findings.push(forbidden('spec', 'only cpu and memory resources are mutable'))
        }
      }
      return refused(endpoint, draft, findings)
    },
  }
}

/** k8s: validateContainerResize */
function containerFindings(after: Container, before: Container, path: string): Finding[] {
  const findings: Finding[] = []
  for (const part of ['limits', 'requests'] as const) {
    const removed = Object.keys(before.resources?.[part] ?? {}).some((name) => after.resources?.[part]?.[name] === undefined)
    if (removed) findings.push(forbidden(`${path}.${part}`, `resource ${part} cannot be removed`))
  }
  return findings
}

function orderFindings(draft: KubeObject, old: KubeObject): Finding[] {
  const findings: Finding[] = []
  for (const [list, what] of [['initContainers', 'initContainers'], ['containers', 'containers']] as const) {
    const before = (old['spec'][list] ?? []) as Container[]
    const after = (draft['spec'][list] ?? []) as Container[]
    if (before.length !== after.length) findings.push(forbidden('spec', `${what} may not be added or removed on resize`))
    else for (const [i, container] of before.entries()) if (container.name !== after[i]!.name) findings.push(forbidden(`spec.${list}[${i}].name`, `${what} may not be renamed or reordered on resize`))
  }
  return findings
}

function withoutCpuAndMemory(container: Container): unknown {
  const strip = (amounts: Record<string, string> | undefined) => Object.fromEntries(Object.entries(amounts ?? {}).filter(([name]) => name !== 'cpu' && name !== 'memory'))
  const { resources = {}, resizePolicy: _, ...rest } = container
  return { ...rest, resources: { ...resources, requests: strip(resources.requests), limits: strip(resources.limits) } }
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
