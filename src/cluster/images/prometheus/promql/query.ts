import { Labels, compareLabels } from '../labels.ts'
import { unwrapped } from './ast.ts'
import type { Expr } from './ast.ts'
import { typeOf } from './check-types.ts'
import { Evaluator } from './evaluator.ts'
import type { EvaluatorOptions } from './evaluator.ts'
import { QueryError } from './values.ts'
import type { Annotations, QueryResult, Series } from './values.ts'

export type QueryOptions = Omit<EvaluatorOptions, 'startMs' | 'endMs' | 'stepMs'>

export interface Answer {
  result: QueryResult
  annotations: Annotations
}

/** Works an expression out at one time (milliseconds). @throws QueryError */
export async function queryInstant(expr: Expr, timeMs: number, options: QueryOptions): Promise<Answer> {
  const evaluator = new Evaluator({ ...options, startMs: timeMs, endMs: timeMs, stepMs: 0 })
  const { annotations } = evaluator
  await evaluator.load(expr)
  const inner = unwrapped(expr)
  if (inner.type === 'matrix' || inner.type === 'subquery') {
    const series = await evaluator.range(inner, timeMs)
    return { result: { type: 'matrix', series: series.sort((a, b) => compareLabels(a.metric, b.metric)) }, annotations }
  }
  const value = await evaluator.evaluate(expr, timeMs)
  if (value.type === 'vector') return { result: { type: 'vector', timeMs, samples: evaluator.finish(value.samples) }, annotations }
  return { result: { ...value, timeMs } as QueryResult, annotations }
}

/** Works an expression out at every step from `startMs` to `endMs`. @throws QueryError */
export async function queryRange(expr: Expr, startMs: number, endMs: number, stepMs: number, options: QueryOptions): Promise<Answer> {
  const type = typeOf(expr)
  if (type !== 'instant vector' && type !== 'scalar') throw new QueryError(`invalid expression type ${JSON.stringify(type)} for range query, must be Scalar or instant Vector`)
  const evaluator = new Evaluator({ ...options, startMs, endMs, stepMs })
  await evaluator.load(expr)
  const all = new Map<string, Series>()
  for (let timeMs = startMs; timeMs <= endMs; timeMs += stepMs) {
    const value = await evaluator.evaluate(expr, timeMs)
    await options.breathe()
    if (value.type === 'scalar') {
      const series = all.get('') ?? { metric: Labels.empty, times: [], values: [] }
      all.set('', series)
      series.times.push(timeMs)
      series.values.push(value.value)
    } else if (value.type === 'vector') {
      for (const { metric, value: number } of evaluator.finish(value.samples)) {
        let series = all.get(metric.key)
        if (!series) all.set(metric.key, series = { metric, times: [], values: [] })
        series.times.push(timeMs)
        series.values.push(number)
      }
    }
  }
  return { result: { type: 'matrix', series: [...all.values()].sort((a, b) => compareLabels(a.metric, b.metric)) }, annotations: evaluator.annotations }
}
