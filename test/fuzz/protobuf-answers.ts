import { concatBytes } from '../../src/base/streams.ts'
import { decodeProtobuf } from '../../src/cluster/kinds/protobuf.ts'

/** An answer in protobuf as one in JSON, so that it can be judged like all others. */
export function inJson(response: Response): Response {
  const type = response.headers.get('content-type') ?? ''
  if (!type.includes('protobuf') || type.includes('openapi') || response.body === null) return response
  const body = response.body.pipeThrough(type.endsWith(';stream=watch') ? lines() : whole())
  return new Response(body, { status: response.status, headers: response.headers })
}

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value) + '\n')

function whole(): TransformStream<Uint8Array, Uint8Array> {
  const chunks: Uint8Array[] = []
  return new TransformStream({
    transform: (chunk) => { chunks.push(chunk) },
    flush: (controller) => controller.enqueue(text(decodeProtobuf(concatBytes(chunks)))),
  })
}

/** Events of a watch: their length in four bytes, their type, their object. */
function lines(): TransformStream<Uint8Array, Uint8Array> {
  let rest: Uint8Array = new Uint8Array()
  return new TransformStream({
    transform(chunk, controller) {
      rest = concatBytes([rest, chunk])
      for (;;) {
        if (rest.length < 4) return
        const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0)
        if (rest.length < 4 + length) return
        controller.enqueue(text(event(rest.subarray(4, 4 + length))))
        rest = rest.subarray(4 + length)
      }
    },
  })
}

function event(frame: Uint8Array): unknown {
  let at = 0
  const length = () => {
    let out = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = frame[at++]!
      out += (byte & 127) * factor
      if (byte < 128) return out
    }
  }
  at++
  const typeLength = length()
  const type = new TextDecoder().decode(frame.subarray(at, at += typeLength))
  at++
  length()
  at++
  const objectLength = length()
  return { type, object: decodeProtobuf(frame.subarray(at, at + objectLength)) }
}
