import { patchRange, releasesByTag, releasesSince } from '../releases.ts'
import type { ReleaseLines } from '../releases.ts'
import type { DebianCodename } from '../debian.ts'

/** Versions by tag. */
export type Versions = Readonly<Record<string, string>>

export const LATEST_NGINX = '1.29.4'

/** Every release that registries have. */
const LINES: ReleaseLines = {
  1.7: [1, ...patchRange(5, 12)], 1.8: [1], 1.9: [...patchRange(0, 12), 14, 15], '1.10': 3, 1.11: [0, 1, ...patchRange(3, 10), 12, 13], 1.12: 2, 1.13: [...patchRange(0, 3), ...patchRange(5, 12)], 1.14: 2, 1.15: 12, 1.16: 1, 1.17: 10, 1.18: 0, 1.19: 10, '1.20': 2,
  1.21: [0, 1, ...patchRange(3, 6)], 1.22: 1, 1.23: 4, 1.24: 0, 1.25: 5, 1.26: 3, 1.27: 5, 1.28: 0, 1.29: 4,
}
const RECENT: Versions = { '1': LATEST_NGINX, mainline: LATEST_NGINX, latest: LATEST_NGINX, stable: '1.28.0' }

/** Versions by what the tags of an image end in. */
export const nginxVersions: Readonly<Record<'' | '-bookworm' | '-trixie' | '-alpine' | '-alpine-slim', Versions>> = {
  '': { ...releasesByTag(LINES), ...RECENT },
  '-bookworm': { ...releasesByTag({ ...releasesSince(LINES, '1.25.1'), 1.29: 1 }), '1': '1.29.1', mainline: '1.29.1', latest: '1.29.1', stable: '1.28.0' },
  '-trixie': { ...releasesByTag(releasesSince(LINES, '1.29.2')), '1': LATEST_NGINX, mainline: LATEST_NGINX, latest: LATEST_NGINX },
  '-alpine': { ...releasesByTag(releasesSince(LINES, '1.8.1', '1.9.14')), ...RECENT },
  '-alpine-slim': { ...releasesByTag(releasesSince(LINES, '1.22.1', '1.23.3')), ...RECENT },
}

/** Versions of the image for those who may not be root, which came later. */
export const unprivilegedVersions: Versions = { ...releasesByTag(releasesSince(LINES, '1.14.0')), ...RECENT }

/** The Debians that images are of, newest first: from which release of a line on, and from which line on. */
const DEBIANS: readonly { codename: DebianCodename; firsts: Readonly<Record<string, number>>; line: number; compiler: string }[] = [
  { codename: 'trixie', firsts: { 28: 1, 29: 2 }, line: 30, compiler: 'gcc 14.2.0 (Debian 14.2.0-19)' },
  { codename: 'bookworm', firsts: { 25: 1 }, line: 26, compiler: 'gcc 12.2.0 (Debian 12.2.0-14)' },
  { codename: 'bullseye', firsts: { 20: 1, 21: 3 }, line: 22, compiler: 'gcc 10.2.1 20210110 (Debian 10.2.1-6)' },
  { codename: 'buster', firsts: { 16: 0, 17: 1 }, line: 18, compiler: 'gcc 8.3.0 (Debian 8.3.0-6)' },
  { codename: 'stretch', firsts: { 11: 13 }, line: 12, compiler: 'gcc 6.3.0 20170516 (Debian 6.3.0-18+deb9u1)' },
  { codename: 'jessie', firsts: {}, line: 0, compiler: 'gcc 4.9.2 (Debian 4.9.2-10)' },
]

/** The Debian of a version's image, and the compiler that built nginx there. */
export function debianOf(version: string): { codename: DebianCodename; compiler: string } {
  const [, line = 0, patch = 0] = version.split('.').map(Number)
  const { codename, compiler } = DEBIANS.find((debian) => line >= debian.line || patch >= (debian.firsts[line] ?? Infinity))!
  // Debian's compilers were corrected between two releases of nginx.
  if (line === 29 && codename === 'bookworm') return { codename, compiler: 'gcc 12.2.0 (Debian 12.2.0-14+deb12u1)' }
  if (codename === 'stretch' && (line < 13 || line === 13 && patch < 10)) return { codename, compiler: 'gcc 6.3.0 20170516 (Debian 6.3.0-18)' }
  return { codename, compiler }
}

/** What the environment says of the package that nginx came in. */
export function packageEnvironment(version: string): Record<string, string> {
  const { codename } = debianOf(version)
  const [, line = 0, patch = 0] = version.split('.').map(Number)
  if (line < 15 || line === 15 && patch < 12) return { NGINX_VERSION: `${version}-1~${codename}` }
  return { NGINX_VERSION: version, PKG_RELEASE: `${version === '1.26.1' || version === '1.27.0' ? 2 : 1}~${codename}` }
}
