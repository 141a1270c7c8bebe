/** A shell variable. Arrays keep their elements beside the value, which is element 0. */
export interface Variable {
  value: string | undefined
  exported: boolean
  readonly: boolean
  elements?: Map<string, string>
  /** Elements are known by names instead of numbers (`declare -A`). */
  isMap?: boolean
}

/** Assigning to a variable that is marked read-only. */
export class ReadonlyError extends Error {
  readonly variable: string
  constructor(name: string) {
    super(`${name}: readonly variable`)
    this.variable = name
  }
}

/** The variables of one shell, with the scopes of its functions. */
export class Variables {
  readonly #all: Map<string, Variable>
  /** What `local` hid, innermost last. */
  readonly #scopes: Map<string, Variable | undefined>[] = []
  /** Called after a change, for PATH, HOME and the like. */
  constructor(all: Map<string, Variable> = new Map()) {
    this.#all = all
  }

  /** An independent copy, for subshells. */
  clone(): Variables {
    const copy = new Variables(new Map([...this.#all].map(([name, variable]) => [name, { ...variable, ...(variable.elements ? { elements: new Map(variable.elements) } : {}) }])))
    for (const scope of this.#scopes) copy.#scopes.push(new Map(scope))
    return copy
  }

  get(name: string): string | undefined {
    return this.#all.get(name)?.value
  }

  variable(name: string): Variable | undefined {
    return this.#all.get(name)
  }

  /** @throws ReadonlyError */
  set(name: string, value: string): void {
    const variable = this.#all.get(name)
    if (!variable) { this.#all.set(name, { value, exported: false, readonly: false }); return }
    if (variable.readonly) throw new ReadonlyError(name)
    variable.value = value
    if (variable.elements) variable.elements.set('0', value)
  }

  setElements(name: string, elements: Map<string, string>, isMap = this.#all.get(name)?.isMap): void {
    const variable = this.#declare(name)
    if (variable.readonly) throw new ReadonlyError(name)
    variable.elements = elements
    if (isMap) variable.isMap = true
    variable.value = elements.get('0')
  }

  setElement(name: string, index: string, value: string): void {
    const variable = this.#declare(name)
    if (variable.readonly) throw new ReadonlyError(name)
    variable.elements ??= new Map(variable.value === undefined ? [] : [['0', variable.value]])
    variable.elements.set(index, value)
    if (index === '0') variable.value = value
  }

  #declare(name: string): Variable {
    let variable = this.#all.get(name)
    if (!variable) this.#all.set(name, variable = { value: undefined, exported: false, readonly: false })
    return variable
  }

  /** @throws ReadonlyError */
  unset(name: string): void {
    if (this.#all.get(name)?.readonly) throw new ReadonlyError(name)
    this.#all.delete(name)
  }

  export(name: string, exported = true): void {
    this.#declare(name).exported = exported
  }

  makeReadonly(name: string): void {
    this.#declare(name).readonly = true
  }

  /** Begins a function: `local` variables last until {@link leave}. */
  enter(): void {
    this.#scopes.push(new Map())
  }

  leave(): void {
    for (const [name, hidden] of this.#scopes.pop() ?? []) {
      if (hidden) this.#all.set(name, hidden)
      else this.#all.delete(name)
    }
  }

  get inFunction(): boolean {
    return this.#scopes.length > 0
  }

  /** Makes a variable local to the running function; it starts with the outer value's absence, but keeps its export mark. */
  makeLocal(name: string, keepsValue: boolean): void {
    const scope = this.#scopes[this.#scopes.length - 1]
    if (!scope || scope.has(name)) return
    const hidden = this.#all.get(name)
    scope.set(name, hidden)
    this.#all.set(name, { value: keepsValue ? hidden?.value : undefined, exported: hidden?.exported ?? false, readonly: false })
  }

  /** Puts a saved variable back, whatever it is now. */
  restore(name: string, saved: Variable | undefined): void {
    if (saved) this.#all.set(name, saved)
    else this.#all.delete(name)
  }

  /** What children get. */
  environment(): Record<string, string> {
    const env: Record<string, string> = {}
    for (const [name, { value, exported }] of this.#all) if (exported && value !== undefined) env[name] = value
    return env
  }

  /** All that are set or marked, sorted by name. */
  entries(): [string, Variable][] {
    return [...this.#all].sort(([a], [b]) => a < b ? -1 : 1)
  }
}
