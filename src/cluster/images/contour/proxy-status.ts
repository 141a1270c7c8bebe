import type { DetailedCondition, HttpProxy, SubCondition } from './http-proxy-types.ts'

/** What is wrong with an HTTPProxy, gathered while its routes are worked out. k8s: contour/internal/status ProxyUpdate */
export class ProxyVerdict {
  readonly #errors: SubCondition[] = []
  readonly #warnings: SubCondition[] = []

  error(type: string, reason: string, message: string): void {
    this.#errors.push({ type, status: 'True', reason, message: message.slice(0, 32_760) })
  }

  warning(type: string, reason: string, message: string): void {
    this.#warnings.push({ type, status: 'True', reason, message })
  }

  get isValid(): boolean { return this.#errors.length === 0 }

  /** The object's status with this verdict in it. */
  statusOf({ metadata, status = {} }: HttpProxy, nowMs: number): NonNullable<HttpProxy['status']> {
    const condition: DetailedCondition = {
      ...this.#errors.length > 0 ? { errors: this.#errors } : {}, lastTransitionTime: `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
      message: !this.isValid ? 'At least one error present, see Errors for details' : this.#warnings.length > 0 ? 'At least one warning present, see Warnings for details' : 'Valid HTTPProxy', observedGeneration: metadata.generation ?? 0,
      reason: !this.isValid ? 'ErrorPresent' : this.#warnings.length > 0 ? 'WarningPresent' : 'Valid', status: this.isValid ? 'True' : 'False', type: 'Valid', ...this.#warnings.length > 0 ? { warnings: this.#warnings } : {},
    }
    const orphaned = this.#errors.find(({ type }) => type === 'Orphaned')
    return {
      ...status, currentStatus: this.isValid ? 'valid' : orphaned ? 'orphaned' : 'invalid', description: orphaned ? orphaned.message : condition.message,
      conditions: [...(status.conditions ?? []).filter(({ type }) => type !== 'Valid'), condition],
    }
  }
}

/** Whether two statuses say the same, whenever they were written. */
export function saysTheSame(a: HttpProxy['status'], b: HttpProxy['status']): boolean {
  const plain = (status: HttpProxy['status']) => JSON.stringify([status?.currentStatus, status?.description, status?.loadBalancer?.ingress ?? [], (status?.conditions ?? []).map(({ errors = [], warnings = [], message, observedGeneration, reason, status: value, type }) => [type, value, reason, message, observedGeneration, errors, warnings].map(sorted))])
  return plain(a) === plain(b)
}

/** Objects read from the API have their fields in another order. */
function sorted(value: unknown): unknown {
  return Array.isArray(value) ? value.map(sorted) : typeof value === 'object' && value !== null ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value
}
