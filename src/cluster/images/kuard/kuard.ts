import { ARCHITECTURES } from '../../../unix/architecture.ts'
import type { Architecture } from '../../../unix/architecture.ts'
import { imageProgram } from '../../../unix/lazy-program.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'

const COLOURS = ['blue', 'green', 'purple']
const NUMBERS = ['1', '2', '3']

const kuard = (version: string) => imageProgram(async () => (await import('./kuard-program.ts')).kuard(version))

/** There is an image for each processor, with the processor in its name. */
const kuardFor = (architecture: Architecture) => defineImage({
  repository: `gcr.io/kuar-demo/kuard-${architecture}`, architectures: [architecture], isSingleBuild: true, tags: [...COLOURS, ...NUMBERS, ...COLOURS.map((colour) => `v0.10.0-${colour}`), 'v0.10.0'], sizeBytes: 11_500_000, cmd: ['/kuard'], user: 'nobody:nobody', base: alpine,
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  files: {
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/ash\nbin:x:1:1:bin:/bin:/sbin/nologin\ndaemon:x:2:2:daemon:/sbin:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n', '/etc/group': 'root:x:0:root\nbin:x:1:root,bin,daemon\ndaemon:x:2:root,bin,daemon\nnogroup:x:65533:\nnobody:x:65534:\n', '/etc/alpine-release': '3.9.0\n',
  },
  programs: { '/kuard': kuard('v0.10.0-blue') },
  variants: Object.fromEntries([...COLOURS.flatMap((colour) => [colour, `v0.10.0-${colour}`].map((tag) => [tag, { programs: { '/kuard': kuard(`v0.10.0-${colour}`) } }])), ...NUMBERS.map((number) => [number, { programs: { '/kuard': kuard(`v0.10.0-${number}`) } }])]),
})

export const kuardImages = ARCHITECTURES.map(kuardFor)
