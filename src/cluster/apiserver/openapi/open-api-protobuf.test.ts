import { expect, test } from 'vitest'
import { openApiProtobuf } from './open-api-protobuf.ts'

const DOCUMENT = {'swagger':'2.0','info':{'title':'K','version':'v1'},'paths':{'/p/{name}':{'get':{'operationId':'read','schemes':['https'],'parameters':[{'name':'body','in':'body','required':true,'schema':{'$ref':'#/definitions/P'}},{'name':'q','in':'query','type':'string','uniqueItems':true}],'responses':{'200':{'description':'OK','schema':{'$ref':'#/definitions/P'}}}},'parameters':[{'name':'name','in':'path','required':true,'type':'string','uniqueItems':true}]}},'definitions':{'P':{'type':'object','required':['l'],'properties':{'m':{'type':'object','additionalProperties':{'type':'integer','format':'int32'}},'l':{'type':'array','items':{'$ref':'#/definitions/P'}}}}}}

/** What gnostic makes of the same document. */
const EXPECTED = '0a03322e3012070a014b1202763142ab0112a8010a092f702f7b6e616d657d129a0112772a047265616442250a230a211204626f64791a04626f647920012a110a0f232f646566696e6974696f6e732f50421b0a1912171a15120571756572792201713206737472696e67a001014a240a220a03323030121b0a190a024f4b12130a110a0f232f646566696e6974696f6e732f50520568747470734a1f0a1d121b2219080112047061746822046e616d652a06737472696e679801014a6a0a680a015012639a01016cb201080a066f626a656374ca01510a280a016d1223aa01150a131205696e743332b201090a07696e7465676572b201080a066f626a6563740a250a016c1220b201070a056172726179ba01130a110a0f232f646566696e6974696f6e732f50'

test('a document has the bytes that gnostic gives it', async () => {
  const hex = [...await openApiProtobuf(DOCUMENT, { breathe: async () => {} })].map((b) => b.toString(16).padStart(2, '0')).join('')
  expect(hex).toBe(EXPECTED)
})

test('extensions, enums and defaults travel as YAML', async () => {
  const bytes = await openApiProtobuf({ ...DOCUMENT, definitions: { Q: { type: 'string', enum: ['a'], default: 1, 'x-kubernetes-list-type': 'atomic' } } }, { breathe: async () => {} })
  const text = new TextDecoder('latin1').decode(bytes)
  expect(text).toContain('\x12\x03"a"')
  expect(text).toContain('x-kubernetes-list-type\x12\x0a\x12\x08"atomic"')
})
