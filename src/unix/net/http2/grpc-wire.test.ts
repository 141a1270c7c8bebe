import { expect, test } from 'vitest'
import { encodeStatusMessage, outcomeOf } from './grpc-wire.ts'

const outcome = (status: number, headers: Record<string, string>) => outcomeOf(new Response(null, { status, headers }))

// Go: internal/transport/http2_client.go operateHeaders
test('a call comes to what the answer says if that is gRPC\'s, else to what its HTTP status says', async () => {
  const grpc = { 'content-type': 'application/grpc+proto' }
  const text = '100% für %41\n'
  expect(await outcome(200, { ...grpc, 'grpc-status': '5', 'grpc-message': encodeStatusMessage(text) })).toEqual({ code: 5, message: text })
  expect((await outcome(200, { ...grpc, 'grpc-status': '5', 'grpc-message': '%FF 5%' })).message).toBe('\ufffd 5%')
  expect(await outcome(200, grpc)).toEqual({ code: 13, message: 'server closed the stream without sending trailers' })
  expect(await outcome(503, { 'grpc-status': '0' })).toEqual({ code: 14, message: 'unexpected HTTP status code received from server: 503 (Service Unavailable); malformed header: missing HTTP content-type' })
  expect(await outcome(200, { 'content-type': 'text/html' })).toEqual({ code: 2, message: 'unexpected HTTP status code received from server: 200 (OK); transport: received unexpected content-type "text/html"' })
})
