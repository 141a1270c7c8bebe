/** Text with small letters for capital ones and the other way round. */
export function swappedCase(text: string): string {
  return [...text].map((char) => char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase()).join('')
}

/** Text as the operators `gu`, `gU` and `g~` make it. */
export function recased(operator: string, text: string): string {
  return operator === 'gu' ? text.toLowerCase() : operator === 'gU' ? text.toUpperCase() : swappedCase(text)
}
