import type { Clock } from '../../base/clock.ts'
import { textStream } from '../../base/text-stream.ts'
import type { KubeObject } from '../kinds/object.ts'
import { ObjectTexts } from './object-texts.ts'

/** Objects in a list that is sent as one text. */
const SHORT = 100
/** Objects of a long list whose text is made in one go: about as much as a stream sends at once, less than a millisecond's work. */
const CHUNK = 20

/** The JSON of a list. `head` ends and `tail` begins where the items stand. */
export interface ListText {
  head: string
  items: readonly KubeObject[]
  /** Where the items' texts are kept, or how each is made. */
  texts: ObjectTexts | ((item: KubeObject) => string)
  tail: string
}

/** The whole text, where one is needed (YAML, indented JSON) or the list is short. */
export function listText({ head, items, texts, tail }: ListText): string {
  return head + items.map(texts instanceof ObjectTexts ? (item) => texts.text(item) : texts).join(',') + tail
}

/** Whether a list is better sent piece by piece. */
export function isLong({ items }: ListText): boolean {
  return items.length > SHORT
}

/** The text as a stream that is made while it is read, so that ten thousand objects neither block the thread nor stand in memory twice. */
export function listStream(list: ListText, clock: Clock): ReadableStream<Uint8Array> {
  return textStream(listPieces(list), clock)
}

function* listPieces({ head, items, texts, tail }: ListText): Generator<string | Uint8Array> {
  yield head
  for (let at = 0; at < items.length; at += CHUNK) {
    if (at > 0) yield ','
    const part = items.slice(at, at + CHUNK)
    if (texts instanceof ObjectTexts) yield* texts.joined(part)
    else yield part.map(texts).join(',')
  }
  yield tail
}
