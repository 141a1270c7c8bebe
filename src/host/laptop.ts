import type { Cluster } from '../cluster/cluster.ts'
import type { Clock } from '../base/clock.ts'
import type { Machine, MountableFileSystem, NetStack, Process, Program, Tty, User } from '../unix/types.ts'
import type { ByteReader, ByteWriter } from '../base/streams.ts'
import { editorPrograms, pagerPrograms } from '../unix/editors/programs.ts'
import { createMemoryFileSystem } from '../unix/file-system.ts'
import { K3S_KUBECONFIG, k3s } from '../cli/k3s/k3s.ts'
import { kubectl } from '../cli/kubectl/kubectl.ts'
import type { DockerHost } from '../cluster/docker/docker-host.ts'
import { latestCalicoctl } from '../cluster/images/calico/calico.ts'
import { lazyProgram } from '../unix/lazy-program.ts'
import { git, htpasswd, openssl } from '../unix/lazy-programs.ts'
import { dash, shellProgram } from '../unix/shell/sh.ts'
import type { ShellProgramOptions } from '../unix/shell/sh.ts'
import { setUserId } from '../unix/set-user-id.ts'
import { sudo } from '../unix/utilities/sudo.ts'
import { utilityProgram } from '../unix/utilities/utility.ts'
import { UnixError } from '../unix/types.ts'
import { toolSite } from './tool-site.ts'
import { programCompleter } from './program-completer.ts'
import type { Fleet } from './fleet/fleet.ts'
import { clusterPrograms } from './fleet/cluster-programs.ts'
import { nodeContainers } from './fleet/node-containers.ts'
import { kubectlCompleter } from './kubectl-completer.ts'

/** Who sits at the terminal. */
export const LEARNER: User = { uid: 1000, gid: 1000, groups: [1000], name: 'learner', home: '/home/learner' }
/** A kubeconfig of the machine's own, so that views don't depend on what the learner does to theirs. */
export const SYSTEM_KUBECONFIG = '/etc/drydock/admin.conf'

/** What the page's terminals call themselves in TERM_PROGRAM. */
const PAGE_TERMINAL = 'Drydock'

const BASHRC = `# Read by every new shell. Change it as you like.
PS1='\\[\\e[1;38;5;209m\\]\\w\\[\\e[0m\\] $ '
alias k=kubectl
alias ll='ls -l'
`

/** Read by every bash. The page's terminal hears where a shell is, so that a new one begins there when the page has been loaded again. */
const SYSTEM_BASHRC = `[ "$TERM_PROGRAM" = ${PAGE_TERMINAL} ] && PROMPT_COMMAND='printf "\\e]7;file://%s\\e\\\\" "$PWD"'
`

/** So that the first commit needs no preparation; `git config --global` overrides it. */
const GITCONFIG = `[user]
\tname = ${LEARNER.name}
\temail = ${LEARNER.name}@localhost
[init]
\tdefaultBranch = main
`

/** The environment of a login. */
export function learnerEnvironment(): Record<string, string> {
  return { HOME: LEARNER.home, USER: LEARNER.name, LOGNAME: LEARNER.name, SHELL: '/bin/bash', PATH: '/usr/local/bin:/usr/bin:/bin', PWD: LEARNER.home, TERM: 'xterm-256color', COLORTERM: 'truecolor', LANG: 'C.UTF-8', EDITOR: 'edit' }
}

/** An empty home directory; {@link furnishHome} puts the first files there. */
export function createHome(clock: Clock): MountableFileSystem {
  const home = createMemoryFileSystem({ clock })
  home.chown('/', LEARNER.uid, LEARNER.gid)
  return home
}

/** What a fresh home directory holds: shell settings and the kubeconfig. */
export function furnishHome(home: MountableFileSystem, cluster: Pick<Cluster, 'adminKubeconfig'>): void {
  home.mkdir('/.kube', { recursive: true })
  home.writeFile('/.kube/config', cluster.adminKubeconfig(SERVER_URL), { mode: 0o600 })
  home.writeFile('/.bashrc', BASHRC)
  for (const path of ['/.kube', '/.kube/config', '/.bashrc']) home.chown(path, LEARNER.uid, LEARNER.gid)
}

const kustomize = lazyProgram(async () => (await import('../cli/kustomize.ts')).kustomize)
const kubectx = lazyProgram(async () => (await import('../cli/context-switchers.ts')).kubectx)
const kubens = lazyProgram(async () => (await import('../cli/context-switchers.ts')).kubens)
const helm = lazyProgram(async () => (await import('../cli/helm/helm.ts')).helm)
const ssh = (machineOf: Parameters<typeof import('../unix/ssh.ts')['ssh']>[0]) => lazyProgram(async () => (await import('../unix/ssh.ts')).ssh(machineOf))
const sshKeygen = lazyProgram(async () => (await import('../unix/ssh-keys.ts')).sshKeygen)
const sshCopyId = lazyProgram(async () => (await import('../unix/ssh-keys.ts')).sshCopyId)
const arkade = lazyProgram(async () => (await import('../cli/arkade/arkade.ts')).arkade)
const k3sup = lazyProgram(async () => (await import('../cli/k3sup/k3sup.ts')).k3sup)
/** Where files lead that were downloaded, and stand for programs. */
const TOOLS = '/usr/lib/drydock'
/** The engine is the cluster's business, templates are kubectl's. */
const docker = (engine: () => Promise<DockerHost>) => lazyProgram(async () => {
  const [{ docker: program }, { plainTemplate }] = await Promise.all([import('../cluster/docker/docker.ts'), import('../cluster/kinds/go-template/plain-template.ts')])
  return program({ engine, templateOf: (source, functions) => plainTemplate(source, { name: '', functions, missingKey: 'error' }) })
})
const bash = (options: Pick<ShellProgramOptions, 'hints' | 'beforePrompt'>) => shellProgram({
  ...options, flavour: 'bash', version: 'GNU bash, version 5.2.37(1)-release (x86_64-pc-linux-gnu)', completer: async (request) => await kubectlCompleter(request) ?? programCompleter(request),
})

const withLibvirt = (cluster: Cluster, fleet: Fleet, name: 'virsh' | 'virtInstall') => lazyProgram(async () => {
  const [programs, { Libvirt }] = await Promise.all([import('./virsh.ts'), import('./libvirt/libvirt.ts')])
  return programs[name](new Libvirt(cluster, fleet))
})

const SERVER_URL = 'https://127.0.0.1:6443'

export interface LaptopOptions {
  cluster: Cluster
  /** Clusters besides it, that programs of the machine make. */
  fleet: Fleet
  home: MountableFileSystem
  /** The laptop's utilities (`ls`, `grep` ...) by path. */
  utilities: Readonly<Record<string, Program>>
  /** Whether the shell proposes how a line may go on. */
  hints?: () => boolean
  /** Resolves once the files of the home directory are kept; the shell shows no prompt before. */
  homeKept?: () => Promise<void>
  /** The way to names outside the cluster. */
  outside?: NetStack['outside']
  /** More programs by path: the editor of the page. */
  programs?: Readonly<Record<string, Program>>
}

/** The learner's machine: a small Unix with kubectl and bash, beside the cluster's nodes on the network. */
export function createLearnersLaptop({ cluster, fleet, home, utilities, programs = {}, hints = () => false, homeKept, outside }: LaptopOptions): Machine {
  const engine = async () => {
    const host = await laptop.docker()
    host.engine.guests = () => nodeContainers(fleet, host.engine)
    return host
  }
  const program = (entries: Readonly<Record<string, Program>>) => Object.fromEntries(Object.entries(entries).map(([path, each]) => [path, { program: each }]))
  const root = createMemoryFileSystem({
    clock: cluster.clock,
    files: {
      ...program(utilities),
      ...program({ ...editorPrograms, ...pagerPrograms, '/usr/bin/git': git, '/usr/bin/openssl': openssl, '/usr/bin/htpasswd': htpasswd, '/usr/local/bin/kustomize': kustomize, '/usr/local/bin/kubectx': kubectx, '/usr/local/bin/kubens': kubens, '/usr/bin/sudo': setUserId(utilityProgram(sudo, 'gnu')), '/usr/bin/ssh': ssh((node) => cluster.nodeMachine(node) ?? fleet.nodeMachine(node)), '/usr/bin/ssh-keygen': sshKeygen, '/usr/bin/ssh-copy-id': sshCopyId, '/usr/local/bin/arkade': arkade, '/usr/local/bin/k3sup': k3sup, [`${TOOLS}/arkade`]: arkade, [`${TOOLS}/k3sup`]: k3sup, '/bin/bash': bash({ hints, ...(homeKept ? { beforePrompt: homeKept } : {}) }), '/bin/sh': dash, '/usr/local/bin/kubectl': kubectl, '/usr/local/bin/k3s': k3s(kubectl), '/usr/local/bin/helm': helm, '/usr/local/bin/calicoctl': latestCalicoctl, '/usr/bin/docker': docker(engine), ...clusterPrograms({ fleet, docker: engine }), '/usr/bin/virsh': withLibvirt(cluster, fleet, 'virsh'), '/usr/bin/virt-install': withLibvirt(cluster, fleet, 'virtInstall'), ...programs }),
      '/tmp': { directory: true, mode: 0o1777 },
      '/home': { directory: true },
      '/root': { directory: true, mode: 0o700 },
      '/etc/bash.bashrc': SYSTEM_BASHRC,
      '/etc/passwd': `root:x:0:0:root:/root:/bin/bash\n${LEARNER.name}:x:${LEARNER.uid}:${LEARNER.gid}::${LEARNER.home}:/bin/bash\n`,
      '/etc/group': `root:x:0:\n${LEARNER.name}:x:${LEARNER.gid}:\n`,
      '/etc/gitconfig': GITCONFIG,
      '/etc/os-release': 'PRETTY_NAME="Drydock"\nNAME="Drydock"\nID=drydock\n',
      [K3S_KUBECONFIG]: { content: cluster.adminKubeconfig(SERVER_URL), mode: 0o600 },
      [SYSTEM_KUBECONFIG]: { content: cluster.adminKubeconfig(SERVER_URL), mode: 0o644 },
    },
  })
  root.mount(LEARNER.home, home)
  const laptop = cluster.createLaptop({ root, outside: (request) => toolSite(request, cluster.clock) ?? (outside ? outside(request) : Promise.reject(new UnixError('ENOTFOUND', new URL(request.url).hostname))) })
  fleet.standBefore({ ...laptop, home: cluster })
  return laptop.machine
}

/** A terminal that a shell is started on. */
export interface ShellTerminal {
  tty: Tty
  stdin: ByteReader
  stdout: ByteWriter
  /** The page's, which hears where its shell is. */
  isPage?: boolean
  /** Where the shell begins, if that is still a folder; else in the home directory. */
  cwd?: string
}

/** Starts the learner's login shell on a terminal. */
export function startShell(laptop: Machine, { tty, stdin, stdout, isPage = false, cwd: wanted }: ShellTerminal): Process {
  const cwd = wanted?.startsWith('/') && laptop.fs.exists(wanted) && laptop.fs.stat(wanted).type === 'directory' ? wanted : LEARNER.home
  return laptop.start(['bash'], { env: { ...learnerEnvironment(), PWD: cwd, ...(isPage ? { TERM_PROGRAM: PAGE_TERMINAL } : {}) }, cwd, user: LEARNER, stdin, stdout, stderr: stdout, tty })
}
