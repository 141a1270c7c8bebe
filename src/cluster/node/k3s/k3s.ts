import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { certificateCommand } from './certificates.ts'
import { K3S_RELEASE } from './installed-files.ts'
import type { MachineServices } from './machine-services.ts'
import { K3S_KUBECONFIG } from './server-files.ts'
import { k3sService } from './service.ts'
import { tokenCommand } from './token.ts'

const USAGE = `NAME:
   k3s - Kubernetes, but small and simple

USAGE:
   k3s [global options] command [command options]

VERSION:
   ${K3S_RELEASE} (00000000)

COMMANDS:
   server           Run management server
   agent            Run node agent
   kubectl          Run kubectl
   crictl           Run crictl
   ctr              Run ctr
   check-config     Run config check
   token            Manage tokens
   etcd-snapshot    Manage etcd snapshots
   secrets-encrypt  Control secrets encryption and keys rotation
   certificate      Manage K3s certificates
   completion       Install shell completion script

GLOBAL OPTIONS:
   --debug                     (logging) Turn on debug logs [$K3S_DEBUG]
   --data-dir value, -d value  (data) Folder to hold state (default: /var/lib/rancher/k3s or \${HOME}/.rancher/k3s if not root) [$K3S_DATA_DIR]
   --help, -h                  show help
   --version, -v               print the version
`

/** Programs that k3s is when it is called by their names. */
const APPLETS = ['kubectl', 'crictl', 'ctr']

/** k3s' program on a machine. A file that was downloaded leads here: its arguments are the file's path and what was said. */
// @k8s part: k3s command: server, agent, kubectl, crictl, token, certificate check, secrets-encrypt status and check-config on machines; ctr, etcd-snapshot, certificate rotation and encryption are missing
export function k3s(machine: MachineServices): Program {
  return async (proc) => {
    const [file = '', ...words] = proc.argv.slice(1)
    const called = file.slice(file.lastIndexOf('/') + 1)
    const [command = '', ...args] = APPLETS.includes(called) ? [called, ...words] : words
    switch (command) {
      case 'server': case 'agent':
        // Its arguments may be secrets. k3s: pkg/cli/server Run
        proc.setTitle?.(`${file} ${command}`)
        return k3sService(command, proc, args, machine)
      case 'kubectl': return kubectl(proc, args)
      case 'crictl': return proc.spawn(['crictl', ...args], { program: machine.crictl }).wait().then(({ code }) => code)
      case 'token': return tokenCommand(proc, args)
      case 'certificate': return certificateCommand(proc, args)
      case 'check-config': return checkConfig(proc)
      case 'secrets-encrypt': return secretsEncrypt(proc, args)
      case '--version': case '-v': await proc.stdout.write(`k3s version ${K3S_RELEASE} (00000000)\ngo version go1.26.8\n`); return 0
      case '': case '--help': case '-h': case 'help': await proc.stdout.write(USAGE); return 0
      case 'ctr': case 'etcd-snapshot': case 'completion': return fatal(proc, `drydock: k3s ${command} is not supported`)
      default: await proc.stderr.write(`No help topic for '${command}'\n`); return 3
    }
  }
}

async function fatal(proc: Proc, message: string): Promise<number> {
  await proc.stderr.write(`FATA[0000] ${message}\n`)
  return 1
}

/** k3s: pkg/kubectl/main.go */
async function kubectl(proc: Proc, args: readonly string[]): Promise<number> {
  const env: Record<string, string> = { ...proc.env }
  if (!env['KUBECONFIG']) {
    env['KUBECONFIG'] = K3S_KUBECONFIG
    try {
      if (proc.fs.exists(K3S_KUBECONFIG)) proc.fs.readText(K3S_KUBECONFIG)
    } catch (error) {
      if (!(error instanceof UnixError) || error.code !== 'EACCES') throw error
      await proc.stderr.write(`WARN[0000] Unable to read ${K3S_KUBECONFIG}, please start server with --write-kubeconfig-mode or --write-kubeconfig-group to modify kube config permissions \n`)
    }
  }
  return (await proc.spawn(['/usr/bin/kubectl', ...args], { env }).wait()).code
}

/** What k3s' script says where the machine tells nobody how its kernel was made. k3s: contrib/util/check-config.sh */
async function checkConfig(proc: Proc): Promise<number> {
  await proc.stdout.write('error: cannot find kernel config\n  try running this script again, specifying the kernel config:\n    set CONFIG=/path/to/kernel/.config or add argument /path/to/kernel/.config\n')
  return 1
}

async function secretsEncrypt(proc: Proc, [command = '']: readonly string[]): Promise<number> {
  if (command !== 'status') return fatal(proc, `drydock: k3s secrets-encrypt ${command} is not supported`)
  if (proc.user.uid !== 0) return fatal(proc, 'see server log for details: open /var/lib/rancher/k3s/server/token: permission denied')
  await proc.stdout.write('Encryption Status: Disabled, no configuration file found\n')
  return 0
}
