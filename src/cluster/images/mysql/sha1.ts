/** SHA-1, which mysql_native_password is made of. WebCrypto has it too, but only with a wait. */
export function sha1(bytes: Uint8Array): Uint8Array {
  const length = bytes.length
  const padded = new Uint8Array(((length + 8) >> 6) * 64 + 64)
  padded.set(bytes)
  padded[length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 4, length * 8)
  view.setUint32(padded.length - 8, Math.floor(length / 0x2000_0000))
  const state = Uint32Array.of(0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0)
  const w = new Uint32Array(80)
  const rotate = (n: number, by: number) => (n << by) | (n >>> (32 - by))
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + i * 4)
    for (let i = 16; i < 80; i++) w[i] = rotate(w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!, 1)
    let [a, b, c, d, e] = state as unknown as [number, number, number, number, number]
    for (let i = 0; i < 80; i++) {
      const [f, k] = i < 20 ? [(b & c) | (~b & d), 0x5a82_7999] : i < 40 ? [b ^ c ^ d, 0x6ed9_eba1] : i < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1b_bcdc] : [b ^ c ^ d, 0xca62_c1d6]
      const next = (rotate(a, 5) + f + e + k + w[i]!) | 0
      e = d
      d = c
      c = rotate(b, 30)
      b = a
      a = next
    }
    state.set([state[0]! + a, state[1]! + b, state[2]! + c, state[3]! + d, state[4]! + e])
  }
  const out = new Uint8Array(20)
  state.forEach((word, i) => new DataView(out.buffer).setUint32(i * 4, word))
  return out
}
