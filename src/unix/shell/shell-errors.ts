/** `break`, `continue`, `return` on their way out. */
export class Jump extends Error {
  readonly kind: 'break' | 'continue' | 'return'
  levels: number
  constructor(kind: 'break' | 'continue' | 'return', levels: number) {
    super(kind)
    this.kind = kind
    this.levels = levels
  }
}

/** An error that ends a non-interactive shell. */
export class ShellError extends Error {
  readonly status: number
  constructor(message: string, status = 2) {
    super(message)
    this.status = status
  }
}
