import { UnixError } from '../types.ts'
import type { Proc } from '../types.ts'
import type { Key } from './full-screen.ts'

/** A line that is typed at the bottom of the screen. */
export interface Prompt {
  /** What it begins with: `:`, `/` or `?`. */
  readonly lead: string
  text: string
  cursor: number
}

/**
 * Lets somebody type a prompt's line. `history`: earlier lines, to which this one is added.
 * @returns undefined when it was given up
 */
export async function readPrompt(prompt: Prompt, history: string[], nextKey: () => Promise<Key | undefined>, proc: Proc): Promise<string | undefined> {
  let at = history.length
  for (;;) {
    const key = await nextKey()
    if (key === undefined) return undefined
    if (typeof key !== 'string') { prompt.text = prompt.text.slice(0, prompt.cursor) + key.paste.replace(/\n/g, ' ') + prompt.text.slice(prompt.cursor); prompt.cursor += key.paste.length; continue }
    switch (key) {
      case '<Esc>': case '\x03': return undefined
      case '<CR>': {
        if (prompt.text !== '' && history.at(-1) !== prompt.text) history.push(prompt.text)
        return prompt.text
      }
      case '<BS>': if (prompt.text === '') return undefined; if (prompt.cursor > 0) { prompt.text = prompt.text.slice(0, prompt.cursor - 1) + prompt.text.slice(prompt.cursor); prompt.cursor -= 1 } break
      case '<Del>': prompt.text = prompt.text.slice(0, prompt.cursor) + prompt.text.slice(prompt.cursor + 1); break
      case '<Left>': prompt.cursor = Math.max(0, prompt.cursor - 1); break
      case '<Right>': prompt.cursor = Math.min(prompt.text.length, prompt.cursor + 1); break
      case '<Home>': case '\x02': prompt.cursor = 0; break
      case '<End>': case '\x05': prompt.cursor = prompt.text.length; break
      case '\x15': prompt.text = prompt.text.slice(prompt.cursor); prompt.cursor = 0; break
      case '\x17': { const before = prompt.text.slice(0, prompt.cursor).replace(/\S*\s*$/, ''); prompt.text = before + prompt.text.slice(prompt.cursor); prompt.cursor = before.length; break }
      case '<Up>': case '<Down>': {
        at = Math.max(0, Math.min(history.length, at + (key === '<Up>' ? -1 : 1)))
        prompt.text = history[at] ?? ''
        prompt.cursor = prompt.text.length
        break
      }
      case '\t': if (prompt.lead === ':') completeFile(prompt, proc); break
      default: if (key >= ' ' && !/^<[\w-]+>$/.test(key)) { prompt.text = prompt.text.slice(0, prompt.cursor) + key + prompt.text.slice(prompt.cursor); prompt.cursor += key.length }
    }
  }
}

/** Completes the name of a file after a command. */
function completeFile(prompt: Prompt, proc: Proc): void {
  const match = /^(\w+!?\s+)(.*?)([^/]*)$/.exec(prompt.text)
  if (!match) return
  try {
    const names = proc.fs.readdir(proc.resolve(match[2] || '.')).filter((name) => name.startsWith(match[3]!))
    if (names.length === 0) return
    let common = names[0]!
    for (const name of names) while (!name.startsWith(common)) common = common.slice(0, -1)
    prompt.text = match[1]! + match[2]! + common
    prompt.cursor = prompt.text.length
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
  }
}
