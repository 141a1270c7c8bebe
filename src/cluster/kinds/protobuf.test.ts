import { beforeAll, expect, test } from 'vitest'
import { decodeProtobuf, ProtobufError } from './protobuf.ts'
import { loadProtobufMessages } from './protobuf-messages.ts'

beforeAll(loadProtobufMessages)

/** Writes a length-delimited field. */
const field = (number: number, value: string | number[]): number[] => {
  const bytes = typeof value === 'string' ? [...new TextEncoder().encode(value)] : value
  return [number << 3 | 2, bytes.length, ...bytes]
}
const varint = (number: number, value: number): number[] => [number << 3, value]
const envelope = (apiVersion: string, kind: string, raw: number[]) => Uint8Array.from([0x6b, 0x38, 0x73, 0, ...field(1, [...field(1, apiVersion), ...field(2, kind)]), ...field(2, raw)])

test('a body is read into its JSON form: maps, bytes, times', () => {
  const metadata = [...field(1, 'c'), ...field(8, varint(1, 5)), ...field(11, [...field(1, 'app'), ...field(2, 'web')])]
  const body = envelope('v1', 'ConfigMap', [...field(1, metadata), ...field(2, [...field(1, 'k'), ...field(2, 'v')]), ...field(3, [...field(1, 'b'), ...field(2, [0, 255])])])
  expect(decodeProtobuf(body)).toEqual({
    apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', creationTimestamp: '1970-01-01T00:00:05Z', labels: { app: 'web' } }, data: { k: 'v' }, binaryData: { b: 'AP8=' },
  })
})

test('inlined messages stand beside their parent\'s fields', () => {
  // Pod.spec.volumes[0] = { name: v, volumeSource: { emptyDir: {} } }
  const body = envelope('v1', 'Pod', field(2, field(1, [...field(1, 'v'), ...field(2, field(2, []))])))
  expect(decodeProtobuf(body)).toMatchObject({ spec: { volumes: [{ name: 'v', emptyDir: {} }] } })
})

test('a number or text keeps its kind', () => {
  // Service.spec.ports[0].targetPort: IntOrString
  const port = (value: number[]) => decodeProtobuf(envelope('v1', 'Service', field(2, field(1, field(4, value))))) as { spec: { ports: { targetPort: unknown }[] } }
  expect(port([...varint(1, 0), ...varint(2, 80)]).spec.ports[0]!.targetPort).toBe(80)
  expect(port([...varint(1, 1), ...field(3, 'http')]).spec.ports[0]!.targetPort).toBe('http')
})

test('garbage is refused', () => {
  expect(() => decodeProtobuf(Uint8Array.from([1, 2, 3]))).toThrow(ProtobufError)
  expect(() => decodeProtobuf(envelope('v1', 'Nothing', []))).toThrow('no kind "Nothing" is registered for version "v1"')
  expect(() => decodeProtobuf(Uint8Array.from([0x6b, 0x38, 0x73, 0, 0x0a, 0xff]))).toThrow('unexpected EOF')
})
