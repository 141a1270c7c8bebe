/**
 * What the page and its worker say to each other. Everything here survives structured cloning. A page talks to its own worker only; where
 * another tab owns the cluster, that worker passes the messages on (see ownership.ts).
 */
import type { Goal } from '../lessons/goal.ts'
import type { FleetState } from './fleet/fleet.ts'
import type { Provider } from './fleet/fleet-storage.ts'
import type { VersionComparison } from './deployment-versions.ts'
import type { TraceStep, TracedRequest } from '../cluster/apiserver/tracing/request-tracer.ts'
import type { Installed } from './installed.ts'
import type { ServiceTraffic } from './service-traffic.ts'

export type { TraceStep, TracedRequest }

/** Where the cluster stands. `attached` tells that another tab runs it. */
export type HostStatus =
  | { phase: 'starting'; attached: boolean }
  | { phase: 'ready'; attached: boolean }
  | { phase: 'failed'; attached: boolean; failure: Failure }

export interface Failure {
  /** `newer`: written by a later version of Drydock. `corrupt`: doesn't hold together. `full`: no room left in the browser. `denied`: no place there at all. `other`: anything else. */
  kind: 'newer' | 'corrupt' | 'full' | 'denied' | 'other'
  /** For people who report it: the cause in English. */
  message: string
}

/** Shape of a mark; colour follows it. One word for nodes, pods and workloads. */
export type Health = 'good' | 'waiting' | 'bad' | 'done' | 'leaving'

export interface PodView {
  uid: string
  namespace: string
  name: string
  /** Undefined while no node was chosen. */
  node?: string
  /** As `kubectl get pods` prints it: Running, ContainerCreating, CrashLoopBackOff ... */
  status: string
  health: Health
  readyContainers: number
  containers: number
  restarts: number
  /** Controller by kind and name, for grouping. */
  owner?: string
  ip?: string
}

export interface NodeView {
  uid: string
  name: string
  roles: string[]
  /** As `kubectl get nodes` prints it: Ready, NotReady, Ready,SchedulingDisabled. */
  status: string
  health: Health
  version: string
  cpuMillis: number
  requestedCpuMillis: number
}

/** A machine of the cluster, whether it is a node or not. */
export interface MachineView {
  name: string
  controlPlane: boolean
  power: 'on' | 'off' | 'starting' | 'stopping'
}

/** What can be done with machines: a new one that becomes a node; the others with one that is there. `cut`: takes its power away. */
export type MachineAction = 'add' | 'start' | 'reboot' | 'shutdown' | 'cut' | 'join' | 'remove'

/** Id of the cluster that the page begins with. */
export const FIRST_CLUSTER = ''

/** A cluster that can be shown. `making`: for the first time; `blank`: there are machines, perhaps, and no Kubernetes on them. */
export interface ClusterEntry {
  /** {@link FIRST_CLUSTER}, or `PROVIDER/NAME`. */
  id: string
  name: string
  /** Whose program made it; undefined for the first one. */
  provider?: Provider
  state: FleetState | 'blank'
  /** Whether a machine can be added that becomes a node: the others get theirs from the program that made them. */
  canGrow: boolean
}

/** What a new cluster can be. */
export type ClusterPreset = 'nodes' | 'single' | 'high-availability' | 'no-network' | 'raspberry-pi' | 'cri-o'

/** What the live view shows of the cluster that is shown. Sent whole for the first time, then only what changed. */
export interface ClusterViewChange {
  reset?: boolean
  nodes?: NodeView[]
  pods?: PodView[]
  /** All there are, whenever one of them has changed. */
  machines?: MachineView[]
  /** The machine in front of several API servers, by its name; said with `reset` alone. */
  loadBalancer?: string
  /** Uids. */
  gone?: string[]
}

export interface ClockState {
  mode: 'running' | 'paused'
  /** Cluster seconds per second. */
  scale: number
  /** Cluster time when the message was made; while running the page counts on from there. */
  nowMs: number
}

export interface FileEntry {
  name: string
  path: string
  type: 'file' | 'directory' | 'other'
  sizeBytes: number
}

/** What the learner has done, by lesson id. */
export interface Progress {
  /** The lesson that is open, with its step. */
  current?: { lesson: string; step: string }
  /** Steps whose goals were once met. */
  done: Record<string, string[]>
}

/** An object of the cluster, as kubectl addresses it. */
export interface ObjectAddress {
  /** `pod`, `node`, `deployment` ... */
  kind: string
  name: string
  namespace?: string
}

/** Questions with one answer. */
export interface Operations {
  /** One HTTP exchange with the API server, as the administrator. */
  api: { ask: { method: string; path: string; body?: string; contentType?: string; accept?: string }; answer: { status: number; body: string } }
  /**
   * Runs a command of the laptop without a terminal, with a kubeconfig for one of the clusters. `flag`: what the learner's own kubectl has to be told to
   * reach the same cluster, where its current context doesn't lead there.
   */
  run: { ask: { argv: string[]; stdin?: string; cluster?: string }; answer: { stdout: string; stderr: string; code: number; flag?: string } }
  /** Says which cluster the views are to be of; answers with the one that they are of, as the one wanted may be gone. */
  showCluster: { ask: { cluster: string }; answer: { cluster: string } }
  /** What a cluster consists of besides its pods, read from its objects. */
  installed: { ask: { cluster: string }; answer: Installed }
  /** What the API server was asked for over HTTP since somebody began to `follow`, but for the page's own questions; oldest first. Nothing is noted any more once no page does `follow`. */
  requests: { ask: { cluster: string; follow: boolean }; answer: { requests: readonly TracedRequest[] } }
  /** The way of a packet from a node to a Service. */
  traffic: { ask: { cluster: string; service?: string; node?: string }; answer: ServiceTraffic }
  /** Which images the Deployments of all clusters run. */
  versions: { ask: Record<string, never>; answer: VersionComparison }
  /** One page, as the laptop gets it from the simulated network; redirects are followed. */
  browse: { ask: { url: string; method: string; headers: [string, string][]; body?: string }; answer: { status: number; url: string; headers: [string, string][]; body: Uint8Array } }
  /** Whether shells propose how a line may go on. */
  hints: { ask: { on: boolean }; answer: null }
  clock: { ask: { mode?: 'running' | 'paused'; scale?: number; stepMs?: number }; answer: ClockState }
  listFiles: { ask: { path: string }; answer: FileEntry[] }
  readFile: { ask: { path: string }; answer: { text: string } }
  writeFile: { ask: { path: string; text: string }; answer: null }
  /** Binary content, for files that come from and go to the learner's computer. */
  readBytes: { ask: { path: string }; answer: { data: Uint8Array } }
  writeBytes: { ask: { path: string; data: Uint8Array }; answer: null }
  removeFile: { ask: { path: string }; answer: null }
  renameFile: { ask: { from: string; to: string }; answer: null }
  /** Ends an {@link EditRequest}; the editor program in the terminal goes on with this exit code. */
  finishEdit: { ask: { edit: number; code: number }; answer: null }
  /** Answers once it is done: a new node has joined then. */
  machine: { ask: { do: MachineAction; name?: string; cluster?: string }; answer: { name: string } }
  /** Gives the machines of a further cluster power again. */
  startCluster: { ask: { cluster: string }; answer: null }
  /** Watches these goals until others are set; answers come as `goals` messages. `manifest` is applied first. */
  watchGoals: { ask: { lesson: string; step: string; goals: Goal[]; manifest?: string }; answer: null }
  saveProgress: { ask: Progress; answer: null }
  /** Everything as one file. Also works when the cluster failed to start. */
  export: { ask: Record<string, never>; answer: { name: string; data: Uint8Array<ArrayBuffer> } }
  /** Replaces everything by an exported file; the worker restarts. */
  import: { ask: { data: Uint8Array }; answer: null }
  /** Forgets everything; the worker restarts with a fresh cluster. */
  reset: { ask: { preset?: ClusterPreset }; answer: null }
}

export type OperationName = keyof Operations

export type ToWorker =
  | { type: 'hello' }
  /** The tab closes. */
  | { type: 'bye' }
  /** Whether anybody can see the page. */
  | { type: 'visibility'; isHidden: boolean }
  | { type: 'terminal-open'; terminal: number; columns: number; rows: number; cwd?: string }
  | { type: 'terminal-input'; terminal: number; data: string }
  | { type: 'terminal-resize'; terminal: number; columns: number; rows: number }
  /** The screen has drawn this many bytes; more may come. */
  | { type: 'terminal-drawn'; terminal: number; bytes: number }
  | { type: 'terminal-close'; terminal: number }
  | { [Name in OperationName]: { type: 'ask'; id: number; operation: Name; ask: Operations[Name]['ask'] } }[OperationName]

/** The terminal's `edit FILE`, or `kubectl edit`, waits for the page's editor. */
export interface EditRequest {
  edit: number
  terminal: number
  path: string
  /** The editor should open here (1 is the first line). */
  line?: number
}

export interface GoalState {
  met: boolean
  /** What was found instead, for people. */
  found?: string
}

export type FromWorker =
  | { type: 'status'; status: HostStatus }
  /** The owner changed or restarts: terminals are gone, everything is asked anew. */
  | { type: 'restarted' }
  /** The worker is at its end; the page starts another. */
  | { type: 'respawn' }
  | { type: 'terminal-output'; terminal: number; data: Uint8Array }
  | { type: 'terminal-exit'; terminal: number; code: number }
  /** All there are, whenever one has come, gone or changed; and which of them this page's views are of. */
  | { type: 'clusters'; clusters: readonly ClusterEntry[]; shown: string }
  | { type: 'view'; change: ClusterViewChange }
  | { type: 'clock'; clock: ClockState }
  | { type: 'edit'; request: EditRequest }
  /** The program that asked has gone. */
  | { type: 'edit-gone'; edit: number }
  | { type: 'files-changed'; paths: string[] }
  | { type: 'goals'; lesson: string; step: string; states: GoalState[] }
  | { type: 'progress'; progress: Progress }
  | { type: 'answer'; id: number; answer?: unknown; error?: string }

/** A conversation with one page, wherever it is. */
export interface Client {
  readonly id: string
  send(message: FromWorker): void
}
