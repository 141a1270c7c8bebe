import { deepEqual } from '../../../base/freeze.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { createTwoWayMergePatch, identityUnchanged } from '../../../cluster/kinds/patch/create-three-way-patch.ts'
import { createMergePatch } from '../../../cluster/kinds/patch/merge-patch.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { parseYaml, printYaml } from '../../yaml.ts'
import { groupResource, resourcePath } from '../discovery.ts'
import { SilentExit } from '../errors.ts'
import type { Factory } from '../factory.ts'
import { goJson } from '../../../cluster/kinds/go-text.ts'
import { schemaNameOf } from '../gvk-schema.ts'
import { LAST_APPLIED, withLastApplied } from '../last-applied.ts'
import { dryRunOf, dryRunSuffix, printerFor, withoutManagedFields } from '../print.ts'
import { recorded } from '../record.ts'
import { findResources, hasFiles, MISSING_RESOURCE } from '../resources.ts'
import type { Info } from '../resources.ts'
import { fieldValidation } from './create/submit.ts'
import type { CommandHandler, Invocation } from './handler.ts'

const HEAD = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`

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

const withoutComments = (text: string) => text.split('\n').filter((l) => !l.trimStart().startsWith('#')).join('\n')

interface EditOptions {
  operation: string
  /** What is shown for an object, and what comes of the edited one. */
  shown(info: Info): unknown
  /** @returns the object to print, or undefined when nothing changed */
  save(info: Info, edited: KubeObject): Promise<KubeObject | undefined>
}

async function editInfos(inv: Invocation, infos: readonly Info[], options: EditOptions): Promise<void> {
  const { f, flags, out, err } = inv
  const json = flags.str('output') === 'json'
  const render = (value: unknown) => json ? `${goJson(value, '    ')}\n` : printYaml(value)
  const originals = infos.map((i) => options.shown(i))
  const whole = originals.length === 1 ? originals[0] : { apiVersion: 'v1', items: originals, kind: 'List', metadata: {} }
  const original = render(whole)
  let current = original
  let notes = ''
  for (;;) {
    const { text, file } = await editText(f, HEAD + notes + current, json ? '.json' : '.yaml')
    const discard = () => f.proc.fs.remove(file, { force: true })
    const body = withoutComments(text)
    if (notes !== '' && body.trim() === withoutComments(current).trim()) {
      keep(f, file)
      void err('error: Edit cancelled, no valid changes were saved.\n')
      throw new SilentExit(1)
    }
    if (body.trim() === withoutComments(original).trim()) { discard(); void err('Edit cancelled, no changes made.\n'); return }
    if (body.trim() === '') { discard(); void err('Edit cancelled, saved file was empty.\n'); return }
    let edited: KubeObject[]
    try {
      const parsed = parseYaml(body) as any
      edited = infos.length > 1 && Array.isArray(parsed?.items) ? parsed.items : [parsed]
      if (typeof edited[0] !== 'object' || edited[0] === null) throw new Error('invalid object to validate')
    } catch (error) {
      current = body
      notes = `# The edited file had a syntax error: error parsing edited-file: ${(error as Error).message}\n#\n`
      discard()
      continue
    }
    const failures: string[] = []
    let saved = 0
    for (const info of infos) {
      const mine = edited.find((e) => e.metadata?.name === info.name && (e.metadata?.namespace ?? '') === (info.object!.metadata.namespace ?? '')) ?? (infos.length === 1 ? edited[0] : undefined)
      if (!mine) continue
      try {
        const answer = await options.save(info, mine)
        if (answer) { saved++; void out(printerFor(f, { operation: options.operation, formats: ['json', 'yaml', 'name'] })(answer)) } else if (infos.length > 1) void out(printerFor(f, { operation: 'skipped' })(info.object!))
      } catch (error) {
        const status = error instanceof StatusError ? error : undefined
        const name = `${groupResource(info.mapping)} ${JSON.stringify(info.name)}`
        if (status?.reason === 'Invalid') {
          failures.push(`# ${name} was not valid:\n${(status.status.details?.causes ?? []).map((c) => `# * ${c.field}: ${c.message}\n`).join('')}#\n`)
          void err(`error: ${groupResource(info.mapping)} ${JSON.stringify(info.name)} is invalid\n`)
        } else {
          failures.push(`# ${name} could not be patched: ${(error as Error).message}\n#\n`)
          void err(`error: ${groupResource(info.mapping)} ${JSON.stringify(info.name)} could not be patched: ${(error as Error).message}\n`)
        }
      }
    }
    if (failures.length === 0) { discard(); if (saved === 0 && infos.length === 1) void err('Edit cancelled, no changes made.\n'); return }
    notes = failures.join('')
    current = body
    discard()
  }
}

function keep(f: Factory, file: string): void {
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
    operation: 'edited',
    shown: (info) => flags.bool('show-managed-fields') ? info.object : withoutManagedFields(info.object!),
    async save(info, given) {
      const before = flags.bool('show-managed-fields') ? info.object! : withoutManagedFields(info.object!)
      const edited = recorded(f, flags.bool('save-config') ? withLastApplied(given) : given)
      if (deepEqual(before, given)) return undefined
      const schema = schemaNameOf(info.mapping.group, info.mapping.version, info.mapping.kind)
      let patch: Record<string, unknown>
      try {
        patch = (schema ? createTwoWayMergePatch(schema, before, edited, identityUnchanged) : createMergePatch(before as never, edited as never)) as Record<string, unknown>
      } catch {
        throw new Error('At least one of apiVersion, kind and name was changed')
      }
      if (Object.keys(patch).length === 0) return undefined
      return f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name, subresource), {
        body: patch, contentType: schema ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json', query: { fieldManager: flags.str('field-manager') || 'kubectl-edit', fieldValidation: fieldValidation(inv) },
      })
    },
  })
}

/** `create --edit`. */
export async function editBeforeCreate(inv: Invocation): Promise<void> {
  const { f, flags } = inv
  const { namespace, explicit } = f.namespace()
  const { infos, error } = await (await findResources(f, { filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, continueOnError: true, flatten: true })).infos()
  if (error) throw error
  for (const info of infos) {
    const { text, file } = await editText(f, HEAD + printYaml(info.object), '.yaml')
    f.proc.fs.remove(file, { force: true })
    const body = withoutComments(text)
    if (body.trim() === '') { void inv.err('Edit cancelled, saved file was empty.\n'); continue }
    const object = parseYaml(body) as KubeObject
    const created = await f.rest().json<KubeObject>('POST', resourcePath(info.mapping, info.namespace), { body: flags.bool('save-config') ? withLastApplied(object) : object, query: { fieldManager: 'kubectl-create', fieldValidation: fieldValidation(inv) } })
    void inv.out(printerFor(f, { operation: 'created' })(created))
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
  const infos = await appliedInfos(inv)
  for (const info of infos) if (lastAppliedOf(info) === undefined) throw new Error('no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply set-last-applied --create-annotation`')
  await editInfos(inv, infos, {
    operation: 'edited',
    shown: (info) => JSON.parse(lastAppliedOf(info)!),
    async save(info, edited) {
      const value = `${goJson(edited)}\n`
      if (value === lastAppliedOf(info)) return undefined
      return inv.f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name), { body: { metadata: { annotations: { [LAST_APPLIED]: value } } }, contentType: 'application/merge-patch+json', query: { fieldManager: 'kubectl-edit' } })
    },
  })
}

export const LAST_APPLIED_COMMANDS: Record<string, CommandHandler> = { 'apply view-last-applied': viewLastApplied, 'apply set-last-applied': setLastApplied, 'apply edit-last-applied': editLastApplied }

