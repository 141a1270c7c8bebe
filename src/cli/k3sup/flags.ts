/** A flag's kind, and what it is without being said. */
export type FlagTable = Readonly<Record<string, string | boolean>>

/** The flags of a k3sup command line by their names. Switches have boolean defaults. */
export class GoFlags {
  readonly #values: Map<string, string | boolean>
  readonly #changed = new Set<string>()

  /** pflag's rules. @throws Error in its words */
  constructor(table: FlagTable, words: readonly string[]) {
    this.#values = new Map(Object.entries(table))
    for (let i = 0; i < words.length; i++) {
      const [, name, value] = /^--([\w-]+)(?:=(.*))?$/s.exec(words[i]!) ?? []
      if (name === undefined) {
        if (words[i]!.startsWith('-') && words[i] !== '-') throw new Error(`unknown shorthand flag: '${words[i]![1]}' in ${words[i]}`)
        // Nobody asks for what isn't a flag.
        continue
      }
      const known = table[name]
      if (known === undefined) throw new Error(`unknown flag: --${name}`)
      const given = value ?? (typeof known === 'boolean' ? 'true' : words[++i])
      if (given === undefined) throw new Error(`flag needs an argument: --${name}`)
      if (typeof known === 'boolean' && given !== 'true' && given !== 'false') throw new Error(`invalid argument ${JSON.stringify(given)} for "--${name}" flag: strconv.ParseBool: parsing ${JSON.stringify(given)}: invalid syntax`)
      this.#changed.add(name)
      this.#values.set(name, typeof known === 'boolean' ? given === 'true' : given)
    }
  }

  text(name: string): string {
    return String(this.#values.get(name) ?? '')
  }

  is(name: string): boolean {
    return this.#values.get(name) === true
  }

  changed(name: string): boolean {
    return this.#changed.has(name)
  }
}
