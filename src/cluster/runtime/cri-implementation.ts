/**
 * What distinguishes one container runtime from another for whoever looks at a node: its name and version, where it keeps things, and the words
 * in which it says that something went wrong. What they do is the same.
 */
import type { Architecture } from '../../unix/architecture.ts'
import { UnixError } from '../../unix/types.ts'
import type { FileSystem } from '../../unix/types.ts'
import { CONTAINERD_CONFIG, KIND_CONTAINERD_CONFIG, configuredRuntimes } from './containerd-config.ts'
import { CRIO_FILES, crioRuntimes } from './crio-config.ts'
import type { ImageReference } from './image-reference.ts'

/** How a runtime and what it is made of put their failures. */
export interface RuntimeWords {
  /** Of an image: nothing is known under its registry's name. */
  unknownHost(image: ImageReference, host: string): string
  /** Of an image: its repository isn't there, or shown to those alone who log in. `shown`: somebody did. */
  accessDenied(image: ImageReference, shown: 'nothing' | 'no credentials' | 'wrong credentials'): string
  noSuchImage(image: ImageReference): string
  noBuildFor(image: ImageReference, architecture: Architecture): string
  /** Of an image that is there, but doesn't come through. */
  downloadFailed(image: ImageReference, problem: string): string
  /** gRPC's code of the latter two. */
  readonly missingImageCode: 'NotFound' | 'Unknown'
  /** A pod's network couldn't be set up. */
  noNetwork(sandboxId: string, pod: { namespace: string; name: string; uid: string }, problem: string): string
  /** There is no network plugin on the node. */
  readonly networkMissing: string
  /** A seccomp profile isn't on the node. */
  noSeccompProfile(path: string): string
  /** A file on the node is no seccomp profile. */
  badSeccompProfile(path: string, problem: string): string
  /** Devices that a container is to have by their names. */
  devicesFailed(problem: string): string
  /** runc's init gets no further with the rules that it has to set up. */
  initFailed(containerId: string, problem: string): string
  /** The same after the runtime has let go of it. */
  lateInitFailed(containerId: string, problem: string): string
  /** A process that should run in a container that is there already. */
  execFailed(execId: string, program: string, error: unknown): string
  /** A container's own process. */
  startFailed(program: string, error: unknown): string
  /** What became of a program for another processor, as its container's log has it, and the exit code. */
  foreignProgram(path: string): { text: string; code: number }
}

/** A container runtime that implements the CRI. */
export interface CriImplementation {
  /** As it calls itself, and as ids of containers begin. */
  readonly name: 'containerd' | 'cri-o'
  readonly version: string
  /** Its service and program on a node. */
  readonly unit: 'containerd' | 'crio'
  readonly unitDescription: string
  readonly programPath: string
  /** Where it listens. */
  readonly socket: string
  /** Where its images and containers are. */
  readonly storage: string
  /** The control group of a container. */
  scopeOf(containerId: string): string
  /** Whether a program that isn't there is noticed when the container is made, not when it is started. */
  readonly looksForPrograms: boolean
  /** Files that its package leaves on a node. */
  readonly files: Readonly<Record<string, string>>
  /** Names of the OCI runtimes that it is configured for. */
  configuredRuntimes(files: FileSystem): string[]
  readonly words: RuntimeWords
}

/** runc's words for a program that can't be executed. */
function runcProblem(program: string, error: unknown): string {
  const code = error instanceof UnixError ? error.code : ''
  const path = error instanceof UnixError ? error.path : undefined
  if (code === 'ENOENT' && error instanceof UnixError && error.message.startsWith('chdir')) return error.message
  const head = `exec: ${JSON.stringify(program)}: `
  if (code === 'EACCES') return `${head}permission denied`
  if (code === 'EPERM') return `${head}operation not permitted`
  if (code === 'EISDIR') return `${head}is a directory`
  if (code === 'ENOENT' && program.includes('/')) return path !== undefined && path !== program ? `exec ${program}: no such file or directory` : `${head}stat ${program}: no such file or directory`
  if (code === 'ENOENT') return `${head}executable file not found in $PATH`
  return `${head}${error instanceof Error ? error.message : String(error)}`
}

/** crun's. crun: libcrun find_executable, libcrun_run_linux_container */
function crunProblem(program: string, error: unknown): string {
  const code = error instanceof UnixError ? error.code : ''
  if (code === 'ENOENT' && error instanceof UnixError && error.message.startsWith('chdir')) return `${error.message.replace(/ set in config.json.*/, '')}: No such file or directory`
  if (code === 'EACCES') return 'open executable: Permission denied'
  if (code === 'EPERM') return 'open executable: Operation not permitted'
  if (code === 'EISDIR') return `path \`${program}\` is a directory: Is a directory`
  if (code === 'ENOENT') return `executable file \`${program}\` not found${program.includes('/') ? '' : ' in $PATH'}: No such file or directory`
  return error instanceof Error ? error.message : String(error)
}

const pullFailed = (image: ImageReference) => `failed to pull and unpack image ${JSON.stringify(image.fullName)}: `

/** containerd 2 with runc. */
export const CONTAINERD: CriImplementation = {
  name: 'containerd', version: '2.3.7', unit: 'containerd', unitDescription: 'containerd container runtime', programPath: '/usr/local/bin/containerd',
  socket: '/run/containerd/containerd.sock', storage: '/var/lib/containerd', scopeOf: (id) => `cri-containerd-${id}.scope`, looksForPrograms: false,
  files: { [CONTAINERD_CONFIG]: KIND_CONTAINERD_CONFIG }, configuredRuntimes,
  words: {
    unknownHost: (image, host) => `${pullFailed(image)}failed to resolve image: failed to do request: Head "https://${image.domain}/v2/${image.path}/manifests/${image.digest ?? image.tag}": dial tcp: lookup ${host}: no such host`,
    accessDenied: (image, shown) => `${pullFailed(image)}failed to resolve image: pull access denied, repository does not exist or may require authorization: ${shown === 'nothing' ? 'server message: insufficient_scope: authorization failed' : `authorization failed${shown === 'no credentials' ? ': no basic auth credentials' : ''}`}`,
    noSuchImage: (image) => `${pullFailed(image)}failed to resolve image: ${image.fullName}: not found`,
    missingImageCode: 'NotFound',
    noBuildFor: (image) => `${pullFailed(image)}no match for platform in manifest: not found`,
    downloadFailed: (image, problem) => `${pullFailed(image)}failed to copy: httpReadSeeker: failed open: failed to do request: ${problem}`,
    noNetwork: (sandboxId, _pod, problem) => `failed to setup network for sandbox ${JSON.stringify(sandboxId)}: ${problem}`,
    // go-cni: errors.go ErrCNINotInitialized
    networkMissing: 'cni plugin not initialized',
    noSeccompProfile: (path) => `failed to create containerd container: cannot load seccomp profile ${JSON.stringify(path)}: open ${path}: no such file or directory`,
    badSeccompProfile: (path, problem) => `failed to create containerd container: decoding seccomp profile failed ${JSON.stringify(path)}: ${problem}`,
    devicesFailed: (problem) => `failed to create containerd container: CDI device injection failed: ${problem}`,
    initFailed: (_containerId, problem) => `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: ${problem}`,
    lateInitFailed: (containerId, problem) => `failed to start containerd task ${JSON.stringify(containerId)}: ${problem}`,
    execFailed: (execId, program, error) => `failed to exec in container: failed to start exec ${JSON.stringify(execId)}: OCI runtime exec failed: exec failed: unable to start container process: ${runcProblem(program, error)}`,
    startFailed: (program, error) => `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${runcProblem(program, error)}`,
    foreignProgram: (path) => ({ text: `exec ${path}: exec format error`, code: 255 }),
  },
}

/** What CRI-O says of an image that it looked for as an image and, in vain, as another OCI artifact. cri-o: server/image_pull.go */
const pullProblem = (image: ImageReference, problem: string) => `unable to pull image or OCI artifact: pull image err: initializing source docker://${familiar(image)}: ${problem}; artifact err: get manifest: build image source: ${problem}`
/** What it says of one that is an image for certain. */
const copyProblem = (problem: string) => `unable to pull image or OCI artifact: pull image err: ${problem}; artifact err: image reference: reference is a container image, not an OCI artifact`
/** As one writes it: without what stands for Docker Hub. distribution/reference: FamiliarString */
const familiar = ({ fullName }: ImageReference) => fullName.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, '')
const manifestOf = (image: ImageReference) => `reading manifest ${image.digest ?? image.tag} in ${image.repository}`

/** What begins CRI-O's words where the OCI runtime ends a container before it runs. cri-o: server/container_start.go */
const startedInVain = (containerId: string, problem: string) => `failed to start container ${containerId}: ${problem}`

/** CRI-O with crun. */
// @k8s part: CRI-O: does what containerd does, and says what fails in its own words, but for what AppArmor refuses (containerd's words) and what seccomp keeps a container from beginning with (runc's)
export const CRI_O: CriImplementation = {
  name: 'cri-o', version: '1.36.1', unit: 'crio', unitDescription: 'Container Runtime Interface for OCI (CRI-O)', programPath: '/usr/bin/crio',
  socket: '/var/run/crio/crio.sock', storage: '/var/lib/containers/storage', scopeOf: (id) => `crio-${id}.scope`, looksForPrograms: true,
  files: CRIO_FILES, configuredRuntimes: crioRuntimes,
  words: {
    unknownHost: (image, host) => pullProblem(image, `pinging container registry ${image.domain}: Get "https://${image.domain}/v2/": dial tcp: lookup ${host}: no such host`),
    accessDenied: (image, shown) => pullProblem(image, `${manifestOf(image)}: ${shown === 'nothing' ? 'requested access to the resource is denied' : shown === 'no credentials' ? 'authentication required' : 'unauthorized: authentication required'}`),
    noSuchImage: (image) => pullProblem(image, `${manifestOf(image)}: manifest unknown`),
    missingImageCode: 'Unknown',
    noBuildFor: (image, architecture) => copyProblem(`choosing an image from manifest list docker://${familiar(image)}: no image found in manifest list for architecture ${JSON.stringify(architecture)}, variant ${JSON.stringify(architecture === 'arm64' ? 'v8' : '')}, OS "linux"`),
    downloadFailed: (_image, problem) => copyProblem(`copying system image from manifest list: reading blob: ${problem}`),
    noNetwork: (sandboxId, pod, problem) => `failed to create pod network sandbox k8s_${pod.name}_${pod.namespace}_${pod.uid}_0(${sandboxId}): error adding pod ${pod.namespace}_${pod.name} to CNI network: ${problem}`,
    // cri-o: ocicni errMissingDefaultNetwork
    networkMissing: 'no CNI configuration file in /etc/cni/net.d/. Has your network provider started?',
    // cri-o: internal/config/seccomp Setup
    noSeccompProfile: (path) => `setup seccomp: unable to load local profile ${JSON.stringify(path)}: open ${path}: no such file or directory`,
    badSeccompProfile: (_path, problem) => `setup seccomp: apply profile from bytes: load local profile: decoding seccomp profile failed: ${problem}`,
    devicesFailed: (problem) => `CDI device injection failed: ${problem}`,
    initFailed: startedInVain, lateInitFailed: startedInVain,
    execFailed: (_execId, program, error) => `command error: ${crunProblem(program, error)}, stdout: , stderr: , exit code -1`,
    startFailed: (program, error) => `container create failed: ${crunProblem(program, error)}`,
    foreignProgram: (path) => ({ text: `exec container process \`${path}\`: Exec format error`, code: 1 }),
  },
}

/** Those that nodes may have, by name. */
export const CRI_IMPLEMENTATIONS: Readonly<Record<CriImplementation['name'], CriImplementation>> = { containerd: CONTAINERD, 'cri-o': CRI_O }
