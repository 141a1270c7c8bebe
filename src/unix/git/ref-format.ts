import { fatal } from './failure.ts'
import { formatDate } from './identity.ts'
import type { Identity } from './identity.ts'
import { bodyOf, subjectOf } from './pretty.ts'
import type { Repository } from './repository.ts'
import { aheadBehind, peel, shortRef, upstreamOf } from './revision.ts'
import type { Session } from './session.ts'

/** `%(refname:short) %(objectname)` and its kin, for a ref. */
export function refFormat(session: Session, repo: Repository, ref: { name: string; id: string }, format: string): string {
  return format.replace(/%(?:\(([^)]*)\)|([0-9a-fA-F]{2})|(%))/g, (_, field: string | undefined, hex: string | undefined) => field !== undefined ? fieldOf(session, repo, ref, field) : hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : '%')
}

function fieldOf(session: Session, repo: Repository, ref: { name: string; id: string }, given: string): string {
  const peeled = given.startsWith('*')
  const [field = '', ...modifiers] = given.replace(/^\*/, '').split(':')
  const modifier = modifiers.join(':')
  let { id } = ref
  if (peeled) {
    if (repo.objects.typeOf(id) !== 'tag') return ''
    id = peel(repo, id)
  }
  const type = repo.objects.typeOf(id)!
  const commit = type === 'commit' ? repo.objects.commit(id) : undefined
  const tag = type === 'tag' ? repo.objects.tag(id) : undefined
  const message = commit?.message ?? tag?.message ?? ''
  const who = (identity: Identity | undefined, part: string): string => {
    if (!identity) return ''
    if (part === 'name') return identity.name
    if (part === 'email') return `<${identity.email}>`
    if (part === 'date') return formatDate(identity, modifier || 'default', session.nowSeconds)
    return `${identity.name} <${identity.email}> ${identity.seconds} ${identity.zone}`
  }
  const shorten = (name: string) => {
    if (modifier === 'short') return shortRef(repo, name)
    const strip = /^(?:l?strip|rstrip)=(-?\d+)$/.exec(modifier)
    if (!strip) return name
    const parts = name.split('/')
    const n = Number(strip[1])
    return (modifier.startsWith('rstrip') ? parts.slice(0, n < 0 ? -n : parts.length - n) : n < 0 ? parts.slice(n) : parts.slice(n)).join('/')
  }
  switch (field) {
    case 'refname': return shorten(ref.name)
    case 'objectname': return modifier.startsWith('short') ? repo.abbreviate(id, Number(modifier.split('=')[1] ?? repo.abbreviation)) : id
    case 'objecttype': return type
    case 'objectsize': return String(repo.objects.read(id).content.length)
    case 'tree': return commit?.tree ?? ''
    case 'parent': return commit?.parents.join(' ') ?? ''
    case 'subject': case 'contents': case 'body': {
      if (field === 'subject' || modifier === 'subject') return subjectOf(message)
      if (field === 'body' || modifier === 'body') return bodyOf(message)
      const lines = /^lines=(\d+)$/.exec(modifier)
      return lines ? message.split('\n').slice(0, Number(lines[1])).join('\n    ').trimEnd() : message
    }
    case 'author': case 'authorname': case 'authoremail': case 'authordate': return who(commit?.author, field.slice(6))
    case 'committer': case 'committername': case 'committeremail': case 'committerdate': return who(commit?.committer, field.slice(9))
    case 'tagger': case 'taggername': case 'taggeremail': case 'taggerdate': return who(tag?.tagger, field.slice(6))
    case 'creator': return who(commit?.committer ?? tag?.tagger, '')
    case 'creatordate': return who(commit?.committer ?? tag?.tagger, 'date')
    case 'tag': return tag?.tag ?? ''
    case 'object': return tag?.object ?? ''
    case 'type': return tag?.type ?? ''
    case 'HEAD': return repo.refs.target('HEAD') === ref.name ? '*' : ' '
    case 'symref': { const target = repo.refs.target(ref.name); return target === undefined ? '' : shorten(target) }
    case 'upstream': {
      const upstream = ref.name.startsWith('refs/heads/') ? upstreamOf(repo, ref.name.slice(11)) : undefined
      if (!upstream || upstream.ref === '') return ''
      if (!modifier.startsWith('track')) return shorten(upstream.ref)
      const other = repo.refs.id(upstream.ref)
      const plain = modifier.includes('nobracket')
      if (other === undefined) return plain ? 'gone' : '[gone]'
      const { ahead, behind } = aheadBehind(repo, ref.id, other)
      if (modifier.startsWith('trackshort')) return ahead && behind ? '<>' : ahead ? '>' : behind ? '<' : '='
      const text = [...ahead ? [`ahead ${ahead}`] : [], ...behind ? [`behind ${behind}`] : []].join(', ')
      return text === '' || plain ? text : `[${text}]`
    }
    case 'color': return ''
    default: throw fatal(`unknown field name: ${given}`)
  }
}
