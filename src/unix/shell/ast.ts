/** A word before expansion: what is between blanks. */
export interface Word {
  parts: WordPart[]
  /** As it was written, for messages and `jobs`. */
  text: string
}

export type WordPart =
  | { kind: 'literal'; text: string; quoted: boolean }
  /** Inside double quotes: nothing is split or globbed. */
  | { kind: 'double'; parts: WordPart[] }
  | Parameter
  | { kind: 'command'; body: List }
  | { kind: 'arithmetic'; expression: Word }
  /** `<(...)` and `>(...)`. */
  | { kind: 'process'; body: List; direction: '<' | '>' }

/** `$name`, `${name}` and its forms. */
export interface Parameter {
  kind: 'parameter'
  name: string
  /** `${#name}` */
  length?: boolean
  /** `${!name}` */
  indirect?: boolean
  /** `-` `:-` `=` `:=` `?` `:?` `+` `:+` `%` `%%` `#` `##` `/` `//` `/#` `/%` `:` `^` `^^` `,` `,,` */
  operator?: string
  /** Operand: the default, the pattern, or the offset of a substring. */
  word?: Word
  /** Replacement of `/`, length of a substring. */
  second?: Word
  /** `${name[index]}` */
  index?: Word
}

export interface Redirect {
  /** Undefined: 0 for input, 1 for output. */
  fd: number | undefined
  operator: '<' | '>' | '>>' | '>|' | '<>' | '<&' | '>&' | '<<' | '<<<' | '&>' | '&>>'
  target: Word
  /** The body of a here-document. */
  body?: Word
}

export interface Assignment {
  name: string
  value: Word
  append: boolean
  /** `name=(a b c)` */
  elements?: Word[]
  /** `name[i]=value` */
  index?: Word
}

/** `declared`: arrays among the arguments of `declare`, `local` and their like; the words have only their names. */
export interface SimpleCommand { kind: 'simple'; assignments: Assignment[]; words: Word[]; redirects: Redirect[]; line: number; declared?: Assignment[] }
export interface Pipeline { kind: 'pipeline'; commands: Command[]; negated: boolean; timed?: boolean; stderrToo: boolean[] }
export interface AndOr { kind: 'and-or'; left: Command; operator: '&&' | '||'; right: Command }
export interface List { kind: 'list'; items: { command: Command; background: boolean; text: string }[] }
export interface Subshell { kind: 'subshell'; body: List; redirects: Redirect[] }
export interface Group { kind: 'group'; body: List; redirects: Redirect[] }
export interface If { kind: 'if'; branches: { condition: List; body: List }[]; otherwise?: List; redirects: Redirect[] }
export interface Loop { kind: 'loop'; until: boolean; condition: List; body: List; redirects: Redirect[] }
export interface For { kind: 'for'; name: string; words?: Word[]; body: List; redirects: Redirect[] }
export interface CountedFor { kind: 'counted-for'; start: Word; condition: Word; step: Word; body: List; redirects: Redirect[] }
export interface Case { kind: 'case'; word: Word; arms: { patterns: Word[]; body: List; next: ';;' | ';&' | ';;&' }[]; redirects: Redirect[] }
export interface FunctionDefinition { kind: 'function'; name: string; body: Command; text: string }
export interface Conditional { kind: 'conditional'; words: Word[]; redirects: Redirect[]; line: number }
export interface ArithmeticCommand { kind: 'arithmetic'; expression: Word; redirects: Redirect[] }

export type Command = SimpleCommand | Pipeline | AndOr | List | Subshell | Group | If | Loop | For | CountedFor | Case | FunctionDefinition | Conditional | ArithmeticCommand

/** The text does not follow the grammar; `incomplete` when more input could complete it. */
export class ShellSyntaxError extends Error {
  readonly incomplete: boolean
  readonly line: number
  /** What was found instead. */
  readonly token: string
  readonly expecting: string | undefined
  /** The quote that isn't closed. */
  readonly quote: string | undefined
  constructor(token: string, line: number, options: { incomplete?: boolean; expecting?: string; message?: string; quote?: string } = {}) {
    super(options.message ?? `"${token}" unexpected`)
    this.token = token
    this.line = line
    this.incomplete = options.incomplete ?? false
    this.expecting = options.expecting
    this.quote = options.quote
  }
}
