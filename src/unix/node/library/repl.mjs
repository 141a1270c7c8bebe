/** node on a terminal: reads lines, shows values. */
export function repl(module, exports, require, host) {
  const { inspect } = require('util')
  const HELP = `.break    Sometimes you get stuck, this gets you out
.clear    Alias for .break
.exit     Exit the REPL
.help     Print this help message

Press Ctrl+C to abort current expression, Ctrl+D to exit the REPL
`
  const start = () => {
    const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true
    const colors = process.stdout.isTTY === true
    let text = ''
    let isAsked = false
    const say = (shown) => process.stdout.write(shown)
    const show = (value) => {
      if (value !== undefined) globalThis._ = value
      say(`${inspect(value, { colors })}\n`)
    }
    const fail = (error) => say(`Uncaught ${error instanceof Error ? inspect(error).replace(/(?:\n {4}at [^\n]*)+/, '').replace(/^\[([^]*)\]$/, '$1') : inspect(error)}\n`)
    /** Does what a line says. @returns what must be waited for before the next one */
    const take = (line) => {
      isAsked = false
      if (text === '' && line.startsWith('.exit')) { process.exit(0); return undefined }
      if (text === '' && line.startsWith('.help')) { say(HELP); return undefined }
      if (line === '.break' || line === '.clear') { text = ''; return undefined }
      text = text === '' ? line : `${text}\n${line}`
      if (text.trim() === '') { text = ''; return undefined }
      const prepared = host.call('replText', text)
      if (prepared.incomplete) return undefined
      text = ''
      let value
      try { value = host.runText(prepared.text, 'REPL') } catch (error) { fail(error); return undefined }
      if (prepared.awaits) return value.then(({ value: result }) => show(result), fail)
      show(value)
      return undefined
    }
    const end = () => { say('\n'); process.exit(0) }
    const interrupted = () => {
      if (isAsked) { process.exit(0); return }
      isAsked = text === ''
      text = ''
      if (isAsked) say('(To exit, press Ctrl+C again or Ctrl+D or type .exit)\n')
    }

    // Without a terminal lines come by themselves.
    const lines = []
    let isOver = false
    let wake
    const prompt = () => text === '' ? '> ' : '| '
    const nextLine = async () => {
      if (isTerminal) return new Promise((resolve) => { host.begin('readLine', [prompt()], resolve) })
      say(prompt())
      while (lines.length === 0 && !isOver) await new Promise((resolve) => { wake = resolve })
      return lines.length > 0 ? lines.shift() : null
    }
    if (!isTerminal) {
      const reader = require('readline').createInterface({ input: process.stdin })
      reader.on('line', (line) => { lines.push(line); wake?.() })
      reader.on('close', () => { isOver = true; wake?.() })
    }
    say(`Welcome to Node.js ${process.version}.\nType ".help" for more information.\n`)
    const run = async () => {
      for (;;) {
        const line = await nextLine()
        if (line === null) { end(); return }
        if (line === 'interrupted') interrupted()
        else await take(line)
      }
    }
    host.track(run())
  }
  module.exports = { start }
}
