/** prom-client: counters, gauges, histograms and summaries in Prometheus' text format. */
export function promClient(module) {
  const escape = (text) => String(text).replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
  const labelText = (labels) => { const all = Object.entries(labels); return all.length === 0 ? '' : `{${all.map(([name, value]) => `${name}="${escape(value)}"`).join(',')}}` }
  class Registry {
    constructor() { this.metrics_ = new Map(); this.defaults = {}; this.contentType = 'text/plain; version=0.0.4; charset=utf-8' }
    registerMetric(metric) { if (this.metrics_.has(metric.name) && this.metrics_.get(metric.name) !== metric) throw new Error(`A metric with the name ${metric.name} has already been registered.`); this.metrics_.set(metric.name, metric) }
    setDefaultLabels(labels) { this.defaults = labels }
    getSingleMetric(name) { return this.metrics_.get(name) }
    removeSingleMetric(name) { this.metrics_.delete(name) }
    clear() { this.metrics_.clear() }
    resetMetrics() { for (const metric of this.metrics_.values()) metric.reset() }
    async metrics() {
      const parts = []
      for (const metric of this.metrics_.values()) {
        await metric.collect?.()
        const lines = metric.lines().map(([suffix, labels, value]) => `${metric.name}${suffix}${labelText({ ...this.defaults, ...labels })} ${value === Infinity ? '+Inf' : value}`)
        parts.push(`# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.type}\n${lines.map((line) => `${line}\n`).join('')}`)
      }
      return parts.join('\n')
    }
  }
  const register = new Registry()
  class Metric {
    constructor(type, { name, help, labelNames = [], registers = [register], collect }) {
      if (!help) throw new Error('Missing mandatory help parameter')
      if (!name) throw new Error('Missing mandatory name parameter')
      if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error('Invalid metric name')
      Object.assign(this, { name, help, type, labelNames, values: new Map() })
      if (collect) this.collect = collect.bind(this)
      for (const each of registers) each.registerMetric(this)
    }
    at(labels, initial) {
      const unknown = Object.keys(labels).find((label) => !this.labelNames.includes(label))
      if (unknown !== undefined) throw new Error(`Added label "${unknown}" is not included in initial labelset: [ ${this.labelNames.map((label) => `'${label}'`).join(', ')} ]`)
      const key = JSON.stringify(Object.entries(labels).sort())
      if (!this.values.has(key)) this.values.set(key, { labels, ...initial() })
      return this.values.get(key)
    }
    labelsOf(args) { return args.length === 1 && typeof args[0] === 'object' ? args[0] : Object.fromEntries(this.labelNames.map((name, i) => [name, args[i]])) }
    reset() { this.values.clear() }
    remove(...args) { this.values.delete(JSON.stringify(Object.entries(this.labelsOf(args)).sort())) }
  }
  const split = (labels, value, fallback) => typeof labels === 'object' && labels !== null ? [labels, value ?? fallback] : [{}, labels ?? fallback]
  const timer = (metric, given) => { const started = performance.now(); return (labels) => { const seconds = (performance.now() - started) / 1000; (metric.observe ?? metric.set).call(metric, { ...given, ...labels }, seconds); return seconds } }
  class Counter extends Metric {
    constructor(options) { super('counter', options); if (this.labelNames.length === 0) this.inc(0) }
    inc(labels, value) { const [own, by] = split(labels, value, 1); if (by < 0) throw new Error('It is not possible to decrease a counter'); this.at(own, () => ({ value: 0 })).value += by }
    labels(...args) { const labels = this.labelsOf(args); return { inc: (value) => this.inc(labels, value) } }
    lines() { return [...this.values.values()].map(({ labels, value }) => ['', labels, value]) }
  }
  class Gauge extends Metric {
    constructor(options) { super('gauge', options); if (this.labelNames.length === 0) this.set(0) }
    set(labels, value) { const [own, to] = split(labels, value, 0); this.at(own, () => ({ value: 0 })).value = to }
    inc(labels, value) { const [own, by] = split(labels, value, 1); this.at(own, () => ({ value: 0 })).value += by }
    dec(labels, value) { const [own, by] = split(labels, value, 1); this.at(own, () => ({ value: 0 })).value -= by }
    setToCurrentTime(labels = {}) { this.set(labels, Date.now() / 1000) }
    startTimer(labels = {}) { return timer(this, labels) }
    labels(...args) { const labels = this.labelsOf(args); return { set: (value) => this.set(labels, value), inc: (value) => this.inc(labels, value), dec: (value) => this.dec(labels, value) } }
    lines() { return [...this.values.values()].map(({ labels, value }) => ['', labels, value]) }
  }
  class Histogram extends Metric {
    constructor(options) { super('histogram', options); this.upperBounds = options.buckets ?? [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]; if (this.labelNames.length === 0) this.at({}, () => this.fresh()) }
    fresh() { return { buckets: this.upperBounds.map(() => 0), sum: 0, count: 0 } }
    observe(labels, value) { const [own, seen] = split(labels, value, 0); const entry = this.at(own, () => this.fresh()); this.upperBounds.forEach((bound, i) => { if (seen <= bound) entry.buckets[i]++ }); entry.sum += seen; entry.count++ }
    startTimer(labels = {}) { return timer(this, labels) }
    labels(...args) { const labels = this.labelsOf(args); return { observe: (value) => this.observe(labels, value), startTimer: () => this.startTimer(labels) } }
    lines() { return [...this.values.values()].flatMap(({ labels, buckets, sum, count }) => [...this.upperBounds.map((bound, i) => ['_bucket', { le: bound, ...labels }, buckets[i]]), ['_bucket', { le: '+Inf', ...labels }, count], ['_sum', labels, sum], ['_count', labels, count]]) }
  }
  class Summary extends Metric {
    constructor(options) { super('summary', options); this.percentiles = options.percentiles ?? [0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999]; if (this.labelNames.length === 0) this.at({}, () => ({ seen: [] })) }
    observe(labels, value) { const [own, seen] = split(labels, value, 0); this.at(own, () => ({ seen: [] })).seen.push(seen) }
    startTimer(labels = {}) { return timer(this, labels) }
    lines() { return [...this.values.values()].flatMap(({ labels, seen }) => { const sorted = [...seen].sort((a, b) => a - b); return [...this.percentiles.map((quantile) => ['', { quantile, ...labels }, sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))]]), ['_sum', labels, seen.reduce((sum, each) => sum + each, 0)], ['_count', labels, seen.length]] }) }
  }
  const collectDefaultMetrics = ({ register: registry = register, prefix = '' } = {}) => {
    const registers = [registry]
    const counter = (name, help, read) => new Counter({ name: `${prefix}${name}`, help, registers, collect() { this.reset(); this.inc(read()) } })
    const gauge = (name, help, read) => new Gauge({ name: `${prefix}${name}`, help, registers, collect() { this.set(read()) } })
    counter('process_cpu_user_seconds_total', 'Total user CPU time spent in seconds.', () => process.cpuUsage().user / 1e6)
    counter('process_cpu_system_seconds_total', 'Total system CPU time spent in seconds.', () => process.cpuUsage().system / 1e6)
    counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6)
    gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', () => Math.round(Date.now() / 1000 - process.uptime()))
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage().rss)
    gauge('nodejs_heap_size_total_bytes', 'Process heap size from Node.js in bytes.', () => process.memoryUsage().heapTotal)
    gauge('nodejs_heap_size_used_bytes', 'Process heap size used from Node.js in bytes.', () => process.memoryUsage().heapUsed)
    gauge('nodejs_external_memory_bytes', 'Node.js external memory size in bytes.', () => process.memoryUsage().external)
    const [major, minor, patch] = process.version.slice(1).split('.')
    new Gauge({ name: `${prefix}nodejs_version_info`, help: 'Node.js version info.', labelNames: ['version', 'major', 'minor', 'patch'], registers }).set({ version: process.version, major, minor, patch }, 1)
  }
  collectDefaultMetrics.metricsList = []
  module.exports = { register, Registry, Counter, Gauge, Histogram, Summary, collectDefaultMetrics, linearBuckets: (start, width, count) => Array.from({ length: count }, (_, i) => start + i * width), exponentialBuckets: (start, factor, count) => Array.from({ length: count }, (_, i) => start * factor ** i) }
}
