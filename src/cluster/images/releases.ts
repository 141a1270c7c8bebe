/** Patch releases by line, such as `1.29`. A number is the last one of a line whose first is 0 and that lacks none. */
export type ReleaseLines = Readonly<Record<string, number | readonly number[]>>

/** The patches from one number to another. */
export function patchRange(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** Versions by tag: each release has its own, and a line's name is its newest release. */
export function releasesByTag(lines: ReleaseLines): Record<string, string> {
  return Object.fromEntries(Object.entries(lines).flatMap(([line, patches]) => {
    const versions = (typeof patches === 'number' ? patchRange(0, patches) : patches).map((patch) => `${line}.${patch}`)
    return [...versions.map((version) => [version, version]), [line, versions.at(-1)!]]
  }))
}

/**
 * The releases that came as some kind of image, which registries have from a release on: `firsts` are the first ones of their lines, oldest first; of
 * other lines those newer than the last of them came so.
 */
export function releasesSince(lines: ReleaseLines, ...firsts: readonly string[]): ReleaseLines {
  const lineOf = (version: string) => version.slice(0, version.lastIndexOf('.'))
  const rank = (line: string) => line.split('.').reduce((sum, number) => sum * 1000 + Number(number), 0)
  const newest = rank(lineOf(firsts.at(-1)!))
  return Object.fromEntries(Object.entries(lines).flatMap(([line, patches]): [string, number | readonly number[]][] => {
    const first = firsts.find((version) => lineOf(version) === line)
    if (first === undefined) return rank(line) > newest ? [[line, patches]] : []
    const from = Number(first.slice(line.length + 1))
    return [[line, (typeof patches === 'number' ? patchRange(0, patches) : patches).filter((patch) => patch >= from)]]
  }))
}
