import type { Proc } from '../../../unix/types.ts'
import { goFlags } from '../agnhost/go-server.ts'

/** Flags of all three programs that change nothing to be seen here: how much is logged, and where leaders would be found. */
const QUIET = ['v', 'leader-election-namespace']

/** The flags of one of cert-manager's programs; undefined, once it is told on standard error, where one of them is followed by nothing here. */
export async function certManagerFlags(proc: Proc, followed: readonly string[]): Promise<ReadonlyMap<string, string> | undefined> {
  const { flags, args } = goFlags(proc.argv.slice(1))
  const strange = [...flags.keys()].find((name) => !followed.includes(name) && !QUIET.includes(name))
  if (strange === undefined && args.length === 0) return flags
  await proc.stderr.write(strange === undefined ? `Error: unknown command ${JSON.stringify(args[0])}\n` : `Error: unknown flag, or one that is not supported by this build: --${strange}\n`)
  return undefined
}
