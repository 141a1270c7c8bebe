/** pg_hba.conf: how whoever connects must prove who they are. */

export interface AccessRule { line: number; type: string; databases: readonly string[]; users: readonly string[]; address: string | undefined; mask: string | undefined; method: string; options: ReadonlyMap<string, string> }

/** Words of a line, where commas separate those of one field and quotes hold blanks. */
function fieldsOf(line: string): string[][] {
  const fields: string[][] = []
  let more = false
  for (const [, quoted, plain, comma] of line.matchAll(/"([^"]*)"|([^\s,"#]+)|(,)|#.*/g)) {
    if (comma) { more = true; continue }
    const word = quoted ?? plain
    if (word === undefined) break
    if (more) fields.at(-1)!.push(word)
    else fields.push([word])
    more = false
  }
  return fields
}

export function parseAccessRules(text: string): AccessRule[] {
  return text.split('\n').flatMap((line, i) => {
    const fields = fieldsOf(line)
    const [type, databases, users] = fields
    if (!type || !databases || !users) return []
    const local = type[0] === 'local'
    const address = local ? undefined : fields[3]?.[0]
    const hasMask = !local && /^[\d.]+$/.test(fields[4]?.[0] ?? '')
    const at = local ? 3 : hasMask ? 5 : 4
    const method = fields[at]?.[0]
    const options = new Map(fields.slice(at + 1).flat().flatMap((each): [string, string][] => { const [, name, value] = /^([^=]+)=(.*)$/s.exec(each) ?? []; return name === undefined ? [] : [[name, value!]] }))
    return method ? [{ line: i + 1, type: type[0]!, databases, users, address, mask: hasMask ? fields[4]![0] : undefined, method, options }] : []
  })
}

/** Whether pg_ident.conf lets a user of the system be a role. A name after a slash is a pattern; `\1` in the role's stands for what its parentheses took, and fits nobody where there are none. PostgreSQL: src/backend/libpq/hba.c check_ident_usermap */
export function isMapped(text: string, map: string, systemUser: string, role: string): boolean {
  return text.split('\n').some((line) => {
    const [[name] = [], [from = ''] = [], [to = ''] = []] = fieldsOf(line)
    if (name !== map || from === '') return false
    if (!from.startsWith('/')) return from === systemUser && (to === 'all' || to === role)
    let found: RegExpExecArray | null
    try { found = new RegExp(from.slice(1)).exec(systemUser) } catch { return false }
    if (found === null || (to.includes('\\1') && found[1] === undefined)) return false
    return to === 'all' || to.replace('\\1', () => found[1]!) === role
  })
}

const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)

function coversAddress(rule: AccessRule, ip: string): boolean {
  const { address } = rule
  if (address === 'all') return true
  if (address === 'samehost' || address === 'localhost') return /^127\./.test(ip) || ip === '::1'
  if (!address) return false
  const [base, length] = address.split('/')
  if (base!.includes(':') || ip.includes(':')) return base === ip || length === '0' && base!.includes(':') === ip.includes(':')
  if (!/^[\d.]+$/.test(base!)) return address === 'samenet'
  const bits = rule.mask ? 32 - Math.log2(2 ** 32 - number(rule.mask)) : Number(length ?? 32)
  const size = 2 ** (32 - bits)
  return Math.floor(number(base!) / size) === Math.floor(number(ip) / size)
}

/** The rule for a connection; `ip` is undefined where it comes over the Unix socket. `groups`: roles that the user is a member of. */
export function accessRule(rules: readonly AccessRule[], connection: { ip: string | undefined; database: string; user: string; groups: readonly string[] }): AccessRule | undefined {
  const { ip, database, user, groups } = connection
  return rules.find((rule) => {
    if (ip === undefined ? rule.type !== 'local' : rule.type !== 'host' && rule.type !== 'hostnossl') return false
    if (ip !== undefined && !coversAddress(rule, ip)) return false
    return rule.databases.some((each) => each === 'all' || each === database || (each === 'sameuser' && database === user) || ((each === 'samerole' || each === 'samegroup') && groups.includes(database)))
      && rule.users.some((each) => each === 'all' || each === user || (each.startsWith('+') && groups.includes(each.slice(1))))
  })
}
