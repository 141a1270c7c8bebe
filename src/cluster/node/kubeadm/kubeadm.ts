import { utilityProgram } from '../../../unix/utilities/utility.ts'
import type { Architecture } from '../../../unix/architecture.ts'
import type { Program } from '../../../unix/types.ts'
import { UnixError } from '../../../unix/types.ts'
import { errorText } from '../../../unix/errno.ts'
import { CERTIFICATE_NAMES, checkExpiration, kubeconfigUser, renew } from './certs.ts'
import { parseArguments, VERSION } from './command.ts'
import type { Command, NodeServices } from './command.ts'
import { imagesList, imagesPull, printInitDefaults, printJoinDefaults, printResetDefaults } from './config.ts'
import { INIT_FLAGS, PHASE_COMMANDS, init } from './init/init.ts'
import { join } from './join.ts'
import { reset } from './reset.ts'
import { printCertificateKey } from './upload-certs.ts'
import { tokenCreate, tokenDelete, tokenGenerate, tokenList } from './token.ts'
import { upgradePlan } from './upgrade.ts'

interface Entry {
  run: Command
  /** Flags that take a value, and those that may. */
  valued?: readonly string[]
  switches?: readonly string[]
  /** Those of kubeadm's that nothing here would follow. */
  refused?: readonly string[]
}

/** Flags of all commands. */
const COMMON = ['v', 'kubeconfig', 'rootfs']
const COMMANDS: Readonly<Record<string, Entry>> = {
  'token create': { run: tokenCreate, valued: ['ttl', 'usages', 'groups', 'description', 'config', 'certificate-key'], switches: ['print-join-command', 'dry-run'], refused: ['dry-run', 'config'] },
  'token generate': { run: tokenGenerate },
  'token list': { run: tokenList, valued: ['output'], refused: ['output'] },
  'token delete': { run: tokenDelete, switches: ['dry-run'], refused: ['dry-run'] },
  join: { run: join, valued: ['token', 'discovery-token', 'discovery-token-ca-cert-hash', 'tls-bootstrap-token', 'node-name', 'cri-socket', 'config', 'ignore-preflight-errors', 'certificate-key', 'apiserver-advertise-address', 'apiserver-bind-port', 'patches', 'discovery-file'], refused: ['patches', 'discovery-file'], switches: ['discovery-token-unsafe-skip-ca-verification', 'control-plane', 'dry-run'] },
  reset: { run: reset, valued: ['cri-socket', 'cert-dir', 'ignore-preflight-errors', 'config'], switches: ['force', 'dry-run', 'cleanup-tmp-dir'], refused: ['cert-dir', 'config', 'cleanup-tmp-dir'] },
  init: { run: init(), ...INIT_FLAGS },
  ...Object.fromEntries(PHASE_COMMANDS.map((name): [string, Entry] => [`init phase ${name}`, { run: init(name.replace(' ', '/')), ...INIT_FLAGS }])),
  'certs certificate-key': { run: printCertificateKey },
  'certs check-expiration': { run: checkExpiration, valued: ['cert-dir', 'config', 'output'], refused: ['output'] },
  ...Object.fromEntries([undefined, ...CERTIFICATE_NAMES].map((name): [string, Entry] => [`certs renew ${name ?? 'all'}`, { run: renew(name), valued: ['cert-dir', 'config'] }])),
  'kubeconfig user': { run: kubeconfigUser, valued: ['client-name', 'org', 'token', 'validity-period', 'config'] },
  'config print init-defaults': { run: printInitDefaults, valued: ['component-configs'], refused: ['component-configs'] },
  'config print join-defaults': { run: printJoinDefaults, valued: ['component-configs'], refused: ['component-configs'] },
  'config print reset-defaults': { run: printResetDefaults },
  'config images list': { run: imagesList, valued: ['config', 'image-repository', 'kubernetes-version', 'feature-gates', 'output'], refused: ['image-repository', 'kubernetes-version', 'output'] },
  'config images pull': { run: imagesPull, valued: ['config', 'cri-socket', 'image-repository', 'kubernetes-version', 'feature-gates'], refused: ['config', 'cri-socket', 'feature-gates', 'image-repository', 'kubernetes-version'] },
  'upgrade plan': { run: upgradePlan, valued: ['config', 'ignore-preflight-errors', 'output'], switches: ['allow-experimental-upgrades', 'allow-release-candidate-upgrades', 'print-config', 'etcd-upgrade'], refused: ['config', 'ignore-preflight-errors', 'output', 'print-config'] },
  version: { run: async ({ proc, out }, args) => out(versionText(args.flag('output'), proc.machine.hardware.architecture)), valued: ['output'] },
}
/** What kubeadm has and this one hasn't. */
const MISSING = ['init', 'kubeconfig', 'upgrade', 'certs', 'config', 'token', 'completion', 'alpha']

const USAGE = `
    ┌──────────────────────────────────────────────────────────┐
    │ KUBEADM                                                  │
    │ Easily bootstrap a secure Kubernetes cluster             │
    └──────────────────────────────────────────────────────────┘

Usage:
  kubeadm [command]

Available Commands:
  certs       Commands related to handling Kubernetes certificates
  config      Manage configuration for a kubeadm cluster persisted in a ConfigMap in the cluster
  kubeconfig  Kubeconfig file utilities
  init        Run this command in order to set up the Kubernetes control plane
  join        Run this on any machine you wish to join an existing cluster
  reset       Performs a best effort revert of changes made to this host by 'kubeadm init' or 'kubeadm join'
  token       Manage bootstrap tokens
  upgrade     Upgrade your cluster smoothly to a newer version with this command
  version     Print the version of kubeadm

Use "kubeadm [command] --help" for more information about a command.
`

const infoOf = (architecture: Architecture) => ({ major: '1', minor: '36', gitVersion: VERSION, gitCommit: '0000000000000000000000000000000000000000', gitTreeState: 'clean', buildDate: '1970-01-01T00:00:00Z', goVersion: 'go1.26.8', compiler: 'gc', platform: `linux/${architecture}` })

function versionText(output: string | undefined, architecture: Architecture = 'amd64'): string {
  const info = infoOf(architecture)
  switch (output) {
    case undefined: case '': return `kubeadm version: &version.Info{${Object.entries(info).map(([key, value]) => `${key[0]!.toUpperCase()}${key.slice(1)}:${JSON.stringify(value)}`).join(', ')}}\n`
    case 'short': return `${VERSION}\n`
    case 'json': return `${JSON.stringify({ clientVersion: info }, undefined, 2)}\n`
    case 'yaml': return `clientVersion:\n${Object.entries(info).sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) => `  ${key}: ${/^\d+$/.test(value) || key === 'buildDate' ? JSON.stringify(value) : value}\n`).join('')}`
    default: throw new Error(`invalid output format: ${output}`)
  }
}

/** The tool that makes clusters, on a node. k8s: cmd/kubeadm */
// @k8s part: kubeadm: token, init on machines of a network of their own (with its phases; --dry-run, patches and feature gates are refused, keys are of P-256), join of workers and control planes, reset, certs check-expiration and renew (the API server goes on with the certificate that it had), kubeconfig user, config print and images, upgrade plan, version; upgrades are missing
export function kubeadm(node: NodeServices): Program {
  return utilityProgram(async (context) => {
    const { args, out, err } = context
    const fail = async (message: string) => {
      await err(`error: ${message}${message.endsWith('\n') ? '' : '\n'}To see the stack trace of this error execute with --v=5 or higher\n`)
      return 1
    }
    const words = args.filter((word) => !word.startsWith('-'))
    if (words.length === 0 || args.includes('--help') || args.includes('-h')) { await out(USAGE); return 0 }
    const length = [4, 3, 2, 1].find((count) => COMMANDS[words.slice(0, count).join(' ')] !== undefined && args.slice(0, count).join(' ') === words.slice(0, count).join(' '))
    const name = length === undefined ? undefined : args.slice(0, length).join(' ')
    if (name === undefined) return fail(MISSING.includes(words[0]!) ? `drydock: kubeadm ${words.slice(0, 2).join(' ')} is not supported` : `unknown command ${JSON.stringify(words[0])} for "kubeadm"`)
    const { run, valued = [], switches = [], refused = [] } = COMMANDS[name]!
    try {
      const given = parseArguments(args.slice(length), [...COMMON, ...valued], switches)
      const unable = refused.find((flag) => given.has(flag))
      if (unable !== undefined) return fail(`drydock: --${unable} is not supported`)
      await run(context, given, node)
      return 0
    } catch (error) {
      return fail(error instanceof UnixError ? `${error.path === undefined ? '' : `open ${error.path}: `}${errorText(error).toLowerCase()}` : (error as Error).message)
    }
  }, 'gnu', 'kubeadm')
}
