/** Passwords as bcrypt keeps them. Niels Provos and David Mazières: A Future-Adaptable Password Scheme; the cipher is Bruce Schneier's Blowfish. */

const ROUNDS = 16
const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const COST = 10

/** The cipher's beginning: subkeys, then four boxes of 256. */
const SUBKEYS = ROUNDS + 2
const WORDS = SUBKEYS + 4 * 256

let start: Int32Array | undefined

/** The digits of pi after the point. Machin's formula */
function digitsOfPi(): Int32Array {
  if (start) return start
  const bits = BigInt(WORDS * 32)
  const one = 1n << (bits + 64n)
  const arctanOfOneOver = (x: bigint) => {
    let sum = 0n
    let power = one / x
    for (let k = 1n, isPlus = true; power > 0n; k += 2n, isPlus = !isPlus) {
      sum += isPlus ? power / k : -(power / k)
      power /= x * x
    }
    return sum
  }
  const fraction = (16n * arctanOfOneOver(5n) - 4n * arctanOfOneOver(239n) - 3n * one) >> 64n
  const hex = fraction.toString(16).padStart(WORDS * 8, '0')
  return start = Int32Array.from({ length: WORDS }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16) | 0)
}

class Blowfish {
  readonly #state = digitsOfPi().slice()
  left = 0
  right = 0

  encrypt(): void {
    const s = this.#state
    let { left: l, right: r } = this
    for (let i = 0; i < ROUNDS; i++) {
      l ^= s[i]!
      r ^= (((s[SUBKEYS + (l >>> 24)]! + s[SUBKEYS + 256 + (l >>> 16 & 255)]!) ^ s[SUBKEYS + 512 + (l >>> 8 & 255)]!) + s[SUBKEYS + 768 + (l & 255)]!) | 0
      const swapped = l
      l = r
      r = swapped
    }
    this.left = r ^ s[ROUNDS + 1]!
    this.right = l ^ s[ROUNDS]!
  }

  expand(key: Int32Array, salt?: Int32Array): void {
    const s = this.#state
    for (let i = 0; i < SUBKEYS; i++) s[i]! ^= key[i % key.length]!
    this.left = this.right = 0
    for (let i = 0; i < WORDS; i += 2) {
      if (salt) {
        this.left ^= salt[i % 4]!
        this.right ^= salt[(i + 1) % 4]!
      }
      this.encrypt()
      s[i] = this.left
      s[i + 1] = this.right
    }
  }
}

/** Words of a text that goes round and round. */
function wordsOf(bytes: Uint8Array, count: number): Int32Array {
  const at = (i: number) => bytes[i % bytes.length]!
  return Int32Array.from({ length: count }, (_, i) => at(4 * i) << 24 | at(4 * i + 1) << 16 | at(4 * i + 2) << 8 | at(4 * i + 3))
}

function encoded(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const group = bytes[i]! << 16 | (bytes[i + 1] ?? 0) << 8 | (bytes[i + 2] ?? 0)
    for (let k = 0; k < Math.min(3, bytes.length - i) + 1; k++) out += ALPHABET[group >> (18 - 6 * k) & 63]!
  }
  return out
}

/** @throws Error for a password of more than 72 bytes. k8s: golang.org/x/crypto/bcrypt GenerateFromPassword */
export function bcrypt(password: Uint8Array, salt: Uint8Array, cost = COST): string {
  if (password.length > 72) throw new Error('bcrypt: password length exceeds 72 bytes')
  const ended = new Uint8Array(password.length + 1)
  ended.set(password)
  const key = wordsOf(ended, SUBKEYS)
  const saltKey = wordsOf(salt, SUBKEYS)
  const cipher = new Blowfish()
  cipher.expand(key, wordsOf(salt, 4))
  for (let i = 0; i < 2 ** cost; i++) {
    cipher.expand(key)
    cipher.expand(saltKey)
  }
  const text = wordsOf(new TextEncoder().encode('OrpheanBeholderScryDoubt'), 6)
  for (let i = 0; i < 6; i += 2) {
    cipher.left = text[i]!
    cipher.right = text[i + 1]!
    for (let k = 0; k < 64; k++) cipher.encrypt()
    text[i] = cipher.left
    text[i + 1] = cipher.right
  }
  const view = new DataView(new ArrayBuffer(24))
  text.forEach((word, i) => view.setInt32(4 * i, word))
  return `$2a$${String(cost).padStart(2, '0')}$${encoded(salt)}${encoded(new Uint8Array(view.buffer, 0, 23))}`
}
