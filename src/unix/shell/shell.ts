import type { ByteWriter } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { baseName } from '../path.ts'
import { signalText } from '../signals.ts'
import { ProcessExit, UnixError } from '../types.ts'
import type { ExitStatus, Proc, Process, Signal } from '../types.ts'
import { assign, copyOf, withAssignments } from './assignments.ts'
import { ShellSyntaxError } from './ast.ts'
import type { AndOr, Assignment, Case, Command, For, If, List, Loop, Pipeline, Redirect, SimpleCommand } from './ast.ts'
import { specialBuiltins } from './builtins/builtin.ts'
import type { Builtin } from './builtins/builtin.ts'
import { builtins } from './builtins/table.ts'
import { evaluateConditional } from './conditional.ts'
import { Description, pipeDescriptions } from './descriptors.ts'
import { ExpansionError, expandArithmetic, expandPattern, expandString, expandWords } from './expand.ts'
import type { ExpansionHost } from './expand.ts'
import { runExec, runExternal } from './external-commands.ts'
import { JobTable, jobState } from './jobs.ts'
import type { Job } from './jobs.ts'
import { matchesPattern } from './pattern.ts'
import { Parser } from './parser.ts'
import { applyRedirects } from './redirect.ts'
import { Jump, ShellError } from './shell-errors.ts'
import { initialState, subshellState } from './shell-state.ts'
import type { ShellFlavour, ShellState } from './shell-state.ts'
import { SignalTraps } from './signal-traps.ts'
import { syntaxErrorText } from './syntax-error-text.ts'
import { ReadonlyError } from './variables.ts'
import type { Variables } from './variables.ts'

/** Turns of the event queue in which a background job gets its redirections made. */
const CHILD_FIRST_TURNS = 100

/** Built-in commands that wait for others. */
const WAITING_BUILTINS = new Set(['read', 'wait', 'mapfile', 'readarray', 'fg'])

const decoder = new TextDecoder()

/** A running shell: its variables, functions and descriptors, and the commands it executes. Subshells are copies in processes of their own. */
export class Shell implements ExpansionHost {
  readonly proc: Proc
  readonly flavour: ShellFlavour
  readonly interactive: boolean
  /** What `$$` says: the pid of the first shell. */
  readonly shellPid: number
  readonly isSubshell: boolean
  readonly jobs = new JobTable()
  /** The commands that run inside this shell, by name. */
  readonly builtins = builtins
  state: ShellState
  readonly traps: SignalTraps
  /** Line of the command that runs. */
  line = 1
  /** Name of the script, for messages; undefined for -c and interactive shells. */
  script: string | undefined
  /** Conditions don't trigger `set -e`. */
  #tested = 0
  /** How often the shell may have waited for something: processes, input. */
  #waits = 0
  history: string[] = []
  hashed = new Map<string, string>()
  pipeStatus: number[] = [0]

  constructor(proc: Proc, options: { flavour: ShellFlavour; interactive?: boolean; parent?: Shell }) {
    this.proc = proc
    this.flavour = options.flavour
    this.interactive = options.interactive ?? false
    const parent = options.parent
    this.isSubshell = parent !== undefined
    this.shellPid = parent?.shellPid ?? proc.pid
    this.script = parent?.script
    if (parent) {
      this.line = parent.line
      this.history = parent.history
    }
    this.state = parent ? subshellState(parent.state, proc) : initialState(proc, this.flavour)
    this.traps = new SignalTraps(this)
  }

  // --- ExpansionHost ---------------------------------------------------------------------------------------------------------------

  get variables(): Variables { return this.state.variables }
  get fs() { return this.proc.fs }
  get cwd(): string { return this.proc.cwd }
  get positional(): readonly string[] { return this.state.positional }
  get options(): ReadonlySet<string> { return this.state.options }
  /** Extensions of bash: brace expansion, arrays, extended patterns. Everybody gets most of them except under dash. */
  get isBash(): boolean { return this.flavour === 'bash' }

  special(name: string): string | undefined {
    switch (name) {
      case '?': return String(this.state.lastStatus)
      case '$': return String(this.shellPid)
      case '!': return this.state.lastBackground === undefined ? '' : String(this.state.lastBackground)
      case '#': return String(this.state.positional.length)
      case '0': return this.state.name
      case '-': return this.#optionLetters()
      case 'LINENO': return String(this.line)
      case 'RANDOM': return this.flavour === 'dash' ? undefined : String(this.proc.random.int(32_768))
      case 'SECONDS': return this.flavour === 'bash' ? String(Math.floor((this.proc.clock.nowMs() - (this.proc.machine.process(this.proc.pid)?.startedMs ?? 0)) / 1000)) : undefined
      case 'EPOCHSECONDS': return this.flavour === 'bash' ? String(Math.floor(this.proc.clock.nowMs() / 1000)) : undefined
      case 'BASHPID': return this.flavour === 'bash' ? String(this.proc.pid) : undefined
      case 'PIPESTATUS': return this.flavour === 'bash' ? String(this.pipeStatus[0] ?? 0) : undefined
      default: return undefined
    }
  }

  #optionLetters(): string {
    const letters: Record<string, string> = { errexit: 'e', noglob: 'f', nounset: 'u', xtrace: 'x', verbose: 'v', noexec: 'n', allexport: 'a', noclobber: 'C' }
    return [...this.state.options].map((option) => letters[option] ?? '').join('') + (this.interactive ? 'i' : '') + (this.interactive && this.flavour === 'bash' ? 'mH' : '')
  }

  homeOf(user: string): string | undefined {
    try {
      return this.proc.fs.readText('/etc/passwd').split('\n').map((line) => line.split(':')).find((fields) => fields[0] === user)?.[5]
    } catch {
      return undefined
    }
  }

  async substitute(body: List): Promise<string> {
    const only = body.items.length === 1 && !body.items[0]!.background ? body.items[0]!.command : undefined
    // $(< file)
    if (only?.kind === 'simple' && only.words.length === 0 && only.assignments.length === 0 && only.redirects.length === 1 && only.redirects[0]!.operator === '<') {
      const path = await expandString(this, only.redirects[0]!.target)
      return decoder.decode(this.proc.fs.readFile(this.proc.resolve(path))).replace(/\n+$/, '')
    }
    const { read, write } = pipeDescriptions()
    const child = this.fork((shell) => shell.runList(body, { last: true }), { stdout: write })
    write.release()
    let text = ''
    const stream = new TextDecoder()
    for (let chunk = await read.reader!.read(); chunk; chunk = await read.reader!.read()) text += stream.decode(chunk, { stream: true })
    text += stream.decode()
    read.release()
    const status = await child.wait()
    this.state.lastStatus = status.code
    this.substitutionStatus = status.code
    return text.replaceAll('\0', '').replace(/\n+$/, '')
  }

  /** Exit status of the last command substitution, for assignments without a command. */
  substitutionStatus: number | undefined

  async substituteProcess(body: List, direction: '<' | '>'): Promise<string> {
    const path = `/tmp/sh-fifo.${this.proc.pid}.${this.proc.random.suffix()}`
    const { fs } = this.proc
    fs.mkfifo?.(path, 0o600)
    const file = fs.open(path, direction === '<' ? 'w' : 'r')
    const end = new Description(direction === '<' ? { writer: { write: (d) => file.write(d), close() {} }, onClose: () => file.close() } : { reader: { read: () => file.read(), cancel() {} }, onClose: () => file.close() })
    this.fork((shell) => shell.runList(body, { last: true }), direction === '<' ? { stdout: end } : { stdin: end })
    end.release()
    return path
  }

  // --- output ----------------------------------------------------------------------------------------------------------------------

  get stdout(): ByteWriter { return this.state.descriptors.writer(1) }

  out(text: string | Uint8Array): Promise<void> {
    return this.state.descriptors.writer(1).write(text)
  }

  err(text: string): Promise<void> {
    return this.state.descriptors.writer(2).write(text).catch((error: unknown) => { if (!(error instanceof UnixError)) throw error })
  }

  /** What stands before a message: `sh: 1: `, `bash: line 1: `. */
  prefix(): string {
    const name = this.state.name
    if (this.flavour === 'dash') return `${this.script ?? name}: ${this.line}: `
    if (this.flavour === 'ash') return this.script ? `${this.script}: line ${this.line}: ` : this.interactive ? `${name.replace(/^-/, '')}: ` : `${name}: `
    return this.interactive ? `${baseName(name).replace(/^-/, '')}: ` : `${this.script ?? name}: line ${this.line}: `
  }

  complain(message: string): Promise<void> {
    return this.err(`${this.prefix()}${message}\n`)
  }

  // --- running text ----------------------------------------------------------------------------------------------------------------

  /** Runs shell text; a syntax error is printed and gives status 2. */
  async runText(text: string, options: { line?: number; last?: boolean } = {}): Promise<number> {
    const parser = new Parser(text, { aliases: () => this.aliases, ...(options.line ? { line: options.line } : {}) })
    let status = 0
    let list = this.#parsed(parser, text)
    if (list === undefined) this.state.lastStatus = 0
    while (list) {
      // The next line is parsed before this one runs only to know whether this is the last one.
      if (list === 'failed') { await this.#syntaxError; return this.state.lastStatus }
      const isLast = options.last === true && parser.position >= text.trimEnd().length
      status = await this.runList(list, { last: isLast })
      list = this.#parsed(parser, text)
    }
    return status
  }

  #syntaxError: Promise<void> | undefined

  #parsed(parser: Parser, text: string): List | undefined | 'failed' {
    try {
      return parser.next()
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error
      this.state.lastStatus = 2
      this.#syntaxError = this.syntaxError(error, text)
      return 'failed'
    }
  }

  /** Aliases that are expanded: by bash only where somebody types, or asks for it by `shopt -s expand_aliases`. */
  get aliases(): ReadonlyMap<string, string> | undefined {
    const { shopts } = this.state
    return !this.isBash || shopts.has('expand_aliases') || this.interactive && !shopts.has('!expand_aliases') ? this.state.aliases : undefined
  }

  /** Prints what is wrong with the text. */
  syntaxError(error: ShellSyntaxError, text = ''): Promise<void> {
    return this.err(syntaxErrorText(this, error, text))
  }

  /** Runs commands until they are done; then the EXIT trap. The result is the shell's exit status. */
  async runToEnd(work: () => Promise<number>): Promise<number> {
    let status: number
    try {
      status = await work()
      if (this.traps.isPending) await this.traps.run()
    } catch (error) {
      status = await this.statusOf(error)
    }
    return this.finish(status)
  }

  /** The exit status that an error thrown out of commands means; prints its message. */
  async statusOf(error: unknown): Promise<number> {
    if (error instanceof ProcessExit) return error.code
    if (error instanceof Jump) return this.state.lastStatus
    if (error instanceof ShellError) { if (error.message) await this.complain(error.message); return error.status }
    if (error instanceof ExpansionError) { await this.complain(error.message); return this.isBash ? (this.interactive ? 1 : 127) : 2 }
    if (error instanceof ReadonlyError) { await this.complain(this.isBash ? error.message : `${error.variable}: is read only`); return this.isBash ? 1 : 2 }
    if (error instanceof ShellSyntaxError) { await this.syntaxError(error); return 2 }
    throw error
  }

  async finish(status: number): Promise<number> {
    const action = this.state.traps.get('EXIT')
    if (action) {
      this.state.traps.delete('EXIT')
      this.state.lastStatus = status
      try {
        await this.runText(action)
      } catch (error) {
        if (error instanceof ProcessExit) return error.code
        if (error instanceof Jump) return status
        await this.statusOf(error)
      }
    }
    return status
  }

  // --- commands --------------------------------------------------------------------------------------------------------------------

  async runList(list: List, options: { last?: boolean } = {}): Promise<number> {
    let status = 0
    for (const [i, item] of list.items.entries()) {
      if (item.background) status = await this.#background(item.command, item.text)
      else status = await this.run(item.command, { last: options.last === true && i === list.items.length - 1, text: item.text })
      if (this.traps.isPending) { await this.traps.run(); status = this.state.lastStatus }
    }
    return status
  }

  async run(command: Command, options: { last?: boolean; text?: string } = {}): Promise<number> {
    const status = await this.#execute(command, options)
    this.state.lastStatus = status
    if (status !== 0 && this.#tested === 0 && this.state.options.has('errexit') && failsShell(command)) throw new ProcessExit(status)
    return status
  }

  async #execute(command: Command, options: { last?: boolean; text?: string }): Promise<number> {
    switch (command.kind) {
      case 'simple': return this.#simple(command, options)
      case 'pipeline': return this.#pipeline(command, options.text)
      case 'and-or': return this.#andOr(command, options.last)
      case 'list': return this.runList(command)
      case 'function': this.state.functions.set(command.name, { body: command.body, text: command.text }); return 0
      default: return this.withRedirects(command.redirects, () => this.#compound(command, options))
    }
  }

  async #compound(command: Exclude<Command, { kind: 'simple' | 'pipeline' | 'and-or' | 'list' | 'function' }>, options: { last?: boolean; text?: string }): Promise<number> {
    switch (command.kind) {
      case 'group': return this.runList(command.body, { last: options.last === true && command.redirects.length === 0 })
      case 'subshell': return this.foreground([this.fork((shell) => shell.runList(command.body, { last: true }), this.interactive ? { newGroup: true } : {})], options.text ?? '( ... )')
      case 'if': return this.#if(command, options.last)
      case 'loop': return this.#loop(command)
      case 'for': return this.#for(command)
      case 'counted-for': {
        await expandArithmetic(this, command.start)
        return this.#iterate(async () => command.condition.parts.length === 0 || await expandArithmetic(this, command.condition) !== 0n, command.body, async () => { await expandArithmetic(this, command.step) })
      }
      case 'case': return this.#case(command)
      case 'conditional': {
        this.line = command.line
        try { return await evaluateConditional(this, command.words) ? 0 : 1 } catch (error) {
          if (!(error instanceof SyntaxError)) throw error
          await this.complain(error.message)
          return 2
        }
      }
      case 'arithmetic': return await expandArithmetic(this, command.expression) === 0n ? 1 : 0
    }
  }

  async #andOr(command: AndOr, last?: boolean): Promise<number> {
    const left = await this.tested(() => this.run(command.left))
    if ((command.operator === '&&') !== (left === 0)) return left
    return this.run(command.right, { last })
  }

  /** Runs something whose failure is looked at, so that `set -e` doesn't end the shell. */
  async tested<T>(work: () => Promise<T>): Promise<T> {
    this.#tested += 1
    try { return await work() } finally { this.#tested -= 1 }
  }

  async #if(command: If, last?: boolean): Promise<number> {
    for (const { condition, body } of command.branches)
      if (await this.tested(() => this.runList(condition)) === 0) return this.runList(body, { last: last === true && command.redirects.length === 0 })
    return command.otherwise ? this.runList(command.otherwise, { last: last === true && command.redirects.length === 0 }) : 0
  }

  #loop(command: Loop): Promise<number> {
    return this.#iterate(async () => (await this.tested(() => this.runList(command.condition)) === 0) !== command.until, command.body, async () => {})
  }

  async #for(command: For): Promise<number> {
    const values = command.words ? await expandWords(this, command.words) : [...this.state.positional]
    let next = 0
    return this.#iterate(async () => {
      if (next >= values.length) return false
      this.variables.set(command.name, values[next++]!)
      return true
    }, command.body, async () => {})
  }

  async #iterate(goOn: () => Promise<boolean>, body: List, step: () => Promise<void>): Promise<number> {
    let status = 0
    this.state.loopDepth += 1
    try {
      for (;;) {
        try {
          const beganMs = this.proc.clock.nowMs()
          const waits = this.#waits
          if (!await goOn()) break
          await this.proc.clock.breathe()
          if (this.proc.killed.aborted) throw this.proc.killed.reason
          status = await this.runList(body)
          // A round that waited for nobody was work all the while, on no more cores than there are.
          if (this.#waits === waits) this.proc.useCpu((this.proc.clock.nowMs() - beganMs) * 1000 * Math.min(1000, this.proc.machine.limits.cpuMillis ?? 1000))
        } catch (error) {
          if (!(error instanceof Jump) || error.kind === 'return') throw error
          status = 0
          if (--error.levels > 0) throw error
          if (error.kind === 'break') break
        }
        await step()
      }
    } finally {
      this.state.loopDepth -= 1
    }
    return status
  }

  async #case(command: Case): Promise<number> {
    const value = await expandString(this, command.word)
    let falls = false
    let status = 0
    for (const arm of command.arms) {
      let matches = falls
      for (const pattern of arm.patterns) {
        if (matches) break
        matches = matchesPattern(value, await expandPattern(this, pattern), { extended: this.isBash })
      }
      if (!matches) continue
      status = arm.body.items.length > 0 ? await this.runList(arm.body) : 0
      if (arm.next === ';;') return status
      falls = arm.next === ';&'
    }
    return status
  }

  /** The shell waits for something: a process, input. */
  noteWait(): void {
    this.#waits++
  }

  // --- pipelines and processes -----------------------------------------------------------------------------------------------------

  async #pipeline(pipeline: Pipeline, text?: string): Promise<number> {
    const startMs = this.proc.clock.nowMs()
    let status: number
    if (pipeline.commands.length === 1) {
      status = pipeline.negated ? await this.tested(() => this.run(pipeline.commands[0]!, { text })) : await this.run(pipeline.commands[0]!, { text })
    } else status = await this.foreground(this.#startPipeline(pipeline, this.interactive), text ?? '', pipeline)
    if (pipeline.timed) {
      const seconds = (this.proc.clock.nowMs() - startMs) / 1000
      const shown = `${Math.floor(seconds / 60)}m${(seconds % 60).toFixed(3)}s`
      await this.err(`\nreal\t${shown}\nuser\t0m0.000s\nsys\t0m0.000s\n`)
    }
    return pipeline.negated ? (status === 0 ? 1 : 0) : status
  }

  #startPipeline(pipeline: Pipeline, newGroup: boolean, stdin?: Description): Process[] {
    const processes: Process[] = []
    let input: Description | undefined = stdin
    pipeline.commands.forEach((command, i) => {
      const pipe = i < pipeline.commands.length - 1 ? pipeDescriptions() : undefined
      const process = this.fork((shell) => shell.run(command, { last: true }), {
        ...(input ? { stdin: input } : {}),
        ...(pipe ? { stdout: pipe.write } : {}),
        ...(pipe && pipeline.stderrToo[i] ? { stderr: pipe.write } : {}),
        ...(newGroup ? processes[0] ? { group: processes[0].group } : { newGroup: true } : {}),
        otherEnds: pipe ? [pipe.read] : [],
      })
      if (i > 0 || !stdin) input?.release()
      pipe?.write.release()
      processes.push(process)
      input = pipe?.read
    })
    return processes
  }

  /** Starts a copy of this shell in a process of its own. */
  fork(work: (shell: Shell) => Promise<number>, options: { stdin?: Description; stdout?: Description; stderr?: Description; newGroup?: boolean; group?: number; otherEnds?: Description[] } = {}): Process {
    this.#waits++
    const { descriptors } = this.state
    const inherited = descriptors.clone()
    const held: Description[] = []
    const stream = (fd: number, given: Description | undefined) => {
      if (given) { held.push(given.retain()); return given }
      return descriptors.get(fd)
    }
    const stdin = stream(0, options.stdin)
    const stdout = stream(1, options.stdout)
    const stderr = stream(2, options.stderr)
    const env = this.variables.environment()
    const process = this.proc.spawn([this.state.name, ...this.proc.argv.slice(1)], {
      env, cwd: this.proc.cwd,
      stdin: stdin?.reader ?? { read: async () => null, cancel() {} },
      stdout: stdout?.writer ?? descriptors.writer(99),
      stderr: stderr?.writer ?? descriptors.writer(99),
      ...(options.newGroup ? { newGroup: true } : {}),
      ...(options.group !== undefined ? { group: options.group } : {}),
      program: (proc) => {
        const shell = new Shell(proc, { flavour: this.flavour, parent: this })
        for (let fd = 3; fd < 64; fd++) { const description = inherited.get(fd); if (description) shell.state.descriptors.set(fd, description.retain()) }
        for (const [signal] of shell.state.traps) if (signal.startsWith('SIG')) proc.onSignal(signal as Signal, 'ignore')
        return shell.runToEnd(() => work(shell))
      },
    })
    void process.wait().then(() => {
      inherited.closeAll()
      for (const each of held) each.release()
    })
    return process
  }

  /** Waits for processes in the foreground; the status is the last one's. */
  async foreground(processes: Process[], text: string, pipeline?: Pipeline): Promise<number> {
    const { tty } = this.proc
    const last = processes[processes.length - 1]!
    const controls = this.interactive && tty !== undefined
    if (controls) tty.foregroundGroup = processes[0]!.group
    try {
      for (;;) {
        if (processes.every((process) => process.status)) break
        if (controls && processes.some((process) => process.stopped)) {
          const job = this.jobs.add(processes, processes[0]!.group, text, false)
          job.told = 'Stopped'
          await this.err(`\n[${job.id}]+  Stopped                 ${text}\n`)
          return 148
        }
        const waiting = processes.filter((process) => !process.status)
        await Promise.race(waiting.map((process) => process.waitChange?.() ?? process.wait().then(() => {})))
      }
      for (const process of processes) await process.wait()
    } finally {
      if (controls) { tty.foregroundGroup = this.ownGroup; if (tty.raw && !this.editing) tty.setRaw(false) }
    }
    this.pipeStatus = processes.map((process) => process.status!.code)
    if (this.isBash && pipeline) this.variables.setElements('PIPESTATUS', new Map(this.pipeStatus.map((code, i) => [String(i), String(code)])))
    await this.#tellOfSignal(last.status!, text, last)
    if (this.state.options.has('pipefail')) return this.pipeStatus.findLast((code) => code !== 0) ?? 0
    return last.status!.code
  }

  editing = false

  get ownGroup(): number {
    return this.proc.machine.process(this.proc.pid)?.group ?? this.proc.pid
  }

  /** Shells say what killed a command, but for SIGINT and SIGPIPE. */
  async #tellOfSignal(status: ExitStatus, text: string, process: Process): Promise<void> {
    const { signal } = status
    if (!signal) return
    if (signal === 'SIGINT') { if (this.interactive) await this.err('\n'); return }
    if (signal === 'SIGPIPE') return
    if (this.isBash && !this.interactive) { await this.err(`${this.script ?? this.state.name}: line ${this.line}: ${String(process.pid).padStart(5)} ${signalText(signal).padEnd(23)} ${text}\n`); return }
    await this.err(`${signalText(signal)}\n`)
  }

  async #background(command: Command, text: string): Promise<number> {
    const options = this.interactive ? { newGroup: true } : {}
    let processes: Process[]
    // Without job control a background command doesn't compete for the terminal's input.
    const nothing = new Description({ reader: { read: async () => null, cancel() {} } })
    const stdin = this.interactive ? {} : { stdin: nothing }
    if (command.kind === 'pipeline' && command.commands.length > 1 && !command.negated) processes = this.#startPipeline(command, this.interactive, stdin.stdin)
    else processes = [this.fork((shell) => shell.run(command, { last: true }), { ...options, ...stdin })]
    const job = this.jobs.add(processes, processes[0]!.group, text, true)
    for (const process of processes) void process.wait()
    // The child runs first, as far as it comes without waiting: the files it writes to are there when the next command looks.
    for (let turns = 0; turns < CHILD_FIRST_TURNS; turns++) await undefined
    this.state.lastBackground = processes[processes.length - 1]!.pid
    if (this.interactive) {
      job.told = 'Running'
      await this.err(`[${job.id}] ${this.state.lastBackground}\n`)
    }
    return 0
  }

  /** Continues a job in the foreground. */
  async resume(job: Job): Promise<number> {
    this.jobs.remove(job)
    const { tty } = this.proc
    if (tty) tty.foregroundGroup = job.group
    for (const process of job.processes) if (process.stopped) process.kill('SIGCONT')
    return this.foreground(job.processes, job.text)
  }

  /** Waits for a job or process; a trapped signal ends the wait early with its status. */
  async waitFor(processes: readonly Process[]): Promise<number> {
    for (const process of processes) {
      const done = process.wait()
      const result = process.status ?? await this.traps.interruptible(done)
      if (typeof result === 'number') return result
    }
    return processes[processes.length - 1]?.status?.code ?? 0
  }

  // --- simple commands -------------------------------------------------------------------------------------------------------------

  async #simple(command: SimpleCommand, options: { last?: boolean; text?: string }): Promise<number> {
    this.line = command.line
    this.substitutionStatus = undefined
    const argv = command.words.length > 0 ? await expandWords(this, command.words) : []
    if (argv.length === 0) {
      return this.withRedirects(command.redirects, async () => {
        for (const assignment of command.assignments) await assign(this, assignment)
        if (this.state.options.has('xtrace') && command.assignments.length > 0) await this.#trace([], command.assignments)
        return this.substitutionStatus ?? 0
      })
    }
    if (this.state.options.has('xtrace')) await this.#trace(argv, command.assignments)
    const name = argv[0]!
    const run = this.state.functions.get(name)
    const builtin = this.builtins.get(name)
    if (WAITING_BUILTINS.has(name)) this.noteWait()
    if (specialBuiltins.has(name) && builtin && !(run && this.isBash)) {
      // Assignments before a special built-in stay (POSIX); bash keeps them only in POSIX mode.
      const saved = this.isBash ? command.assignments.map((a) => [a.name, copyOf(this.variables.variable(a.name))] as const) : []
      for (const assignment of command.assignments) await assign(this, assignment)
      if (name === 'exec') return runExec(this, argv, command.redirects)
      try {
        return await this.withRedirects(command.redirects, () => this.#declaring(command, argv, builtin), { fatal: !this.isBash && !this.interactive })
      } finally {
        for (const [variable, value] of saved) this.variables.restore(variable, value)
      }
    }
    if (run) return withAssignments(this, command.assignments, () => this.withRedirects(command.redirects, () => this.callFunction(run.body, argv)))
    if (builtin) return withAssignments(this, command.assignments, () => this.withRedirects(command.redirects, () => this.#declaring(command, argv, builtin)))
    return runExternal(this, argv, command, options)
  }

  /** A built-in command with what arrays are declared by it: one that makes them read-only comes after their elements, others before. */
  async #declaring({ declared }: SimpleCommand, argv: string[], builtin: Builtin): Promise<number> {
    if (!declared) return builtin(this, argv)
    const isReadonly = argv[0] === 'readonly' || argv.some((arg) => /^-\w*r/.test(arg))
    if (isReadonly && !argv.some((arg) => /^-\w*A/.test(arg))) for (const assignment of declared) await assign(this, assignment)
    const status = await builtin(this, argv)
    if (status === 0 && !isReadonly) for (const assignment of declared) await assign(this, assignment)
    return status
  }

  async #trace(argv: string[], assignments: Assignment[]): Promise<void> {
    const ps4 = this.variables.get('PS4') ?? '+ '
    const words = [...await Promise.all(assignments.map(async (a) => `${a.name}=${quoteForTrace(await expandString(this, a.value))}`)), ...argv.map(quoteForTrace)]
    await this.err(`${ps4}${words.join(' ')}\n`)
  }

  /** Runs a function without letting it say anything, and leaves `$?` as it was. */
  async runQuietly(argv: readonly string[]): Promise<void> {
    const run = this.state.functions.get(argv[0]!)
    if (!run) return
    const { descriptors, lastStatus } = this.state
    const nowhere = { write: async () => {}, close() {} }
    this.state.descriptors = descriptors.clone()
    for (const fd of [1, 2]) this.state.descriptors.set(fd, new Description({ writer: nowhere }))
    try {
      await this.callFunction(run.body, argv)
    } finally {
      this.state.descriptors.closeAll()
      this.state.descriptors = descriptors
      this.state.lastStatus = lastStatus
    }
  }

  /** A text expanded and split into words, as the command line is. */
  async splitWords(text: string): Promise<string[]> {
    const escaped = text.replace(/["\\`]/g, '\\$&')
    const list = new Parser(`: ${escaped.replace(/[;&|<>()\n#*?[\]{}!~']/g, (sign) => sign === '\n' ? ' ' : `\\${sign}`)}`).next()
    const command = list?.items[0]?.command
    return command?.kind === 'simple' ? expandWords(this, command.words.slice(1)) : []
  }

  async callFunction(body: Command, argv: readonly string[]): Promise<number> {
    const { positional } = this.state
    if (this.state.functionDepth > 1000) throw new ShellError(`${argv[0]}: maximum function nesting level exceeded (1000)`)
    this.state.positional = argv.slice(1)
    this.state.functionDepth += 1
    this.variables.enter()
    const depth = this.state.loopDepth
    this.state.loopDepth = 0
    try {
      return await this.run(body)
    } catch (error) {
      if (!(error instanceof Jump) || error.kind !== 'return') throw error
      return error.levels
    } finally {
      this.state.loopDepth = depth
      this.variables.leave()
      this.state.functionDepth -= 1
      this.state.positional = positional
    }
  }

  /** Does something with redirections in force. @param options.fatal what can't be redirected ends the shell */
  async withRedirects(redirects: readonly Redirect[], work: () => Promise<number>, options: { fatal?: boolean } = {}): Promise<number> {
    if (redirects.length === 0) return work()
    const saved = this.state.descriptors
    this.state.descriptors = saved.clone()
    try {
      try {
        await applyRedirects(this, redirects)
      } catch (error) {
        if (!(error instanceof UnixError || error instanceof ShellError)) throw error
        await this.complain(errorText(error))
        if (options.fatal) throw new ProcessExit(2)
        return this.isBash || this.flavour === 'ash' ? 1 : 2
      }
      return await work()
    } finally {
      this.state.descriptors.closeAll()
      this.state.descriptors = saved
    }
  }

  // --- jobs ------------------------------------------------------------------------------------------------------------------------

  /** Tells about jobs that changed, as interactive shells do before a prompt. */
  async reportJobs(print: (job: Job) => Promise<void>): Promise<void> {
    for (const job of [...this.jobs.all()]) {
      const state = jobState(job)
      if (state === 'Done') {
        if (job.background || job.told !== 'Done') await print(job)
        this.jobs.remove(job)
      } else if (state !== job.told && state === 'Stopped') { job.told = state; await print(job) }
    }
  }
}

/** Whether `set -e` looks at the status of this kind of command; the parts of others were looked at already. */
function failsShell(command: Command): boolean {
  if (command.kind === 'pipeline') return !command.negated
  if (command.kind === 'and-or') return false
  return command.kind === 'simple' || command.kind === 'subshell' || command.kind === 'conditional' || command.kind === 'arithmetic'
}

function quoteForTrace(text: string): string {
  return text !== '' && /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

