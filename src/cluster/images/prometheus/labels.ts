/** The label that holds a metric's name. */
export const METRIC_NAME = '__name__'
/** What says what a metric is; gone with its name. */
export const METADATA_LABELS: readonly string[] = [METRIC_NAME, '__type__', '__unit__']

/** The labels of a series: sorted by name, without empty values, never changed. */
export class Labels {
  /** name, value, name, value ... */
  readonly flat: readonly string[]
  #key: string | undefined

  private constructor(flat: readonly string[]) {
    this.flat = flat
  }

  static readonly empty = new Labels([])

  /** Of names and values in any order; later ones win, empty values mean that there is no such label. */
  static of(entries: Iterable<readonly [string, string]>): Labels {
    const byName = new Map(entries)
    const flat: string[] = []
    for (const name of [...byName.keys()].sort(compareText)) if (byName.get(name)) flat.push(name, byName.get(name)!)
    return flat.length === 0 ? Labels.empty : new Labels(flat)
  }

  static fromRecord(record: Readonly<Record<string, string>>): Labels {
    return Labels.of(Object.entries(record))
  }

  /** Equal for equal labels. */
  get key(): string {
    return this.#key ??= this.flat.join('\xff')
  }

  /** Empty where there is none. */
  get(name: string): string {
    const { flat } = this
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1]!
    return ''
  }

  get size(): number {
    return this.flat.length / 2
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    for (let i = 0; i < this.flat.length; i += 2) yield [this.flat[i]!, this.flat[i + 1]!]
  }

  /** A copy with one label set, or taken away by an empty value. */
  with(name: string, value: string): Labels {
    return Labels.of([...this, [name, value]])
  }

  without(names: readonly string[]): Labels {
    return this.filter((name) => !names.includes(name))
  }

  filter(isKept: (name: string) => boolean): Labels {
    const flat: string[] = []
    for (let i = 0; i < this.flat.length; i += 2) if (isKept(this.flat[i]!)) flat.push(this.flat[i]!, this.flat[i + 1]!)
    return flat.length === this.flat.length ? this : new Labels(flat)
  }

  /** Those that vector matching compares. k8s: prometheus model/labels Labels.MatchLabels */
  matching(on: boolean, names: readonly string[]): Labels {
    return on ? this.filter((name) => names.includes(name)) : this.filter((name) => name !== METRIC_NAME && !names.includes(name))
  }

  toRecord(): Record<string, string> {
    return Object.fromEntries(this)
  }

  /** `{a="b", c="d"}`, as messages show labels. */
  toString(): string {
    return `{${[...this].map(([name, value]) => `${isPlainLabelName(name) ? name : quoted(name)}=${quoted(value)}`).join(', ')}}`
  }
}

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** By name and value, one label after the other, as series are ordered. */
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.flat.length, b.flat.length)
  for (let i = 0; i < length; i++) if (a.flat[i] !== b.flat[i]) return compareText(a.flat[i]!, b.flat[i]!)
  return a.flat.length - b.flat.length
}

/** Whether it can stand without quotes. */
export const isPlainLabelName = (name: string): boolean => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)
export const isPlainMetricName = (name: string): boolean => /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)

/** Go's %q for text without strange signs. */
export const quoted = (text: string): string => JSON.stringify(text)

/** `name{a="b"}`, the way in which a series is written in queries. */
export function seriesText(labels: Labels): string {
  const name = labels.get(METRIC_NAME)
  if (!name || !isPlainMetricName(name)) return labels.toString()
  const rest = labels.without([METRIC_NAME])
  return rest.size === 0 ? name : name + rest.toString()
}
