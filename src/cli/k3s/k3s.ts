import type { Program } from '../../unix/types.ts'

/** Where a server leaves its kubeconfig, for root alone. */
export const K3S_KUBECONFIG = '/etc/rancher/k3s/k3s.yaml'

const USAGE = `NAME:
   k3s - Kubernetes, but small and simple

USAGE:
   k3s [global options] command [command options]

COMMANDS:
   kubectl  Run kubectl

GLOBAL OPTIONS:
   --help, -h     show help
   --version, -v  print the version
`

/** `k3s kubectl ...` on the learner's machine, which runs no server of its own: kubectl, as the real binary carries it. */
export function k3s(kubectl: Program): Program {
  return async (proc) => {
    const [command = '', ...args] = proc.argv.slice(1)
    if (command === 'kubectl') {
      const env = proc.env['KUBECONFIG'] === undefined ? { ...proc.env, KUBECONFIG: K3S_KUBECONFIG } : { ...proc.env }
      return proc.spawn(['kubectl', ...args], { program: kubectl, env }).wait().then(({ code }) => code)
    }
    if (command === '--version' || command === '-v') await proc.stdout.write('k3s version v1.36.3+k3s1 (00000000)\ngo version go1.26.8\n')
    else if (command === '' || command === '--help' || command === '-h' || command === 'help') await proc.stdout.write(USAGE)
    else {
      await proc.stderr.write(`No help topic for '${command}'\n`)
      return 3
    }
    return 0
  }
}
