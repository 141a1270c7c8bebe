import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import { openInput, parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'

const DEFAULT_WRAP = 76
const decoder = new TextDecoder()

/** base64(1): any bytes as text, and back. */
export const base64: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'dDiw:', { decode: 'd', 'ignore-garbage': 'i', 'wrap=': 'w' })
  const wrap = Number(options.value('w') ?? DEFAULT_WRAP)
  if (!Number.isInteger(wrap) || wrap < 0) return context.complain(`invalid wrap size: '${options.value('w')}'`)
  if (options.operands.length > 1) return context.complain(`extra operand '${options.operands[1]}'`)
  const name = options.operands[0] ?? '-'
  let input
  try {
    input = openInput(proc, name)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return context.complain(busybox ? `can't open '${name}': ${errorText(error)}` : `${name}: ${errorText(error)}`)
  }
  const decodes = options.has('d', 'D')
  const bad = () => context.complain(busybox ? 'truncated input' : 'invalid input')
  let rest = ''
  let column = 0
  try {
    for (let chunk = await input.read(); ; chunk = await input.read()) {
      if (decodes) {
        rest += chunk ? decoder.decode(chunk).replace(options.has('i') ? /[^A-Za-z0-9+/=]/g : /[\r\n]/g, '') : ''
        // GNU's takes the padding as said where it is missing at the end; whole groups are given out as they come.
        const whole = chunk ? rest.length - rest.length % 4 : rest.length
        const group = rest.slice(0, whole)
        rest = rest.slice(whole)
        // What was encoded in several parts may have padding between them.
        const valid = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*(?:[A-Za-z0-9+/]{2,3})?/.exec(group)![0]
        for (const [part] of valid.matchAll(/[^=]+=*/g)) await context.out(bytesOf(atob(part)))
        if (valid.length < group.length) return await bad()
      } else {
        const bytes = rest + (chunk ? latin1Of(chunk) : '')
        const whole = chunk ? bytes.length - bytes.length % 3 : bytes.length
        rest = bytes.slice(whole)
        let text = btoa(bytes.slice(0, whole))
        let out = ''
        while (wrap > 0 && column + text.length >= wrap) {
          out += `${text.slice(0, wrap - column)}\n`
          text = text.slice(wrap - column)
          column = 0
        }
        column += text.length
        if (!chunk && wrap > 0 && column > 0) text += '\n'
        if (out !== '' || text !== '') await context.out(out + text)
      }
      if (!chunk) return 0
    }
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return context.complain(`${busybox || name === '-' ? 'read error' : name}: ${errorText(error)}`)
  } finally {
    input.close()
  }
}

function latin1Of(bytes: Uint8Array): string {
  let out = ''
  for (let at = 0; at < bytes.length; at += 8192) out += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return out
}

function bytesOf(binary: string): Uint8Array {
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
