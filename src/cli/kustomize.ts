import type { Program } from '../unix/types.ts'
import { KUSTOMIZE_VERSION } from './kubectl/kustomize/version.ts'

/** `kustomize build`: what kubectl has of it, as a program of its own. */
// @k8s part: kustomize: of the program of its own there are build and version
export const kustomize: Program = async (proc) => {
  const [command, ...args] = proc.argv.slice(1)
  switch (command) {
    case 'build': return proc.exec!(['kubectl', 'kustomize', ...args])
    case 'version': await proc.stdout.write(`${KUSTOMIZE_VERSION}\n`); return 0
    case undefined: case 'help': case '-h': case '--help':
      await proc.stdout.write('\nManages declarative configuration of Kubernetes.\nSee https://sigs.k8s.io/kustomize\n\nUsage:\n  kustomize [command]\n\nAvailable Commands:\n  build                     Build a kustomization target from a directory or URL\n  version                   Prints the kustomize version\n')
      return 0
    case 'cfg': case 'create': case 'edit': case 'fn': case 'localize': case 'completion': case 'docs':
      await proc.stderr.write(`Error: 'kustomize ${command}' is not available in Drydock\n`)
      return 1
    default:
      await proc.stderr.write(`Error: unknown command "${command}" for "kustomize"\nRun 'kustomize --help' for usage.\n`)
      return 1
  }
}
