import { printLabelsAndAnnotations } from './describer.ts'
import type { Describer } from './describer.ts'
import { goList } from './writer.ts'

interface Rule { verbs: string[]; apiGroups: string[]; resources: string[]; resourceNames: string[]; nonResourceURLs: string[] }

/** One rule per group, resource and name. k8s: kubectl/pkg/util/rbac BreakdownRule, CompactRules */
export function compactRules(rules: any[]): Rule[] {
  const simple = new Map<string, Rule>()
  const others: Rule[] = []
  for (const rule of rules ?? []) {
    for (const group of rule.apiGroups ?? []) for (const resource of rule.resources ?? []) for (const verb of rule.verbs ?? [])
      for (const name of rule.resourceNames?.length ? rule.resourceNames : [undefined]) {
        const key = JSON.stringify([group, resource, name ?? null])
        const known = simple.get(key)
        if (!known) simple.set(key, { verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: name === undefined ? [] : [name], nonResourceURLs: [] })
        else if (!known.verbs.includes(verb)) known.verbs.push(verb)
      }
    for (const url of rule.nonResourceURLs ?? []) for (const verb of rule.verbs ?? []) others.push({ verbs: [verb], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [url] })
  }
  const text = (r: Rule) => `&PolicyRule{Verbs:${goList(r.verbs)},APIGroups:${goList(r.apiGroups)},Resources:${goList(r.resources)},ResourceNames:${goList(r.resourceNames)},NonResourceURLs:${goList(r.nonResourceURLs)},}`
  return [...others, ...simple.values()].sort((a, b) => text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0)
}

/** `deployments.apps/scale`. k8s: describe CombineResourceGroup */
export function combineResourceGroup(resources: readonly string[], groups: readonly string[]): string {
  if (resources.length === 0) return ''
  const [resource, ...sub] = resources[0]!.split('/')
  return `${resource}${groups[0] ? `.${groups[0]}` : ''}${sub.length > 0 ? `/${sub.join('/')}` : ''}`
}

export const role: Describer = (o, w) => {
  w.line(0, `Name:\t${o.metadata.name}`)
  printLabelsAndAnnotations(w, o)
  w.line(0, 'PolicyRule:')
  w.line(1, 'Resources\tNon-Resource URLs\tResource Names\tVerbs')
  w.line(1, '---------\t-----------------\t--------------\t-----')
  for (const r of compactRules(o.rules)) w.line(1, `${combineResourceGroup(r.resources, r.apiGroups)}\t${goList(r.nonResourceURLs)}\t${goList(r.resourceNames)}\t${goList(r.verbs)}`)
  return false
}

export const roleBinding: Describer = (o, w) => {
  w.line(0, `Name:\t${o.metadata.name}`)
  printLabelsAndAnnotations(w, o)
  w.line(0, 'Role:')
  w.line(1, `Kind:\t${o.roleRef.kind}`)
  w.line(1, `Name:\t${o.roleRef.name}`)
  w.line(0, 'Subjects:')
  w.line(1, 'Kind\tName\tNamespace')
  w.line(1, '----\t----\t---------')
  for (const s of o.subjects ?? []) w.line(1, `${s.kind}\t${s.name}\t${s.namespace ?? ''}`)
  return false
}
