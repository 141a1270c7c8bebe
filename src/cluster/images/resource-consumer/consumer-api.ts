import type { HttpRequest } from '../../../base/http.ts'
import type { Proc } from '../../../unix/types.ts'
import { formValues, goError } from '../agnhost/go-server.ts'

/** What consumers and their controller answer by. k8s: test/images/resource-consumer/common */
export const BAD_REQUEST = 'Bad request. Not a POST request'
export const UNKNOWN_FUNCTION = 'unknown function'

/** The paths of what can be consumed, with the parameter that says how much of it. */
export const CONSUMPTIONS = { '/ConsumeCPU': 'millicores', '/ConsumeMem': 'megabytes', '/BumpMetric': 'delta' } as const

/** A request to consume something: what was asked for, by the names of its parameters. */
export interface ConsumptionRequest {
  path: keyof typeof CONSUMPTIONS
  /** Millicores, megabytes, or what a metric is raised by. */
  amount: number
  durationSeconds: number
  /** The metric's name; empty for processor and memory. */
  metric: string
  /** Every parameter as it came. */
  values: URLSearchParams
}

/**
 * Reads a request to consume something.
 * @param whole parameters beside the duration that have to be whole numbers
 * @param needed parameters that must be there, too
 * @returns the refusal when something is missing or no number
 */
export async function consumptionOf(proc: Proc, request: HttpRequest, path: keyof typeof CONSUMPTIONS, { whole = [], needed = [] }: { whole?: readonly string[]; needed?: readonly string[] } = {}): Promise<ConsumptionRequest | Response> {
  const values = await formValues(request)
  const text = (name: string) => values.get(name) ?? ''
  const amount = CONSUMPTIONS[path]
  if (['durationSec', amount, ...needed].some((name) => text(name) === '')) return goError(proc, 'not given function argument', 400)
  const isWhole = (name: string) => /^[-+]?\d+$/.test(text(name))
  if (!['durationSec', ...whole].every(isWhole) || Number.isNaN(Number(text(amount)))) return goError(proc, 'incorrect function argument', 400)
  return { path, amount: Number(text(amount)), durationSeconds: Number(text('durationSec')), metric: text('metric'), values }
}
