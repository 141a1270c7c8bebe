import { md5, sha1 } from '@noble/hashes/legacy.js'
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js'

/** Digests by name, computed at once: WebCrypto would make scripts wait. */
export const digests: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = { md5, sha1, sha224, sha256, sha384, sha512 }
