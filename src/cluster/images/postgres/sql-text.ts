/** As a constant of SQL. */
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`

/** As a name of SQL. */
export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
