import { expect, it } from 'vitest'
import { AppArmorError } from '../../unix/apparmor.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import { AppArmorProfiles } from './apparmor-profiles.ts'

const TEXT = 'profile p {\n  #include <local/p>\n  file,\n}\n'

it('keeps loaded profiles on the disk, and lists the others where a file that one includes has gone', () => {
  const files = createMemoryFileSystem({ clock: { nowMs: () => 0 }, files: { '/etc/apparmor.d/local/p': 'deny /etc/** w,\n', '/var/cache': { directory: true } } })
  const profiles = new AppArmorProfiles(files)
  profiles.load('p', TEXT)
  profiles.load('q', 'profile q {\n  file,\n}\n')
  const again = new AppArmorProfiles(files)
  expect(again.find('p')?.rules.allowsFile?.('/etc/passwd', 2, { pid: 1, argv: [], user: { uid: 0, gid: 0 } })).toBe(false)
  expect(again.find('p')?.rules.allowsFile?.('/etc/passwd', 4, { pid: 1, argv: [], user: { uid: 0, gid: 0 } })).toBe(true)
  files.remove('/etc/apparmor.d/local/p')
  const later = new AppArmorProfiles(files)
  expect(later.list().map(({ name }) => name)).toContain('q')
  expect(later.find('p')).toBeUndefined()
})

it('refuses files that include themselves', () => {
  const files = createMemoryFileSystem({ clock: { nowMs: () => 0 }, files: { '/etc/apparmor.d/local/p': '#include <local/p>\n' } })
  expect(() => new AppArmorProfiles(files).parse(TEXT)).toThrow(AppArmorError)
})
