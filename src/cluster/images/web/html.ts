/** HTML that may be shown as it is: everything in it was escaped or written by us. */
export class Html {
  readonly text: string
  constructor(text: string) { this.text = text }
  toString(): string { return this.text }
}

type Part = Html | string | number | bigint | null | undefined | false | readonly Part[]

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#039;' }

/** Text as HTML shows it, also between quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]!)
}

function partText(part: Part): string {
  if (part === null || part === undefined || part === false) return ''
  if (part instanceof Html) return part.text
  return Array.isArray(part) ? part.map(partText).join('') : escapeHtml(String(part))
}

/** A template of HTML: what is put into it is escaped unless it is {@link Html} itself; lists are joined, nothing is shown for null and false. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.reduce((text, string, i) => text + partText(parts[i - 1]) + string))
}
