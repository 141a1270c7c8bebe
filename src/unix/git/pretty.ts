import { fatal } from './failure.ts'
import { formatDate, formatIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import type { Commit } from './objects.ts'
import { peel, shortRef } from './revision.ts'
import type { Repository } from './repository.ts'
import type { ColorName, Session } from './session.ts'

export type Decoration = 'no' | 'short' | 'full'

/** How commits are shown. */
export interface CommitStyle {
  format: string
  abbreviate: boolean
  decorate: Decoration
  date: string
  /** Where a commit stands in a reflog: `HEAD@{1}`. */
  reflog?: { selector: string; message: string; who: Identity } | undefined
  /** Parents as shown by history simplification. */
  parents?: readonly string[]
  showParents?: boolean
  mark?: string
}

export const subjectOf = (message: string): string => message.replace(/^\n+/, '').split(/\n[ \t]*\n/)[0]!.split('\n').map((line) => line.trim()).join(' ').trim()
export const bodyOf = (message: string): string => /^[^]*?\n[ \t]*\n+([^]*)$/.exec(message.replace(/^\n+/, ''))?.[1] ?? ''

/** Refs by the commits they lead to, in the order in which they are shown. */
export function decorations(repo: Repository): Map<string, { name: string; kind: 'head' | 'tag' | 'branch' | 'remote' | 'stash' }[]> {
  const out = new Map<string, { name: string; kind: 'head' | 'tag' | 'branch' | 'remote' | 'stash' }[]>()
  const add = (id: string, name: string, kind: 'head' | 'tag' | 'branch' | 'remote' | 'stash') => out.set(id, [...out.get(id) ?? [], { name, kind }])
  const { head } = repo
  if (head !== undefined) add(head, 'HEAD', 'head')
  // Later refs stand further in front, as Git's list is built from the back.
  const refs = repo.refs.list()
  for (const { name, id } of [...refs].reverse()) {
    const kind = name.startsWith('refs/tags/') ? 'tag' : name.startsWith('refs/heads/') ? 'branch' : name.startsWith('refs/remotes/') ? 'remote' : name === 'refs/stash' ? 'stash' : undefined
    if (kind) add(peel(repo, id), name, kind)
  }
  return out
}

const KIND_COLORS: Readonly<Record<string, ColorName>> = { head: 'boldcyan', tag: 'boldyellow', branch: 'boldgreen', remote: 'boldred', stash: 'boldmagenta' }

/** ` (HEAD -> main, tag: v1)`; empty for commits that no ref leads to. */
function decorationText(session: Session, repo: Repository, table: ReturnType<typeof decorations>, id: string, style: Decoration, wrap: { prefix: string; suffix: string } | undefined = { prefix: ' (', suffix: ')' }, colored = true): string {
  const found = style === 'no' ? undefined : table.get(id)
  if (!found) return ''
  const paint = (color: ColorName, text: string) => colored ? session.paint(color, text) : text
  const short = (name: string) => style === 'full' ? name : shortRef(repo, name)
  const current = repo.refs.target('HEAD')
  const parts: string[] = []
  const [prefix, suffix] = [wrap?.prefix ?? '', wrap?.suffix ?? '']
  for (const { name, kind } of found) {
    if (kind === 'head') {
      const pointed = current !== undefined && found.some((each) => each.name === current)
      parts.push(pointed ? `${paint('boldcyan', 'HEAD -> ')}${paint('boldgreen', short(current))}` : paint('boldcyan', 'HEAD'))
    } else if (name !== current || !found.some((each) => each.kind === 'head')) parts.push(kind === 'tag' ? paint('boldyellow', `tag: ${short(name)}`) : paint(KIND_COLORS[kind]!, short(name)))
  }
  return `${paint('yellow', prefix)}${parts.join(paint('yellow', ', '))}${paint('yellow', suffix)}`
}

/** A message as it is shown: moved to the right, tabs as the spaces that they look like. */
const indented = (text: string) => text.replace(/\n+$/, '').split('\n').map((line) => `    ${withoutTabs(line.trimEnd())}`).join('\n')

function withoutTabs(line: string): string {
  let out = ''
  for (const char of line) out += char === '\t' ? ' '.repeat(8 - [...out].length % 8) : char
  return out
}

/** A commit in a named or a user's own format, without the line's end. */
export function prettyCommit(session: Session, repo: Repository, commit: Commit, style: CommitStyle, table: ReturnType<typeof decorations>): string {
  const now = session.nowSeconds
  const id = style.abbreviate ? repo.abbreviate(commit.id) : commit.id
  const parents = style.parents ?? commit.parents
  const date = (who: Identity) => formatDate(who, style.date, now)
  const who = (identity: Identity) => `${identity.name} <${identity.email}>`
  const mark = style.mark ?? ''
  const withParents = style.showParents ? parents.map((parent) => ` ${style.abbreviate ? repo.abbreviate(parent) : parent}`).join('') : ''
  const message = commit.message.replace(/^\n+/, '')
  if (style.format === 'oneline') {
    const title = style.reflog ? `${style.reflog.selector}: ${style.reflog.message}` : subjectOf(commit.message)
    return `${session.paint('yellow', `${mark}${id}${withParents}`)}${decorationText(session, repo, table, commit.id, style.decorate)} ${title}`
  }
  const head = `${session.paint('yellow', `commit ${mark}${id}${withParents}`)}${decorationText(session, repo, table, commit.id, style.decorate)}`
  const merge = parents.length > 1 ? [`Merge: ${parents.map((parent) => repo.abbreviate(parent)).join(' ')}`] : []
  const reflog = style.reflog ? [`Reflog: ${style.reflog.selector} (${who(style.reflog.who)})`, `Reflog message: ${style.reflog.message}`] : []
  const { author, committer } = commit
  switch (style.format) {
    case 'short': return [head, ...reflog, ...merge, `Author: ${who(author)}`, '', `    ${subjectOf(message)}`].join('\n')
    case 'medium': return [head, ...reflog, ...merge, `Author: ${who(author)}`, `Date:   ${date(author)}`, '', ...message.trim() === '' ? [] : [indented(message), '']].join('\n').replace(/\n$/, '')
    case 'full': return [head, ...reflog, ...merge, `Author: ${who(author)}`, `Commit: ${who(committer)}`, '', indented(message)].join('\n')
    case 'fuller': return [head, ...reflog, ...merge, `Author:     ${who(author)}`, `AuthorDate: ${date(author)}`, `Commit:     ${who(committer)}`, `CommitDate: ${date(committer)}`, '', indented(message)].join('\n')
    case 'reference': return `${repo.abbreviate(commit.id)} (${subjectOf(message)}, ${formatDate(author, style.date === 'default' ? 'short' : style.date, now)})`
    case 'raw': return [head, `tree ${commit.tree}`, ...parents.map((parent) => `parent ${parent}`), `author ${formatIdentity(author)}`, `committer ${formatIdentity(committer)}`, '', indented(message)].join('\n')
    case 'email': case 'mboxrd': return `From ${commit.id} Mon Sep 17 00:00:00 2001\nFrom: ${who(author)}\nDate: ${formatDate(author, 'rfc', now)}\nSubject: [PATCH] ${subjectOf(message)}\n\n${bodyOf(message)}`
    default: return expandFormat(session, repo, commit, style, table)
  }
}

/** Formats that end each commit with a line's end instead of standing between commits. */
export function formatOf(text: string): { format: string; terminates: boolean } {
  const builtin = ['oneline', 'short', 'medium', 'full', 'fuller', 'reference', 'raw', 'email', 'mboxrd']
  if (builtin.includes(text)) return { format: text, terminates: text === 'oneline' || text === 'reference' }
  if (text.startsWith('format:')) return { format: `%${text.slice(7)}`, terminates: false }
  if (text.startsWith('tformat:')) return { format: `%${text.slice(8)}`, terminates: true }
  if (text.includes('%')) return { format: `%${text}`, terminates: true }
  if (text === '') return { format: '%', terminates: false }
  throw fatal(`invalid --pretty format: ${text}`)
}

const COLORS: Readonly<Record<string, string>> = { red: '\x1b[31m', green: '\x1b[32m', yellow: '\x1b[33m', blue: '\x1b[34m', magenta: '\x1b[35m', cyan: '\x1b[36m', reset: '\x1b[m', bold: '\x1b[1m', 'bold red': '\x1b[1;31m', 'bold green': '\x1b[1;32m', 'bold blue': '\x1b[1;34m', 'bold yellow': '\x1b[1;33m', 'bold cyan': '\x1b[1;36m', dim: '\x1b[2m', white: '\x1b[37m' }

function expandFormat(session: Session, repo: Repository, commit: Commit, style: CommitStyle, table: ReturnType<typeof decorations>): string {
  const now = session.nowSeconds
  const { author, committer } = commit
  const message = commit.message.replace(/^\n+/, '')
  const person = (identity: Identity, letter: string): string | undefined => ({
    n: identity.name, e: identity.email, l: identity.email.split('@')[0]!, N: identity.name, E: identity.email, L: identity.email.split('@')[0]!,
    d: formatDate(identity, style.date, now), D: formatDate(identity, 'rfc', now), r: formatDate(identity, 'relative', now), t: String(identity.seconds), i: formatDate(identity, 'iso', now), I: formatDate(identity, 'iso-strict', now), s: formatDate(identity, 'short', now), h: formatDate(identity, 'human', now),
  })[letter]
  const color = (name: string) => session.colors ? COLORS[name.replace(/^(always|auto),/, '')] ?? '' : ''
  let pad: { width: number; side: 'left' | 'right' | 'both'; truncate: boolean } | undefined
  let out = ''
  /** `%C(auto)` was met. */
  let auto = false
  const format = style.format.slice(1)
  for (let i = 0; i < format.length;) {
    if (format[i] !== '%') { out += format[i++]; continue }
    const rest = format.slice(i + 1)
    const take = (length: number, value: string) => {
      i += 1 + length
      if (pad) {
        const shown = [...value]
        const room = pad.width - shown.length
        if (room < 0 && pad.truncate) value = `${shown.slice(0, pad.width - 2).join('')}..`
        else if (room > 0) value = pad.side === 'left' ? value + ' '.repeat(room) : pad.side === 'right' ? ' '.repeat(room) + value : ' '.repeat(room >> 1) + value + ' '.repeat(room - (room >> 1))
        pad = undefined
      }
      out += value
    }
    let match: RegExpExecArray | null
    if ((match = /^(<|>|><)\((\d+)(?:,(\w+))?\)/.exec(rest))) {
      pad = { width: Number(match[2]), side: match[1] === '<' ? 'left' : match[1] === '>' ? 'right' : 'both', truncate: match[3] !== undefined }
      i += 1 + match[0].length
    } else if (rest.startsWith('C(auto)')) {
      auto = session.colors
      if (auto && out !== '') out += '\x1b[m'
      i += 8
    } else if ((match = /^C(?:\(([\w, ]+)\)|(red|green|blue|reset))/.exec(rest))) { out += color(match[1] ?? match[2]!); i += 1 + match[0].length } else if ((match = /^([ac])([neElLNdDrtiIshh])/.exec(rest)) && person(author, match[2]!) !== undefined) take(2, person(match[1] === 'a' ? author : committer, match[2]!)!)
    else if ((match = /^x([0-9a-fA-F]{2})/.exec(rest))) take(3, String.fromCharCode(Number.parseInt(match[1]!, 16)))
    else if ((match = /^g([dDsnNeE])/.exec(rest))) take(2, style.reflog ? { d: style.reflog.selector, D: style.reflog.selector, s: style.reflog.message, n: style.reflog.who.name, N: style.reflog.who.name, e: style.reflog.who.email, E: style.reflog.who.email }[match[1]!]! : '')
    else if ((match = /^\((trailers)[^)]*\)/.exec(rest))) take(match[0].length, /(?:^|\n\n)((?:[\w-]+: .*\n?)+)$/.exec(message.trimEnd())?.[1]?.replace(/\n?$/, '\n') ?? '')
    else if ((match = /^w\([^)]*\)/.exec(rest))) i += 1 + match[0].length
    else if ((match = /^([-+ ])(?=\w)/.exec(rest))) {
      // %+b: a line's end in front, if there is anything; %-b: none in front of nothing.
      const inner = expandFormat(session, repo, commit, { ...style, format: `%%${rest[1]}` }, table)
      if (inner === '') { if (match[1] === '-') out = out.replace(/\n+$/, '') } else out += match[1] === '+' ? `\n${inner}` : match[1] === ' ' ? ` ${inner}` : inner
      i += 3
    } else {
      const letter = rest[0] ?? ''
      const value: string | undefined = letter === 'H' ? (auto ? session.paint('yellow', commit.id) : commit.id) : letter === 'h' ? (auto ? session.paint('yellow', repo.abbreviate(commit.id)) : repo.abbreviate(commit.id)) : letter === 'T' ? commit.tree : letter === 't' ? repo.abbreviate(commit.tree)
        : letter === 'P' ? commit.parents.join(' ') : letter === 'p' ? commit.parents.map((parent) => repo.abbreviate(parent)).join(' ') : letter === 's' ? subjectOf(message)
          : letter === 'f' ? subjectOf(message).replace(/[^A-Za-z0-9._]+/g, '-').replace(/\.{2,}/g, '.').replace(/^-+|[-.]+$/g, '') : letter === 'b' ? bodyOf(message) : letter === 'B' ? message : letter === 'n' ? '\n' : letter === '%' ? '%'
            : letter === 'd' ? decorationText(session, repo, table, commit.id, style.decorate === 'full' ? 'full' : 'short', undefined, auto) : letter === 'D' ? decorationText(session, repo, table, commit.id, style.decorate === 'full' ? 'full' : 'short', { prefix: '', suffix: '' }, false)
              : letter === 'e' || letter === 'N' ? '' : letter === 'm' ? style.mark ?? '' : letter === 'S' ? '' : letter === 'G' ? '' : undefined
      if (letter === 'G') { take(2, rest[1] === '?' ? 'N' : ''); continue }
      if (value === undefined) { out += '%'; i++ } else take(1, value)
    }
  }
  return out
}

