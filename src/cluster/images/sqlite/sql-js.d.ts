/** SQLite as WebAssembly, with its code in the module itself. */
declare module 'sql.js/dist/sql-wasm-inline.js' {
  type SqlValue = number | string | Uint8Array | null
  class Statement {
    bind(values: readonly SqlValue[]): boolean
    step(): boolean
    getAsObject(): Record<string, SqlValue>
    free(): boolean
  }
  class Database {
    constructor(data?: Uint8Array)
    prepare(sql: string): Statement
    export(): Uint8Array
    getRowsModified(): number
    close(): void
  }
  export default function initSqlJs(): Promise<{ Database: typeof Database }>
}
