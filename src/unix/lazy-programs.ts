import { lazyProgram } from './lazy-program.ts'

/** Programs that not everybody needs; their code is loaded when they are started for the first time. */
export const openssl = lazyProgram(async () => (await import('./openssl/openssl.ts')).openssl)
export const git = lazyProgram(async () => (await import('./git/git.ts')).git)
export const htpasswd = lazyProgram(async () => (await import('./openssl/htpasswd.ts')).htpasswd)
