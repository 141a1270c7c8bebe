import { base64Of, bytesOfBase64Url } from '../base/base64.ts'
import { pemOf } from '../base/pem.ts'
import { UnixError } from './types.ts'
import type { Proc, Program } from './types.ts'
import { parseOptions, utilityProgram } from './utilities/utility.ts'
import { createPipe, readAll } from '../base/streams.ts'

const RSA_BITS = 3072

/** `ssh-keygen`: makes a pair of keys. */
// @k8s part: ssh-keygen: makes RSA keys without passphrase; other types, passphrases and everything else are missing
export const sshKeygen: Program = utilityProgram(async (context) => {
  const { proc, out, err } = context
  const options = parseOptions(context.args, 't:b:f:N:C:q', {})
  const kind = options.value('t') ?? 'rsa'
  if (kind !== 'rsa') { await err(`drydock: ssh-keygen -t ${kind} is not supported\n`); return 1 }
  if (options.value('N')) { await err('drydock: passphrases are not supported\n'); return 1 }
  const isQuiet = options.has('q')
  const say = async (text: string) => { if (!isQuiet) await out(text) }
  await say('Generating public/private rsa key pair.\n')
  const standard = `${proc.env['HOME'] || proc.user.home}/.ssh/id_rsa`
  const ask = async (question: string) => { await out(question); return readLine(proc) }
  const path = proc.resolve(options.value('f') ?? (await ask(`Enter file in which to save the key (${standard}): `) || standard))
  if (proc.fs.exists(path) && (await ask(`${path} already exists.\nOverwrite (y/n)? `)).toLowerCase() !== 'y') return 1
  const folder = path.slice(0, path.lastIndexOf('/'))
  if (!proc.fs.exists(folder)) {
    proc.fs.mkdir(folder, { recursive: true, mode: 0o700 })
    await say(`Created directory '${folder}'.\n`)
  }
  if (options.value('N') === undefined && (await ask('Enter passphrase (empty for no passphrase): ') || await ask('Enter same passphrase again: '))) { await err('drydock: passphrases are not supported\n'); return 1 }
  const comment = options.value('C') ?? `${proc.user.name}@${proc.machine.hostname}`
  const { privatePem, publicBlob } = await proc.clock.outside(makeRsaKey(Number(options.value('b') ?? RSA_BITS)))
  try {
    proc.fs.writeFile(path, privatePem, { mode: 0o600 })
    proc.fs.writeFile(`${path}.pub`, `ssh-rsa ${base64Of(publicBlob)} ${comment}\n`, { mode: 0o644 })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await err(`Saving key "${path}" failed: ${error.message}\n`)
    return 1
  }
  const digest = new Uint8Array(await proc.clock.outside(crypto.subtle.digest('SHA-256', publicBlob as Uint8Array<ArrayBuffer>)))
  await say(`Your identification has been saved in ${path}\nYour public key has been saved in ${path}.pub\nThe key fingerprint is:\nSHA256:${base64Of(digest).replace(/=+$/, '')} ${comment}\n`)
  return 0
}, 'gnu', 'ssh-keygen')

/** `ssh-copy-id [-i FILE] [USER@]HOST`: lets whoever has a key in. */
export const sshCopyId: Program = utilityProgram(async (context) => {
  const { proc, out, err } = context
  const options = parseOptions(context.args, 'i:p:f', {})
  const [target] = options.operands
  const say = (text: string) => err(`/usr/bin/ssh-copy-id: ${text}\n`)
  if (target === undefined) { await err('Usage: /usr/bin/ssh-copy-id [-h|-?|-f|-n|-s|-x] [-i [identity_file]] [-p port] [-F alternative ssh_config file] [-t target_path] [[-o <ssh -o options>] ...] [user@]hostname\n'); return 1 }
  const wanted = options.value('i') ?? `${proc.env['HOME'] || proc.user.home}/.ssh/id_rsa`
  const path = proc.resolve(wanted.endsWith('.pub') ? wanted : `${wanted}.pub`)
  if (!proc.fs.exists(path)) {
    await say(options.value('i') === undefined ? 'ERROR: No identities found' : `ERROR: failed to open ID file '${path}': No such file`)
    return 1
  }
  await say(`INFO: Source of key(s) to be installed: "${path}"`)
  await say('INFO: attempting to log in with the new key(s), to filter out any that are already installed')
  const line = proc.fs.readText(path).trim()
  const ssh = async (command: string) => {
    const pipe = createPipe(1 << 20)
    const process = proc.spawn(['ssh', '-T', ...options.value('p') ? ['-p', options.value('p')!] : [], target, command], { stdin: { read: async () => null, cancel() {} }, stdout: pipe.writer })
    const text = readAll(pipe.reader)
    const { code } = await process.wait()
    pipe.writer.close()
    return { code, text: new TextDecoder().decode(await text) }
  }
  const present = await ssh('cat ~/.ssh/authorized_keys 2>/dev/null; true')
  if (present.code !== 0) { await say('ERROR: the login failed'); return 1 }
  if (present.text.includes(line.split(' ')[1]!) && !options.has('f')) {
    await say('WARNING: All keys were skipped because they already exist on the remote system.\n\t\t(if you think this is a mistake, you may want to use -f option)\n')
    return 0
  }
  await say('INFO: 1 key(s) remain to be installed -- if you are prompted now it is to install the new keys')
  const { code } = await ssh(`umask 077; mkdir -p ~/.ssh && echo '${line.replaceAll("'", "'\\''")}' >> ~/.ssh/authorized_keys`)
  if (code !== 0) return 1
  await out(`\nNumber of key(s) added: 1\n\nNow try logging into the machine, with:   "ssh '${target}'"\nand check to make sure that only the key(s) you wanted were added.\n\n`)
  return 0
}, 'gnu', 'ssh-copy-id')

async function readLine(proc: Proc): Promise<string> {
  let text = ''
  for (let bytes = await proc.stdin.read(); bytes; bytes = await proc.stdin.read()) {
    text += new TextDecoder().decode(bytes)
    if (text.includes('\n')) break
  }
  return text.split('\n')[0]!.trim()
}

async function makeRsaKey(bits: number): Promise<{ privatePem: string; publicBlob: Uint8Array }> {
  const pair = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: bits, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify'])
  const [pkcs8, jwk] = await Promise.all([crypto.subtle.exportKey('pkcs8', pair.privateKey), crypto.subtle.exportKey('jwk', pair.publicKey)])
  const number = (text = '') => {
    const bytes = bytesOfBase64Url(text)
    // A first bit that is set would make it negative.
    return bytes[0]! & 0x80 ? Uint8Array.of(0, ...bytes) : bytes
  }
  const parts = [new TextEncoder().encode('ssh-rsa'), number(jwk.e), number(jwk.n)]
  const publicBlob = Uint8Array.from(parts.flatMap((part) => [part.length >>> 24, (part.length >>> 16) & 255, (part.length >>> 8) & 255, part.length & 255, ...part]))
  return { privatePem: pemOf('PRIVATE KEY', new Uint8Array(pkcs8)), publicBlob }
}

