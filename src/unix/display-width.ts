/** Columns that a text takes on the screen; escape sequences take none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const char of text.replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07/g, '')) width += isWide(char) ? 2 : 1
  return width
}

/** Whether a character takes two columns. */
export function isWide(char: string): boolean {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u.test(char)
}
