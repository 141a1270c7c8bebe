import { readAll } from '../../../base/streams.ts'
import { byteOrder, decodeText, encodeText } from '../bytes.ts'
import { cleanMessage } from '../commit-object.ts'
import { GitFailure, fatal } from '../failure.ts'
import { formatIdentity } from '../identity.ts'
import { Options } from '../options.ts'
import { subjectOf } from '../pretty.ts'
import { refFormat } from '../ref-format.ts'
import { isRefName } from '../refs.ts'
import { ancestors, isAncestor, peel, resolve, resolveCommit, toType } from '../revision.ts'
import type { Session } from '../session.ts'
import { wildcard } from '../wildcard.ts'

/** Versions in the order in which people count them. */
export function versionOrder(a: string, b: string): number {
  const parts = (text: string) => text.match(/\d+|\D+/g) ?? []
  const [x, y] = [parts(a), parts(b)]
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    if (x[i] === undefined) return -1
    if (y[i] === undefined) return 1
    const numbers = /^\d/.test(x[i]!) && /^\d/.test(y[i]!)
    const order = numbers ? Number(x[i]) - Number(y[i]) : byteOrder(x[i]!, y[i]!)
    if (order !== 0) return order
  }
  return 0
}

export async function tag(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('tag', args, ['l|list', 'n?', 'd|delete', 'v|verify', 'a|annotate', 'm|message=', 'F|file=', 'e|edit', 's|sign', 'cleanup=', 'u|local-user=', 'f|force', 'create-reflog', 'column?', 'contains*', 'no-contains*', 'merged*', 'no-merged*', 'sort=', 'points-at*', 'format=', 'color?', 'i|ignore-case'])
  const repo = session.repository
  const { refs } = repo
  const { operands } = options
  if (options.has('delete')) {
    let code = 0
    for (const name of operands) {
      const id = refs.id(`refs/tags/${name}`)
      if (id === undefined) { await session.complain(`error: tag '${name}' not found.\n`); code = 1; continue }
      refs.remove(`refs/tags/${name}`)
      session.out(`Deleted tag '${name}' (was ${repo.abbreviate(id)})\n`)
    }
    return code
  }
  if (options.has('verify')) {
    for (const name of operands) {
      const id = refs.id(`refs/tags/${name}`)
      if (id === undefined) throw new GitFailure(`error: tag '${name}' not found.`, 1)
      if (repo.objects.typeOf(id) !== 'tag') throw new GitFailure(`error: ${name}: cannot verify a non-tag object of type ${repo.objects.typeOf(id)}.`, 1)
      session.out(decodeText(repo.objects.read(id).content))
      throw new GitFailure('error: no signature found', 1)
    }
    return 0
  }
  if (options.has('sign', 'local-user')) throw new GitFailure('error: gpg failed to sign the data\nerror: unable to sign the tag (there are no keys here; use -a for a tag without a signature)')
  const listing = options.has('list', 'n', 'contains', 'no-contains', 'merged', 'no-merged', 'points-at', 'sort', 'format') || operands.length === 0
  if (listing && !options.has('annotate', 'message', 'file')) {
    const patterns = operands.map((pattern) => wildcard(pattern, { paths: false, ignoreCase: options.has('ignore-case') }))
    let rows = refs.list('refs/tags/').filter(({ name }) => patterns.length === 0 || patterns.some((each) => each.test(name.slice(10))))
    const commitOf = (option: string) => {
      const text = options.value(option) ?? 'HEAD'
      const id = resolveCommit(repo, text)
      if (id === undefined) throw new GitFailure(`error: malformed object name ${text}`, 129)
      return id
    }
    const commit = (id: string) => toType(repo, id, 'commit')
    if (options.has('contains')) { const id = commitOf('contains'); rows = rows.filter((row) => { const own = commit(row.id); return own !== undefined && isAncestor(repo, id, own) }) }
    if (options.has('merged')) { const reached = ancestors(repo, [commitOf('merged')]); rows = rows.filter((row) => reached.has(commit(row.id) ?? '')) }
    if (options.has('no-merged')) { const reached = ancestors(repo, [commitOf('no-merged')]); rows = rows.filter((row) => !reached.has(commit(row.id) ?? '')) }
    if (options.has('points-at')) { const id = commitOf('points-at'); rows = rows.filter((row) => peel(repo, row.id) === id || row.id === id) }
    const sort = options.value('sort') ?? repo.config.get('tag.sort')
    if (sort !== undefined) {
      const key = sort.replace(/^-/, '')
      const date = (id: string) => (repo.objects.typeOf(id) === 'tag' ? repo.objects.tag(id).tagger : repo.objects.commit(id).committer)?.seconds ?? 0
      rows.sort((a, b) => /^(v|version):refname$/.test(key) ? versionOrder(a.name, b.name) : /date$/.test(key) ? date(a.id) - date(b.id) || byteOrder(a.name, b.name) : byteOrder(a.name, b.name))
      if (sort.startsWith('-')) rows.reverse()
    }
    const format = options.value('format')
    const lines = options.has('n') ? Number(options.value('n') ?? 1) : 0
    for (const row of rows) {
      if (format !== undefined) { session.out(`${refFormat(session, repo, row, format)}\n`); continue }
      if (lines === 0) { session.out(`${row.name.slice(10)}\n`); continue }
      const type = repo.objects.typeOf(row.id)
      const message = type === 'tag' ? repo.objects.tag(row.id).message : type === 'commit' ? repo.objects.commit(row.id).message : ''
      session.out(`${row.name.slice(10).padEnd(15)} ${lines === 1 ? subjectOf(message) : message.trimEnd().split('\n').slice(0, lines).join('\n    ')}\n`)
    }
    return 0
  }
  const [name = '', target = 'HEAD', ...more] = operands
  if (more.length > 0) throw fatal('too many arguments')
  if (!isRefName(`refs/tags/${name}`) || name.startsWith('-')) throw fatal(`'${name}' is not a valid tag name.`)
  const object = resolve(repo, target)
  if (object === undefined || !repo.objects.has(object)) throw fatal(`Failed to resolve '${target}' as a valid ref.`)
  const before = refs.id(`refs/tags/${name}`)
  if (before !== undefined && !options.has('force')) throw fatal(`tag '${name}' already exists`)
  let id = object
  if (options.has('annotate', 'message', 'file', 'edit')) {
    const type = repo.objects.typeOf(object)!
    const tagger = session.committer()
    let message = options.has('message') ? options.all('message').join('\n\n') : undefined
    if (options.has('file')) message = options.value('file') === '-' ? decodeText(await readAll(session.proc.stdin)) : session.proc.fs.readText(session.proc.resolve(options.value('file')!))
    if (message === undefined || options.has('edit')) {
      const path = `${repo.gitDir}/TAG_EDITMSG`
      repo.fs.writeFile(path, `${message ?? ''}\n#\n# Write a message for tag:\n#   ${name}\n# Lines starting with '#' will be ignored.\n`)
      message = await session.edit(path)
      repo.removeNotes('TAG_EDITMSG')
      message = cleanMessage(message, true)
      if (message === '') throw fatal('no tag message?')
    } else message = cleanMessage(message, false)
    if (type === 'tag') await session.complain(`hint: You have created a nested tag. The object referred to by your new tag is\nhint: already a tag. If you meant to tag the object that it points to, use:\nhint: \nhint: \tgit tag -f ${name} ${target}^{}\nhint: Disable this message with "git config advice.nestedTag false"\n`)
    id = repo.objects.write('tag', encodeText(`object ${object}\ntype ${type}\ntag ${name}\ntagger ${formatIdentity(tagger)}\n\n${message}`))
  }
  refs.update(`refs/tags/${name}`, id, '')
  if (before !== undefined && before !== id) session.out(`Updated tag '${name}' (was ${repo.abbreviate(before)})\n`)
  return 0
}
