import { lazyProgram } from '../../../unix/lazy-program.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Program } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'

/** What stands for the bytes of a program that is only copied. */
const ELF = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0])

/** Copies a configuration, so that nobody sees half of it. flannel: cmd/install_conf */
const installConf: Program = async (proc) => {
  const [, source, target] = proc.argv
  if (proc.argv.length !== 3) {
    await proc.stderr.write(`usage: ${proc.argv[0]} <src> <dest>\n`)
    return 1
  }
  try {
    const at = target!.lastIndexOf('/')
    const hidden = `${target!.slice(0, at)}/.${target!.slice(at + 1)}.tmp`
    proc.fs.writeFile(hidden, proc.fs.readFile(source!), { mode: 0o644 })
    proc.fs.rename(hidden, target!)
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await proc.stderr.write(`error installing "${source}": ${error.message}\n`)
    return 1
  }
}

const RELEASES = ['v0.24.4', 'v0.25.7', 'v0.26.7', 'v0.27.4', 'v0.28.0', 'v0.28.1', 'v0.28.2', 'v0.28.3', 'v0.28.4', 'v0.28.5', 'v0.28.6', 'v0.28.7', 'v0.28.8', 'v0.28.9']

/** flannel's images: the daemon that joins the nodes' ranges, and the plugin that it brings along. */
export const flannelImages = [
  ...['ghcr.io/flannel-io/flannel', 'docker.io/flannel/flannel'].map((repository) => defineImage({
    repository, tags: RELEASES, sizeBytes: 33_000_000, base: alpine, entrypoint: ['/opt/bin/flanneld'],
    programs: { '/opt/bin/flanneld': lazyProgram(async () => (await import('./flanneld.ts')).flanneld), '/opt/bin/install-conf': installConf },
  })),
  defineImage({
    repository: 'ghcr.io/flannel-io/flannel-cni-plugin', tags: ['v1.6.2-flannel1', 'v1.7.1-flannel1', 'v1.8.0-flannel1', 'v1.9.0-flannel1', 'v1.9.1-flannel1', 'v1.9.1-flannel2', 'v1.9.1-flannel3'], sizeBytes: 4_900_000, base: alpine, cmd: ['/bin/sh'],
    files: { '/flannel': { content: ELF, mode: 0o755 } },
  }),
]
