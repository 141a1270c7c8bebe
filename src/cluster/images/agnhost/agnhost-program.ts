import { errorText } from '../../../unix/errno.ts'
import { hostPort } from '../../../unix/net/addresses.ts'
import { readResolverConfig } from '../../../unix/net/names.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program, TcpSocket } from '../../../unix/types.ts'
import { goFileServer } from '../http/go-file-server.ts'
import { resourceConsumerController } from '../resource-consumer/consumer.ts'
import { externalMetrics } from './external-metrics.ts'
import { formValues, goDuration, goError, goFlags, agnhostLog, goProgram, goResponse, klog, showDuration, untilKilled } from './go-server.ts'
import { grpcHealthChecking } from './grpc-health-checking.ts'
import { guestbook } from './guestbook.ts'
import { inClusterClient } from './inclusterclient.ts'
import { mounttest } from './mounttest.ts'
import { nettest } from './nettest.ts'
import { netRunners } from './net-runners.ts'
import { netexec, redirect } from './netexec.ts'
import { serviceAccountIssuerDiscovery } from './service-account-issuer-discovery.ts'
import { admissionWebhook, conversionWebhook } from './webhook.ts'

type Subcommand = (proc: Proc, args: readonly string[]) => Promise<number>

const VERSION = '2.63.0'
const encoder = new TextEncoder()

/** Waits, and tells which signal ended it. */
const pause: Subcommand = async (proc) => {
  await proc.stdout.write('Paused\nSignals registered\n')
  const signal = await proc.signal('SIGINT', 'SIGTERM')
  const message = `exiting because of signal "${signal === 'SIGINT' ? 'interrupt' : 'terminated'}"\n`
  try { proc.fs.writeFile(proc.env.TERMINATION_MESSAGE_PATH || '/dev/termination-log', message) } catch { /* Not every container has one. */ }
  await proc.stdout.write(message)
  return signal === 'SIGINT' ? 1 : 2
}

const serveHostname: Subcommand = async (proc, args) => {
  const { flags } = goFlags(args, new Set(['tcp', 'udp', 'http', 'close']))
  const on = (name: string, standard: boolean) => flags.has(name) ? flags.get(name) !== 'false' : standard
  const http = on('http', true)
  const port = Number(flags.get('port') ?? 9376)
  const name = proc.machine.hostname
  if (http && (on('tcp', false) || on('udp', false))) { agnhostLog(proc, "Can't server TCP/UDP mode and HTTP mode at the same time"); return 1 }
  if (on('tcp', false)) proc.net.listenTcp(port, (socket) => {
    agnhostLog(proc, `TCP request from ${hostPort(socket.remote.ip, socket.remote.port)}`)
    void socket.writer.write(name).then(() => socket.writer.close(), () => {})
  })
  if (on('udp', false)) proc.net.listenUdp(port, (_, from) => { agnhostLog(proc, `UDP request from ${hostPort(from.ip, from.port)}`); return encoder.encode(name) })
  if (http) proc.net.listenHttp(port, (_, peer) => { agnhostLog(proc, `HTTP request from ${hostPort(peer.remote.ip, peer.remote.port)}`); return goResponse(proc, name) })
  agnhostLog(proc, `Serving on port ${port}.`)
  await proc.signal('SIGTERM')
  agnhostLog(proc, 'Shutting down after receiving signal: terminated.')
  agnhostLog(proc, 'Awaiting pod deletion.')
  await proc.sleep(60_000)
  return 0
}

/** Healthy for ten seconds, then not. */
const liveness: Subcommand = async (proc) => {
  const startedMs = proc.clock.nowMs()
  proc.net.listenHttp(8080, async (request) => {
    const url = new URL(request.url)
    const ms = proc.clock.nowMs() - startedMs
    if (url.pathname === '/started') return goResponse(proc, showDuration(ms))
    if (url.pathname === '/healthz') return ms > 10_000 ? goResponse(proc, `error: ${ms / 1000}`, { status: 500 }) : goResponse(proc, 'ok')
    if (url.pathname === '/redirect') return redirect(proc, decodeURIComponent((await formValues(request)).get('loc') ?? ''), 302)
    return goError(proc, '404 page not found', 404)
  })
  return untilKilled(proc)
}

const entrypointTester: Subcommand = async (proc) => {
  await proc.stdout.write(`[${proc.argv.join(' ')}]\n`)
  return 0
}

/** A file server of the container's root. */
const testWebserver: Subcommand = async (proc, args) => {
  const { flags } = goFlags(args)
  proc.net.listenHttp(Number(flags.get('port') ?? 80), (request) => {
    const headers = { 'cache-control': 'private', 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true', 'access-control-allow-methods': 'GET, POST, OPTIONS', 'access-control-allow-headers': 'DNT,X-Mx-ReqToken,Keep-Alive,User-Agent,X-Requested-With,Cache-Control,Content-Type' }
    return goFileServer(proc.fs, '/', new URL(request.url).pathname, headers)
  })
  return untilKilled(proc)
}

const logsGenerator: Subcommand = async (proc, args) => {
  const { flags } = goFlags(args)
  const total = Number(flags.get('log-lines-total') ?? flags.get('t') ?? 0)
  const durationText = flags.get('run-duration') ?? flags.get('d') ?? '0'
  const durationMs = goDuration(durationText) ?? 0
  if (total <= 0) { klog(proc, 'F', 'logs_generator.go:64', `Invalid total number of lines: ${total}`); return 255 }
  if (durationMs <= 0) { klog(proc, 'F', 'logs_generator.go:68', `Invalid duration: ${durationText}`); return 255 }
  for (let id = 0; id < total; id++) {
    const method = proc.random.pick(['POST', 'GET', 'PUT'])
    const namespace = proc.random.pick(['kube-system', 'default', 'ns'])
    klog(proc, 'I', 'logs_generator.go:76', `${id} ${method} /api/v1/namespaces/${namespace}/pods/${proc.random.suffix(3 + proc.random.int(2))} ${200 + proc.random.int(400)}`)
    await proc.sleep(durationMs / total)
  }
  return 0
}

/** Connects, or says why not in one word that tests look for. */
const connect: Subcommand = async (proc, args) => {
  const { flags, args: [destination = ''] } = goFlags(args)
  const fail = async (text: string) => { await proc.stderr.write(`${text}\n`); return 1 }
  const match = /^\[?([^\]]*?)\]?:(\d+)$/.exec(destination)
  if (!match) return fail(`UNKNOWN: address ${destination}: missing port in address`)
  const timeoutMs = goDuration(flags.get('timeout') ?? '0') || undefined
  let ip: string
  try { ip = (await proc.net.lookup(match[1]!))[0]! } catch { return fail(`DNS: lookup ${match[1]}: no such host`) }
  try {
    if ((flags.get('protocol') ?? 'tcp') === 'udp') {
      const answer = await proc.net.askUdp(ip, Number(match[2]), encoder.encode(flags.get('udp-data') ?? 'hostname'), timeoutMs ?? 5_000)
      await proc.stdout.write(answer)
    } else (await proc.net.connectTcp(ip, Number(match[2]), timeoutMs ? { timeoutMs } : {})).destroy()
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    if (error.code === 'ETIMEDOUT') return fail('TIMEOUT')
    if (error.code === 'ECONNREFUSED') return fail('REFUSED')
    return fail(`OTHER: dial tcp ${destination}: connect: ${errorText(error).toLowerCase()}`)
  }
}

/** Serves on the ports that environment variables name. */
const porter: Subcommand = async (proc, args) => {
  const { flags } = goFlags(args, new Set(['json-response']))
  for (const [name, value] of Object.entries(proc.env)) {
    const match = /^SERVE_(?:(TCP|UDP|TLS)_)?PORT_(\d+)$/.exec(name)
    if (!match) continue
    const port = Number(match[2])
    if (match[1] === 'UDP') { proc.net.listenUdp(port, () => encoder.encode(value)); continue }
    const tls = match[1] === 'TLS' ? { tls: { certificatePem: proc.fs.readText(proc.env.CERT_FILE ?? '/localhost.crt') } } : {}
    proc.net.listenHttp(port, (request) => flags.has('json-response') && match[1] !== 'TLS'
      ? goResponse(proc, JSON.stringify({ Method: request.method, Body: value }), { headers: { 'content-type': 'application/json' } })
      : goResponse(proc, value), tls)
  }
  return untilKilled(proc)
}

const portForwardTester: Subcommand = async (proc) => {
  const number = (name: string) => Number(proc.env[name] ?? '')
  const bind = proc.env.BIND_ADDRESS || 'localhost'
  const socket = await new Promise<TcpSocket>((resolve) => { const listener = proc.net.listenTcp(number('BIND_PORT'), (accepted) => { listener.close(); resolve(accepted) }, { ip: bind === 'localhost' ? '127.0.0.1' : bind }) })
  await proc.stdout.write('Accepted client connection\n')
  const expected = proc.env.EXPECTED_CLIENT_DATA ?? ''
  if (expected !== '') {
    let got = ''
    while (got.length < expected.length) {
      const chunk = await socket.reader.read()
      if (!chunk) { await proc.stdout.write(`Expected to read ${expected.length} bytes from client, but got ${got.length} instead. err=EOF\n`); return 2 }
      got += new TextDecoder().decode(chunk)
    }
    if (got.slice(0, expected.length) !== expected) { await proc.stdout.write(`Expect to read "${expected}", but got "${got}". err=<nil>\n`); return 3 }
    await proc.stdout.write('Received expected client data\n')
  }
  const data = encoder.encode('x'.repeat(number('CHUNK_SIZE')))
  for (let i = 0; i < number('CHUNKS'); i++) {
    await socket.writer.write(data)
    if (i + 1 < number('CHUNKS')) await proc.sleep(number('CHUNK_INTERVAL'))
  }
  await proc.stdout.write('Done\n')
  socket.writer.close()
  await proc.sleep(500)
  socket.destroy()
  return 0
}

const dnsSuffix: Subcommand = async (proc) => { await proc.stdout.write(`${readResolverConfig(proc.fs).search.join(',')}\n`); return 0 }
const dnsServers: Subcommand = async (proc) => { await proc.stdout.write(`${readResolverConfig(proc.fs).nameservers.join(',')}\n`); return 0 }
const etcHosts: Subcommand = async (proc) => { await proc.stdout.write(`${proc.fs.readText('/etc/hosts')}\n`); return 0 }

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  netexec, pause, mounttest, liveness, connect, porter, 'serve-hostname': serveHostname, 'entrypoint-tester': entrypointTester, 'test-webserver': testWebserver, 'logs-generator': logsGenerator,
  'port-forward-tester': portForwardTester, 'dns-suffix': dnsSuffix, 'dns-server-list': dnsServers, 'etc-hosts': etcHosts, inclusterclient: inClusterClient, guestbook, nettest, net: netRunners, 'grpc-health-checking': grpcHealthChecking,
  'test-service-account-issuer-discovery': serviceAccountIssuerDiscovery, webhook: admissionWebhook, 'crd-conversion-webhook': conversionWebhook,
  'external-metrics': externalMetrics, 'resource-consumer-controller': resourceConsumerController,
}

/** The tool of the conformance suite: one binary with many small servers and checks. */
export const agnhost: Program = async (proc) => {
  const [name, ...args] = proc.argv.slice(1)
  if (name === '--version' || name === 'version') { await proc.stdout.write(`agnhost version ${VERSION}\n`); return 0 }
  const run = name === undefined ? undefined : SUBCOMMANDS[name]
  if (!run) {
    if (name === undefined || name === 'help' || name === '--help') { await proc.stdout.write(`Usage:\n  app [command]\n\nAvailable Commands:\n${Object.keys(SUBCOMMANDS).sort().map((each) => `  ${each}\n`).join('')}`); return 0 }
    await proc.stderr.write(`Error: unknown command "${name}" for "app"\nRun 'app --help' for usage.\nError: unknown command "${name}" for "app"\n`)
    return 1
  }
  return goProgram(proc, () => run(proc, args))
}
