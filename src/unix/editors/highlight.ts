const COMMENT = '\x1b[90m', KEY = '\x1b[36m', TEXT = '\x1b[32m', VALUE = '\x1b[33m', MARK = '\x1b[35m'

/** Colours of a line's characters by what kind of file it stands in; undefined where there is nothing to tell apart. */
export function highlight(line: string, path: string | undefined): (string | undefined)[] | undefined {
  if (line === '' || line.length > 2_000) return undefined
  const name = path ?? ''
  if (/\.ya?ml$|\/kubectl-edit-/.test(name)) return yaml(line)
  if (/\.(?:sh|bash|conf|cfg|ini|toml|env)$|\/\.?(?:bashrc|profile|vimrc|nanorc)$/.test(name)) return comments(line)
  return undefined
}

function comments(line: string): (string | undefined)[] | undefined {
  const at = /(?:^|\s)#/.exec(line)
  return at ? Array.from(line, (_, i) => i >= at.index ? COMMENT : undefined) : undefined
}

function yaml(line: string): (string | undefined)[] {
  const styles: (string | undefined)[] = new Array<string | undefined>(line.length)
  const paint = (from: number, to: number, style: string) => { for (let i = from; i < to; i++) styles[i] = style }
  if (/^(?:---|\.\.\.)/.test(line)) { paint(0, 3, MARK); return styles }
  const comment = /(?:^|\s)#/.exec(line.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, (quoted) => '_'.repeat(quoted.length)))
  const end = comment ? comment.index : line.length
  if (comment) paint(end, line.length, COMMENT)
  const key = /^(\s*(?:- +)*)((?:"[^"]*"|'[^']*'|[^\s"'#:{}[\],&*!|>%@`-][^#:]*?|[\w./-]+?)\s*)(:)(?=\s|$)/.exec(line.slice(0, end))
  let at = 0
  const dashes = /^\s*((?:- +|-$)+)/.exec(line)
  if (dashes) paint(dashes[0].length - dashes[1]!.length, dashes[0].length, MARK)
  if (key) {
    paint(key[1]!.length, key[1]!.length + key[2]!.length, KEY)
    paint(key[1]!.length + key[2]!.length, key[0].length, MARK)
    at = key[0].length
  } else if (dashes) at = dashes[0].length
  const rest = line.slice(at, end)
  for (const match of rest.matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'/g)) paint(at + match.index, at + match.index + match[0].length, TEXT)
  const plain = /^\s*(-?\d[\d._]*(?:e[+-]?\d+)?|true|false|null|~|yes|no)\s*$/.exec(rest)
  if (plain) paint(at, end, VALUE)
  const block = /^\s*([|>][+-]?\d?|[&*][\w-]+|!!?\w*)\s*$/.exec(rest)
  if (block) paint(at, end, MARK)
  return styles
}
