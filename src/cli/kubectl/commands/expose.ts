import { parseJson } from '../../../cluster/kinds/json-text.ts'
import { decodeValue } from '../../../cluster/kinds/decode.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { applyMergePatch } from '../../../cluster/kinds/patch/merge-patch.ts'
import { applyJsonPatch } from '../../../cluster/kinds/patch/json-patch.ts'
import { applyStrategicMergePatch } from '../../../cluster/kinds/patch/strategic-merge-patch.ts'
import type { Factory } from '../factory.ts'
import { parseGroupVersion } from '../discovery.ts'
import { notRegistered, schemaNameOf } from '../gvk-schema.ts'
import { LAST_APPLIED, withLastApplied } from '../last-applied.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import { recorded } from '../record.ts'
import { findResources } from '../resources.ts'
import { writeQuery } from './create/submit.ts'
import type { CommandHandler } from './handler.ts'

const EXPOSABLE = ['Deployment.apps', 'Deployment.extensions', 'ReplicaSet.apps', 'ReplicaSet.extensions', 'ReplicationController.', 'Service.', 'Pod.']

/** `a=b,c=d`. @throws Error */
export function parseLabelText(text: string): Record<string, string> {
  const out: Record<string, string> = {}
  for (const part of text.split(',')) {
    const parts = part.split('=')
    if (parts.length !== 2) throw new Error(`unexpected label spec: ${part}`)
    if (!parts[0]) throw new Error('unexpected empty label key')
    out[parts[0]] = parts[1]!
  }
  return out
}

/** --overrides, as --override-type says. @throws Error */
export function withOverrides(f: Factory, object: KubeObject): KubeObject {
  const text = f.flags.str('overrides')
  if (!text) return object
  const type = f.flags.str('override-type') || 'merge'
  if (!['json', 'strategic', 'merge'].includes(type)) throw new Error(`invalid override type: ${type}`)
  let patch: unknown
  try {
    patch = parseJson(text)
  } catch (error) {
    throw type === 'merge' ? new Error('Invalid JSON Patch') : error
  }
  const schema = schemaNameOf('', 'v1', object.kind)!
  let merged: KubeObject
  switch (type) {
    case 'json': merged = applyJsonPatch(object, patch); break
    case 'strategic': merged = applyStrategicMergePatch(schema, object, patch); break
    default: merged = applyMergePatch(object, patch) as KubeObject
  }
  // The client knows the type: it refuses what doesn't fit and drops what isn't there.
  const { group, version } = parseGroupVersion(merged.apiVersion ?? '')
  const now = schemaNameOf(group, version, merged.kind)
  if (!now) throw notRegistered(merged.apiVersion ?? '', merged.kind)
  return decodeValue(now, merged).value as KubeObject
}

function selectorOf(object: KubeObject): Record<string, string> {
  const version = object.apiVersion.split('/').at(-1)
  switch (object.kind) {
    case 'ReplicationController': case 'Service': {
      const selector = object['spec'].selector as Record<string, string> | undefined
      if (!selector || Object.keys(selector).length === 0) throw new Error(object.kind === 'Service' ? `the service has no pod selector set` : 'invalid selector')
      return selector
    }
    case 'Pod':
      if (Object.keys(object.metadata.labels ?? {}).length === 0) throw new Error('the pod has no labels and cannot be exposed')
      return object.metadata.labels!
    case 'Deployment': case 'ReplicaSet': case 'StatefulSet': {
      const selector = object['spec'].selector
      // k8s: MapBasedSelectorForObjectFn can't express sets
      if (selector?.matchExpressions?.length > 0) throw new Error(`couldn't convert expressions - "${JSON.stringify(selector.matchExpressions)}" to map-based selector format`)
      return selector?.matchLabels ?? {}
    }
    default: throw new Error(`cannot extract pod selector from *${version}.${object.kind}`)
  }
}

function podSpecPorts(object: KubeObject): { port: number; protocol: string }[] {
  const spec = object.kind === 'Pod' ? object['spec'] : object['spec'].template?.spec
  return ((spec?.containers ?? []) as any[]).flatMap((c) => ((c.ports ?? []) as any[]).map((p) => ({ port: p.containerPort as number, protocol: (p.protocol ?? 'TCP') as string })))
}

const portsOf = (object: KubeObject): { port: number; protocol: string }[] =>
  object.kind === 'Service' ? ((object['spec'].ports ?? []) as any[]).map((p) => ({ port: p.port, protocol: p.protocol ?? 'TCP' })) : podSpecPorts(object)

const intOrString = (text: string): number | string => /^\d+$/.test(text) ? Number(text) : text

// k8s: kubectl/pkg/cmd/expose
export const expose: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const dryRun = dryRunOf(f)
  const print = printerFor(f, { operation: `exposed${dryRunSuffix(dryRun)}`, typed: true })
  f.rest()
  const { namespace, explicit } = f.namespace()
  const result = await findResources(f, {
    args, namespace, enforceNamespace: explicit, filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), continueOnError: true, flatten: true,
  })
  await result.visit(async (info) => {
    const object = info.object!
    if (!EXPOSABLE.includes(`${info.mapping.kind}.${info.mapping.group}`)) throw new Error(`cannot expose a ${info.mapping.group ? `${info.mapping.kind}.${info.mapping.group}` : info.mapping.kind}`)
    let selector: Record<string, string>
    if (flags.str('selector')) selector = parseLabelText(flags.str('selector'))
    else {
      try {
        selector = selectorOf(object)
      } catch (error) {
        throw new Error(`couldn't retrieve selectors via --selector flag or introspection: ${(error as Error).message}`)
      }
    }
    const found = portsOf(object)
    const headless = flags.str('cluster-ip') === 'None'
    let portTexts = flags.str('port') ? flags.str('port').split(',') : [...new Set(found.map((p) => String(p.port)))]
    if (portTexts.length === 0 && !headless) throw new Error("couldn't find port via --port flag or introspection")
    portTexts = portTexts.filter(Boolean)
    const ports: Record<string, unknown>[] = []
    portTexts.forEach((text, i) => {
      if (!/^-?\d+$/.test(text)) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
      const port = Number(text)
      const targetPort = flags.str('target-port') ? intOrString(flags.str('target-port')) : port
      const name = portTexts.length > 1 ? { name: `port-${i + 1}` } : {}
      const protocols = [...new Set(found.filter((p) => p.port === port).map((p) => p.protocol))]
      if (flags.str('protocol')) ports.push({ ...name, port, protocol: flags.str('protocol'), targetPort })
      else if (protocols.length > 1) for (const protocol of protocols) ports.push({ name: `port-${i + 1}-${protocol.toLowerCase()}`, port, protocol, targetPort })
      else ports.push({ ...name, port, protocol: protocols[0] ?? 'TCP', targetPort })
    })
    const affinity = flags.str('session-affinity')
    if (affinity && affinity !== 'None' && affinity !== 'ClientIP') throw new Error(`unknown session affinity: ${affinity}`)
    const labels = flags.str('labels') ? parseLabelText(flags.str('labels')) : object.metadata.labels
    const type = flags.str('type')
    let service: KubeObject = {
      apiVersion: 'v1', kind: 'Service', metadata: { name: flags.str('name') || info.name.slice(0, 63), ...(labels && Object.keys(labels).length > 0 ? { labels } : {}) },
      spec: {
        ...(flags.str('cluster-ip') ? { clusterIP: flags.str('cluster-ip') } : {}), ...(flags.str('external-ip') ? { externalIPs: [flags.str('external-ip')] } : {}),
        ...(type === 'LoadBalancer' && flags.str('load-balancer-ip') ? { loadBalancerIP: flags.str('load-balancer-ip') } : {}),
        ...(ports.length > 0 ? { ports } : {}), selector, ...(affinity ? { sessionAffinity: affinity } : {}), ...(type ? { type } : {}),
      },
      status: { loadBalancer: {} },
    }
    service = recorded(f, withOverrides(f, service))
    if (dryRun === 'client') {
      if (explicit) service = { ...service, metadata: { ...service.metadata, namespace } }
      void out(print(service))
      return
    }
    if (flags.bool('save-config') || service.metadata.annotations?.[LAST_APPLIED]) service = withLastApplied(service)
    void out(print(await f.rest().json<KubeObject>('POST', `/api/v1/namespaces/${namespace}/services`, { body: service, query: writeQuery(inv, dryRun, 'kubectl-expose') })))
  })
}
