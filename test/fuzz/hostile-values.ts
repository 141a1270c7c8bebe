import { setOwn } from '../../src/base/freeze.ts'
import type { Random } from '../../src/base/random.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** A text that {@link jsonOf} writes without quotes, for numbers that JavaScript can't hold. */
const RAW = '@@raw '

const NUMBERS = ['1e400', '-1e400', '1e308', '9223372036854775807', '9223372036854775808', '-9223372036854775809', '18446744073709551616', '0.1', '-0', '1e-400', '00', '1.', '123456789012345678901234567890', 'NaN', 'Infinity', '0x10']
const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '', ' ', '.', '$patch', '$retainKeys', '$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers', 'f:metadata', 'k:{"name":"a"}', 'a/b', 'é', '\u0000', 'kind', 'metadata', 'spec', 'status', 'items', 'length']
const TEXTS = ['', ' ', '\u0000', '\ud800', '\udfff\ud800', '😀', 'é', '"', '\\', '\n', '\r\n', '\u2028', '../..', '/', 'a/b', 'a/b/c', '%2F', '%', '%zz', '${x}', '$(PATH)', '{{.}}', '__proto__', 'constructor', '*', '-', '.', '..',
  '2030-01-01T00:00:00Z', '2030-13-45T99:99:99Z', '0000-00-00T00:00:00Z', '9999999-01-01T00:00:00Z', '10m', '1Ei', '1e1000000', '-1', '+1', '1e', '0x1', '99999999999999999999Ei', '1.5Gi', '0.0000000000001n',
  '0.0.0.0', '::1', '::ffff:1.2.3.4', '256.1.1.1', '10.0.0.0/33', '10.96.0.0/12', 'fd00::/8', '1.2.3', 'http://x', 'https://[::1]:99999/', 'https://user:pw@host/', 'TCP', 'tcp', '80', '65536', '30000', 'Always', 'None', 'default', 'a', 'web',
  '* * * * *', '@every 1s', '60 * * * *', '*/0 * * * *', 'TZ=UTC * * * * *', 'CRON_TZ=Nowhere/City 0 0 * * *', '1-500/0 * * * *', 'kubernetes.io/tls', 'app=web', 'a in (b', '!a', 'a notin ()', 'sha256:abc', 'nginx:1.27', 'Nginx::', 'a@b', 'aGVsbG8=', 'aGVsbG8', '====',
  '(a+)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(?<name>a', '[', '\\1', '(?=a)', '(?i)a', '\\p{L}', 'a{1001}', 'a{2,1}', '.*', 'system:masters', 'system:serviceaccount:default:default', 'kubernetes.io/hostname', 'node-role.kubernetes.io/control-plane']
const EXPRESSIONS = ['true', '1/0 == 1', 'object', 'object.metadata.name == "a"', 'object.spec.x.y.z', 'has(object.metadata.labels)', 'oldObject == null', 'request.userInfo.username', 'variables.x', 'params.data.a', 'object.metadata.annotations["a"]', 'authorizer.group("").resource("pods").check("get").allowed()',
  'object.data.all(k, object.data[k] != "")', '[1,2,3].exists(x, x > 2)', '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("(a+)+$")', '"x".find("(x+x+)+y")', 'quantity("1Gi").isGreaterThan(quantity("1"))', 'url("https://x/").getHost()', 'ip("1.2.3.4").family() == 4', 'cidr("10.0.0.0/8").containsIP("10.1.1.1")',
  'duration("1h") > duration("1s")', 'timestamp("2030-01-01T00:00:00Z") < timestamp("x")', 'dyn(1) == "a"', '9223372036854775807 + 1 > 0', '-9223372036854775808 / -1 == 0', '1 % 0', '1u - 2u', 'string(1.5)', 'int("x")', 'b"\\xff"', '"\\u00zz"', '[[[[[[[[[[1]]]]]]]]]]', '{"a":{"a":{}}}', 'object.__proto__', 'object.constructor', 'object["__proto__"]', '((((((((((', 'a ? b : c',
  'cel.bind(x, 1, x)', 'format.dns1123Label().validate("A").hasValue()', '"%s".format([1])', '"a,b".split(",", -1)', '"a".repeat(9)', 'sets.contains([1],[1])', 'semver("1.2.3").major() == 1', 'object.?metadata.?x.orValue("y") == "y"', 'Object{metadata: Object.metadata{labels: {"a": "b"}}}', '[JSONPatch{op: "add", path: "/metadata/labels", value: {}}]', '', ' ', '/*', "'", 'self.x', 'true && ']

/** A random number literal, text, boolean, null or small container that checks seldom expect. */
export function hostileValue(random: Random, depth = 0): Json {
  switch (random.int(15)) {
    case 0: return null
    case 1: return random.int(2) === 0
    case 2: return random.pick([-1, 0, 1, 2, 80, 65535, 65536, 2147483647, 2147483648, -2147483649, 1.5, 1e21, Number.MAX_SAFE_INTEGER])
    case 3: return RAW + random.pick(NUMBERS)
    case 4: case 5: case 6: return random.pick(TEXTS)
    case 7: return random.pick(EXPRESSIONS)
    case 8: return random.pick(['a', 'é', '\ud800', 'x-', '0']).repeat(random.pick([60, 64, 254, 300, 2000, 70_000]))
    case 9: return []
    case 10: return {}
    case 11: return depth > 3 ? [] : Array.from({ length: random.int(4) }, () => hostileValue(random, depth + 1))
    case 12: {
      const out: { [key: string]: Json } = {}
      if (depth <= 3) for (let i = random.int(4); i > 0; i--) setOwn(out, hostileKey(random), hostileValue(random, depth + 1))
      return out
    }
    case 13: return nested(random, random.pick([5, 20, 200, 400]))
    // Deeper than JavaScript's own writer goes; only as text.
    default: return `${RAW}${random.pick(['list', 'map'])} ${random.pick([2000, 9900, 10_001])}`
  }
}

export function hostileKey(random: Random): string {
  return random.int(12) === 0 ? 'k'.repeat(random.pick([63, 64, 254, 400])) : random.pick(KEYS)
}

export function hostileText(random: Random): string {
  return random.int(4) === 0 ? random.pick(EXPRESSIONS) : random.pick(TEXTS)
}

export function expression(random: Random): string {
  const one = random.pick(EXPRESSIONS)
  switch (random.int(5)) {
    case 0: return `${one} && ${random.pick(EXPRESSIONS)}`
    case 1: return `!(${one})`
    case 2: return `[${one}, ${random.pick(EXPRESSIONS)}].all(x, x == x)`
    default: return one
  }
}

/** Containers within containers. */
function nested(random: Random, depth: number): Json {
  let value: Json = 1
  const key = random.pick(['a', 'spec', '__proto__', 'properties'])
  for (let i = 0; i < depth; i++) {
    if (random.int(2) === 0) value = [value]
    else {
      const around: { [key: string]: Json } = {}
      setOwn(around, key, value)
      value = around
    }
  }
  return value
}

/** Random JSON of any shape. */
export function anyJson(random: Random): Json {
  return hostileValue(random)
}

/** JSON text, with {@link RAW} numbers written out. */
export function jsonOf(value: Json): string {
  return JSON.stringify(value).replace(/"@@raw ([^"]*)"/g, (_, text: string) => {
    const [, shape, depth] = /^(list|map) (\d+)$/.exec(text) ?? []
    if (!depth) return text
    return shape === 'list' ? '['.repeat(Number(depth)) + ']'.repeat(Number(depth)) : '{"a":'.repeat(Number(depth)) + '1' + '}'.repeat(Number(depth))
  })
}

/** A changed copy: values replaced, fields taken away, doubled, renamed or put in. */
export function mutated(random: Random, value: Json, times = 1 + random.int(3)): Json {
  const copy = structuredCopy(value)
  for (let i = 0; i < times; i++) mutateOnce(random, copy)
  return copy
}

function structuredCopy(value: Json): Json {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(structuredCopy)
  const out: { [key: string]: Json } = {}
  for (const key of Object.keys(value)) setOwn(out, key, structuredCopy(value[key]!))
  return out
}

function mutateOnce(random: Random, root: Json): void {
  // Down a random way; the deeper fields are the ones with checks of their own.
  let at = root
  for (let depth = 0; depth < 12; depth++) {
    if (at === null || typeof at !== 'object') return
    const keys = Object.keys(at)
    const container = at as { [key: string]: Json }
    if (keys.length === 0 || random.int(8) === 0) {
      if (Array.isArray(at)) at.push(hostileValue(random))
      else setOwn(at, hostileKey(random), hostileValue(random))
      return
    }
    const key = random.pick(keys)
    const child = container[key]!
    if (child !== null && typeof child === 'object' && random.int(5) > 0) {
      at = child
      continue
    }
    switch (random.int(Array.isArray(at) ? 5 : 6)) {
      case 0:
        if (Array.isArray(at)) at.splice(Number(key), 1)
        else delete container[key]
        return
      case 1: container[key] = hostileValue(random); return
      case 2: container[key] = typeof child === 'string' ? damagedText(random, child) : typeof child === 'number' ? child + random.pick([-1, 1, 1000, -child, 0.5]) : hostileValue(random); return
      case 3:
        if (Array.isArray(at)) at.push(structuredCopy(child))
        else container[random.pick(keys)] = structuredCopy(child)
        return
      case 4: container[key] = [structuredCopy(child)]; return
      default: setOwn(container, random.int(2) === 0 ? hostileKey(random) : key.toUpperCase(), structuredCopy(child)); return
    }
  }
}

export function damagedText(random: Random, text: string): string {
  const at = random.int(text.length + 1)
  switch (random.int(5)) {
    case 0: return text.slice(0, at)
    case 1: return text.slice(0, at) + hostileText(random) + text.slice(at)
    case 2: return text.slice(0, at) + text.slice(at + 1)
    case 3: return text.toUpperCase()
    default: return text + text
  }
}

/** Bytes with a few flipped, cut or put in. */
export function damagedBytes(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  if (random.int(3) === 0) return copy.subarray(0, random.int(copy.length + 1))
  for (let i = 1 + random.int(4); i > 0 && copy.length > 0; i--) copy[random.int(copy.length)] = random.pick([0, 0x22, 0x5b, 0x7b, 0x7f, 0x80, 0xc0, 0xff, random.int(256)])
  return copy
}
