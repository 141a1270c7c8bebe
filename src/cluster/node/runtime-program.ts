import type { Program } from '../../unix/types.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import type { CriImplementation } from '../runtime/cri-implementation.ts'

/**
 * The container runtime's program. Its process stands for the part that runs in the cluster's own process, and says which version that is: a program that
 * was exchanged counts from the next start on.
 */
// @k8s part: containerd and crio as programs of a node: only the service itself and --version
export function runtimeProgram({ unit }: CriImplementation, runtime: ContainerRuntime): { of(version: string): Program; fromFile: Program } {
  let isServing = false
  const run = (version: string, args: readonly string[]): Program => async (proc) => {
    if (args.some((arg) => ['-v', '-version', '--version'].includes(arg))) {
      // containerd: version.Revision, which a build from an archive of the sources doesn't know.
      await proc.stdout.write(unit === 'crio' ? `crio version ${version}\n` : `containerd github.com/containerd/containerd/v2 v${version} \n`)
      return 0
    }
    const [command] = args
    if (command !== undefined && !command.startsWith('-')) {
      await proc.stderr.write(`${unit}: drydock: ${unit} ${command} is not supported; crictl shows what runs here\n`)
      return 1
    }
    // One that is started beside the service waits for its files.
    if (isServing) return proc.signal('SIGTERM', 'SIGINT').then(() => 0)
    isServing = true
    runtime.setVersion(version)
    try {
      await proc.signal('SIGTERM', 'SIGINT')
    } finally {
      isServing = false
    }
    return 0
  }
  return {
    of: (version) => (proc) => run(version, proc.argv.slice(1))(proc),
    // As the kernel starts it for a file that leads here: the version, the file, what the caller said.
    fromFile: (proc) => run(proc.argv[1]!, proc.argv.slice(3))(proc),
  }
}
