import type { ImageFile } from './image.ts'

/** /etc/passwd, /etc/group and what else images with a user land have below /etc; `more` adds lines. */
export function accountFiles(shell: string, more: { passwd?: string; group?: string } = {}): Record<string, ImageFile> {
  return {
    '/etc/passwd': `root:x:0:0:root:/root:${shell}\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nbin:x:2:2:bin:/bin:/bin/false\nsys:x:3:3:sys:/dev:/bin/false\nsync:x:4:100:sync:/bin:/bin/sync\nmail:x:8:8:mail:/var/spool/mail:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\n${more.passwd ?? ''}nobody:x:65534:65534:nobody:/home:/bin/false\n`,
    '/etc/group': `root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\nmail:x:8:\nwww-data:x:33:\nusers:x:100:\n${more.group ?? ''}nogroup:x:65534:\n`,
    '/root': { directory: true, mode: 0o700 },
    '/tmp': { directory: true, mode: 0o1777 },
    '/var/tmp': { directory: true, mode: 0o1777 },
    '/home': { directory: true },
  }
}
