import { StatusError } from '../../cluster/kinds/status-error.ts'

/** Ends the command with exit code 1 and no (further) message. k8s: kubectl/pkg/cmd/util ErrExit */
export class SilentExit extends Error {
  readonly code: number
  constructor(code = 1) {
    super('exit')
    this.code = code
  }
}

/** What several errors say in one line, each once. k8s: utilerrors aggregate.Error */
export function aggregateMessage(messages: readonly string[]): string {
  const each = [...new Set(messages)]
  return each.length === 1 ? each[0]! : `[${each.join(', ')}]`
}

/** Several errors that are reported together, one per line. k8s: utilerrors.Aggregate */
export class AggregateErrors extends Error {
  readonly errors: readonly Error[]
  constructor(errors: readonly Error[]) {
    super(aggregateMessage(errors.map((e) => e.message)))
    this.errors = errors
  }
}

/** What was wrong within files: stays together as one error among others. */
export class FileErrors extends Error {
  readonly errors: readonly Error[]
  constructor(errors: readonly Error[]) {
    super(new AggregateErrors(errors).message)
    this.errors = errors
  }
}

/** An aggregate of the errors, the only one itself, or undefined when there is none. */
export function aggregate(errors: readonly Error[]): Error | undefined {
  const flat = errors.flatMap((e) => e instanceof AggregateErrors ? e.errors : [e])
  return flat.length === 0 ? undefined : flat.length === 1 ? flat[0] : new AggregateErrors(flat)
}

/** Something is wrong with the kubeconfig. k8s: clientcmd errConfigurationInvalid */
export class ConfigurationInvalid extends Error {}

/** The request could not be made at all. k8s: url.Error */
export class ConnectionError extends Error {
  readonly url: string
  readonly method: string
  /** What the dialer said, e.g. `dial tcp 127.0.0.1:1: connect: connection refused`. */
  readonly cause_: string
  constructor(method: string, url: string, cause: string) {
    const verb = method[0]!.toUpperCase() + method.slice(1).toLowerCase()
    super(`${verb} "${url}": ${cause}`)
    this.method = method
    this.url = url
    this.cause_ = cause
  }
}

/** No such resource, as the mapper says it. k8s: meta.NoResourceMatchError */
export class NoResourceMatch extends Error {
  readonly group: string
  readonly version: string
  readonly resource: string
  constructor(resource: string, group = '', version = '') {
    const where = version || group ? `${group}/${version}, Resource=${resource}` : `/, Resource=${resource}`
    super(`no matches for ${where}`)
    this.resource = resource
    this.group = group
    this.version = version
  }
}

/** k8s: meta.NoKindMatchError */
export class NoKindMatch extends Error {
  readonly group: string
  readonly kind: string
  readonly versions: readonly string[]
  constructor(kind: string, group: string, versions: readonly string[]) {
    const full = group ? `${kind}.${group}` : kind
    super(versions.length === 0 ? `no matches for kind "${kind}" in group "${group}"`
      : versions.length === 1 ? `no matches for kind "${kind}" in version "${group ? `${group}/` : ''}${versions[0]}"`
      : `no matches for kind "${full}" in versions ${JSON.stringify(versions)}`)
    this.kind = kind
    this.group = group
    this.versions = versions
  }
}

/** A command ran and said no; the code becomes kubectl's own exit code. k8s: utilexec.ExitError */
export class CommandExit extends Error {
  readonly code: number
  constructor(message: string, code: number) {
    super(message)
    this.code = code
  }
}

/** The text for an error that kubectl knows, or undefined. k8s: kubectl/pkg/cmd/util StandardErrorMessage */
export function standardErrorMessage(error: Error): string | undefined {
  if (error instanceof StatusError) {
    if (error.reason === 'Unauthorized') return `error: You must be logged in to the server (${error.message})`
    return error.reason ? `Error from server (${error.reason}): ${error.message}` : `Error from server: ${error.message}`
  }
  if (error instanceof ConnectionError) {
    if (error.cause_.includes('connection refused'))
      return `The connection to the server ${hostOf(error.url)} was refused - did you specify the right host or port?`
    return `Unable to connect to the server: ${error.cause_}`
  }
  return undefined
}

function hostOf(url: string): string {
  return /^https?:\/\/([^/]+)/.exec(url)?.[1] ?? url
}

/** What kubectl prints for an error and the code it exits with. k8s: kubectl/pkg/cmd/util checkErr */
export function describeFailure(error: unknown): { message: string; code: number } {
  if ((error instanceof AggregateErrors || error instanceof FileErrors) && error.errors.length === 1) error = error.errors[0]
  if (error instanceof SilentExit) return { message: '', code: error.code }
  if (!(error instanceof Error)) return { message: `error: ${String(error)}`, code: 1 }
  if (error instanceof StatusError && error.reason === 'Invalid') return { message: invalidMessage(error), code: 1 }
  if (error instanceof ConfigurationInvalid) return { message: `Error in configuration: ${error.message}`, code: 1 }
  if (error instanceof NoResourceMatch) {
    const { resource, group, version } = error
    const where = [group && `in group "${group}"`, version && `in version "${version}"`].filter(Boolean).join(' and ')
    return { message: `the server doesn't have a resource type "${resource}"${where ? ` ${where}` : ''}`, code: 1 }
  }
  if (error instanceof AggregateErrors || error instanceof FileErrors)
    return { message: error.errors.map((e) => standardErrorMessage(e) ?? e.message).join('\n'), code: 1 }
  if (error instanceof CommandExit) return { message: error.message, code: error.code }
  const known = standardErrorMessage(error)
  if (known !== undefined) return { message: known, code: 1 }
  return { message: error.message.startsWith('error: ') ? error.message : `error: ${error.message}`, code: 1 }
}

function invalidMessage(error: StatusError): string {
  const { details, message } = error.status
  const head = 'The request is invalid'
  if (!details) return message ? `${head}: ${message}` : head
  const causes = [...new Set((details.causes ?? []).map((c) => `${c.field ?? ''}: ${c.message ?? ''}`))]
  const subject = details.kind || details.name ? `The ${details.kind ?? ''} ${JSON.stringify(details.name ?? '')} is invalid`
    : message && causes.length === 0 ? `${head}: ${message}` : head
  if (causes.length === 0) return subject
  // A cause that ends its own line is followed by an empty one. k8s: cmdutil.MultilineError
  if (causes.length === 1) return `${subject}: ${causes[0]}\n`
  return `${subject}: \n${causes.map((c) => `* ${c}`).join('\n')}`
}

/** Adds which file an error belongs to. k8s: cmdutil.AddSourceToErr */
export function addSource(verb: string, source: string, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (!source) return error
  const text = `error when ${verb} ${JSON.stringify(source)}: ${error.message}`
  return error instanceof StatusError ? new StatusError({ ...error.status, message: text }) : new Error(text)
}

export const isNotFound = (error: unknown): boolean => error instanceof StatusError && (error.reason === 'NotFound' || (!error.reason && error.code === 404))
