import { describe, expect, it } from 'vitest'
import { hexOf } from '../../../base/pem.ts'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import { decodeDns, dnsAnswer, dnsQuery, encodeDns } from '../../../unix/net/dns.ts'
import type { RecordType } from '../../../unix/net/dns.ts'
import { coreDnsImage, coredns, otherCoreDnsImages } from './coredns.ts'
import { hashedText, parseCorefile } from './corefile.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

/** CoreDNS with a Corefile, on a machine where a resolver for another zone listens on port 5353. */
async function serving(corefile: string, files: Record<string, string> = {}, program = coredns({ version: '1.14.2', goVersion: 'go1', commit: 'abc' })) {
  const on = testMachine({ programs: { '/coredns': program }, files: { '/etc/coredns/Corefile': corefile, ...files } })
  on.machine.net.listenUdp(5353, (payload) => { const query = decodeDns(payload); return encodeDns(dnsAnswer(query, 'NOERROR', [{ name: query.questions[0]!.name, type: 'A', ttlSeconds: 60, data: '192.0.2.53' }])) })
  let printed = ''
  let code: number | undefined
  const write = async (text: string | Uint8Array) => { printed += String(text) }
  const process = on.machine.start(['/coredns', '-conf', '/etc/coredns/Corefile'], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: { write, close() {} }, stderr: { write, close() {} } })
  void process.wait().then((status) => { code = status.code })
  await on.clock.until(() => code !== undefined || printed.includes('CoreDNS-1.'), { withinMs: 10_000 })
  const ask = async (name: string, type: RecordType = 'A', port = 53) => {
    let answer: string | undefined
    void on.machine.net.askUdp('127.0.0.1', port, encodeDns(dnsQuery(1, name, type)), 10_000).then((bytes) => { const { code: rcode, answers } = decodeDns(bytes); answer = answers.length > 0 ? answers.map(({ data }) => data).join() : rcode }, (error: { code: string }) => { answer = error.code })
    await on.clock.until(() => answer !== undefined, { withinMs: 60_000 })
    return answer
  }
  return { ...on, ask, printed: () => printed, code: () => code }
}

it('the closest block answers, and forwards to the resolvers that it names', async () => {
  const { ask, printed } = await serving('.:53 {\n  errors\n  hosts {\n    10.0.0.1 a.example.com b.example.com\n    fallthrough\n  }\n  forward . /etc/resolv.conf\n}\nacme.local {\n  forward . 127.0.0.1:5353\n}\nacme.local:1053 {\n  whoami\n}\nlost.local {\n  errors\n  forward . 127.0.0.1:9\n}\n')
  expect(await ask('B.example.com')).toBe('10.0.0.1')
  expect(await ask('a.example.com', 'AAAA')).toBe('NOERROR')
  expect(await ask('1.0.0.10.in-addr.arpa', 'PTR')).toBe('a.example.com,b.example.com')
  expect(await ask('example.org')).toBe('NXDOMAIN')
  expect(await ask('any.acme.local')).toBe('192.0.2.53')
  expect(await ask('any.acme.local', 'A', 1053)).toBe('NOERROR')
  expect(await ask('x.lost.local')).toBe('SERVFAIL')
  expect(printed()).toMatch(/\[ERROR\] plugin\/errors: 2 x\.lost\.local\. A: read udp \S*->127\.0\.0\.1:9: read: connection refused/)
})

it('hosts without fallthrough keep a name to themselves, log tells of it, and rewrite answers under the name that was asked for', async () => {
  const { ask, printed } = await serving('. {\n\thosts {\n\t\t1.1.1.1 name.local\n\t}\n\trewrite name suffix .alias. .local.\n\tlog\n}')
  expect(await ask('name.alias')).toBe('1.1.1.1')
  expect(await ask('other.local')).toBe('SERVFAIL')
  expect(printed()).toMatch(/\[INFO\] 127\.0\.0\.1:\d+ - 1 "A IN name\.alias\. udp 28 false 512" NOERROR qr,aa,rd,ra \d+ 0\.0\d+s\n/)
})

it('reload takes a changed Corefile, and keeps what it had where that is wrong', async () => {
  const { ask, printed, machine, clock } = await serving('.:53 {\n  hosts {\n    1.1.1.1 one\n  }\n  reload\n}\n')
  const write = (text: string) => machine.fs.writeFile('/etc/coredns/Corefile', text)
  write('.:53 {\n  nonsense\n}\n')
  await clock.advance(50_000)
  expect(printed()).toContain("[ERROR] Restart failed: /etc/coredns/Corefile:2 - Error during parsing: Unknown directive 'nonsense'")
  expect(await ask('one')).toBe('1.1.1.1')
  write('.:1053 {\n  hosts {\n    2.2.2.2 one\n  }\n}\n')
  await clock.advance(50_000)
  expect(printed()).toContain('[INFO] Reloading complete\n')
  expect(await ask('one', 'A', 1053)).toBe('2.2.2.2')
  expect(await ask('one')).toBe('ECONNREFUSED')
})

it('reload sees what imported files say now, and doesn’t try again what is wrong', async () => {
  const { ask, printed, machine, clock } = await serving('. {\n  hosts {\n    import /names\n  }\n  reload 2s\n}\n', { '/names': '1.1.1.1 one' })
  expect(await ask('one')).toBe('1.1.1.1')
  machine.fs.writeFile('/names', '2.2.2.2 one')
  await clock.advance(10_000)
  expect(await ask('one')).toBe('2.2.2.2')
  machine.fs.writeFile('/etc/coredns/Corefile', '. {\n  nonsense\n}\n')
  await clock.advance(30_000)
  expect(printed().split('Restart failed').length).toBe(2)
  machine.fs.writeFile('/etc/coredns/Corefile', '. {\n')
  await clock.advance(5_000)
  expect(printed()).toContain("[WARNING] plugin/reload: Corefile parse failed: /etc/coredns/Corefile:1 - Error during parsing: Unexpected EOF, expecting '}'")
})

it('addresses that hosts don’t know are left to others without fallthrough, too', async () => {
  const { ask } = await serving('. {\n  hosts {\n    1.1.1.1 one\n  }\n  forward . 127.0.0.1:5353\n}\n')
  expect([await ask('1.1.1.1.in-addr.arpa', 'PTR'), await ask('two'), await ask('9.9.9.9.in-addr.arpa', 'PTR')]).toEqual(['one', 'SERVFAIL', '192.0.2.53'])
})

it('each release tells its own version, and old ones run as root', async () => {
  const images = [coreDnsImage, ...otherCoreDnsImages]
  const tags = images.flatMap(({ tags: own }) => own)
  expect(new Set(tags).size).toBe(tags.length)
  const { printed } = await serving('. {\n  whoami\n}\n', {}, images.find((image) => image.tags.includes('v1.12.2'))!.variants!['v1.12.2']!.programs!['/coredns']!)
  expect(printed()).toBe('.:53\nCoreDNS-1.12.2\nlinux/amd64, go1.24.4, 0eb5542\n')
  expect(images.map(({ tags: own, user }) => [own.includes('v1.10.1'), user])).toEqual([[false, 'nonroot:nonroot'], [false, 'nonroot:nonroot'], [true, undefined]])
})

describe('a Corefile', () => {
  it('has the hash that CoreDNS tells of kubeadm’s', async () => {
    const lines = ['.:53 {', '    errors', '    health {', '       lameduck 5s', '    }', '    ready', '    kubernetes cluster.local in-addr.arpa ip6.arpa {', '       pods insecure', '       fallthrough in-addr.arpa ip6.arpa', '       ttl 30', '    }', '    prometheus :9153', '    forward . /etc/resolv.conf {', '       max_concurrent 1000', '    }', '    cache 30 {', '       disable success cluster.local', '       disable denial cluster.local', '    }', '    loop', '    reload', '    loadbalance', '}', '']
    const digest = await crypto.subtle.digest('SHA-512', new TextEncoder().encode(hashedText(parseCorefile(lines.join('\n')))))
    expect(hexOf(new Uint8Array(digest))).toBe('1b226df79860026c6a52e67daa10d7f0d57ec5b023288ec00c5e05f93523c894564e15b91770d3a07ae1cfbe861d15b37d4a0027e69c546ab112970993a3b03b')
  })

  it('takes snippets and other files', async () => {
    const { ask } = await serving('(common) {\n  errors\n}\n. {\n  import common\n  import custom/*.override\n  hosts /hosts {\n    ttl 60\n  }\n}\nimport custom/*.server\n', { '/custom/a.override': 'log', '/custom/b.server': 'b.local {\n hosts {\n 9.9.9.9 x.b.local\n }\n}', '/hosts': '3.3.3.3 three # no four\n' })
    expect([await ask('three'), await ask('x.b.local')]).toEqual(['3.3.3.3', '9.9.9.9'])
  })

  it.each([
    ['.:53 {\n  errors\n', "F:2 - Error during parsing: Unexpected EOF, expecting '}'"],
    ['}\n', "F:1 - Error during parsing: unexpected '}'"],
    ['. {\n import x\n}', 'F:2 - Error during parsing: File to import not found: x'],
    ['import itself', 'itself:1 - Error during parsing: too many imports: itself'],
  ])('that is wrong says where: %j', (text, message) => {
    expect(() => parseCorefile(text, 'F', (pattern) => pattern === 'itself' ? [{ name: 'itself', text: 'import itself' }] : [])).toThrow(message)
  })

  it.each([
    ['. {\n  foo\n}', "/etc/coredns/Corefile:2 - Error during parsing: Unknown directive 'foo'\n"],
    ['. {\n  route53\n}', "/etc/coredns/Corefile:2 - Error during parsing: plugin 'route53' is not supported here\n"],
    ['a {\n}\na {\n}', 'cannot serve dns://a.:53 - it is already defined\n'],
  ])('ends the program: %j', async (text, message) => {
    const { code, printed } = await serving(text)
    expect([code(), printed()]).toEqual([1, message])
  })
})
