import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { combineResourceGroup, compactRules } from '../describe/kinds.ts'
import { resourcePath } from '../discovery.ts'
import { isNotFound, SilentExit } from '../errors.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import { findResources } from '../resources.ts'
import { simpleTable } from '../table.ts'
import { warn } from './delete.ts'
import type { CommandHandler } from './handler.ts'

const RESOURCE_VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'use', 'bind', 'impersonate', '*', 'approve', 'sign', 'escalate', 'attest']
const NON_RESOURCE_VERBS = ['get', 'put', 'post', 'head', 'options', 'delete', 'patch', '*']
const NON_STANDARD = ['users', 'groups']
const goList = (list: readonly string[]) => `[${list.join(' ')}]`

// k8s: kubectl/pkg/cmd/auth CanIOptions
const canI: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const quiet = flags.bool('quiet')
  const say = (text: string) => { if (!quiet) void out(text) }
  const namespace = flags.bool('all-namespaces') ? '' : f.namespace().namespace
  if (flags.bool('list')) {
    if (args.length !== 0) throw new Error('list option must be specified with no arguments')
    if (quiet || flags.bool('all-namespaces') || flags.str('subresource')) throw new Error("list option can't be specified with neither quiet, all-namespaces nor subresource options")
    const review = await f.rest().json('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', metadata: {}, spec: { namespace }, status: { resourceRules: null, nonResourceRules: null, incomplete: false } } })
    const status = review['status'] ?? {}
    if (status.incomplete) warn(f, `the list may be incomplete: ${status.evaluationError ?? ''}`)
    const rules = compactRules([...(status.resourceRules ?? []), ...(status.nonResourceRules ?? [])])
    const rows = rules.map((r) => [combineResourceGroup(r.resources, r.apiGroups), goList(r.nonResourceURLs), goList(r.resourceNames), goList(r.verbs)])
    void out(simpleTable(flags.bool('no-headers') ? rows : [['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs'], ...rows]))
    return
  }
  if (args.length !== 2) throw new Error("you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.")
  const [verb, what] = args as [string, string]
  let spec: Record<string, unknown>
  if (what.startsWith('/')) {
    if (flags.str('subresource')) throw new Error('--subresource can not be used with NonResourceURL')
    if (!NON_RESOURCE_VERBS.includes(verb)) warn(f, `verb '${verb}' is not a known verb\n`)
    spec = { nonResourceAttributes: { path: what, verb } }
  } else {
    const [resourceArg, name = ''] = what.split('/')
    const found = resourceArg === '*' ? undefined : await f.resolve((mapper) => mapper.resourceFor(resourceArg!), 2)
    if (!found && resourceArg !== '*' && !NON_STANDARD.includes(resourceArg!.toLowerCase())) {
      const [resource, ...group] = resourceArg!.split('.')
      warn(f, group.length > 0 ? `the server doesn't have a resource type '${resource}' in group '${group.join('.')}'\n` : `the server doesn't have a resource type '${resource}'\n`)
    }
    if (found && !flags.bool('all-namespaces') && !found.namespaced) warn(f, found.group ? `resource '${found.resource}' is not namespace scoped in group '${found.group}'\n` : `resource '${found.resource}' is not namespace scoped\n`)
    if (!flags.bool('all-namespaces') && !RESOURCE_VERBS.includes(verb)) warn(f, `verb '${verb}' is not a known verb\n`)
    spec = { resourceAttributes: {
      ...(namespace ? { namespace } : {}), verb, ...(found?.group ? { group: found.group } : {}), resource: found?.resource ?? resourceArg, ...(flags.str('subresource') ? { subresource: flags.str('subresource') } : {}), ...(name ? { name } : {}),
    } }
  }
  if (flags.bool('no-headers')) throw new Error('--no-headers cannot be set without --list specified')
  const review = await f.rest().json('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: {}, spec, status: { allowed: false } } })
  const { allowed, reason, evaluationError } = review['status'] ?? {}
  if (allowed) { say('yes\n'); return }
  say(`no${reason ? ` - ${reason}` : ''}${evaluationError ? ` - ${evaluationError}` : ''}\n`)
  throw new SilentExit(1)
}

// k8s: kubectl/pkg/cmd/auth WhoAmIOptions
const whoAmI: CommandHandler = async ({ f, flags, out }) => {
  let review: KubeObject
  try {
    review = await f.rest().json<KubeObject>('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {}, status: { userInfo: {} } } })
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'Forbidden') throw new Error('the selfsubjectreviews API is not enabled in the cluster or you do not have permission to call it')
    throw error
  }
  if (flags.str('output')) { void out(printerFor(f, { typed: true })(review)); return }
  const user = review['status']?.userInfo ?? {}
  const rows = [['ATTRIBUTE', 'VALUE'], ['Username', user.username ?? '']]
  if (user.uid) rows.push(['UID', user.uid])
  if (user.groups?.length) rows.push(['Groups', goList(user.groups)])
  for (const key of Object.keys(user.extra ?? {}).sort()) rows.push([`Extra: ${key}`, goList(user.extra[key])])
  void out(simpleTable(rows))
}

const ruleText = (r: any) => `{Verbs:${goList(r.verbs ?? [])} APIGroups:${goList(r.apiGroups ?? [])} Resources:${goList(r.resources ?? [])} ResourceNames:${goList(r.resourceNames ?? [])} NonResourceURLs:${goList(r.nonResourceURLs ?? [])}}`
const subjectText = (s: any) => `{Kind:${s.kind} APIGroup:${s.apiGroup ?? ''} Name:${s.name} Namespace:${s.namespace ?? ''}}`

/** Single permissions, for comparing. */
const atoms = (rules: any[]) => compactRules(rules).flatMap((r) => r.verbs.map((verb) => ({ ...r, verbs: [verb] })))
const covers = (owner: any, wanted: any): boolean => {
  const has = (list: string[] | undefined, value: string) => (list ?? []).includes('*') || (list ?? []).includes(value)
  if (!has(owner.verbs, wanted.verbs[0])) return false
  if (wanted.nonResourceURLs.length > 0) return (owner.nonResourceURLs ?? []).some((u: string) => u === '*' || u === wanted.nonResourceURLs[0] || (u.endsWith('*') && wanted.nonResourceURLs[0].startsWith(u.slice(0, -1))))
  const resource = wanted.resources[0] as string
  const sub = resource.split('/')[1]
  return has(owner.apiGroups, wanted.apiGroups[0]) && (has(owner.resources, resource) || (sub !== undefined && (owner.resources ?? []).includes(`*/${sub}`)))
    && ((owner.resourceNames ?? []).length === 0 || (wanted.resourceNames.length > 0 && owner.resourceNames.includes(wanted.resourceNames[0])))
}
const uncovered = (owner: any[], wanted: any[]) => {
  const missing = atoms(wanted).filter((w) => !owner.some((o) => covers(o, w)))
  return compactRules(missing)
}

// k8s: kubectl/pkg/cmd/auth ReconcileOptions, component-helpers/auth/rbac/reconciliation
const reconcile: CommandHandler = async (inv) => {
  const { f, flags, args, out, err } = inv
  if (args.length > 0) throw new Error('no arguments are allowed')
  if (flags.list('filename').length === 0 && !flags.str('kustomize')) throw new Error('must specify one of -f and -k')
  const dryRun = dryRunOf(f)
  const print = printerFor(f, { operation: `reconciled${dryRunSuffix(dryRun)}`, typed: true })
  const { namespace, explicit } = f.namespace()
  const result = await findResources(f, { filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, continueOnError: true, flatten: true })
  const query = dryRun === 'server' ? { dryRun: 'All' } : {}
  await result.visit(async (info) => {
    const object = info.object!
    const isRole = object.kind === 'Role' || object.kind === 'ClusterRole'
    const isBinding = object.kind === 'RoleBinding' || object.kind === 'ClusterRoleBinding'
    if (!isRole && !isBinding) return
    const path = resourcePath(info.mapping, info.namespace, info.name)
    let current: KubeObject | undefined
    try {
      current = await f.rest().json<KubeObject>('GET', path)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
    const note = (text: string) => void err(text)
    const metadata = (into: KubeObject) => ({ ...into.metadata, labels: { ...into.metadata.labels, ...object.metadata.labels }, annotations: { ...into.metadata.annotations, ...object.metadata.annotations } })
    let wanted: KubeObject
    let operation: 'create' | 'update' | 'recreate' | 'none' = 'none'
    let added: string[] = []
    let removed: string[] = []
    if (isRole) {
      const rules = (object['rules'] ?? []) as any[]
      const existing = (current?.['rules'] ?? []) as any[]
      const missing = current ? uncovered(existing, rules) : rules
      const extra = current ? uncovered(rules, existing) : []
      added = missing.map(ruleText)
      if (flags.bool('remove-extra-permissions')) removed = extra.map(ruleText)
      if (!current) { wanted = object; operation = 'create' }
      else {
        const next = flags.bool('remove-extra-permissions') && extra.length > 0 ? rules : [...existing, ...missing]
        wanted = { ...current, metadata: metadata(current), rules: next }
        if (!deepEqual(next, existing)) operation = 'update'
      }
    } else {
      const subjects = ((object['subjects'] ?? []) as any[]).map((s) => s.kind === 'ServiceAccount' && !s.namespace ? { ...s, namespace: info.namespace } : s)
      const existing = (current?.['subjects'] ?? []) as any[]
      const same = (a: any, b: any) => a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '')
      const missing = subjects.filter((s) => !existing.some((e) => same(s, e)))
      const extra = existing.filter((e) => !subjects.some((s) => same(s, e)))
      added = missing.map(subjectText)
      if (flags.bool('remove-extra-subjects')) removed = extra.map(subjectText)
      if (!current) { wanted = { ...object, subjects }; operation = 'create' }
      else if (!deepEqual(current['roleRef'], object['roleRef'])) { wanted = { ...object, subjects }; operation = 'recreate' }
      else {
        const next = flags.bool('remove-extra-subjects') && extra.length > 0 ? subjects : [...existing, ...missing]
        wanted = { ...current, metadata: metadata(current), subjects: next }
        if (!deepEqual(next, existing)) operation = 'update'
      }
    }
    let shown = wanted
    if (dryRun !== 'client' && operation !== 'none') {
      if (operation === 'recreate') await f.rest().json('DELETE', path, { query })
      shown = operation === 'update' ? await f.rest().json<KubeObject>('PUT', path, { body: wanted, query })
        : await f.rest().json<KubeObject>('POST', resourcePath(info.mapping, info.namespace), { body: wanted, query })
    }
    void out(print(shown))
    if (operation !== 'none') {
      note(`\treconciliation required ${operation}\n`)
      const noun = isRole ? 'rules' : 'subjects'
      if (added.length > 0) note(`\tmissing ${noun} added:\n${added.map((t) => `\t\t${t}\n`).join('')}`)
      if (removed.length > 0) note(`\textra ${noun} removed:\n${removed.map((t) => `\t\t${t}\n`).join('')}`)
    }
  })
}

export const AUTH_COMMANDS: Record<string, CommandHandler> = { 'auth can-i': canI, 'auth whoami': whoAmI, 'auth reconcile': reconcile }
