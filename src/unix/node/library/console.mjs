/** node:console. */
export function console(module, exports, require, host) {
  const { formatWithOptions, inspect } = require('util')
  class Console {
    constructor(stdout, stderr = stdout) {
      const streams = stdout?.stdout ? stdout : { stdout, stderr }
      const counts = new Map()
      const times = new Map()
      let indentation = ''
      const write = (name, args) => {
        const stream = streams[name] ?? process[name]
        const text = formatWithOptions({ colors: stream.isTTY === true && process.env.NO_COLOR === undefined }, ...args)
        stream.write(`${indentation ? `${indentation}${text.replaceAll('\n', `\n${indentation}`)}` : text}\n`)
      }
      const log = (...args) => write('stdout', args)
      const error = (...args) => write('stderr', args)
      const since = (label) => {
        const started = times.get(label)
        if (started === undefined) { process.emitWarning(`No such label '${label}' for console.timeLog()`); return undefined }
        const ms = performance.now() - started
        return ms >= 60_000 ? `${Math.floor(ms / 60_000)}:${((ms % 60_000) / 1000).toFixed(3).padStart(6, '0')} (m:ss.mmm)` : ms >= 1000 ? `${(ms / 1000).toFixed(3)}s` : `${ms.toFixed(3).replace(/\.?0+$/, '')}ms`
      }
      const methods = {
        log, info: log, debug: log, error, warn: error,
        trace: (...args) => { const trace = new Error(formatWithOptions({}, ...args)); error(trace.stack.replace(/^Error:? ?/, 'Trace: ')) },
        dir: (value, options) => log(inspect(value, { customInspect: false, ...options })),
        dirxml: log,
        assert: (condition, ...args) => { if (!condition) error(typeof args[0] === 'string' ? `Assertion failed: ${args[0]}` : 'Assertion failed', ...args.slice(typeof args[0] === 'string' ? 1 : 0)) },
        count: (label = 'default') => { counts.set(label, (counts.get(label) ?? 0) + 1); log(`${label}: ${counts.get(label)}`) },
        countReset: (label = 'default') => { counts.delete(label) },
        time: (label = 'default') => { times.set(label, performance.now()) },
        timeLog: (label = 'default', ...args) => { const shown = since(label); if (shown !== undefined) log(`${label}: ${shown}`, ...args) },
        timeEnd: (label = 'default') => { const shown = since(label); if (shown !== undefined) log(`${label}: ${shown}`); times.delete(label) },
        group: (...args) => { if (args.length > 0) log(...args); indentation += '  ' },
        groupEnd: () => { indentation = indentation.slice(2) },
        table: (data, only) => {
          if (data === null || typeof data !== 'object') { log(data); return }
          const rows = data instanceof Map ? [...data] : Object.entries(data)
          const columns = only ?? [...new Set(rows.flatMap(([, row]) => row !== null && typeof row === 'object' ? Object.keys(row) : []))]
          const hasValues = rows.some(([, row]) => row === null || typeof row !== 'object')
          const cell = (value) => inspect(value, { depth: 0, maxArrayLength: 3, breakLength: Infinity })
          const heads = ['(index)', ...columns, ...(hasValues ? ['Values'] : [])]
          const lines = rows.map(([index, row]) => [String(index), ...columns.map((column) => row !== null && typeof row === 'object' && Object.hasOwn(row, column) ? cell(row[column]) : ''), ...(hasValues ? [row === null || typeof row !== 'object' ? cell(row) : ''] : [])])
          const widths = heads.map((head, i) => Math.max(head.length, ...lines.map((line) => line[i].length)) + 2)
          const rule = (left, middle, right) => `${left}${widths.map((width) => '─'.repeat(width)).join(middle)}${right}`
          const row = (cells) => `│${cells.map((text, i) => ` ${text}${' '.repeat(widths[i] - text.length - 1)}`).join('│')}│`
          log([rule('┌', '┬', '┐'), row(heads), rule('├', '┼', '┤'), ...lines.map(row), rule('└', '┴', '┘')].join('\n'))
        },
        clear: () => { if (process.stdout.isTTY) process.stdout.write('\x1b[1;1H\x1b[0J') },
      }
      methods.groupCollapsed = methods.group
      for (const [name, value] of Object.entries(methods)) { Object.defineProperty(value, 'name', { value: name }); this[name] = value }
    }
  }
  Object.defineProperty(Console, 'name', { value: 'Console' })
  const made = new Console()
  Object.defineProperty(made, 'Console', { value: Console, enumerable: false })
  Object.defineProperty(made, Symbol.toStringTag, { value: 'console' })
  module.exports = made
}
