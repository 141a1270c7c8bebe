import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { combineResourceGroup, compactRules } from '../describe/rbac.ts'
import { resourcePath } from '../discovery.ts'
import { isNotFound, SilentExit } from '../errors.ts'
import type { Factory } from '../factory.ts'
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
  f.rest()
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
  const print = flags.str('output') ? printerFor(f, { typed: true }) : undefined
  let review: KubeObject
  try {
    review = await f.rest().json<KubeObject>('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {}, status: { userInfo: {} } } })
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'Forbidden') throw new Error('the selfsubjectreviews API is not enabled in the cluster or you do not have permission to call it')
    throw error
  }
  if (print) { void out(print(review)); return }
  const user = review['status']?.userInfo ?? {}
  const rows = [['ATTRIBUTE', 'VALUE'], ['Username', user.username ?? '']]
  if (user.uid) rows.push(['UID', user.uid])
  if (user.groups?.length) rows.push(['Groups', goList(user.groups)])
  for (const key of Object.keys(user.extra ?? {}).sort()) rows.push([`Extra: ${key}`, goList(user.extra[key])])
  void out(simpleTable(rows))
}

const ruleText = (r: any) => `{Verbs:${goList(r.verbs ?? [])} APIGroups:${goList(r.apiGroups ?? [])} Resources:${goList(r.resources ?? [])} ResourceNames:${goList(r.resourceNames ?? [])} NonResourceURLs:${goList(r.nonResourceURLs ?? [])}}`
const subjectText = (s: any) => `{Kind:${s.kind} APIGroup:${s.apiGroup ?? ''} Name:${s.name} Namespace:${s.namespace ?? ''}}`

/** Single permissions, for comparing. k8s: component-helpers/auth/rbac/validation BreakdownRule */
const atoms = (rules: any[]) => rules.flatMap((rule) => [
  ...(rule.apiGroups ?? []).flatMap((group: string) => (rule.resources ?? []).flatMap((resource: string) => (rule.verbs ?? []).flatMap((verb: string) =>
    (rule.resourceNames?.length ? rule.resourceNames : [undefined]).map((name: string | undefined) => (
      { verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: name === undefined ? [] : [name], nonResourceURLs: [] }
    ))))),
  ...(rule.nonResourceURLs ?? []).flatMap((url: string) => (rule.verbs ?? []).map((verb: string) => ({ verbs: [verb], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [url] }))),
])
const covers = (owner: any, wanted: any): boolean => {
  const has = (list: string[] | undefined, value: string) => (list ?? []).includes('*') || (list ?? []).includes(value)
  if (!has(owner.verbs, wanted.verbs[0])) return false
  if (wanted.nonResourceURLs.length > 0) return (owner.nonResourceURLs ?? []).some((u: string) => u === '*' || u === wanted.nonResourceURLs[0] || (u.endsWith('*') && wanted.nonResourceURLs[0].startsWith(u.slice(0, -1))))
  const resource = wanted.resources[0] as string
  const sub = resource.split('/')[1]
  return has(owner.apiGroups, wanted.apiGroups[0]) && (has(owner.resources, resource) || (sub !== undefined && (owner.resources ?? []).includes(`*/${sub}`)))
    && ((owner.resourceNames ?? []).length === 0 || (wanted.resourceNames.length > 0 && owner.resourceNames.includes(wanted.resourceNames[0])))
}
const uncovered = (owner: any[], wanted: any[]) => atoms(wanted).filter((w) => !owner.some((o) => covers(o, w)))

/** What it takes to make a role or binding what a file wants. k8s: component-helpers/auth/rbac/reconciliation */
interface Reconciliation {
  operation: 'create' | 'update' | 'recreate' | 'none'
  wanted: KubeObject
  missing: string[]
  /** Only shown where they are removed. */
  extra: string[]
}

/** What the existing object has stays as it is. */
function mergedMetadata(existing: KubeObject, expected: KubeObject): { metadata: KubeObject['metadata']; changed: boolean } {
  const metadata = { ...existing.metadata }
  let changed = false
  for (const field of ['annotations', 'labels'] as const) {
    const merged = { ...expected.metadata[field], ...existing.metadata[field] }
    if (deepEqual(merged, existing.metadata[field] ?? {})) continue
    metadata[field] = merged
    changed = true
  }
  return { metadata, changed }
}

function reconcileRole(existing: KubeObject | undefined, expected: KubeObject, removeExtra: boolean): Reconciliation {
  const rules = (expected['rules'] ?? []) as any[]
  if (!existing) return { operation: 'create', wanted: expected, missing: rules.map(ruleText), extra: [] }
  const had = (existing['rules'] ?? []) as any[]
  const { metadata, changed } = mergedMetadata(existing, expected)
  const [aggregation, hadAggregation] = [expected, existing].map((role) => role['aggregationRule'] as { clusterRoleSelectors?: object[] } | undefined)
  const missing = uncovered(had, rules)
  const extra = aggregation && hadAggregation ? [] : uncovered(rules, had)
  const wanted: KubeObject = { ...existing, metadata }
  let update = changed
  if (missing.length > 0 || (removeExtra && extra.length > 0)) {
    wanted['rules'] = removeExtra ? rules : [...had, ...missing]
    update = true
  }
  const lacking = (from: typeof aggregation, other: typeof aggregation) => (other?.clusterRoleSelectors ?? []).filter((selector) => !from?.clusterRoleSelectors?.some((known) => deepEqual(known, selector)))
  const missingSelectors = lacking(hadAggregation, aggregation)
  if (!aggregation && hadAggregation) {
    delete wanted['aggregationRule']
    update = true
  } else if (missingSelectors.length > 0 || (removeExtra && lacking(aggregation, hadAggregation).length > 0)) {
    wanted['aggregationRule'] = removeExtra ? aggregation : { clusterRoleSelectors: [...(hadAggregation?.clusterRoleSelectors ?? []), ...missingSelectors] }
    update = true
  }
  return { operation: update ? 'update' : 'none', wanted, missing: missing.map(ruleText), extra: extra.map(ruleText) }
}

function reconcileBinding(existing: KubeObject | undefined, expected: KubeObject, removeExtra: boolean): Reconciliation {
  const subjects = (expected['subjects'] ?? []) as any[]
  if (!existing) return { operation: 'create', wanted: expected, missing: subjects.map(subjectText), extra: [] }
  const same = (fields: readonly string[], a: any, b: any) => fields.every((field) => (a?.[field] ?? '') === (b?.[field] ?? ''))
  if (!same(['apiGroup', 'kind', 'name'], expected['roleRef'], existing['roleRef'])) return { operation: 'recreate', wanted: expected, missing: [], extra: [] }
  const had = (existing['subjects'] ?? []) as any[]
  const lacking = (from: any[], other: any[]) => other.filter((subject) => !from.some((known) => same(['kind', 'apiGroup', 'name', 'namespace'], known, subject)))
  const { metadata, changed } = mergedMetadata(existing, expected)
  const [missing, extra] = [lacking(had, subjects), lacking(subjects, had)]
  const update = missing.length > 0 || (removeExtra && extra.length > 0)
  const wanted = { ...existing, metadata, ...(update ? { subjects: removeExtra ? subjects : [...had, ...missing] } : {}) }
  return { operation: update || changed ? 'update' : 'none', wanted, missing: missing.map(subjectText), extra: extra.map(subjectText) }
}

const hasReason = (error: unknown, ...reasons: string[]) => error instanceof StatusError && reasons.includes(error.reason ?? '')

/** Creates the namespace of what is about to be created, if it may. k8s: reconciliation tryEnsureNamespace */
async function ensureNamespace(f: Factory, name: string): Promise<void> {
  // Files are read without asking the server, so objects in them have no namespace but their own.
  if (!name) throw new Error('resource name may not be empty')
  try {
    await f.rest().json('GET', `/api/v1/namespaces/${encodeURIComponent(name)}`)
  } catch (error) {
    if (!isNotFound(error) && !hasReason(error, 'Forbidden')) throw error
    try {
      await f.rest().json('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } })
    } catch (refused) {
      if (!hasReason(refused, 'AlreadyExists', 'Forbidden')) throw refused
    }
  }
}

const PROTECTED = ', but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)'

// k8s: kubectl/pkg/cmd/auth ReconcileOptions
const reconcile: CommandHandler = async (inv) => {
  const { f, flags, args, out, err } = inv
  if (args.length > 0) throw new Error('no arguments are allowed')
  if (flags.list('filename').length === 0 && !flags.str('kustomize')) throw new Error('must specify one of -f and -k')
  const dryRun = dryRunOf(f)
  if (dryRun === 'server') throw new Error('--dry-run=server for command reconcile is not supported yet')
  const print = printerFor(f, { operation: `reconciled${dryRunSuffix(dryRun)}`, typed: true })
  const { namespace, explicit } = f.namespace()
  const result = await findResources(f, { filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, continueOnError: true, flatten: true, local: true })
  await result.visit(async (info) => {
    const object = info.object!
    const isRole = object.kind === 'Role' || object.kind === 'ClusterRole'
    const isBinding = object.kind === 'RoleBinding' || object.kind === 'ClusterRoleBinding'
    if (!isRole && !isBinding) return
    const namespaced = !object.kind.startsWith('Cluster')
    const mapping = { ...info.mapping, namespaced }
    const within = namespaced ? (object.metadata.namespace ?? '') : ''
    const path = resourcePath(mapping, within, info.name)
    let current: KubeObject | undefined
    try {
      current = await f.rest().json<KubeObject>('GET', path)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
    const removeExtra = flags.bool(isRole ? 'remove-extra-permissions' : 'remove-extra-subjects')
    const { operation, wanted, missing, extra } = (isRole ? reconcileRole : reconcileBinding)(current, object, removeExtra)
    const isProtected = current?.metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate'] === 'false'
    let shown = wanted
    if (dryRun !== 'client' && !isProtected && operation !== 'none') {
      if (operation === 'update') shown = await f.rest().json<KubeObject>('PUT', path, { body: wanted })
      else {
        if (operation === 'recreate') await f.rest().json('DELETE', path, { body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: current!.metadata.uid } } })
        if (namespaced) await ensureNamespace(f, within)
        shown = await f.rest().json<KubeObject>('POST', resourcePath(mapping, within), { body: wanted })
      }
    }
    void out(print(shown))
    if (operation === 'none') return
    const noun = isRole ? 'rules' : 'subjects'
    const list = (title: string, lines: readonly string[]) => { if (lines.length > 0) void err(`\t${title}:\n${lines.map((line) => `\t\t${line}\n`).join('')}`) }
    void err(`\treconciliation required ${operation}${isProtected ? PROTECTED : ''}\n`)
    list(`missing ${noun} added`, missing)
    if (removeExtra) list(`extra ${noun} removed`, extra)
  })
}

export const AUTH_COMMANDS: Record<string, CommandHandler> = { 'auth can-i': canI, 'auth whoami': whoAmI, 'auth reconcile': reconcile }
