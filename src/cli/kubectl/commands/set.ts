import { readAll } from '../../../base/streams.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { createTwoWayMergePatch } from '../../../cluster/kinds/patch/create-three-way-patch.ts'
import { canonicalQuantity, QuantityError } from '../../../cluster/kinds/quantity.ts'
import { containerResource } from '../describe/pod-template.ts'
import { resourcePath } from '../discovery.ts'
import { aggregate } from '../errors.ts'
import { decodeBase64 } from '../factory.ts'
import type { Factory } from '../factory.ts'
import { findTargets, mutateAll, podSpecOf } from '../mutate.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import { recorded } from '../record.ts'
import { findResources } from '../resources.ts'
import type { Info } from '../resources.ts'
import { envFileKeyProblems, labelSelectorOf } from './create/generators.ts'
import { writeQuery } from './create/submit.ts'
import { warn } from './delete.ts'
import type { CommandHandler, Invocation } from './handler.ts'
import { resourcesAndPairs } from './label.ts'

const NO_RESOURCE = 'one or more resources must be specified as <resource> <name> or <resource>/<name>'

function allContainersOf(spec: Record<string, any>): any[] {
  return [...(spec['containers'] ?? []), ...(spec['initContainers'] ?? [])]
}

/** Containers whose name fits a pattern with `*`. */
function selected(spec: Record<string, any>, pattern: string): any[] {
  const regex = new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\?]/g, '\\$&').replaceAll('*', '.*')}$`)
  return allContainersOf(spec).filter((c) => regex.test(c.name))
}

function checkLocal(inv: Invocation, args: readonly string[]): void {
  checkDryRun(inv)
  checkLocalArgs(inv, args)
  if (inv.flags.bool('all') && inv.flags.str('selector')) throw new Error('cannot set --all and --selector at the same time')
}

function checkDryRun(inv: Invocation): void {
  if (inv.flags.bool('local') && inv.flags.str('dry-run') === 'server') throw new Error('cannot specify --local and --dry-run=server - did you mean --dry-run=client?')
}

/** k8s: cli-runtime resource.LocalResourceError */
function checkLocalArgs(inv: Invocation, args: readonly string[]): void {
  if (inv.flags.bool('local') && args.length > 0) throw new Error("error: you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'")
}

/** The objects named, all of them: nothing is changed when one can't be had. @throws Error */
async function allTargets(inv: Invocation, args: readonly string[]): Promise<{ infos: Info[]; errors: Error[] }> {
  const found = await findTargets(inv, args)
  const problem = aggregate(found.errors)
  if (problem) throw problem
  return found
}

const image: CommandHandler = async (inv) => {
  const { resources, pairs } = resourcesAndPairs(inv.args, 'image')
  const images: [string, string][] = []
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at <= 0) throw new Error(`invalid image format: ${pair}`)
    images.push([pair.slice(0, at), pair.slice(at + 1)])
  }
  checkLocalArgs(inv, resources)
  const { infos, errors } = await allTargets(inv, resources)
  if (resources.length === 0 && inv.flags.list('filename').length === 0 && !inv.flags.str('kustomize')) throw new Error(NO_RESOURCE)
  if (images.length === 0) throw new Error('at least one image update is required')
  if (images.length > 1 && images.some(([name]) => name === '*')) throw new Error('all containers are already specified by *, but saw more than one container_name=container_image pairs')
  checkLocal(inv, resources)
  await mutateAll(inv, infos, errors, (draft) => {
    const spec = podSpecOf(draft)
    for (const [name, value] of images) {
      const matching = allContainersOf(spec).filter((c) => name === '*' || c.name === name)
      if (matching.length === 0) errors.push(new Error(`error: unable to find container named ${JSON.stringify(name)}`))
      for (const container of matching) {
        if (value) container.image = value
        else delete container.image
      }
    }
  }, { operation: 'image updated', manager: 'kubectl-set', failure: 'failed to patch image update to pod template:' })
}

/** `cpu=200m,memory=64Mi`. @throws Error */
function parseResourceList(text: string): Record<string, string> {
  const out: Record<string, string> = {}
  for (const part of text.split(',').filter(Boolean)) {
    const parts = part.split('=')
    if (parts.length !== 2) throw new Error(`Invalid argument syntax ${part}, expected <resource>=<value>`)
    try {
      out[parts[0]!] = canonicalQuantity(parts[1]!)
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error
      throw new Error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    }
  }
  return out
}

const resources: CommandHandler = async (inv) => {
  const { flags, args } = inv
  checkLocal(inv, args)
  const { infos, errors } = await allTargets(inv, args)
  if (!flags.str('limits') && !flags.str('requests')) throw new Error('you must specify an update to requests or limits (in the form of --requests/--limits)')
  const limits = parseResourceList(flags.str('limits'))
  const requests = parseResourceList(flags.str('requests'))
  await mutateAll(inv, infos, errors, (draft) => {
    const containers = selected(podSpecOf(draft), flags.str('containers') || '*')
    if (containers.length === 0) errors.push(new Error(`error: unable to find container named ${flags.str('containers')}`))
    for (const container of containers) {
      container.resources ??= {}
      if (Object.keys(limits).length > 0) container.resources.limits = { ...container.resources.limits, ...limits }
      if (Object.keys(requests).length > 0) container.resources.requests = { ...container.resources.requests, ...requests }
    }
  }, { operation: 'resource requirements updated', manager: 'kubectl-set', failure: 'failed to patch resources update to pod template' })
}

const serviceAccount: CommandHandler = async (inv) => {
  const { args } = inv
  if (args.length === 0) throw new Error('serviceaccount is required')
  const name = args.at(-1)!
  const targets = args.slice(0, -1)
  checkLocal(inv, targets)
  const { infos, errors } = await allTargets(inv, targets)
  await mutateAll(inv, infos, errors, (draft) => {
    podSpecOf(draft)['serviceAccountName'] = name
  }, { operation: 'serviceaccount updated', evenUnchanged: true, manager: 'kubectl-set', failure: 'failed to patch ServiceAccountName' })
}

// k8s: kubectl/pkg/cmd/set RunSelector
const selector: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const local = flags.bool('local')
  const dryRun = dryRunOf(f)
  // Whatever comes last is the selector.
  const wanted = args.length > 0 ? labelSelectorOf(args.at(-1)!) : undefined
  const print = printerFor(f, { operation: `selector updated${dryRunSuffix(dryRun)}`, typed: true })
  if (!wanted) throw new Error('one selector is required')
  const expressions = (wanted['matchExpressions'] ?? []) as { key: string; operator: string; values?: string[] }[]
  const { infos, errors } = await findTargets(inv, args.slice(0, -1))
  const version = flags.str('resource-version')
  for (const info of infos) {
    const before = info.object!
    if (before.kind !== 'Service') { errors.push(new Error('setting a selector is only supported for Services')); continue }
    if (expressions.length > 0) { errors.push(new Error(`match expression [${expressions.map((e) => `{${e.key} ${e.operator} [${(e.values ?? []).join(' ')}]}`).join(' ')}] not supported on this object`)); continue }
    const after = recorded(f, { ...before, spec: { ...before['spec'], selector: wanted['matchLabels'] ?? {} } })
    if (local || dryRun === 'client') { void out(print(after)); continue }
    const patch = createTwoWayMergePatch('io.k8s.api.core.v1.Service', before, after) as Record<string, any>
    if (version) patch['metadata'] = { ...patch['metadata'], resourceVersion: version }
    try {
      void out(print(await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name), { body: patch, contentType: 'application/strategic-merge-patch+json', query: writeQuery(inv, dryRun, 'kubectl-set') })))
    } catch (error) {
      errors.push(error as Error)
    }
  }
  const failure = aggregate(errors)
  if (failure) throw failure
}

/** The subjects that flags name, each once. k8s: set SubjectOptions.Validate, Run */
function newSubjects({ f, flags }: Invocation, infos: readonly Info[]): Record<string, string>[] {
  const each = (flag: string) => [...new Set(flags.list(flag))].sort()
  const accounts = each('serviceaccount').map((text) => {
    const [namespace, name, ...more] = text.split(':')
    if (!name || more.length > 0) throw new Error('serviceaccount must be <namespace>:<name>')
    if (!namespace && infos.some((info) => info.object!.kind === 'ClusterRoleBinding')) throw new Error('serviceaccount must be <namespace>:<name>, namespace must be specified')
    return { kind: 'ServiceAccount', name, namespace: namespace || f.namespace().namespace }
  })
  const named = (flag: string, kind: string) => each(flag).map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name }))
  return [...named('user', 'User'), ...named('group', 'Group'), ...accounts]
}

const subject: CommandHandler = async (inv) => {
  const { args } = inv
  checkLocal(inv, args)
  const { infos, errors } = await allTargets(inv, args)
  const subjects = newSubjects(inv, infos)
  if (subjects.length === 0) throw new Error('you must specify at least one value of user, group or serviceaccount')
  await mutateAll(inv, infos, errors, (draft) => {
    if (draft.kind !== 'RoleBinding' && draft.kind !== 'ClusterRoleBinding') throw new Error('setting subjects is only supported for RoleBinding/ClusterRoleBinding')
    const list = (draft['subjects'] ??= []) as Record<string, string>[]
    for (const s of subjects) if (!list.some((o) => o['kind'] === s['kind'] && o['name'] === s['name'] && (o['namespace'] ?? '') === (s['namespace'] ?? ''))) list.push(s)
  }, { operation: 'subjects updated', manager: 'kubectl-set', failure: 'failed to patch subjects to rolebinding:' })
}

/** A field of the metadata, the only part that the client can look into. k8s: set/env extractFieldPathAsString */
function metadataField({ metadata }: KubeObject, path: string): string {
  const [, field, key] = /^(.+?)\['(.*)'\]$/.exec(path) ?? []
  if (field !== undefined) {
    if (field === 'metadata.annotations') return metadata.annotations?.[key!] ?? ''
    if (field === 'metadata.labels') return metadata.labels?.[key!] ?? ''
    throw new Error(`fieldPath ${JSON.stringify(path)} does not support subscript`)
  }
  const map = (values: Record<string, string> = {}) => Object.keys(values).sort().map((name) => `${name}=${JSON.stringify(values[name])}`).join('\n')
  switch (path) {
    case 'metadata.annotations': return map(metadata.annotations)
    case 'metadata.labels': return map(metadata.labels)
    case 'metadata.name': return metadata.name ?? ''
    case 'metadata.namespace': return metadata.namespace ?? ''
    case 'metadata.uid': return metadata.uid ?? ''
    default: throw new Error(`unsupported fieldPath: ${path}`)
  }
}

interface EnvVar { name: string; value?: string; valueFrom?: any }

async function parseEnv(inv: Invocation, words: readonly string[]): Promise<{ set: EnvVar[]; remove: string[] }> {
  const set: EnvVar[] = []
  const remove: string[] = []
  for (const word of words) {
    if (word === '-') {
      for (const raw of new TextDecoder().decode(await readAll(inv.f.proc.stdin)).split('\n')) {
        const line = raw.split('#')[0]!
        const at = line.indexOf('=')
        if (at > 0) set.push({ name: line.slice(0, at), value: line.slice(at + 1) })
      }
    } else if (word.includes('=')) {
      const at = word.indexOf('=')
      const name = word.slice(0, at)
      const problems = envFileKeyProblems(name)
      if (problems.length > 0) throw new Error(`${JSON.stringify(name)} is not a valid key name: ${problems.join(';')}`)
      set.push({ name, value: word.slice(at + 1) })
    } else if (word.endsWith('-')) remove.push(word.slice(0, -1))
    else throw new Error(`unknown environment variable: ${word}`)
  }
  if (remove.some((name) => set.some((e) => e.name === name))) throw new Error('can not both modify and remove the same environment variable in the same command')
  return { set, remove }
}

function referenceText(from: any): string {
  if (from.configMapKeyRef) return `configmap ${from.configMapKeyRef.name}, key ${from.configMapKeyRef.key}`
  if (from.secretKeyRef) return `secret ${from.secretKeyRef.name}, key ${from.secretKeyRef.key}`
  if (from.fieldRef) return `field path ${from.fieldRef.fieldPath}`
  if (from.resourceFieldRef) return `resource field ${from.resourceFieldRef.containerName ? `${from.resourceFieldRef.containerName}/` : ''}${from.resourceFieldRef.resource}`
  return 'invalid valueFrom'
}

async function referenceValue(f: Factory, namespace: string, from: any, object: KubeObject, container: any): Promise<string> {
  const fetch = (resource: string, name: string) => f.rest().json<KubeObject>('GET', `/api/v1/namespaces/${namespace}/${resource}/${name}`)
  if (from.configMapKeyRef) {
    const { name, key } = from.configMapKeyRef
    const map = await fetch('configmaps', name)
    if (map['data']?.[key] === undefined) throw new Error(`key ${key} not found in config map ${name}`)
    return map['data'][key]
  }
  if (from.secretKeyRef) {
    const { name, key } = from.secretKeyRef
    const secret = await fetch('secrets', name)
    if (secret['data']?.[key] === undefined) throw new Error(`key ${key} not found in secret ${name}`)
    return decodeBase64(secret['data'][key])
  }
  if (from.fieldRef) return metadataField(object, from.fieldRef.fieldPath)
  if (from.resourceFieldRef) return containerResource(container, from.resourceFieldRef)
  throw new Error('invalid valueFrom')
}

const env: CommandHandler = async (inv) => {
  const { f, flags, args, out, err } = inv
  const isEnv = (a: string) => /^.+=.*$/s.test(a) || a.endsWith('-')
  const at = args.findIndex(isEnv)
  const targets = at < 0 ? args : args.slice(0, at)
  const words = at < 0 ? [] : args.slice(at)
  if (flags.bool('all') && flags.str('selector')) throw new Error('cannot set --all and --selector at the same time')
  if (words.some((w) => !isEnv(w))) throw new Error(`all resources must be specified before environment changes: ${args.join(' ')}`)
  f.rest()
  checkDryRun(inv)
  if (flags.list('filename').length === 0 && targets.length === 0) throw new Error(NO_RESOURCE)
  const list = flags.bool('list')
  if (list && flags.str('output')) throw new Error('--list and --output may not be specified together')
  if (flags.list('keys').length > 0 && !flags.str('from')) throw new Error('when specifying --keys, a configmap or secret must be provided with --from')
  const { set, remove } = await parseEnv(inv, [...flags.list('env'), ...words])
  const { namespace } = f.namespace()
  if (flags.str('from')) {
    // Without a server the files themselves are looked at.
    const { infos, error } = flags.bool('local') ? { ...await allTargets(inv, []), error: undefined } : await (await findResources(f, { args: [flags.str('from')], namespace, latest: true, flatten: true })).infos()
    if (error) throw error
    const keys = flags.list('keys')
    for (const { object } of infos) {
      if (object!.kind !== 'Secret' && object!.kind !== 'ConfigMap') throw new Error('unsupported resource specified in --from')
      const source = object!.kind === 'Secret' ? 'secretKeyRef' : 'configMapKeyRef'
      for (const key of Object.keys(object!['data'] ?? {}))
        if (keys.length === 0 || keys.includes(key)) {
          const name = key.replace(/[^a-zA-Z0-9_]/g, '_').toUpperCase()
          if (name !== key) warn(f, `key ${key} transferred to ${name}`)
          set.push({ name, valueFrom: { [source]: { name: object!.metadata.name, key } } })
        }
    }
  }
  for (const e of set) e.name = `${flags.str('prefix')}${e.name}`
  const { infos, errors } = await allTargets(inv, targets)
  if (list) {
    for (const info of infos) for (const container of selected(podSpecOf(info.object!), flags.str('containers') || '*')) {
      void out(`# ${info.object!.kind} ${info.name}, container ${container.name}\n`)
      const problems = new Map<string, string[]>()
      for (const e of updated(container.env ?? [], set, remove)) {
        if (!e.valueFrom) { void out(`${e.name}=${e.value ?? ''}\n`); continue }
        if (flags.bool('resolve')) {
          try {
            void out(`${e.name}=${await referenceValue(f, namespace, e.valueFrom, info.object!, container)}\n`)
            continue
          } catch (error) {
            const { message } = error as Error
            problems.set(message, [...problems.get(message) ?? [], e.name])
          }
        }
        void out(`# ${e.name} from ${referenceText(e.valueFrom)}\n`)
      }
      for (const problem of [...problems].map(([text, names]) => `error retrieving reference for ${names.sort().join(', ')}: ${text}\n`).sort()) void err(problem)
    }
    return
  }
  await mutateAll(inv, infos, errors, (draft) => {
    const containers = selected(podSpecOf(draft), flags.str('containers') || '*')
    if (containers.length === 0) warn(f, `${draft.kind}/${draft.metadata.name} does not have any containers matching ${JSON.stringify(flags.str('containers'))}`)
    for (const container of containers) {
      if (!flags.bool('overwrite')) for (const e of set) {
        const clash = (container.env ?? []).find((o: EnvVar) => o.name === e.name)
        if (clash) throw new Error(`'${e.name}' already has a value (${clash.value ?? ''}), and --overwrite is false`)
      }
      container.env = updated(container.env ?? [], set, remove)
      if (container.env.length === 0) delete container.env
    }
  }, { operation: 'env updated', manager: 'kubectl-set', failure: 'failed to patch env update to pod template:' })
}

function updated(existing: readonly EnvVar[], set: readonly EnvVar[], remove: readonly string[]): EnvVar[] {
  const out: EnvVar[] = []
  const covered = new Set(remove)
  for (const e of existing) {
    if (covered.has(e.name)) continue
    const newer = set.find((s) => s.name === e.name)
    if (newer) covered.add(e.name)
    out.push(newer ?? e)
  }
  for (const e of set) {
    if (covered.has(e.name)) continue
    covered.add(e.name)
    out.push(e)
  }
  return out
}

/** k8s: kubectl/pkg/cmd/set */
export const SET_COMMANDS: Record<string, CommandHandler> = {
  'set image': image, 'set resources': resources, 'set serviceaccount': serviceAccount, 'set selector': selector, 'set subject': subject, 'set env': env,
}
