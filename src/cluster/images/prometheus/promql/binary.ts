import { METADATA_LABELS, compareText } from '../labels.ts'
import type { Labels } from '../labels.ts'
import { COMPARISONS } from './ast.ts'
import type { Binary } from './ast.ts'
import { OPERATORS } from './number-functions.ts'
import { QueryError } from './values.ts'
import type { Sample } from './values.ts'

type SignatureOf = (metric: Labels) => Labels

/** `and`, `or` and `unless`. */
export function setOperation(op: string, lhs: readonly Sample[], rhs: readonly Sample[], signatureOf: SignatureOf): Sample[] {
  const keys = (samples: readonly Sample[]) => new Set(samples.map(({ metric }) => signatureOf(metric).key))
  if (op === 'or') {
    const left = keys(lhs)
    return [...lhs, ...rhs.filter(({ metric }) => !left.has(signatureOf(metric).key))]
  }
  const right = keys(rhs)
  return lhs.filter(({ metric }) => right.has(signatureOf(metric).key) === (op === 'and'))
}

/** An operation between a vector's elements and a number, on either side. @param drop takes the name away */
export function scalarOperation(node: Binary, samples: readonly Sample[], scalar: number, scalarIsLeft: boolean, drop: (sample: Sample) => Sample): Sample[] {
  const operate = OPERATORS[node.op]!
  const isFilter = COMPARISONS.has(node.op) && !node.returnBool
  const out: Sample[] = []
  for (const sample of samples) {
    const value = scalarIsLeft ? operate(scalar, sample.value) : operate(sample.value, scalar)
    if (!isFilter) out.push(drop({ metric: sample.metric, value }))
    else if (value === 1) out.push(sample.sourceMs === undefined ? sample : { metric: sample.metric, value: sample.value, ...(sample.dropsName ? { dropsName: true } : {}) })
  }
  return out
}

/** An operation between the elements of two vectors that belong together. @throws QueryError k8s: prometheus promql VectorBinop */
export function vectorOperation(node: Binary, lhs: readonly Sample[], rhs: readonly Sample[], signatureOf: SignatureOf, delaysNames: boolean): Sample[] {
  const { op, returnBool } = node
  const matching = node.matching!
  const operate = OPERATORS[op]!
  const isComparison = COMPARISONS.has(op)
  const isSwapped = matching.card === 'one-to-many'
  const [many, one] = isSwapped ? [rhs, lhs] : [lhs, rhs]
  if (many.length === 0 || one.length === 0) return []
  const byKey = new Map<string, Sample>()
  for (const sample of one) {
    const signature = signatureOf(sample.metric)
    const other = byKey.get(signature.key)
    if (other) {
      const [first, second] = [sample.metric.toString(), other.metric.toString()].sort(compareText)
      throw new QueryError(`found duplicate series for the match group ${signature} on the ${isSwapped ? 'left' : 'right'} hand-side of the operation: [${first}, ${second}];many-to-many matching not allowed: matching labels must be unique on one side`)
    }
    byKey.set(signature.key, sample)
  }
  const taken = new Map<string, Set<string>>()
  const out: Sample[] = []
  for (const sample of many) {
    const { key } = signatureOf(sample.metric)
    const partner = byKey.get(key)
    if (!partner) continue
    const result = isSwapped ? operate(partner.value, sample.value) : operate(sample.value, partner.value)
    const metric = resultLabels(sample.metric, partner.metric, node, !isComparison || (returnBool && !delaysNames))
    const known = taken.get(key)
    if (matching.card === 'one-to-one') {
      if (known) throw new QueryError('multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)')
      taken.set(key, new Set())
    } else if (known?.has(metric.key)) throw new QueryError('multiple matches for labels: grouping labels must ensure unique matches')
    else if (known) known.add(metric.key)
    else taken.set(key, new Set([metric.key]))
    if (isComparison && !returnBool && result === 0) continue
    // What is compared stays what stands on the left.
    const value = isComparison && !returnBool ? (isSwapped ? partner.value : sample.value) : result
    out.push({ metric, value, ...(returnBool && delaysNames ? { dropsName: true } : {}) })
  }
  return out
}

function resultLabels(many: Labels, one: Labels, { matching }: Binary, dropsName: boolean): Labels {
  const { card, on, labels, include } = matching!
  let metric = dropsName ? many.without(METADATA_LABELS) : many
  if (card === 'one-to-one') metric = on ? metric.filter((name) => labels.includes(name)) : metric.without(labels)
  for (const name of include) metric = metric.with(name, one.get(name))
  return metric
}
