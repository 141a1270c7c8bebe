import { machineName } from '../../../unix/architecture.ts'
import type { Proc } from '../../../unix/types.ts'
import { UnixError } from '../../../unix/types.ts'

/** The number that data directories belong to. */
export const majorOf = (version: string) => version.startsWith('9.') ? version.split('.').slice(0, 2).join('.') : version.split('.')[0]!

/** Whether a program is in an Alpine image: releases have no package's name there. */
export const isAlpine = (proc: Pick<Proc, 'env'>) => !(proc.env.PG_VERSION ?? 'pgdg').includes('pgdg')

/** A release as programs give it. */
export const releaseText = (proc: Pick<Proc, 'env'>, version: string) => isAlpine(proc) ? version : `${version} (Debian ${version}-1.pgdg13+1)`

/** What `version()` and the log call a release. */
export function versionText(proc: Pick<Proc, 'env' | 'machine'>, version: string): string {
  return isAlpine(proc) ? `PostgreSQL ${version} on ${machineName(proc.machine.hardware.architecture)}-pc-linux-musl, compiled by gcc (Alpine 14.2.0) 14.2.0, 64-bit` : `PostgreSQL ${version} (Debian ${version}-1.pgdg13+1) on ${machineName(proc.machine.hardware.architecture)}-pc-linux-gnu, compiled by gcc (Debian 14.2.0-19) 14.2.0, 64-bit`
}

/** Settings of a postgresql.conf, with the files that it includes, in their order. */
export function readSettings(proc: Proc, file: string): [string, string][] {
  let text: string
  try { text = proc.fs.readText(file) } catch (error) { if (error instanceof UnixError) return []; throw error }
  return text.split('\n').flatMap((line): [string, string][] => {
    const [, name, quotedValue, value] = /^\s*([\w.]+)\s*(?:=\s*|\s+)(?:'((?:[^']|'')*)'|([^\s#]+))/.exec(line) ?? []
    if (!name) return []
    const given = quotedValue?.replaceAll("''", "'") ?? value!
    if (/^include(?:_if_exists)?$/i.test(name)) return readSettings(proc, given.startsWith('/') ? given : `${file.slice(0, file.lastIndexOf('/'))}/${given}`)
    return [[name.toLowerCase(), given]]
  })
}
