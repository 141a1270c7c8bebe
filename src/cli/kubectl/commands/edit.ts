import { deepEqual } from '../../../base/freeze.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { createTwoWayMergePatch, identityUnchanged } from '../../../cluster/kinds/patch/create-three-way-patch.ts'
import { createMergePatch } from '../../../cluster/kinds/patch/merge-patch.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { goSyntax } from '../../../cluster/kinds/patch/go-format.ts'
import { parseYaml, printYaml } from '../../yaml.ts'
import { manifestProblem } from '../client-validation.ts'
import { groupResource, resourcePath } from '../discovery.ts'
import { isNotFound, SilentExit } from '../errors.ts'
import type { Factory } from '../factory.ts'
import { goJson } from '../../../cluster/kinds/go-text.ts'
import { schemaNameOf } from '../gvk-schema.ts'
import { LAST_APPLIED, withLastApplied } from '../last-applied.ts'
import { dryRunOf, dryRunSuffix, printerFor, printerOfFormat, withoutManagedFields } from '../print.ts'
import { recorded } from '../record.ts'
import { findResources, hasFiles, MISSING_RESOURCE } from '../resources.ts'
import type { Info } from '../resources.ts'
import { fieldValidation, withoutResourceVersion } from './create/submit.ts'
import type { CommandHandler, Invocation } from './handler.ts'

/** What stands above the object. k8s: editor editHeader.writeTo */
function headOf(applied: boolean): string {
  return applied
    ? "# Please edit the 'last-applied-configuration' annotations below.\n# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.\n#\n"
    : "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n"
}

/** The editor's words: $KUBE_EDITOR, else $EDITOR, else vi. */
function editorOf(f: Factory): { argv: (file: string) => string[]; text: string } {
  const text = f.proc.env['KUBE_EDITOR'] || f.proc.env['EDITOR'] || 'vi'
  if (/["'\\]/.test(text)) return { text, argv: (file) => [f.proc.env['SHELL'] || '/bin/bash', '-c', `${text} ${JSON.stringify(file)}`] }
  return { text, argv: (file) => [...text.split(' '), file] }
}

let counter = 0

/** Lets the user edit a text in a temporary file. @returns the text and the file, which is left for the caller to remove */
async function editText(f: Factory, text: string, suffix: string): Promise<{ text: string; file: string }> {
  const editor = editorOf(f)
  const file = `${f.proc.env['TMPDIR'] || '/tmp'}/kubectl-edit-${Math.floor(f.nowMs()) % 1_000_000_000}${counter++}${suffix}`
  f.proc.fs.writeFile(file, text, { mode: 0o600 })
  await f.io.flush()
  let code: number
  try {
    code = (await f.proc.spawn(editor.argv(file), { ...(f.proc.tty ? { tty: f.proc.tty } : {}) }).wait()).code
  } catch {
    throw new Error(`unable to launch the editor ${JSON.stringify(editor.text)}`)
  }
  if (code !== 0) throw new Error(`there was a problem with the editor ${JSON.stringify(editor.text)}`)
  return { text: f.proc.fs.readText(file), file }
}

const withoutComments = (text: string) => text.split('\n').filter((l) => !/^\s*#(?!!)/.test(l)).join('\n')

/** The text's meaning, so that comments and spaces make no difference. k8s: cmdutil.StripComments */
function meaning(text: string): string {
  try {
    return JSON.stringify(parseYaml(text))
  } catch {
    return withoutComments(text)
  }
}

interface EditOptions {
  /** Whether annotations are edited instead of objects. */
  applied?: boolean
  /** What is done with an object that was edited. @returns what to print, with the word behind the name; undefined when `save` has reported a refusal */
  save(info: Info, edited: Info): Promise<[KubeObject, string] | undefined>
}

/** What came of saving. k8s: editor editResults */
class EditResults {
  notes: string[] = []
  retryable = 0
  notFound = 0
  invalid = 0

  /** Remembers a refusal. @returns what is told about it */
  add(error: unknown, info: Info): string {
    const name = `${groupResource(info.mapping)} ${JSON.stringify(info.name)}`
    if (error instanceof StatusError && error.reason === 'Invalid') {
      this.invalid++
      this.#note(`${name} was not valid`, (error.status.details?.causes ?? []).map((c) => `${c.field}: ${c.message}`))
      return `error: ${name} is invalid\n`
    }
    if (isNotFound(error)) {
      this.notFound++
      return `error: ${name} could not be found on the server\n`
    }
    this.retryable++
    return `error: ${name} could not be patched: ${(error as Error).message}\n`
  }

  syntax(problem: string): void {
    this.#note(`The edited file had a syntax error: ${problem}`, [])
  }

  unreadable(info: Info, problem: string): string {
    this.#note(`${groupResource(info.mapping)} ${JSON.stringify(info.name)} was not valid`, [`<nil>: Invalid value: "The edited file failed validation": ${problem}`])
    return `error: ${groupResource(info.mapping)} ${JSON.stringify(info.name)} is invalid\n`
  }

  #note(head: string, others: readonly string[]): void {
    const commented = (text: string) => text.replace(/\n(?!#)(?=.)/g, '\n# ')
    this.notes.push(`# ${commented(head)}${others.length > 0 ? ':' : ''}\n${others.map((o) => `# * ${commented(o)}\n`).join('')}#\n`)
  }
}

/** Opens the objects in an editor until what comes back can be saved or is given up. k8s: editor EditOptions.Run */
async function editInfos(inv: Invocation, infos: readonly Info[], options: EditOptions): Promise<void> {
  const { f, flags, err } = inv
  const format = flags.has('output') ? flags.str('output') || 'yaml' : 'yaml'
  if (!['json', 'yaml', 'kyaml'].includes(format)) throw new Error(`unable to match a printer suitable for the output format ${JSON.stringify(format)}, allowed formats are: json,kyaml,yaml`)
  const render = printerOfFormat(f, format, { formats: ['json', 'yaml', 'kyaml'] })
  const json = format === 'json'
  const shown = infos.map((i) => withoutManagedFields(i.object!))
  const original = render(shown.length === 1 ? shown[0]! : { apiVersion: 'v1', items: shown, kind: 'List', metadata: {} } as unknown as KubeObject)
  const validation = fieldValidation(inv)
  let results = new EditResults()
  let failed = false
  let before = ''
  let lastFile = ''
  for (;;) {
    const head = json ? '' : headOf(options.applied ?? false) + results.notes.join('')
    let text: string
    let file: string
    try {
      ({ text, file } = await editText(f, head + (failed ? withoutComments(before) : original), json ? '.json' : '.yaml'))
    } catch (error) {
      if (lastFile) preserved(f, lastFile)
      throw error
    }
    const discard = (path: string) => f.proc.fs.remove(path, { force: true })
    if (failed && meaning(before) === meaning(text)) {
      preserved(f, file)
      throw new Error('Edit cancelled, no valid changes were saved.')
    }
    before = text
    if (lastFile) discard(lastFile)
    lastFile = file
    const wrong = validation === 'Ignore' ? undefined : await unreadableReason(f, text, validation)
    if (wrong) {
      results = new EditResults()
      failed = true
      void err(results.unreadable(infos[0]!, wrong))
      continue
    }
    if (meaning(original) === meaning(text)) { discard(file); void err('Edit cancelled, no changes made.\n'); return }
    if (withoutComments(text).trim() === '') { discard(file); void err('Edit cancelled, saved file was empty.\n'); return }
    results = new EditResults()
    const { infos: edited, error } = await (await findResources(f, { text: { source: 'edited-file', text }, namespace: '', continueOnError: true, flatten: true })).infos()
    if (error) {
      failed = true
      results.syntax(error.message)
      continue
    }
    failed = false
    const { namespace } = f.namespace()
    try {
      for (const info of edited) {
        if (!options.applied && info.mapping.namespaced && info.namespace !== namespace && info.namespace)
          throw new Error(`the namespace from the provided object ${JSON.stringify(info.namespace)} does not match the namespace ${JSON.stringify(namespace)}. You must pass '--namespace=${info.namespace}' to perform this operation.`)
      }
      for (const info of edited) {
        const mine = infos.find((i) => (i.object!.metadata.uid ?? '') === (info.object!.metadata?.uid ?? '') && (i.object!.metadata.uid || i.name === info.name || infos.length === 1))
        if (!mine) throw new Error(`no original object found for ${goSyntax(info.object)}`)
        try {
          const made = await options.save(mine, info)
          if (made) void inv.out(printerFor(f, { operation: made[1] })(made[0]))
        } catch (error) {
          if (!(error instanceof StatusError) || options.applied) throw error
          void err(results.add(error, mine))
        }
      }
    } catch (error) {
      preserved(f, file)
      throw error
    }
    if (results.retryable > 0) {
      void err(`You can run \`kubectl replace -f ${file}\` to try this update again.\n`)
      throw new SilentExit(1)
    }
    if (results.notFound > 0) {
      void err(`The edits you made on deleted resources have been saved to ${JSON.stringify(file)}\n`)
      throw new SilentExit(1)
    }
    if (results.invalid === 0) { discard(file); return }
    failed = true
  }
}

/** Why a text can't be looked at as an object. k8s: kubectl/pkg/validation paramVerifyingSchema.ValidateBytes */
async function unreadableReason(f: Factory, text: string, directive: 'Strict' | 'Warn'): Promise<string | undefined> {
  let data: unknown
  try {
    data = parseYaml(withoutComments(text))
  } catch (error) {
    return (error as Error).message
  }
  return manifestProblem(f, data, directive)
}

function preserved(f: Factory, file: string): void {
  void f.io.err(`A copy of your changes has been stored to ${JSON.stringify(file)}\n`)
}

// k8s: kubectl/pkg/cmd/util/editor
export const edit: CommandHandler = async (inv) => {
  const { f, flags, args } = inv
  const files = { filenames: flags.list('filename'), kustomize: flags.str('kustomize') }
  if (args.length === 0 && !hasFiles(files)) throw new Error(MISSING_RESOURCE)
  const { namespace, explicit } = f.namespace()
  const subresource = flags.str('subresource')
  const { infos, error } = await (await findResources(f, {
    args, ...files, recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, allowEmptySelector: true, continueOnError: true, flatten: true, latest: true, subresource,
  })).infos()
  if (error) throw error
  if (infos.length === 0) throw new Error('edit cancelled, no objects found')
  await editInfos(inv, infos, {
    async save(info, { object }) {
      const before = withoutManagedFields(info.object!)
      const given = withoutManagedFields(object!)
      if (deepEqual(before, given)) return [given, 'skipped']
      const edited = recorded(f, flags.bool('save-config') ? withLastApplied(given) : given)
      const schema = schemaNameOf(info.mapping.group, info.mapping.version, info.mapping.kind)
      let patch: Record<string, unknown>
      try {
        patch = (schema ? createTwoWayMergePatch(schema, before, edited, identityUnchanged) : createMergePatch(before as never, edited as never)) as Record<string, unknown>
      } catch {
        throw new Error('At least one of apiVersion, kind and name was changed')
      }
      if (flags.bool('output-patch')) void inv.out(`Patch: ${goJson(patch)}\n`)
      return [await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name, subresource), {
        body: patch, contentType: schema ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json', query: { fieldManager: flags.str('field-manager') || 'kubectl-edit', fieldValidation: fieldValidation(inv) },
      }), 'edited']
    },
  })
}

/** `create --edit`. */
export async function editBeforeCreate(inv: Invocation): Promise<void> {
  const { f, flags } = inv
  const { namespace, explicit } = f.namespace()
  const { infos, error } = await (await findResources(f, { filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, continueOnError: true, flatten: true })).infos()
  if (error) throw error
  for (const info of infos) await editInfos(inv, [info], {
    async save({ mapping }, { object, namespace: within }) {
      const body = withoutResourceVersion(recorded(f, flags.bool('save-config') ? withLastApplied(object!) : object!))
      const path = resourcePath(mapping, mapping.namespaced ? within || namespace : '')
      try {
        return [await f.rest().json<KubeObject>('POST', path, { body, query: { fieldManager: flags.str('field-manager') || 'kubectl-create', fieldValidation: fieldValidation(inv) } }), 'created']
      } catch (problem) {
        // What can't be created ends the command, unlike what can't be patched.
        throw problem instanceof StatusError ? new Refused(problem) : problem
      }
    },
  }).catch((problem: unknown) => { throw problem instanceof Refused ? problem.status : problem })
}

class Refused extends Error {
  readonly status: StatusError
  constructor(status: StatusError) {
    super(status.message)
    this.status = status
  }
}

// --- last-applied -----------------------------------------------------------------------------------------------------------------------

const lastAppliedOf = (info: Info) => info.object!.metadata.annotations?.[LAST_APPLIED]

async function appliedInfos(inv: Invocation): Promise<Info[]> {
  const { f, flags, args } = inv
  const { namespace, explicit } = f.namespace()
  const { infos, error } = await (await findResources(f, {
    args, filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, labelSelector: flags.str('selector') || undefined,
    allowEmptySelector: flags.bool('all') || inv.spec.name === 'edit-last-applied', latest: true, flatten: true,
  })).infos()
  if (error) throw error
  return infos
}

// k8s: kubectl/pkg/cmd/apply view-last-applied
const viewLastApplied: CommandHandler = async (inv) => {
  const { flags, out, spec } = inv
  const output = flags.str('output') || 'yaml'
  const infos = await appliedInfos(inv)
  if (!['json', 'yaml'].includes(output)) throw new Error(`Unexpected -o output mode: ${output}, the flag 'output' must be one of yaml|json\nSee '${spec.path} -h' for help and examples`)
  for (const info of infos) {
    const text = lastAppliedOf(info)
    if (text === undefined) continue
    void out(output === 'json' ? `${JSON.stringify(JSON.parse(text), null, 2)}\n` : printYaml(JSON.parse(text)))
  }
}

// k8s: kubectl/pkg/cmd/apply set-last-applied
const setLastApplied: CommandHandler = async (inv) => {
  const { f, flags, out } = inv
  const { namespace, explicit } = f.namespace()
  const dryRun = dryRunOf(f)
  const { infos, error } = await (await findResources(f, { filenames: flags.list('filename'), namespace, enforceNamespace: explicit, flatten: true })).infos()
  if (error) throw error
  for (const info of infos) {
    const { [LAST_APPLIED]: _, ...others } = info.object!.metadata.annotations ?? {}
    const plain = info.object!.metadata.annotations ? { ...info.object!, metadata: { ...info.object!.metadata, annotations: others } } : info.object!
    const live = await f.rest().json<KubeObject>('GET', resourcePath(info.mapping, info.namespace, info.name))
    if (live.metadata.annotations?.[LAST_APPLIED] === undefined && !flags.bool('create-annotation'))
      throw new Error(`no last-applied-configuration annotation found on resource: ${info.name}, to create the annotation, run the command with --create-annotation`)
    const value = `${goJson(plain)}\n`
    if (live.metadata.annotations?.[LAST_APPLIED]?.trim() === value.trim()) { void out(`set-last-applied ${info.name}: no changes required.\n`); continue }
    let answer = live
    if (dryRun !== 'client') answer = await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name), { body: { metadata: { annotations: { [LAST_APPLIED]: value } } }, contentType: 'application/merge-patch+json', query: dryRun === 'server' ? { dryRun: 'All' } : {} })
    void out(printerFor(f, { operation: `configured${dryRunSuffix(dryRun)}` })(answer))
  }
}

const editLastApplied: CommandHandler = async (inv) => {
  const { f } = inv
  const infos: Info[] = []
  for (const info of await appliedInfos(inv)) {
    const text = lastAppliedOf(info)
    if (text !== undefined) infos.push({ ...info, object: JSON.parse(text) as KubeObject })
  }
  if (infos.length === 0) throw new Error('no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply set-last-applied --create-annotation`')
  await editInfos(inv, infos, {
    applied: true,
    async save(info, { object }) {
      if (deepEqual(info.object, object)) return [object!, 'skipped']
      await f.rest().json('PATCH', resourcePath(info.mapping, info.namespace, info.name), {
        body: { metadata: { annotations: { [LAST_APPLIED]: `${goJson(object)}\n` } } }, contentType: 'application/merge-patch+json', query: { fieldManager: inv.flags.str('field-manager') || 'kubectl-edit' },
      })
      return [object!, 'edited']
    },
  })
}

export const LAST_APPLIED_COMMANDS: Record<string, CommandHandler> = { 'apply view-last-applied': viewLastApplied, 'apply set-last-applied': setLastApplied, 'apply edit-last-applied': editLastApplied }

