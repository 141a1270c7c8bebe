import { goDump } from '../kinds/go-dump.ts'
import type { PodTemplateSpec } from '../kinds/generated/types.ts'

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** FNV-1 with 32 bits, as hash/fnv New32. */
export function fnv32(bytes: Iterable<number>): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0
  return hash
}

/** FNV-1a with 32 bits, as hash/fnv New32a. */
function fnv32a(bytes: Iterable<number>, start = 0x811c9dc5): number {
  let hash = start
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash >>> 0
}

/** Decimal digits written with letters that make no words. k8s: apimachinery/pkg/util/rand SafeEncodeString */
export function safeEncode(text: string): string {
  let out = ''
  for (const char of text) out += ALPHABET[char.charCodeAt(0) % ALPHABET.length]
  return out
}

const encoder = new TextEncoder()

/** The short name of a template, the same as in every other cluster; another collision count gives another. k8s: pkg/controller ComputeHash */
export function computeTemplateHash(template: Readonly<PodTemplateSpec>, collisionCount: number | undefined): string {
  let hash = fnv32a(encoder.encode(goDump('io.k8s.api.core.v1.PodTemplateSpec', template)))
  if (collisionCount !== undefined) hash = fnv32a([collisionCount & 255, collisionCount >>> 8 & 255, collisionCount >>> 16 & 255, collisionCount >>> 24 & 255, 0, 0, 0, 0], hash)
  return safeEncode(String(hash))
}

/** JSON with sorted keys. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const object = value as Record<string, unknown>
  return `{${Object.keys(object).filter((key) => object[key] !== undefined).sort().map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`).join(',')}}`
}
