import http2 from 'node:http2'
import net from 'node:net'
import { expect, test } from 'vitest'
import { callOverHttp2, streamOverHttp2 } from '../src/unix/net/http2/grpc-client.ts'
import { Http2Client } from '../src/unix/net/http2/http2-client.ts'
import type { TcpSocket } from '../src/unix/types.ts'
import { decodeMessage, encodeMessage, loggedCsi, messagesOf, streamMethods } from '../src/cluster/images/csi/wire/message-codec.ts'

/** A real socket as programs see one. */
function socketOf(socket: net.Socket): TcpSocket {
  const chunks = socket[Symbol.asyncIterator]()
  return {
    reader: { read: async () => { const { value, done } = await chunks.next(); return done ? null : new Uint8Array(value as Buffer) }, cancel() {} },
    writer: { write: (data) => new Promise((resolve, reject) => { socket.write(data, (error) => error ? reject(error) : resolve()) }), close() { socket.end() } },
    local: { ip: '127.0.0.1', port: 0 }, remote: { ip: '127.0.0.1', port: 0 }, destroy: () => { socket.destroy() },
  }
}

test('calls go over HTTP/2 as a real server understands it, many at once, and errors come back', async () => {
  const server = http2.createServer()
  server.on('stream', (stream, headers) => {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('end', () => {
      const body = Buffer.concat(parts)
      const fails = headers[':path'] === '/x.Y/Fail'
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers(fails ? { 'grpc-status': '5', 'grpc-message': 'no such%20volume: ü'.replace('ü', '%C3%BC') } : { 'grpc-status': '0' }))
      stream.end(fails ? undefined : body)
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as net.AddressInfo
  const client = new Http2Client(socketOf(net.connect(port, '127.0.0.1')))
  try {
    const sizes = [0, 5, 20_000, 200_000]
    const answers = await Promise.all(sizes.map((size) => callOverHttp2(client, 'x.Y/Echo', new Uint8Array(size).fill(7))))
    expect(answers.map((each) => each.length)).toEqual(sizes)
    expect(answers[3]!.every((byte) => byte === 7)).toBe(true)
    await expect(callOverHttp2(client, 'x.Y/Fail', new Uint8Array(0))).rejects.toMatchObject({ code: 'NotFound', description: 'no such volume: ü' })
  } finally {
    client.close()
    server.close()
  }
  await expect(callOverHttp2(client, 'x.Y/Echo', new Uint8Array(0))).rejects.toMatchObject({ code: 'Unavailable' })
})

test('messages of a stream come one by one, and the server learns when nobody wants more', async () => {
  const server = http2.createServer()
  const closed: number[] = []
  server.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '12', 'grpc-message': 'enough' }))
    stream.on('close', () => closed.push(stream.rstCode))
    // Two messages in one piece, and the third cut in the middle.
    const bytes = Buffer.concat([1, 2, 3].map((n) => Buffer.from([0, 0, 0, 0, 1, n])))
    stream.write(bytes.subarray(0, 14))
    stream.write(bytes.subarray(14))
    if (headers[':path'] === '/x.Y/Ends') stream.end()
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as net.AddressInfo
  const client = new Http2Client(socketOf(net.connect(port, '127.0.0.1')))
  const got: number[] = []
  const take = async (method: string, stopped: AbortController, until: number) => { for await (const [n] of streamOverHttp2(client, method, new Uint8Array(0), stopped.signal)) { got.push(n!); if (n === until) stopped.abort() } }
  try {
    await expect(take('x.Y/Ends', new AbortController(), 0)).rejects.toMatchObject({ code: 'Unimplemented', description: 'enough' })
    await expect(take('x.Y/GoesOn', new AbortController(), 3)).rejects.toMatchObject({ code: 'Canceled' })
    expect(got).toEqual([1, 2, 3, 1, 2, 3])
    while (closed.length < 2) await new Promise((resolve) => { setImmediate(resolve) })
    expect(closed).toEqual([0, http2.constants.NGHTTP2_CANCEL])
  } finally {
    client.close()
    server.close()
  }
})

test('messages of drivers of devices survive as bytes', () => {
  const response = { claims: { uid: { devices: [{ requestNames: ['gpu'], poolName: 'node', deviceName: 'gpu-0', cdiDeviceIds: ['a/b=c'], shareId: '' }, { requestNames: [], poolName: '', deviceName: 'gpu-1', cdiDeviceIds: [] }], error: '' } } }
  expect(decodeMessage('NodePrepareResourcesResponse', encodeMessage('NodePrepareResourcesResponse', response))).toEqual(response)
  expect(messagesOf('k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodePrepareResources')).toEqual({ request: 'NodePrepareResourcesRequest', response: 'NodePrepareResourcesResponse' })
  expect(streamMethods).toEqual(['v1alpha1.DRAResourceHealth/NodeWatchResources'])
})

test('CSI messages survive as bytes, with defaults for what is not written', () => {
  const request = { volumeId: 'v', publishContext: { a: '1' }, stagingTargetPath: '/s', volumeCapability: { mount: { fsType: 'ext4', mountFlags: ['ro'], volumeMountGroup: '' }, accessMode: { mode: 'SINGLE_NODE_MULTI_WRITER' } }, secrets: { password: 'p' }, volumeContext: {} }
  expect(decodeMessage('NodeStageVolumeRequest', encodeMessage('NodeStageVolumeRequest', request))).toEqual(request)
  expect(decodeMessage('NodeGetCapabilitiesResponse', new Uint8Array(0))).toEqual({ capabilities: [] })
  // Recorded from Go: a volume of 1 GiB, -1 as an int64, a wrapped true.
  expect(Array.from(encodeMessage('CapacityRange', { requiredBytes: 2 ** 30, limitBytes: -1 }))).toEqual([8, 128, 128, 128, 128, 4, 16, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1])
  expect(Array.from(encodeMessage('ProbeResponse', { ready: true }))).toEqual([10, 2, 8, 1])
  expect(decodeMessage('ProbeResponse', Uint8Array.of(10, 2, 8, 1))).toEqual({ ready: true })
  expect(loggedCsi('NodeStageVolumeRequest', request)).toMatchObject({ volume_id: 'v', publish_context: { a: '1' }, secrets: { password: 'p' }, volume_capability: { AccessType: { Mount: { fs_type: 'ext4' } }, access_mode: { mode: 7 } } })
})
