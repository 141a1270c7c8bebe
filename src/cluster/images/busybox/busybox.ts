import { pagerPrograms, vi } from '../../../unix/editors/programs.ts'
import { ash } from '../../../unix/shell/sh.ts'
import type { Program } from '../../../unix/types.ts'
import { baseName } from '../../../unix/path.ts'
import { busyboxApplets, utilities, utilityPrograms } from '../../../unix/utilities/list.ts'
import { oldNslookup } from '../../../unix/utilities/old-nslookup.ts'
import { utilityProgram } from '../../../unix/utilities/utility.ts'
import { accountFiles } from '../accounts.ts'
import { defineImage } from '../image.ts'
import type { ImageFile } from '../image.ts'
import { httpd } from './httpd.ts'
import { init } from './init.ts'

/** The multi-call binary: `busybox ls`, and the applet by the name it is called by. */
function busyboxBinary(version: string): Program {
  return async (proc) => {
    const [name, ...args] = proc.argv
    const own = baseName(name ?? '')
    const applet = own === 'busybox' ? args.shift() : own
    if (applet === undefined || applet === '--help') {
      await proc.stdout.write(`BusyBox v${version} multi-call binary.\nBusyBox is copyrighted by many authors between 1998-2015.\nLicensed under GPLv2. See source distribution for detailed\ncopyright notices.\n\nUsage: busybox [function [arguments]...]\n   or: busybox --list[-full]\n   or: function [arguments]...\n\nCurrently defined functions:\n\t${['[', ...appletNames].join(', ')}\n`)
      return 0
    }
    if (own === 'sh' || own === 'ash') return ash(proc)
    if (applet === '--list') { await proc.stdout.write(appletNames.map((each) => `${each}\n`).join('')); return 0 }
    if (!appletNames.includes(applet) && applet !== '[') { await proc.stderr.write(`${applet}: applet not found\n`); return 127 }
    // A copy of the binary elsewhere still finds its applets in itself.
    if (proc.fs.exists(`/bin/${applet}`) && proc.exec) return proc.exec([applet, ...args], { env: { ...proc.env, PATH: '/bin' } })
    return utilityProgram(utilities[applet]!, 'busybox', applet)(proc)
  }
}

const appletNames = [...busyboxApplets, 'ash', 'httpd', 'init', 'less', 'more', 'sh', 'vi'].sort()

/** Executables and links of a BusyBox user land. */
export function busyboxPrograms(version: string): Record<string, Program> {
  return { ...utilityPrograms('busybox'), '/bin/sh': ash, '/bin/ash': ash, '/bin/busybox': busyboxBinary(version), '/bin/httpd': httpd, '/bin/vi': vi, '/bin/less': pagerPrograms['/usr/bin/less']!, '/bin/more': pagerPrograms['/usr/bin/more']!, '/sbin/init': init }
}

/** Files of the busybox image. */
export const busyboxFiles: Record<string, ImageFile> = {
  ...accountFiles('/bin/sh'),
  '/usr/bin': { directory: true },
  '/usr/sbin': { directory: true },
  '/usr/bin/env': { link: '../../bin/env' },
  '/var/spool/mail': { directory: true },
  '/lib64': { link: 'lib' },
  '/lib': { directory: true },
}

const VERSIONS = ['1.34', '1.34.1', '1.35', '1.35.0', '1.36', '1.36.0', '1.36.1', '1.37', '1.37.0', 'latest', 'stable', 'musl', 'glibc', 'uclibc', '1', '1.25', '1.25.1', '1.26', '1.26.2', '1.27', '1.27.2', '1.28', '1.28.0', '1.28.1', '1.28.3', '1.28.4', '1.29', '1.29.2', '1.29.3', '1.30', '1.30.0', '1.30.1', '1.31', '1.31.0', '1.31.1', '1.32', '1.32.0', '1.32.1', '1.33', '1.33.0', '1.33.1', '1.36.1-musl', '1.36-musl', '1.37-musl', '1.37-glibc']

/** Versions up to 1.28 look names up with the nslookup of old. */
const oldPrograms = (version: string) => ({ ...busyboxPrograms(version), '/bin/nslookup': utilityProgram(oldNslookup, 'busybox') })
const OLD: Readonly<Record<string, Record<string, Program>>> = { '1.27': oldPrograms('1.27.2 (2017-11-01 23:22:25 UTC)'), '1.28': oldPrograms('1.28.4 (2018-05-22 17:00:17 UTC)') }

export const busybox = defineImage({
  repository: 'docker.io/library/busybox', tags: VERSIONS, sizeBytes: 2_160_000, cmd: ['sh'],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  files: busyboxFiles, programs: busyboxPrograms('1.37.0 (2024-09-26 21:31:42 UTC)'),
  variants: { '1.27': { programs: OLD['1.27']! }, '1.28': { programs: OLD['1.28']! }, ...Object.fromEntries(['1.28.0', '1.28.1', '1.28.3', '1.28.4'].map((tag) => [tag, { programs: OLD['1.28']! }])), ...Object.fromEntries(['1.25', '1.25.1', '1.26', '1.26.2', '1.27.2'].map((tag) => [tag, { programs: OLD['1.27']! }])) },
})

/** The copy that the conformance suite uses. */
export const e2eBusybox = defineImage({ repository: 'registry.k8s.io/e2e-test-images/busybox', tags: ['1.29-2', '1.29-4', '1.36.1-1', '1.37.0-1'], sizeBytes: 2_160_000, cmd: ['sh'], base: busybox })

/** Copies in the registries of Kubernetes and Google, which manifests of the documentation name. */
export const kubernetesBusyboxes = [
  defineImage({ repository: 'registry.k8s.io/busybox', tags: ['1.24', '1.27', '1.27.2', 'latest'], sizeBytes: 700_000, cmd: ['sh'], base: busybox, programs: OLD['1.27']! }),
  defineImage({ repository: 'gcr.io/google-containers/busybox', tags: ['1.24', '1.27', '1.27.2', 'latest'], sizeBytes: 700_000, cmd: ['sh'], base: busybox, programs: OLD['1.27']! }),
]

/** BusyBox with curl. */
export const busyboxPlus = defineImage({ repository: 'docker.io/radial/busyboxplus', tags: ['curl', 'latest'], sizeBytes: 4_200_000, cmd: ['/bin/sh'], base: busybox, programs: { ...OLD['1.27']!, ...utilityPrograms('gnu', { names: ['curl'] }) } })
