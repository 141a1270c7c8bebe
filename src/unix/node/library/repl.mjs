/** node on a terminal: reads lines, shows values. */
export function repl(module, exports, require, host) {
  const { inspect } = require('util')
  const start = () => {
    const prompt = '> '
    process.stdout.write(`Welcome to Node.js ${process.version}.\nType ".help" for more information.\n${prompt}`)
    const reader = require('readline').createInterface({ input: process.stdin, output: process.stdout })
    let text = ''
    const answer = (shown) => process.stdout.write(`${shown}${prompt}`)
    const show = (value) => {
      if (value !== undefined) globalThis._ = value
      answer(`${inspect(value, { colors: process.stdout.isTTY === true })}\n`)
    }
    const fail = (error) => answer(`Uncaught ${error instanceof Error ? inspect(error).replace(/(?:\n {4}at [^\n]*)+/, '').replace(/^\[([^]*)\]$/, '$1') : inspect(error)}\n`)
    // While a promise is waited for, lines wait, too.
    const lines = []
    let isBusy = false
    let isOver = false
    const goOn = () => {
      while (!isBusy && lines.length > 0) take(lines.shift())
      if (isOver && !isBusy) { process.stdout.write('\n'); process.exit(0) }
    }
    const take = (line) => {
      if (text === '' && /^\.(?:exit|help|break|clear|editor|load|save)\b/.test(line)) {
        if (line.startsWith('.exit')) { process.exit(0); return }
        if (line.startsWith('.help')) { answer('.break    Sometimes you get stuck, this gets you out\n.clear    Alias for .break\n.exit     Exit the REPL\n.help     Print this help message\n\nPress Ctrl+C to abort current expression, Ctrl+D to exit the REPL\n'); return }
        answer('')
        return
      }
      if (text !== '' && line === '.break') { text = ''; answer(''); return }
      text = text === '' ? line : `${text}\n${line}`
      if (text.trim() === '') { text = ''; answer(''); return }
      // An object literal is meant where a line begins with a brace.
      const prepared = host.call('replText', text)
      if (prepared.incomplete) { process.stdout.write('| '); return }
      text = ''
      let value
      try { value = host.runText(prepared.text, 'REPL') } catch (error) { fail(error); return }
      if (!prepared.awaits) { show(value); return }
      isBusy = true
      const done = (then) => (result) => { isBusy = false; then(result); goOn() }
      value.then(done(({ value: result }) => show(result)), done(fail))
    }
    let isAsked = false
    process.on('SIGINT', () => {
      if (isAsked) { process.stdout.write('\n'); process.exit(0) }
      isAsked = text === ''
      text = ''
      answer(isAsked ? '\n(To exit, press Ctrl+C again or Ctrl+D or type .exit)\n' : '\n')
    })
    reader.on('line', () => { isAsked = false })
    reader.on('line', (line) => { lines.push(line); goOn() })
    reader.on('close', () => { isOver = true; goOn() })
  }
  module.exports = { start }
}
