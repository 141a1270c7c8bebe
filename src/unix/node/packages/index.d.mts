/** A package that `npm install` finds. */
export interface RegistryPackage {
  /** The newest last. */
  versions: readonly string[]
  description: string
  /** Its text is the package's index.js. */
  main: (...args: never[]) => void
  /** What lies beside it. */
  files?: Readonly<Record<string, (...args: never[]) => void>>
  /** What it asks for itself. */
  needs?: Readonly<Record<string, string>>
}
export const packages: Readonly<Record<string, RegistryPackage>>
