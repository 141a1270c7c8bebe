/** Something that was logged, on its way through an agent. */
export interface LogEvent {
  tag: string
  timeMs: number
  record: Record<string, unknown>
}

/** Whether a tag fits a pattern: `*` is one part, `**` any number, `{a,b}` a choice; `|`-free patterns of fluentd, several apart by blanks. */
export function matchesTag(patterns: string, tag: string): boolean {
  return patterns.trim().split(/\s+/).some((pattern) => patternOf(pattern).test(tag))
}

const known = new Map<string, RegExp>()

function patternOf(pattern: string): RegExp {
  let expression = known.get(pattern)
  if (!expression) {
    const source = pattern.replace(/\.\*\*$|^\*\*\.|\*\*|\*|[{},]|[.+^$()|[\]\\?]/g, (token) => {
      switch (token) {
        case '.**': return '(?:\\..*)?'
        case '**.': return '(?:.*\\.)?'
        case '**': return '.*'
        case '*': return '[^.]*'
        case '{': return '(?:'
        case '}': return ')'
        case ',': return '|'
        default: return `\\${token}`
      }
    })
    known.set(pattern, expression = new RegExp(`^${source}$`))
  }
  return expression
}

/** A value of a record by its path: `$.a.b`, `a.b` where the record has no such name, or `a`. */
export function fieldOf(record: Record<string, unknown>, path: string): unknown {
  if (path in record) return record[path]
  const parts = path.replace(/^\$\.?/, '').split(/[.[\]'"]+/).filter(Boolean)
  return parts.reduce<unknown>((at, part) => typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined, record)
}

/** A line of a CRI log file. */
export function parseCri(line: string): { timeMs: number; stream: string; logtag: string; message: string } | undefined {
  const [, time, stream, logtag, message = ''] = /^(\S+) (stdout|stderr) ([FP])(?::\S*)?(?: (.*))?$/s.exec(line) ?? []
  return time === undefined ? undefined : { timeMs: Date.parse(`${time.slice(0, 23).replace(/Z$/, '')}Z`), stream: stream!, logtag: logtag!, message }
}
