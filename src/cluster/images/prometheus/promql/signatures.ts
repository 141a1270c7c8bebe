import type { ValueType } from './ast.ts'

export interface Signature {
  args: readonly ValueType[]
  /** How many more than `args` there may be at the end; the last of `args` may be absent then; -1: any number. */
  variadic: number
  returns: ValueType
  isExperimental: boolean
}

const V = 'instant vector'
const M = 'range vector'
const S = 'scalar'
const T = 'string'

const made = (args: readonly ValueType[], returns: ValueType = V, variadic = 0, isExperimental = false): Signature => ({ args, returns, variadic, isExperimental })
const each = (names: string, signature: Signature) => Object.fromEntries(names.split(' ').map((name) => [name, signature]))

/** What functions take and give. k8s: prometheus promql/parser/functions.go */
export const SIGNATURES: ReadonlyMap<string, Signature> = new Map(Object.entries({
  ...each('abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp', made([V])),
  ...each('histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar', made([V])),
  ...each('absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time', made([M])),
  ...each('mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time', made([M], V, 0, true)),
  ...each('days_in_month day_of_month day_of_week day_of_year hour minute month year', made([V], V, 1)),
  ...each('clamp_max clamp_min', made([V, S])),
  clamp: made([V, S, S]),
  histogram_fraction: made([S, S, V]),
  histogram_quantile: made([S, V]),
  histogram_quantiles: made([V, T, S, S], V, 9, true),
  double_exponential_smoothing: made([M, S, S], V, 0, true),
  info: made([V, V], V, 1, true),
  label_replace: made([V, T, T, T, T]),
  label_join: made([V, T, T, T], V, -1),
  predict_linear: made([M, S]),
  quantile_over_time: made([S, M]),
  round: made([V, S], V, 1),
  scalar: made([V], S),
  ...each('sort_by_label sort_by_label_desc', made([V, T], V, -1, true)),
  ...each('pi time', made([], S)),
  vector: made([S]),
  ...each('max_of min_of', made([S, S], S, 0, true)),
  ...each('start end range step', made([], S, 0, true)),
}))
