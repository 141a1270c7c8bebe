/** Beyond so many characters in all, every warning is cut to {@link MAX_CUT}. */
const MAX_TOTAL = 4096
const MAX_CUT = 256
const encoder = new TextEncoder()

/**
 * Values of Warning headers for what a request's handling warned of. Texts with control characters can't stand in a header and are left out.
 * Other characters than ASCII go as the bytes of their UTF-8 form, one header character each. k8s: endpoints/filters/warning.go, NewWarningHeader
 */
export function warningHeaders(texts: readonly string[]): string[] {
  const usable = texts.filter((text) => text !== '' && !/\p{Cc}/u.test(text))
  let total = 0
  for (const text of usable) total += [...text].length
  if (total <= MAX_TOTAL) return usable.map(headerOf)
  const out: string[] = []
  let written = 0
  for (const text of usable) {
    if (written >= MAX_TOTAL) break
    const cut = [...text].slice(0, MAX_CUT)
    written += cut.length
    out.push(headerOf(cut.join('')))
  }
  return out
}

function headerOf(text: string): string {
  const quoted = `299 - "${text.replace(/[\\"]/g, '\\$&')}"`
  return /^[\x00-\x7f]*$/.test(quoted) ? quoted : String.fromCharCode(...encoder.encode(quoted))
}
