import { encodeBase64, hashSync } from 'bcryptjs'

/** How often Go's package turns the key: 2^10 times. */
const COST = 10
const MAX_BYTES = 72

/** A password as bcrypt keeps it. @throws Error for one of more than 72 bytes. k8s: golang.org/x/crypto/bcrypt GenerateFromPassword */
export function bcrypt(password: string, salt: Uint8Array, cost = COST): string {
  if (new TextEncoder().encode(password).length > MAX_BYTES) throw new Error('bcrypt: password length exceeds 72 bytes')
  return hashSync(password, `$2a$${String(cost).padStart(2, '0')}$${encodeBase64([...salt], salt.length)}`)
}
