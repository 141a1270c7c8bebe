import { alignTabs } from '../tab-writer.ts'

/** Text in levels of two blanks, with tabs between columns. k8s: kubectl/pkg/describe PrefixWriter */
export class DescribeWriter {
  #done = ''
  #pending = ''

  /** Adds text as it is; `level` blanks before it. */
  write(level: number, text: string): void {
    this.#pending += '  '.repeat(level) + text
  }

  /** Writes into this one, every piece of text `levels` further in. k8s: NestedPrefixWriter */
  nested(levels: number): DescribeWriter {
    const inner = new DescribeWriter()
    inner.write = (level, text) => this.write(level + levels, text)
    return inner
  }

  /** One line. */
  line(level: number, text: string): void {
    this.write(level, `${text}\n`)
  }

  /** Columns before this point don't bear on those after it. */
  flush(): void {
    this.#done += alignTabs(this.#pending, 2)
    this.#pending = ''
  }

  /** What was written since the last flush, with its tabs. */
  get raw(): string { return this.#pending }

  get text(): string {
    return this.#done + alignTabs(this.#pending, 2)
  }
}

/** `Mon, 02 Jan 2006 15:04:05 +0000`. */
export function rfc1123(timestamp: string | null | undefined): string {
  return timestamp ? new Date(Date.parse(timestamp)).toUTCString().replace('GMT', '+0000') : 'Mon, 01 Jan 0001 00:00:00 +0000'
}

type StringMap = Record<string, string> | undefined | null
const byText = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0
export const sortedKeys = (map: object | undefined | null) => Object.keys(map ?? {}).sort(byText)

/** `Title:  a=b` with one line per entry. */
export function printMap(w: DescribeWriter, title: string, map: StringMap, indent = ''): void {
  w.write(0, `${indent}${title}:\t`)
  const keys = sortedKeys(map)
  if (keys.length === 0) { w.write(0, '<none>\n'); return }
  keys.forEach((key, i) => w.write(0, `${i > 0 ? '\t' : ''}${key}=${map![key]}\n`))
}

const MAX_ANNOTATION = 140

/** Annotations with long ones on lines of their own. */
export function printAnnotations(w: DescribeWriter, annotations: StringMap, title = 'Annotations'): void {
  w.write(0, `${title}:\t`)
  const keys = sortedKeys(annotations).filter((k) => k !== 'kubectl.kubernetes.io/last-applied-configuration')
  if (keys.length === 0) { w.write(0, '<none>\n'); return }
  keys.forEach((key, i) => {
    if (i > 0) w.write(0, '\t')
    const value = annotations![key]!.replace(/\n$/, '')
    if (value.length + key.length + 2 > MAX_ANNOTATION || value.includes('\n')) {
      w.write(0, `${key}:\n`)
      for (const line of value.split('\n')) w.write(0, `\t  ${shorten(line, MAX_ANNOTATION - 2)}\n`)
    } else w.write(0, `${key}: ${value}\n`)
  })
}

const shorten = (text: string, max: number) => text.length > max ? `${text.slice(0, max)}...` : text

export function printTaints(w: DescribeWriter, taints: any[] = []): void {
  w.write(0, 'Taints:\t')
  if (taints.length === 0) { w.write(0, '<none>\n'); return }
  const order = (t: any) => `${t.effect},${t.key}`
  ;[...taints].sort((a, b) => byText(order(a), order(b))).forEach((t, i) => w.write(0, `${i > 0 ? '\t' : ''}${t.key}${t.value ? `=${t.value}` : ''}:${t.effect}\n`))
}

export function printTolerations(w: DescribeWriter, title: string, tolerations: any[] = []): void {
  w.write(0, `${title}:\t`)
  if (tolerations.length === 0) { w.write(0, '<none>\n'); return }
  ;[...tolerations].sort((a, b) => byText(a.key ?? '', b.key ?? '')).forEach((t, i) => {
    let text = `${t.key ?? ''}${t.value ? `=${t.value}` : ''}${t.effect ? `:${t.effect}` : ''}`
    if (t.operator === 'Exists' && !t.value) text += t.key || t.effect ? ' op=Exists' : 'op=Exists'
    if (t.tolerationSeconds !== undefined && t.tolerationSeconds !== null) text += ` for ${t.tolerationSeconds}s`
    w.write(0, `${i > 0 ? '\t' : ''}${text}\n`)
  })
}

/** A list's items with a comma; `<none>` for none. */
export const joined = (list: readonly unknown[] | undefined, separator = ',') => list && list.length > 0 ? list.join(separator) : '<none>'
export const orNone = (text: string | undefined) => text || '<none>'
/** Go's %v of a list. */
export const goList = (list: readonly unknown[] | undefined) => `[${(list ?? []).join(' ')}]`

export function controllerOf(object: any): string {
  const ref = (object.metadata?.ownerReferences ?? []).find((r: any) => r.controller)
  return ref ? `${ref.kind}/${ref.name}` : ''
}
