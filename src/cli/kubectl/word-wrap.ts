/**
 * Breaks lines between words so that they are no longer than a number of characters, where words allow it. Blanks at a break go away, other ones stay.
 * go: mitchellh/go-wordwrap WrapString
 */
export function wordWrap(text: string, limit: number): string {
  if (limit === Infinity) return text
  let out = '', line = 0, blanks = '', word = ''
  const take = () => {
    line += blanks.length + word.length
    out += blanks + word
    blanks = word = ''
  }
  for (const char of text) {
    if (char === '\n') {
      if (word !== '' || line + blanks.length <= limit) take()
      blanks = ''
      out += char
      line = 0
    } else if (/\s/.test(char) && char !== '\u00a0') {
      if (blanks === '' || word !== '') take()
      blanks += char
    } else {
      word += char
      if (line + blanks.length + word.length > limit && word.length < limit) {
        out += '\n'
        line = 0
        blanks = ''
      }
    }
  }
  if (word !== '' || line + blanks.length <= limit) take()
  return out
}
