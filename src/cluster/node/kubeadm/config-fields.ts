/** Fields that are followed, each with its own, or with the only values that it may have. A list: of such things. */
export type KnownFields = { readonly [field: string]: true | KnownFields | readonly [KnownFields] | { readonly is: readonly unknown[] } }

/** @throws Error for a field that isn't known, or has a value that nothing here would follow */
export function checkFields(path: string, value: unknown, known: KnownFields): void {
  for (const [field, each] of Object.entries(value as Record<string, unknown> ?? {})) {
    const what = known[field]
    const name = `${path}.${field}`
    if (what === undefined) throw new Error(`drydock: ${name} is not supported`)
    if (what === true || each === null || each === undefined) continue
    if (Array.isArray(what)) for (const [i, one] of (each as unknown[]).entries()) checkFields(`${name}[${i}]`, one, what[0] as KnownFields)
    else if ('is' in what && Array.isArray(what.is)) { if (!what.is.includes(each)) throw new Error(`drydock: ${name} can only be ${what.is.join(' or ')}, not ${String(each)}`) }
    else checkFields(name, each, what as KnownFields)
  }
}
