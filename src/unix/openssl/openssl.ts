import { base64Of, bytesOfBase64 } from '../../base/base64.ts'
import { hexOf, pemOf } from '../../base/pem.ts'
import { readAll } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import type { Proc, Program } from '../types.ts'
import { certificateText, keyText, nameText, parseCertificate, parseRequest, requestText, serialText, timeText, colons } from './certificate-text.ts'
import type { Certificate } from './certificate-text.ts'
import { children, readDer, unsignedOf } from '../../base/der.ts'
import { createCertificate, createRequest, extensionOf, keyId, nameOf, readSections, sectionExtensions, verify } from './issue.ts'
import { md5Crypt } from './md5-crypt.ts'
import { CURVES, generateKey, pemBlocks, privateKeyOf, privateKeyPem, publicKeyOf, traditionalDer } from './keys.ts'
import type { Key, KeyKind } from './keys.ts'

/** What ends a command with a message. */
class Failure extends Error {}

const COMMANDS = ['base64', 'dgst', 'ec', 'ecparam', 'enc', 'genpkey', 'genrsa', 'passwd', 'pkey', 'rand', 'req', 'rsa', 'sha1', 'sha256', 'sha384', 'sha512', 'verify', 'version', 'x509']

/** `openssl`: keys, requests, certificates and digests as certificate stories need them. */
// @k8s part: openssl: encrypted keys, pkcs12, ca and s_client are missing
export const openssl: Program = async (proc) => {
  const [, command, ...rest] = proc.argv
  const tool = new Tool(proc, command ?? '')
  try {
    switch (command) {
      case 'version': await tool.print('OpenSSL 3.0.18 30 Sep 2025 (Library: OpenSSL 3.0.18 30 Sep 2025)\n'); return 0
      case 'genrsa': return await tool.genrsa(rest)
      case 'genpkey': return await tool.genpkey(rest)
      case 'ecparam': return await tool.ecparam(rest)
      case 'req': return await tool.req(rest)
      case 'x509': return await tool.x509(rest)
      case 'verify': return await tool.verify(rest)
      case 'rsa': case 'ec': case 'pkey': return await tool.pkey(rest, command)
      case 'rand': return await tool.rand(rest)
      case 'passwd': return await tool.passwd(rest)
      case 'base64': return await tool.base64(rest)
      case 'enc': if (!rest.includes('-base64') && !rest.includes('-a')) throw new Failure('only -base64 is known here'); return await tool.base64(rest)
      case 'dgst': case 'sha1': case 'sha256': case 'sha384': case 'sha512': return await tool.digest(command === 'dgst' ? rest : [`-${command}`, ...rest])
      case undefined: case 'help': case 'list':
        await tool.print(`Standard commands\n${COMMANDS.map((name) => name.padEnd(18)).reduce((lines, name, i) => lines + name + (i % 4 === 3 ? '\n' : ''), '')}\n`)
        return 0
      default:
        await proc.stderr.write(`Invalid command '${command}'; type "help" for a list.\n`)
        return 1
    }
  } catch (error) {
    if (error instanceof Failure) { await proc.stderr.write(`${error.message}\n`); return 1 }
    throw error
  }
}

/** Options by name; `values` are those that take a value. */
class Options {
  readonly #given = new Map<string, string[]>()
  readonly operands: string[] = []

  constructor(command: string, args: readonly string[], values: readonly string[], switches: readonly string[]) {
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!
      if (!arg.startsWith('-') || arg === '-') { this.operands.push(arg); continue }
      const name = arg.replace(/^--?/, '')
      if (values.includes(name)) {
        const value = args[++i]
        if (value === undefined) throw new Failure(`${command}: Option -${name} needs a value\n${command}: Use -help for summary.`)
        this.#given.set(name, [...this.#given.get(name) ?? [], value])
      } else if (switches.includes(name)) this.#given.set(name, [])
      else throw new Failure(`${command}: Unknown option or cipher: ${name}\n${command}: Use -help for summary.`)
    }
  }

  has(name: string): boolean {
    return this.#given.has(name)
  }

  value(name: string): string | undefined {
    return this.#given.get(name)?.at(-1)
  }

  all(name: string): string[] {
    return this.#given.get(name) ?? []
  }

  /** Names in the order they were given. */
  get order(): string[] {
    return [...this.#given.keys()]
  }
}

class Tool {
  readonly #proc: Proc
  readonly #name: string
  #input: Uint8Array | undefined

  constructor(proc: Proc, name: string) {
    this.#proc = proc
    this.#name = name
  }

  print(text: string | Uint8Array): Promise<void> {
    return this.#proc.stdout.write(text)
  }

  #outside<T>(work: Promise<T>): Promise<T> {
    return this.#proc.clock.outside(work)
  }

  async #read(path: string | undefined, what: string): Promise<Uint8Array> {
    if (path === undefined || path === '-' || path === '/dev/stdin') return this.#input ??= await readAll(this.#proc.stdin)
    try {
      const file = this.#proc.fs.open(this.#proc.resolve(path), 'r')
      const bytes = await readAll({ read: () => file.read(), cancel: () => file.close() })
      file.close()
      return bytes
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new Failure(`Can't open "${path}" for reading, ${errorText(error)}\nCould not open file or uri for loading ${what} from ${path}: ${errorText(error)}`)
    }
  }

  async #readText(path: string | undefined, what: string): Promise<string> {
    return new TextDecoder().decode(await this.#read(path, what))
  }

  async #write(path: string | undefined, data: string | Uint8Array, secret = false): Promise<void> {
    if (path === undefined) return this.print(data)
    try {
      this.#proc.fs.writeFile(this.#proc.resolve(path), data, secret ? { mode: 0o600 } : {})
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new Failure(`Can't open "${path}" for writing, ${errorText(error)}`)
    }
  }

  async #privateKey(path: string | undefined): Promise<Key> {
    const text = await this.#readText(path, 'private key')
    const key = await this.#outside(privateKeyOf(text).catch(() => undefined))
    if (!key) throw new Failure(`Could not find private key from ${path ?? '<stdin>'}`)
    return key
  }

  async #block(path: string | undefined, form: string | undefined, labels: RegExp, what: string): Promise<Uint8Array> {
    const bytes = await this.#read(path, what)
    if (/^der$/i.test(form ?? '')) return bytes
    const found = pemBlocks(new TextDecoder().decode(bytes)).find(({ label }) => labels.test(label))
    if (!found) throw new Failure(`Could not find ${what}${what === 'certificate' ? ` from ${path ?? '<stdin>'}` : ` from ${path ?? '<stdin>'}`}\nUnable to load ${what === 'certificate' ? 'certificate' : 'X509 request'}`)
    return found.der
  }

  async #certificate(path: string | undefined, form?: string): Promise<Certificate> {
    const bytes = await this.#block(path, form, /^(?:TRUSTED )?CERTIFICATE$/, 'certificate')
    try { return parseCertificate(bytes) } catch { throw new Failure('Unable to load certificate') }
  }

  #now(): number {
    return this.#proc.clock.nowMs()
  }

  #serial(): Uint8Array {
    const serial = this.#proc.random.bytes(20)
    serial[0] = (serial[0]! & 0x7f) | 0x40
    return serial
  }

  async genrsa(args: readonly string[]): Promise<number> {
    const options = new Options('genrsa', args, ['out', 'passout', 'rand'], ['traditional', 'F4', '3', 'quiet', 'verbose'])
    const bits = Number(options.operands[0] ?? 2048)
    if (!Number.isInteger(bits) || bits < 1024 || bits > 8192) throw new Failure(bits < 1024 ? 'Error setting RSA length' : `genrsa: Can't parse "${options.operands[0]}" as a number`)
    const key = await this.#outside(generateKey({ type: 'rsa', bits: Math.ceil(bits / 8) * 8 }))
    await this.#write(options.value('out'), privateKeyPem(key, options.has('traditional')), true)
    return 0
  }

  async genpkey(args: readonly string[]): Promise<number> {
    const options = new Options('genpkey', args, ['algorithm', 'pkeyopt', 'out', 'outform'], ['quiet', 'text'])
    const chosen = new Map(options.all('pkeyopt').map((each) => each.split(/:(.*)/s, 2) as [string, string]))
    const key = await this.#outside(generateKey(this.#kind(options.value('algorithm') ?? '', chosen)))
    await this.#write(options.value('out'), options.value('outform')?.toUpperCase() === 'DER' ? key.pkcs8! : privateKeyPem(key), true)
    return 0
  }

  #kind(algorithm: string, chosen: ReadonlyMap<string, string>): KeyKind {
    switch (algorithm.toLowerCase()) {
      case 'rsa': return { type: 'rsa', bits: Number(chosen.get('rsa_keygen_bits') ?? 2048) }
      case 'ec': return { type: 'ec', curve: this.#curve(chosen.get('ec_paramgen_curve') ?? 'P-256') }
      case 'ed25519': return { type: 'ed25519' }
      default: throw new Failure(`Error initializing ${algorithm} context`)
    }
  }

  #curve(name: string): 'P-256' | 'P-384' | 'P-521' {
    const curve = Object.values(CURVES).find((each) => each.name === name || each.openssl === name || (name === 'secp256r1' && each.bits === 256))
    if (!curve) throw new Failure(`unknown curve name (${name})`)
    return curve.name
  }

  async ecparam(args: readonly string[]): Promise<number> {
    const options = new Options('ecparam', args, ['name', 'out', 'in'], ['genkey', 'noout', 'list_curves'])
    if (options.has('list_curves')) { await this.print('  prime256v1: X9.62/SECG curve over a 256 bit prime field\n  secp384r1 : NIST/SECG curve over a 384 bit prime field\n  secp521r1 : NIST/SECG curve over a 521 bit prime field\n'); return 0 }
    const key = await this.#outside(generateKey({ type: 'ec', curve: this.#curve(options.value('name') ?? 'prime256v1') }))
    const parameters = children(children(readDer(key.spki))[0]!)[1]!.raw
    await this.#write(options.value('out'), (options.has('noout') ? '' : pemOf('EC PARAMETERS', parameters)) + (options.has('genkey') ? privateKeyPem(key, true) : ''), options.has('genkey'))
    return 0
  }

  async req(args: readonly string[]): Promise<number> {
    const options = new Options('req', args, ['key', 'keyout', 'out', 'in', 'subj', 'newkey', 'days', 'config', 'extensions', 'reqexts', 'addext', 'pkeyopt', 'inform', 'outform', 'CA', 'CAkey', 'set_serial', 'passout', 'passin', 'nameopt'],
      ['new', 'x509', 'nodes', 'noenc', 'noout', 'text', 'subject', 'pubkey', 'verify', 'sha256', 'sha384', 'sha512', 'utf8', 'batch', 'multivalue-rdn', 'verbose', 'quiet', 'modulus'])
    const makes = options.has('new') || options.has('newkey') || (options.has('x509') && !options.has('in'))
    if (!makes) {
      const bytes = await this.#block(options.value('in'), options.value('inform'), /^(?:NEW )?CERTIFICATE REQUEST$/, 'certificate request')
      const request = parseRequest(bytes)
      let ok = true
      if (options.has('verify')) {
        ok = await this.#outside(publicKeyOf(request.spki).then((key) => verify(key, request.info.raw, request.signature)))
        await this.#proc.stderr.write(ok ? 'Certificate request self-signature verify OK\n' : 'Certificate request self-signature verify failure\n')
      }
      let out = ''
      if (options.has('text')) out += requestText(request)
      if (options.has('pubkey')) out += pemOf('PUBLIC KEY', request.spki)
      if (options.has('subject')) out += `subject=${nameText(request.subject)}\n`
      if (options.has('modulus')) out += `Modulus=${modulusOf(request.spki)}\n`
      if (!options.has('noout')) out += pemOf('CERTIFICATE REQUEST', bytes)
      await this.#write(options.value('out'), out)
      return ok ? 0 : 1
    }
    const sections = options.value('config') === undefined ? new Map<string, Map<string, string>>() : readSections(await this.#readText(options.value('config'), 'configuration'))
    const main = sections.get('req')
    let key: Key
    if (options.value('key') !== undefined) key = await this.#privateKey(options.value('key'))
    else {
      const wanted = options.value('newkey') ?? `rsa:${main?.get('default_bits') ?? 2048}`
      const [algorithm, detail] = wanted.split(':')
      const chosen = new Map(options.all('pkeyopt').map((each) => each.split(/:(.*)/s, 2) as [string, string]))
      key = await this.#outside(generateKey(algorithm === 'rsa' ? { type: 'rsa', bits: Number(detail ?? 2048) } : this.#kind(algorithm!, chosen)))
      if (!options.has('nodes') && !options.has('noenc') && main?.get('encrypt_key') !== 'no') throw new Failure('Encrypted private keys are not supported here: add -nodes')
      await this.#write(options.value('keyout') ?? main?.get('default_keyfile') ?? 'privkey.pem', privateKeyPem(key), true)
    }
    let subject = options.value('subj')
    if (subject === undefined) {
      const named = main?.get('distinguished_name')
      const entries = [...(named && sections.get(named)) || []].filter(([name]) => !/_(?:default|min|max)$/.test(name))
      subject = main?.get('prompt') === 'no' ? entries.map(([name, value]) => `/${LONG_NAMES[name] ?? name}=${value}`).join('') : await this.#askSubject()
    }
    let name: Uint8Array
    try { name = nameOf(subject === '' ? '/' : subject) } catch (error) { throw new Failure(`req: ${(error as Error).message}`) }
    const extensionSection = options.value('x509') === undefined && options.has('x509') ? options.value('extensions') ?? main?.get('x509_extensions') : options.value('reqexts') ?? options.value('extensions') ?? main?.get('req_extensions')
    const id = await this.#outside(keyId(key.spki))
    const context = { subjectKeyId: id, issuerKeyId: id }
    let extensions: Uint8Array[]
    try {
      extensions = [...extensionSection ? sectionExtensions(sections, extensionSection, context) : [], ...options.all('addext').flatMap((each) => { const [type, value = ''] = each.split(/\s*=\s*(.*)/s, 2); return extensionOf(type!.trim(), value, context) ?? [] })]
    } catch (error) { throw new Failure((error as Error).message) }
    if (!options.has('x509')) {
      const request = await this.#outside(createRequest(key, name, extensions))
      await this.#write(options.value('out'), (options.has('text') ? requestText(parseRequest(request)) : '') + (options.has('noout') ? '' : pemOf('CERTIFICATE REQUEST', request)))
      return 0
    }
    const defaults = extensionSection ? [] : [extensionOf('subjectKeyIdentifier', 'hash', context)!, extensionOf('authorityKeyIdentifier', 'keyid', context)!, extensionOf('basicConstraints', 'critical,CA:true')!]
    const nowMs = this.#now()
    const certificate = await this.#outside(createCertificate(key, { serial: this.#serial(), subject: name, issuer: name, spki: key.spki, notBeforeMs: nowMs, notAfterMs: nowMs + Number(options.value('days') ?? 30) * 86_400_000, extensions: [...defaults, ...extensions] }))
    await this.#write(options.value('out'), (options.has('text') ? certificateText(parseCertificate(certificate)) : '') + (options.has('noout') ? '' : pemOf('CERTIFICATE', certificate)))
    return 0
  }

  /** Asks for a name as the default configuration does. */
  async #askSubject(): Promise<string> {
    await this.#proc.stderr.write('You are about to be asked to enter information that will be incorporated\ninto your certificate request.\nWhat you are about to enter is what is called a Distinguished Name or a DN.\nThere are quite a few fields but you can leave some blank\nFor some fields there will be a default value,\nIf you enter \'.\', the field will be left blank.\n-----\n')
    const questions: [string, string, string][] = [['C', 'Country Name (2 letter code)', 'AU'], ['ST', 'State or Province Name (full name)', 'Some-State'], ['L', 'Locality Name (eg, city)', ''], ['O', 'Organization Name (eg, company)', 'Internet Widgits Pty Ltd'], ['OU', 'Organizational Unit Name (eg, section)', ''], ['CN', 'Common Name (e.g. server FQDN or YOUR name)', ''], ['emailAddress', 'Email Address', '']]
    const decoder = new TextDecoder()
    let waiting = ''
    let subject = ''
    for (const [type, question, otherwise] of questions) {
      await this.#proc.stderr.write(`${question} [${otherwise}]:`)
      while (!waiting.includes('\n')) {
        const bytes = await this.#proc.stdin.read()
        if (!bytes) throw new Failure('\nproblems making Certificate Request')
        waiting += decoder.decode(bytes, { stream: true })
      }
      const at = waiting.indexOf('\n')
      const answer = waiting.slice(0, at).trim() || otherwise
      waiting = waiting.slice(at + 1)
      if (answer !== '' && answer !== '.') subject += `/${type}=${answer.replaceAll('/', '\\/')}`
    }
    return subject
  }

  async x509(args: readonly string[]): Promise<number> {
    const options = new Options('x509', args, ['in', 'out', 'CA', 'CAkey', 'CAserial', 'days', 'set_serial', 'extfile', 'extensions', 'inform', 'outform', 'signkey', 'key', 'checkend', 'nameopt', 'certopt', 'ext', 'checkhost', 'checkip', 'not_after', 'not_before', 'copy_extensions', 'subj'],
      ['req', 'noout', 'text', 'subject', 'issuer', 'dates', 'startdate', 'enddate', 'serial', 'fingerprint', 'pubkey', 'modulus', 'CAcreateserial', 'sha1', 'sha256', 'sha384', 'sha512', 'hash', 'subject_hash', 'issuer_hash', 'email', 'purpose', 'new', 'md5'])
    let certificate: Certificate
    if (options.has('req')) certificate = await this.#issue(options)
    else certificate = await this.#certificate(options.value('in') ?? options.operands[0], options.value('inform'))
    let out = ''
    let status = 0
    for (const name of options.order) {
      switch (name) {
        case 'text': out += certificateText(certificate); break
        case 'subject': out += `subject=${nameText(certificate.subject)}\n`; break
        case 'issuer': out += `issuer=${nameText(certificate.issuer)}\n`; break
        case 'dates': out += `notBefore=${timeText(certificate.notBeforeMs)}\nnotAfter=${timeText(certificate.notAfterMs)}\n`; break
        case 'startdate': out += `notBefore=${timeText(certificate.notBeforeMs)}\n`; break
        case 'enddate': out += `notAfter=${timeText(certificate.notAfterMs)}\n`; break
        case 'serial': out += `serial=${serialText(certificate.serial)}\n`; break
        case 'pubkey': out += pemOf('PUBLIC KEY', certificate.spki); break
        case 'modulus': out += `Modulus=${modulusOf(certificate.spki)}\n`; break
        case 'email': break
        case 'ext': out += certificateText(certificate).split('\n').reduce<{ on: boolean; text: string }>((sum, line) => {
          const title = /^ {12}X509v3 ([\w ]+):/.exec(line)
          const on = title ? options.value('ext')!.split(',').some((each) => each.toLowerCase() === { 'Subject Alternative Name': 'subjectaltname', 'Key Usage': 'keyusage', 'Extended Key Usage': 'extendedkeyusage', 'Basic Constraints': 'basicconstraints', 'Subject Key Identifier': 'subjectkeyidentifier', 'Authority Key Identifier': 'authoritykeyidentifier' }[title[1]!]) : sum.on && line.startsWith(' '.repeat(16))
          return { on, text: on ? `${sum.text}${line.slice(12)}\n` : sum.text }
        }, { on: false, text: '' }).text; break
        case 'fingerprint': {
          const hash = ['sha256', 'sha384', 'sha512'].find((each) => options.has(each)) ?? 'sha1'
          const digest = new Uint8Array(await this.#outside(crypto.subtle.digest(hash.replace('sha', 'SHA-'), Uint8Array.from(certificate.raw))))
          out += `${hash} Fingerprint=${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':')}\n`
          break
        }
        case 'checkend': {
          const expires = this.#now() + Number(options.value('checkend')) * 1000 > certificate.notAfterMs
          out += expires ? 'Certificate will expire\n' : 'Certificate will not expire\n'
          status = expires ? 1 : 0
          break
        }
      }
    }
    const isDer = options.value('outform')?.toUpperCase() === 'DER'
    if (isDer && !options.has('noout')) { await this.#write(options.value('out'), certificate.raw); return status }
    if (!options.has('noout')) out += pemOf('CERTIFICATE', certificate.raw)
    await this.#write(options.value('out'), out)
    return status
  }

  async #issue(options: Options): Promise<Certificate> {
    const request = parseRequest(await this.#block(options.value('in'), options.value('inform'), /^(?:NEW )?CERTIFICATE REQUEST$/, 'certificate request'))
    const publicKey = await this.#outside(publicKeyOf(request.spki))
    if (!await this.#outside(verify(publicKey, request.info.raw, request.signature))) throw new Failure('Certificate request self-signature did not match the contents')
    const own = options.value('signkey') ?? options.value('key')
    const caPath = options.value('CA')
    if (own === undefined && caPath === undefined) throw new Failure('x509: Error: Can\'t sign without a key: give -CA and -CAkey, or -signkey')
    const authority = caPath === undefined ? undefined : await this.#certificate(caPath)
    const key = await this.#privateKey(own ?? options.value('CAkey') ?? caPath)
    if (authority && hexOf(authority.spki) !== hexOf(key.spki)) throw new Failure('CA certificate and CA private key do not match')
    let serial = options.value('set_serial') === undefined ? this.#serial() : bytesOfHex(BigInt(options.value('set_serial')!).toString(16))
    if (authority && options.value('set_serial') === undefined && (options.has('CAcreateserial') || options.has('CAserial'))) {
      // The next number stands in a file beside the authority's certificate.
      const file = options.value('CAserial') ?? caPath!.replace(/\.[^./]*$/, '') + '.srl'
      const path = this.#proc.resolve(file)
      if (this.#proc.fs.exists(path)) { serial = bytesOfHex((BigInt(`0x${this.#proc.fs.readText(path).trim()}`) + 1n).toString(16)) }
      await this.#write(file, `${serialText(serial)}\n`)
    }
    const subjectKeyId = await this.#outside(keyId(request.spki))
    const context = { subjectKeyId, issuerKeyId: await this.#outside(keyId(authority?.spki ?? request.spki)) }
    let extensions: Uint8Array[] = []
    try {
      if (options.value('extfile') !== undefined) {
        const sections = readSections(await this.#readText(options.value('extfile'), 'extensions'))
        extensions = sectionExtensions(sections, options.value('extensions') ?? sections.get('')?.get('extensions') ?? '', context)
      } else extensions = [extensionOf('subjectKeyIdentifier', 'hash', context)!, ...(authority ? [extensionOf('authorityKeyIdentifier', 'keyid', context)!] : [])]
      if (/^copy/.test(options.value('copy_extensions') ?? '')) extensions.push(...request.extensions.map((each) => each.raw))
    } catch (error) { throw new Failure((error as Error).message) }
    const nowMs = this.#now()
    const raw = await this.#outside(createCertificate(key, {
      serial, subject: request.subject.raw, issuer: (authority ?? request).subject.raw, spki: request.spki, notBeforeMs: nowMs, notAfterMs: nowMs + Number(options.value('days') ?? 30) * 86_400_000, extensions,
    }))
    await this.#proc.stderr.write(`Certificate request self-signature ok\nsubject=${nameText(request.subject)}\n`)
    return parseCertificate(raw)
  }

  async verify(args: readonly string[]): Promise<number> {
    const options = new Options('verify', args, ['CAfile', 'untrusted', 'purpose', 'partial_chain', 'CApath'], ['verbose', 'show_chain', 'no-CAfile', 'no-CApath'])
    const load = async (path: string | undefined) => path === undefined ? [] : pemBlocks(await this.#readText(path, 'certificate')).filter(({ label }) => label === 'CERTIFICATE').map(({ der }) => parseCertificate(der))
    const trusted = await load(options.value('CAfile'))
    const others = await load(options.value('untrusted'))
    let status = 0
    for (const path of options.operands.length > 0 ? options.operands : [undefined]) {
      const certificate = await this.#certificate(path)
      const problem = await this.#chainProblem(certificate, trusted, others)
      const shown = path ?? 'stdin'
      if (problem === undefined) { await this.print(`${shown}: OK\n`); continue }
      status = 2
      await this.#proc.stderr.write(`${nameText(problem.certificate.subject)}\nerror ${problem.number} at ${problem.depth} depth lookup: ${problem.text}\nerror ${shown}: verification failed\n`)
    }
    return status
  }

  async #chainProblem(leaf: Certificate, trusted: readonly Certificate[], others: readonly Certificate[]): Promise<{ number: number; depth: number; text: string; certificate: Certificate } | undefined> {
    let current = leaf
    for (let depth = 0; depth < 10; depth++) {
      const nowMs = this.#now()
      if (nowMs < current.notBeforeMs) return { number: 9, depth, text: 'certificate is not yet valid', certificate: current }
      if (nowMs > current.notAfterMs) return { number: 10, depth, text: 'certificate has expired', certificate: current }
      const isTrusted = trusted.some((each) => hexOf(each.raw) === hexOf(current.raw))
      const issuedBy = (each: Certificate) => hexOf(each.subject.raw) === hexOf(current.issuer.raw)
      const issuer = trusted.find(issuedBy) ?? others.find(issuedBy)
      if (isTrusted && hexOf(current.subject.raw) === hexOf(current.issuer.raw)) return undefined
      if (!issuer) return hexOf(current.subject.raw) === hexOf(current.issuer.raw) ? { number: 18, depth, text: 'self-signed certificate', certificate: current } : { number: 20, depth, text: 'unable to get local issuer certificate', certificate: current }
      const key = await this.#outside(publicKeyOf(issuer.spki))
      if (!await this.#outside(verify(key, current.tbs.raw, current.signature))) return { number: 7, depth, text: 'certificate signature failure', certificate: current }
      current = issuer
    }
    return { number: 22, depth: 10, text: 'certificate chain too long', certificate: current }
  }

  async pkey(args: readonly string[], command: string): Promise<number> {
    const options = new Options(command, args, ['in', 'out', 'inform', 'outform', 'passin', 'passout'], ['pubin', 'pubout', 'noout', 'text', 'check', 'modulus', 'traditional', 'text_pub', 'param_out'])
    let key: Key
    if (options.has('pubin')) key = await this.#outside(publicKeyOf(await this.#block(options.value('in'), options.value('inform'), /^PUBLIC KEY$/, 'public key')))
    else if (/^der$/i.test(options.value('inform') ?? '')) key = await this.#outside(privateKeyOf(pemOf('PRIVATE KEY', await this.#read(options.value('in'), 'private key')))) ?? (() => { throw new Failure('Could not read private key') })()
    else key = await this.#privateKey(options.value('in'))
    let out = ''
    if (options.has('check')) out += command === 'rsa' ? 'RSA key ok\n' : 'Key is valid\n'
    if (options.has('text') || options.has('text_pub')) out += this.#keyDetails(key, options.has('pubin') || options.has('text_pub'))
    if (options.has('modulus')) out += `Modulus=${modulusOf(key.spki)}\n`
    const asPublic = options.has('pubin') || options.has('pubout')
    if (!options.has('noout')) {
      if (!options.has('pubin')) await this.#proc.stderr.write(command === 'pkey' ? '' : `writing ${command.toUpperCase()} key\n`)
      else await this.#proc.stderr.write(command === 'pkey' ? '' : `writing ${command.toUpperCase()} key\n`)
      if (options.value('outform')?.toUpperCase() === 'DER') {
        await this.#write(options.value('out'), asPublic ? key.spki : options.has('traditional') ? traditionalDer(key) : key.pkcs8!)
        return 0
      }
      out += asPublic ? pemOf('PUBLIC KEY', key.spki) : privateKeyPem(key, options.has('traditional') || command === 'ec')
    }
    await this.#write(options.value('out'), out, !asPublic)
    return 0
  }

  #keyDetails(key: Key, publicOnly: boolean): string {
    if (publicOnly || key.kind.type !== 'rsa') return keyText(key.spki, '').split('\n').slice(1).map((line) => line.replace(/^ {4}/, '')).join('\n').replace(/^Public-Key/, publicOnly ? 'Public-Key' : 'Private-Key')
    const [, modulus, exponent, secret, p, q] = children(readDer(traditionalDer(key)))
    const e = unsignedOf(exponent!.value).reduce((sum, byte) => sum * 256 + byte, 0)
    return `Private-Key: (${key.kind.bits} bit, 2 primes)\nmodulus:\n${colons(modulus!.value, '    ', 15)}publicExponent: ${e} (0x${e.toString(16)})\nprivateExponent:\n${colons(secret!.value, '    ', 15)}prime1:\n${colons(p!.value, '    ', 15)}prime2:\n${colons(q!.value, '    ', 15)}`
  }

  async rand(args: readonly string[]): Promise<number> {
    const options = new Options('rand', args, ['out'], ['hex', 'base64'])
    const count = Number(options.operands[0])
    if (!Number.isInteger(count) || count < 0) throw new Failure('rand: Extra option or missing length\nrand: Use -help for summary.')
    const bytes = this.#proc.random.bytes(count)
    await this.#write(options.value('out'), options.has('hex') ? `${hexOf(bytes)}\n` : options.has('base64') ? base64Of(bytes).replace(/.{1,64}/g, '$&\n') : bytes)
    return 0
  }

  async passwd(args: readonly string[]): Promise<number> {
    const options = new Options('passwd', args, ['salt', 'in'], ['apr1', '1', 'stdin', 'noverify', 'quiet'])
    const fromInput = options.has('stdin') || options.value('in') !== undefined
    if (!fromInput && options.operands.length === 0) throw new Failure('passwd: passwords are taken from the command line, -stdin or -in FILE here')
    const passwords = fromInput ? new TextDecoder().decode(await this.#read(options.value('in'), 'data')).split('\n').filter((line) => line !== '') : options.operands
    for (const password of passwords) {
      const salt = options.value('salt') ?? base64Of(this.#proc.random.bytes(6)).replaceAll('+', '.')
      await this.print(`${md5Crypt(password, salt.slice(0, 8), options.has('apr1') ? 'apr1' : '1')}\n`)
    }
    return 0
  }

  async base64(args: readonly string[]): Promise<number> {
    const options = new Options(this.#name, args, ['in', 'out'], ['d', 'e', 'A', 'base64', 'a'])
    const bytes = await this.#read(options.value('in') ?? options.operands[0], 'data')
    if (!options.has('d')) { const text = base64Of(bytes); await this.#write(options.value('out'), options.has('A') ? text : text.replace(/.{1,64}/g, '$&\n')); return 0 }
    try {
      await this.#write(options.value('out'), bytesOfBase64(new TextDecoder().decode(bytes).replace(/\s/g, '')))
      return 0
    } catch {
      throw new Failure('error reading input file')
    }
  }

  async digest(args: readonly string[]): Promise<number> {
    const hash = ['sha512', 'sha384', 'sha256', 'sha1'].find((each) => args.includes(`-${each}`)) ?? 'sha256'
    const options = new Options('dgst', args, ['out', 'sign', 'verify', 'signature'], ['sha1', 'sha256', 'sha384', 'sha512', 'hex', 'binary', 'r', 'c'])
    for (const path of options.operands.length > 0 ? options.operands : [undefined]) {
      const bytes = await this.#read(path, 'data')
      const digest = new Uint8Array(await this.#outside(crypto.subtle.digest(hash.replace('sha', 'SHA-'), Uint8Array.from(bytes))))
      const label = hash === 'sha1' ? 'SHA1' : hash.replace('sha', 'SHA2-')
      await this.#write(options.value('out'), options.has('binary') ? digest : options.has('r') ? `${hexOf(digest)} *${path ?? 'stdin'}\n` : `${label}(${path ?? 'stdin'})= ${hexOf(digest)}\n`)
    }
    return 0
  }
}

const LONG_NAMES: Readonly<Record<string, string>> = { commonName: 'CN', organizationName: 'O', organizationalUnitName: 'OU', countryName: 'C', stateOrProvinceName: 'ST', localityName: 'L' }

function modulusOf(spki: Uint8Array): string {
  const bits = children(readDer(spki))[1]!.value.subarray(1)
  try { return hexOf(unsignedOf(children(readDer(bits))[0]!.value)).toUpperCase() } catch { return 'No modulus for this public key type' }
}

function bytesOfHex(text: string): Uint8Array {
  const even = text.length % 2 ? `0${text}` : text
  return Uint8Array.from(even.match(/../g) ?? ['00'], (pair) => Number.parseInt(pair, 16))
}

