/** A word as the shell would take it back. */
export function quoteWord(text: string): string {
  if (text === '') return "''"
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** A value between single quotes, the way dash and BusyBox list variables. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`
}

/** A value between double quotes, the way bash's `declare -p` does. */
export function doubleQuoted(text: string): string {
  return `"${text.replace(/[$`"\\]/g, '\\$&')}"`
}
