import { openInput } from '../../../unix/utilities/utility.ts'
import { TarFormatError } from '../../../unix/utilities/tar-format.ts'
import { DockerError } from '../docker-error.ts'
import { loadImages, saveImages } from '../image-archive.ts'
import { familiarName, referenceOf } from '../image-table.ts'
import type { DockerCommand } from './command.ts'

export const save: DockerCommand = {
  usage: 'docker save [OPTIONS] IMAGE [IMAGE...]', help: 'Save one or more images to a tar archive (streamed to STDOUT by default)', min: 1,
  flags: [['output', 'o', 'string', 'Write to a file, instead of STDOUT'], ['platform', '', 'string', 'Save only the given platform variant']],
  async run({ engine, flags, args, proc, err }) {
    const saved = args.map((name) => {
      const image = engine.images.need(name)
      const meant = engine.images.nameMeant(name)
      return { image, names: meant === undefined ? [] : [familiarName(meant)] }
    })
    const path = flags.get('output')
    if (path === undefined && proc.isTty(1)) { await err('cowardly refusing to save to a terminal. Use the -o flag or redirect\n'); return 1 }
    if (path === undefined) { for await (const chunk of saveImages(engine, saved)) await proc.stdout.write(chunk); return 0 }
    const file = proc.fs.open(proc.resolve(path), 'w')
    for await (const chunk of saveImages(engine, saved)) await file.write(chunk)
    file.close()
    return 0
  },
}

export const load: DockerCommand = {
  usage: 'docker load [OPTIONS]', help: 'Load an image from a tar archive or STDIN', max: 0,
  flags: [['input', 'i', 'string', 'Read from a tar archive file, instead of STDIN'], ['platform', '', 'string', 'Load only the given platform variant'], ['quiet', 'q', 'bool', 'Suppress the load output']],
  async run({ engine, flags, proc, out, err }) {
    const path = flags.get('input')
    if (path !== undefined && !proc.fs.exists(proc.resolve(path))) { await err(`open ${path}: no such file or directory\n`); return 1 }
    if (path === undefined && proc.isTty(0)) { await err('requested load from stdin, but stdin is empty\n'); return 1 }
    const input = openInput(proc, path ?? '-')
    try {
      for (const { image, names } of await loadImages(engine, input)) {
        for (const name of names) engine.images.tag(referenceOf(name).fullName, image.id)
        await out(names.length > 0 ? names.map((name) => `Loaded image: ${name}\n`).join('') : `Loaded image ID: ${image.id}\n`)
      }
    } catch (error) {
      if (error instanceof TarFormatError) throw new DockerError(error.reason === 'too short' ? 'unexpected EOF' : 'archive/tar: invalid tar header')
      throw error
    } finally {
      input.close()
    }
    return 0
  },
}
