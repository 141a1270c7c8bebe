/** 128 bits of FNV-1a over a text, as hexadecimal digits: tells documents apart, nothing more. */
export function textHash(text: string): string {
  const words = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b]
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    for (let w = 0; w < 4; w++) words[w] = Math.imul(words[w]! ^ (c + w), 0x01000193)
  }
  return words.map((w) => (w >>> 0).toString(16).padStart(8, '0')).join('').toUpperCase()
}
