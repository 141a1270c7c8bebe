import { readLineBytes, isSharedReader } from '../input.ts'
import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import type { Proc, Program } from '../types.ts'
import { isPassword } from './kept-passwords.ts'
import { md5Crypt } from './md5-crypt.ts'

const USAGE = `Usage:
	htpasswd [-cimBdpsDv] [-C cost] [-r rounds] passwordfile username
	htpasswd -b[cmBdpsDv] [-C cost] [-r rounds] passwordfile username password

	htpasswd -n[imBdps] [-C cost] [-r rounds] username
	htpasswd -nb[mBdps] [-C cost] [-r rounds] username password
`
const SALT_LETTERS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Apache's htpasswd: users and passwords in a file, or on standard output with -n. */
// @k8s part: htpasswd: -d, -s and SHA-2 (-2, -5, -r) are missing
export const htpasswd: Program = async (proc) => {
  const flags = new Set<string>()
  const rest: string[] = []
  let cost = 5
  const args = proc.argv.slice(1)
  for (let i = 0; i < args.length; i++) {
    if (!/^-./.test(args[i]!) || rest.length > 0) { rest.push(args[i]!); continue }
    for (const letter of args[i]!.slice(1)) {
      if (letter === 'C') { cost = Number(args[++i]); if (!(cost >= 4 && cost <= 17)) { await proc.stderr.write('htpasswd: argument to -C must be an integer between 4 and 17\n'); return 2 } continue }
      if (!'cinbmBpDv'.includes(letter)) { await proc.stderr.write('ds25r'.includes(letter) ? `htpasswd: -${letter} is not supported here\n` : USAGE); return 2 }
      flags.add(letter)
    }
  }
  const [file, user, given] = flags.has('n') ? [undefined, ...rest] : rest
  if (user === undefined || flags.has('b') && !flags.has('D') && given === undefined || !flags.has('n') && file === undefined) { await proc.stderr.write(USAGE); return 2 }
  if (flags.has('c') && flags.has('n')) { await proc.stderr.write('htpasswd: -c and -n options conflict\n'); return 2 }
  if (user.includes(':')) { await proc.stderr.write("htpasswd: username contains illegal character ':'\n"); return 6 }
  const path = file === undefined ? undefined : proc.resolve(file)
  let lines: string[] = []
  if (path !== undefined && !flags.has('c')) {
    if (!proc.fs.exists(path)) { await proc.stderr.write(`htpasswd: cannot modify file ${file}; use '-c' to create it\n`); return 1 }
    lines = proc.fs.readText(path).split('\n').filter((line) => line !== '')
  }
  const at = lines.findIndex((line) => line.startsWith(`${user}:`))
  if (flags.has('D')) {
    await proc.stderr.write(at < 0 ? `User ${user} not found\n` : `Deleting password for user ${user}\n`)
    if (at >= 0) lines.splice(at, 1)
  } else {
    const password = given ?? await askPassword(proc, flags.has('i'), flags.has('v'))
    if (password === undefined) { await proc.stderr.write('htpasswd: password verification error\n'); return 3 }
    if (flags.has('v')) {
      if (at < 0) { await proc.stderr.write(`User ${user} not found\n`); return 6 }
      const isRight = await proc.clock.outside(isPassword(password, lines[at]!.slice(user.length + 1)))
      await proc.stderr.write(isRight ? `Password for user ${user} correct.\n` : 'password verification failed\n')
      return isRight ? 0 : 3
    }
    if (flags.has('p')) await proc.stderr.write('Warning: storing passwords as plain text might just not work on this platform.\n')
    const line = `${user}:${await hashed(proc, password, flags.has('B') ? 'bcrypt' : flags.has('p') ? 'plain' : 'apr1', cost)}`
    if (path === undefined) { await proc.stdout.write(`${line}\n\n`); return 0 }
    await proc.stderr.write(`${at < 0 ? 'Adding' : 'Updating'} password for user ${user}\n`)
    if (at < 0) lines.push(line)
    else lines[at] = line
  }
  try {
    proc.fs.writeFile(path!, lines.map((line) => `${line}\n`).join(''))
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await proc.stderr.write(`htpasswd: cannot create file ${file}: ${errorText(error)}\n`)
    return 1
  }
  return 0
}

async function hashed(proc: Proc, password: string, kind: 'apr1' | 'bcrypt' | 'plain', cost: number): Promise<string> {
  if (kind === 'plain') return password
  if (kind === 'apr1') return md5Crypt(password, Array.from({ length: 8 }, () => SALT_LETTERS[proc.random.int(64)]!).join(''), 'apr1')
  const { encodeBase64, hashSync } = await proc.clock.outside(import('bcryptjs'))
  return hashSync(password, `$2y$${String(cost).padStart(2, '0')}$${encodeBase64(proc.random.bytes(16), 16)}`)
}

/** A password from standard input: typed twice, unless it comes from a script or is only compared; undefined when they differ. */
async function askPassword(proc: Proc, fromInput: boolean, once: boolean): Promise<string | undefined> {
  const read = async (prompt: string) => {
    if (!fromInput) await proc.stderr.write(prompt)
    const wasRaw = proc.tty?.raw
    const bytes = isSharedReader(proc.stdin) ? await readLineBytes(proc.stdin) : await proc.stdin.read()
    if (!fromInput && wasRaw !== undefined) await proc.stderr.write('\n')
    return new TextDecoder().decode(bytes ?? new Uint8Array()).replace(/\r?\n$/, '')
  }
  if (fromInput) return read('')
  const first = await read(once ? 'Enter password: ' : 'New password: ')
  return once || await read('Re-type new password: ') === first ? first : undefined
}
