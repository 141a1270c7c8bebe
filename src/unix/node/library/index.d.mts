/** Sets a realm up; its text runs there. */
export const bootstrap: (config: object) => unknown
/** Node's modules by name; their text runs in realms. */
export const library: Readonly<Record<string, (...args: never[]) => void>>
