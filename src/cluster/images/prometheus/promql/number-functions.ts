type NumberFunction = (value: number, args: readonly number[]) => number

const dateOf = (seconds: number) => new Date(Math.floor(seconds) * 1000)
const DAY_MS = 86_400_000

/** Functions of each value by itself; `args` are the scalars beside the vector. */
export const NUMBER_FUNCTIONS: Readonly<Record<string, NumberFunction>> = {
  abs: Math.abs, ceil: Math.ceil, floor: Math.floor, exp: Math.exp, sqrt: Math.sqrt, ln: Math.log, log2: Math.log2, log10: Math.log10,
  acos: Math.acos, acosh: Math.acosh, asin: Math.asin, asinh: Math.asinh, atan: Math.atan, atanh: Math.atanh, cos: Math.cos, cosh: Math.cosh, sin: Math.sin, sinh: Math.sinh, tan: Math.tan, tanh: Math.tanh,
  deg: (value) => (value * 180) / Math.PI,
  rad: (value) => (value * Math.PI) / 180,
  sgn: Math.sign,
  // The inverse makes fewer rounding errors.
  round: (value, [nearest = 1]) => { const inverse = 1 / nearest; return Math.floor(value * inverse + 0.5) / inverse },
  clamp: (value, [least = NaN, most = NaN]) => Math.max(least, Math.min(most, value)),
  clamp_min: (value, [least = NaN]) => Math.max(least, value),
  clamp_max: (value, [most = NaN]) => Math.min(most, value),
}

/** Functions of each value as a time, seconds since 1970; without an argument of the query's time. */
export const TIME_FUNCTIONS: Readonly<Record<string, (seconds: number) => number>> = {
  minute: (seconds) => dateOf(seconds).getUTCMinutes(),
  hour: (seconds) => dateOf(seconds).getUTCHours(),
  day_of_week: (seconds) => dateOf(seconds).getUTCDay(),
  day_of_month: (seconds) => dateOf(seconds).getUTCDate(),
  day_of_year: (seconds) => { const date = dateOf(seconds); return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1 },
  days_in_month: (seconds) => { const date = dateOf(seconds); return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate() },
  month: (seconds) => dateOf(seconds).getUTCMonth() + 1,
  year: (seconds) => dateOf(seconds).getUTCFullYear(),
}

/** Operators between two numbers; comparisons give 1 or 0. */
export const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': power,
  atan2: Math.atan2,
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
}

/** Go's math.Pow, which knows what becomes of one whatever the exponent is. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1
  return base ** exponent
}
