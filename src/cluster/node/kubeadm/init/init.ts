import { VERSION, wrapped } from '../command.ts'
import type { Command } from '../command.ts'
import { initConfigurationOf } from './init-configuration.ts'
import { PHASES } from './phases.ts'
import type { InitData } from './phases.ts'

/** Flags of `kubeadm init`. */
export const INIT_FLAGS = {
  valued: [
    'apiserver-advertise-address', 'apiserver-bind-port', 'apiserver-cert-extra-sans', 'cert-dir', 'certificate-key', 'config', 'control-plane-endpoint', 'cri-socket', 'feature-gates', 'ignore-preflight-errors', 'image-repository', 'kubernetes-version', 'node-name', 'patches',
    'pod-network-cidr', 'service-cidr', 'service-dns-domain', 'skip-phases', 'token', 'token-ttl',
  ],
  switches: ['dry-run', 'skip-certificate-key-print', 'skip-token-print', 'upload-certs'],
  refused: ['dry-run', 'feature-gates', 'patches'],
}

/** `kubeadm init`, or `kubeadm init phase NAME`: one or several of its phases. k8s: cmd/kubeadm/app/cmd/init.go, cmd/phases/workflow/runner.go */
export const init = (phase?: string): Command => async (context, args, node) => {
  if (args.operands.length > 0) throw new Error(`unknown command ${JSON.stringify(args.operands[0])} for "kubeadm init${phase === undefined ? '' : ` phase ${phase.replace('/', ' ')}`}"`)
  const { proc: { machine } } = context
  const configuration = initConfigurationOf(context, args, [...INIT_FLAGS.valued, ...INIT_FLAGS.switches])
  const data: InitData = {
    context, args, services: node, configuration, node: { name: machine.hostname, ip: configuration.advertiseAddress }, uploadsCerts: args.has('upload-certs'), isAlone: phase !== undefined,
  }
  if (phase === undefined) await context.out(`[init] Using Kubernetes version: ${VERSION}\n`)
  await run(data, phase, configuration.skippedPhases)
}

/** @throws Error for a phase that there isn't, and what a phase ends with */
async function run(data: InitData, only: string | undefined, skipped: readonly string[]): Promise<void> {
  const names = PHASES.flatMap(({ name, parts = [] }) => [name, ...parts.map((part) => `${name}/${part.name}`)])
  for (const name of skipped) if (!names.includes(name)) throw new Error(`invalid phase name: ${name}`)
  for (const { name, begin, run: work, parts = [] } of PHASES) {
    const chosen = parts.filter((part) => !skipped.includes(`${name}/${part.name}`) && (only === undefined || only === name || only === `${name}/all` || only === `${name}/${part.name}`))
    if (skipped.includes(name) || (only !== undefined && only !== name && chosen.length === 0)) continue
    await named(name, async () => {
      await begin?.(data)
      await work?.(data)
    })
    for (const part of chosen) await named(`${name}/${part.name}`, () => part.run(data))
  }
}

async function named(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw wrapped(`error execution phase ${name}`, error)
  }
}

/** The names after `kubeadm init phase`, with a blank between a phase and its part. */
export const PHASE_COMMANDS: readonly string[] = PHASES.flatMap(({ name, parts }) => parts ? ['all', ...parts.map((part) => part.name)].map((part) => `${name} ${part}`) : [name])

