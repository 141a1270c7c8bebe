/**
 * Versions by tag of everything that was released of some lines: each patch has its own name. A number is the last patch of a line whose first is 0;
 * where not all numbers were released the patches are listed.
 */
export function patchReleases(lines: Readonly<Record<string, number | readonly number[]>>): Record<string, string> {
  const versions = Object.entries(lines).flatMap(([line, patches]) => (typeof patches === 'number' ? Array.from({ length: patches + 1 }, (_, patch) => patch) : patches).map((patch) => `${line}.${patch}`))
  return Object.fromEntries(versions.map((version) => [version, version]))
}

/** The patches from one number to another. */
export function patchRange(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
