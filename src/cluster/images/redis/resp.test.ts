import { describe, expect, it } from 'vitest'
import { CommandParser, ReplyParser, byteStringOf, encodeCommand, encodeReply, fromByteString } from './resp.ts'
import type { Reply } from './resp.ts'

const bytes = (text: string) => fromByteString(byteStringOf(text))

describe('the command parser', () => {
  it('gives a command once its last byte has come, however it is cut', () => {
    const parser = new CommandParser()
    const found: string[][] = []
    for (const byte of fromByteString(encodeCommand(['SET', 'key', 'a\r\nb']) + encodeCommand(['GET', 'key']))) {
      parser.push(Uint8Array.of(byte))
      for (let words = parser.next(); words; words = parser.next()) found.push(words)
    }
    expect(found).toEqual([['SET', 'key', 'a\r\nb'], ['GET', 'key']])
  })

  it('takes inline commands with quotes', () => {
    const parser = new CommandParser()
    parser.push(bytes('\r\nset key "two words\\n"\r\nping\n'))
    expect([parser.next(), parser.next(), parser.next()]).toEqual([['set', 'key', 'two words\n'], ['ping'], undefined])
  })

  it('refuses what is not the protocol', () => {
    const parser = new CommandParser()
    parser.push(bytes('*1\r\n+PING\r\n'))
    expect(() => parser.next()).toThrow("expected '$', got '+'")
  })
})

it('reads every reply back that it wrote, byte by byte', () => {
  const replies: Reply[] = [null, 'v\r\n\xff', -7, { status: 'OK' }, { error: 'ERR no' }, { nullArray: true }, ['a', [1, null], []]]
  const parser = new ReplyParser()
  const found: Reply[] = []
  for (const byte of fromByteString(replies.map(encodeReply).join(''))) {
    parser.push(Uint8Array.of(byte))
    const reply = parser.next()
    if (reply !== undefined) found.push(reply)
  }
  expect(found).toEqual(replies)
})
