/** FNV-1a of a text's units with 32 bits: the same choice for the same text, and a short mark for it. */
export function textMark(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return hash
}
