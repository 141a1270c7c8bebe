/** A flag as the command line gives it. */
export class FlagError extends Error {}

/** What is followed; the value where none is given. Undefined: no value (a switch). */
const DEFAULTS: Readonly<Record<string, string>> = {
  'config.file': 'prometheus.yml', 'web.listen-address': '0.0.0.0:9090', 'web.external-url': '', 'web.route-prefix': '', 'web.enable-lifecycle': 'false', 'web.enable-admin-api': 'false', 'web.page-title': 'Prometheus Time Series Collection and Processing Server', 'web.cors.origin': '.*',
  'web.console.templates': 'consoles', 'web.console.libraries': 'console_libraries', 'web.user-assets': '', 'web.read-timeout': '5m', 'web.max-connections': '512', 'storage.tsdb.path': 'data/', 'storage.tsdb.retention': '0s', 'storage.tsdb.retention.time': '0s', 'storage.tsdb.retention.size': '0B',
  'storage.tsdb.no-lockfile': 'false', 'storage.tsdb.wal-compression': 'true', 'storage.tsdb.min-block-duration': '2h', 'storage.tsdb.max-block-duration': '1d12h', 'storage.tsdb.head-chunks-write-queue-size': '0', 'rules.alert.for-outage-tolerance': '1h', 'rules.alert.for-grace-period': '10m', 'rules.alert.resend-delay': '1m',
  'alertmanager.notification-queue-capacity': '10000', 'query.lookback-delta': '5m', 'query.timeout': '2m', 'query.max-concurrency': '20', 'query.max-samples': '50000000', 'enable-feature': '', 'log.level': 'info', 'log.format': 'logfmt', 'config.auto-reload-interval': '30s', 'auto-gomemlimit.ratio': '0.9', 'scrape.timestamp-tolerance': '2ms',
}
const SWITCHES = new Set(['web.enable-lifecycle', 'web.enable-admin-api', 'storage.tsdb.no-lockfile', 'storage.tsdb.wal-compression', 'version', 'help', 'agent', 'web.enable-remote-write-receiver', 'web.enable-otlp-receiver', 'auto-gomaxprocs', 'auto-gomemlimit', 'storage.tsdb.allow-overlapping-blocks', 'scrape.adjust-timestamps'])
/** Those that would need a part that isn't there. */
const REFUSED = new Set(['agent', 'web.enable-remote-write-receiver', 'web.enable-otlp-receiver', 'web.config.file', 'storage.agent.path', 'storage.remote.flush-deadline'])

/** Reads the command line as kingpin does. @throws FlagError in its words */
export function readFlags(args: readonly string[]): { flags: Record<string, string>; given: ReadonlySet<string> } {
  const flags = { ...DEFAULTS }
  const given = new Set<string>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '-h') { given.add('help'); continue }
    if (!arg.startsWith('--')) throw new FlagError(arg.startsWith('-') ? `unknown short flag '${arg}'` : `unexpected ${arg}`)
    const equals = arg.indexOf('=')
    let name = equals < 0 ? arg.slice(2) : arg.slice(2, equals)
    let value = equals < 0 ? undefined : arg.slice(equals + 1)
    if (name.startsWith('no-') && SWITCHES.has(name.slice(3))) { name = name.slice(3); value = 'false' }
    if (!(name in DEFAULTS) && !SWITCHES.has(name) && !REFUSED.has(name)) throw new FlagError(`unknown long flag '--${name}'`)
    if (REFUSED.has(name) && value !== 'false') throw new FlagError(`--${name} is not supported by this build`)
    if (SWITCHES.has(name)) value ??= 'true'
    else if (value === undefined) { value = args[++i]; if (value === undefined) throw new FlagError(`expected argument for flag '--${name}'`) }
    flags[name] = name === 'enable-feature' && flags[name] ? `${flags[name]},${value}` : value
    given.add(name)
  }
  return { flags, given }
}
