import { expect, test } from 'vitest'
import { Random } from '../../../base/random.ts'
import { EMPTY_SET, type FieldSet, type SetOperation, differenceOf, intersectionOf, recursiveDifferenceOf, unionOf } from './field-set.ts'
import { rememberingPairs, sharedSet } from './field-set-table.ts'

/** Every member as a path. */
function members(set: FieldSet, prefix = ''): string[] {
  return Object.keys(set).filter((key) => key !== '.').flatMap((key) => {
    const node = set[key]!
    const isMember = Object.keys(node).length === 0 || '.' in node
    return [...(isMember ? [`${prefix}/${key}`] : []), ...members(node, `${prefix}/${key}`)]
  })
}

/** The set with these members. */
function setOf(paths: readonly string[], share: boolean): FieldSet {
  const heads = new Map<string, string[]>()
  for (const path of paths) {
    const [, head, ...rest] = path.split('/')
    heads.set(head!, [...heads.get(head!) ?? [], rest.length > 0 ? `/${rest.join('/')}` : ''])
  }
  const out: Record<string, FieldSet> = {}
  for (const [head, tails] of [...heads].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const inner = setOf(tails.filter((tail) => tail !== ''), share)
    const node = tails.includes('') && Object.keys(inner).length > 0 ? { '.': EMPTY_SET, ...inner } : inner
    out[head] = Object.keys(node).length === 0 ? EMPTY_SET : share ? sharedSet(node) : node
  }
  return share ? sharedSet(out) : out
}

const random = new Random('field sets')
function randomPaths(): string[] {
  const element = () => random.float() < 0.1 ? 'k:{"ip":"10.0.0.1"}' : `f:${'abc'[random.int(3)]}`
  return [...new Set(Array.from({ length: random.int(7) }, () => Array.from({ length: 1 + random.int(3) }, () => `/${element()}`).join('')))]
}

const under = (path: string, paths: readonly string[]) => paths.some((other) => path === other || path.startsWith(`${other}/`))
const operations: [string, SetOperation, (a: string[], b: string[]) => string[]][] = [
  ['union', unionOf, (a, b) => [...new Set([...a, ...b])]],
  ['difference', differenceOf, (a, b) => a.filter((path) => !b.includes(path))],
  ['recursive difference', recursiveDifferenceOf, (a, b) => a.filter((path) => !under(path, b))],
  ['intersection', intersectionOf, (a, b) => a.filter((path) => b.includes(path))],
]

for (const [name, operation, onPaths] of operations) {
  test(`the ${name} of sets is that of their members, remembered or not`, () => {
    const remembered = name === 'intersection' ? operation : rememberingPairs(operation)
    for (let round = 0; round < 400; round++) {
      const [a, b] = [randomPaths(), randomPaths()]
      const expected = onPaths(a, b).sort()
      for (const share of [false, true]) {
        const [left, right] = [setOf(a, share), setOf(b, share)]
        expect(members(operation(left, right)).sort()).toEqual(expected)
        expect(members(remembered(left, right)).sort()).toEqual(expected)
        // What is owned as before is the set itself, so that nothing is written anew.
        if (name !== 'intersection' && expected.length === a.length && name !== 'union') expect(remembered(left, right)).toBe(left)
        if (name === 'union' && expected.length === a.length && b.length > 0 && a.length > 0) expect(remembered(left, right)).toBe(left)
        expect(members(left).sort()).toEqual([...a].sort())
      }
    }
  })
}
