import { printYaml } from '../../kinds/print-yaml.ts'
import { Html, html } from '../web/html.ts'
import type { DashboardKind, KubeObject } from './kinds.ts'
import { MENU } from './kinds.ts'

const STYLE = new Html(`body{font:14px/1.5 Roboto,system-ui,sans-serif;margin:0;color:#202124;background:#f5f5f5}#top{background:#326de6;color:#fff;padding:.6rem 1rem;display:flex;gap:1rem;align-items:center;flex-wrap:wrap}#top a,#top h1{color:#fff;font-size:1rem;margin:0;text-decoration:none}#page{display:flex;align-items:flex-start}nav{width:13rem;flex:none;background:#fff;padding:.5rem 1rem;min-height:80vh}nav a{display:block;color:#202124;text-decoration:none;padding:.1rem 0 .1rem .6rem}nav a.here{color:#326de6;font-weight:600}main{flex:1;padding:1rem;min-width:0;overflow-x:auto}
.card{background:#fff;border:1px solid #ddd;border-radius:4px;padding:.5rem 1rem;margin:0 0 1rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;border-bottom:1px solid #eee;padding:.3rem .5rem;vertical-align:top;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:.4rem 0}textarea{width:100%;height:28rem;font:12px/1.4 monospace;box-sizing:border-box}button{background:#326de6;color:#fff;border:0;border-radius:3px;padding:.35rem .8rem;font:inherit;cursor:pointer}form.inline{display:inline-block;margin-right:.5rem}.error{background:#fce8e6;border-left:4px solid #d93025;padding:.5rem .8rem;margin-bottom:1rem}.notice{background:#e6f4ea;border-left:4px solid #188038;padding:.5rem .8rem;margin-bottom:1rem}.label{background:#eee;border-radius:8px;padding:0 .4rem;margin-right:.3rem;white-space:nowrap}pre{background:#202124;color:#e8eaed;padding:1rem;white-space:pre-wrap;overflow-wrap:anywhere}#login{max-width:30rem;margin:3rem auto}input[type=password],input[type=text]{width:100%;box-sizing:border-box;font:inherit;padding:.4rem}`)

const document = (title: string, body: Html) => html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width">
<style>${STYLE}</style>
</head>
<body>${body}</body>
</html>
`.text

/** Where users show who they are. */
export function loginPage(error: string | undefined, maySkip: boolean): string {
  return document('Kubernetes Dashboard', html`<div id="login" class="card"><h1>Kubernetes Dashboard</h1>${error !== undefined && html`<p class="error">${error}</p>`}<form method="post" action="?view=login"><p><b>Token</b><br>Sign in as a ServiceAccount: <code>kubectl create token NAME</code> prints a token for it, and what may be seen here is what its roles allow.</p><label for="token">Enter token *</label><input type="password" id="token" name="token"><p><button name="action" value="login">Sign in</button>${maySkip && html` <button name="action" value="skip">Skip</button>`}</p></form></div>`)
}

/** What every page of somebody signed in needs. */
export interface Frame {
  formToken: string
  namespace: string | undefined
  namespaces: readonly string[]
  here: string
  error?: string | undefined
  notice?: string | undefined
}

/** Addresses are relative to the dashboard's root, so that they lead through whatever proxy it is behind. */
export function link(parameters: Readonly<Record<string, string | undefined>>): string {
  return `?${new URLSearchParams(Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined))}`
}

/** A page with the menu around it. */
export function framed(title: string, { formToken, namespace, namespaces, here, error, notice }: Frame, body: Html): string {
  const space = namespace ?? '_all'
  return document(`${title} - Kubernetes Dashboard`, html`<div id="top"><h1><a href="${link({ view: 'workloads', namespace: space })}">kubernetes</a></h1><form method="get"><input type="hidden" name="view" value="${here}"><select name="namespace"><option value="_all">All namespaces</option>${namespaces.map((each) => html`<option${new Html(each === namespace ? ' selected' : '')}>${each}</option>`)}</select> <button>Go</button></form><a href="${link({ view: 'create', namespace: space })}" title="Create new resource">+ Create</a><form class="inline" method="post" action="?view=logout"><input type="hidden" name="formToken" value="${formToken}"><button>Sign out</button></form></div>
<div id="page"><nav>${MENU.map(([group, kinds]) => html`<b>${group === 'Workloads' ? html`<a href="${link({ view: 'workloads', namespace: space })}">Workloads</a>` : group}</b>${kinds.map((kind) => html`<a href="${link({ view: kind.resource, namespace: space })}"${new Html(kind.resource === here ? ' class="here"' : '')}>${kind.title}</a>`)}`)}</nav>
<main>${error !== undefined && html`<p class="error">${error}</p>`}${notice !== undefined && html`<p class="notice">${notice}</p>`}${body}</main></div>`)
}

const labels = (object: KubeObject) => Object.entries(object.metadata.labels ?? {}).map(([name, value]) => html`<span class="label">${name}: ${value}</span> `)

/** A moment as `2 minutes ago`. */
function ago(time: string | undefined, nowMs: number): string {
  if (!time) return '-'
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(time)) / 1000))
  const [amount, unit] = seconds < 60 ? [seconds, 'second'] : seconds < 3600 ? [Math.round(seconds / 60), 'minute'] : seconds < 86_400 ? [Math.round(seconds / 3600), 'hour'] : [Math.round(seconds / 86_400), 'day']
  return `${amount} ${unit}${amount === 1 ? '' : 's'} ago`
}

/** What objects used lately, by `namespace/name`. */
export type Usage = ReadonlyMap<string, { cpu: number; memory: number }>

/** A list of objects of a kind. */
export function listCard(kind: DashboardKind, objects: readonly KubeObject[], nowMs: number, usage?: Usage): Html {
  const used = (object: KubeObject) => usage?.get(`${object.metadata.namespace ?? 'nodes'}/${object.metadata.name}`)
  return html`<section class="card"><h2>${kind.title} (${objects.length})</h2>${objects.length === 0 ? html`<p>Nothing of this kind is here.</p>` : html`<table><tr><th>Name</th>${kind.namespaced && html`<th>Namespace</th>`}<th>Labels</th>${kind.columns.map(([title]) => html`<th>${title}</th>`)}${usage && html`<th>CPU Usage (cores)</th><th>Memory Usage (bytes)</th>`}<th>Created</th></tr>${objects.map((object) => html`<tr><td><a href="${link({ view: 'object', resource: kind.resource, namespace: object.metadata.namespace, name: object.metadata.name })}">${object.metadata.name}</a></td>${kind.namespaced && html`<td>${object.metadata.namespace}</td>`}<td>${labels(object)}</td>${kind.columns.map(([, value]) => html`<td>${value(object)}</td>`)}${usage && html`<td>${used(object) ? `${(used(object)!.cpu / 1000).toFixed(2)}` : '-'}</td><td>${used(object) ? `${(used(object)!.memory / 2 ** 20).toFixed(2)}Mi` : '-'}</td>`}<td title="${object.metadata.creationTimestamp}">${ago(object.metadata.creationTimestamp, nowMs)}</td></tr>`)}</table>`}</section>`
}

/** One object with what may be done to it. */
export function objectPage(kind: DashboardKind, object: KubeObject, { formToken }: Frame, events: Html, owned: Html | '', nowMs: number): Html {
  const target = { resource: kind.resource, namespace: object.metadata.namespace, name: object.metadata.name }
  const action = (name: string, label: string, fields: Html | '' = '') => html`<form class="inline" method="post" action="${link({ view: 'object', ...target })}"><input type="hidden" name="formToken" value="${formToken}"><input type="hidden" name="action" value="${name}">${fields}<button>${label}</button></form>`
  const { managedFields: _, ...metadata } = object.metadata
  return html`<h1>${kind.kind} ${object.metadata.name}</h1><section class="card">${kind.kind === 'Pod' && html`<a href="${link({ view: 'logs', ...target })}">Logs</a> `}${kind.scalable && action('scale', 'Scale', html`<input name="replicas" size="3" value="${object.spec?.replicas ?? 0}"> `)}${kind.restartable && action('restart', 'Restart')}${action('delete', 'Delete')}</section>
<section class="card"><h2>Metadata</h2><table><tr><th>Name</th><td>${object.metadata.name}</td></tr>${object.metadata.namespace !== undefined && html`<tr><th>Namespace</th><td>${object.metadata.namespace}</td></tr>`}<tr><th>Created</th><td>${object.metadata.creationTimestamp} (${ago(object.metadata.creationTimestamp, nowMs)})</td></tr><tr><th>UID</th><td>${object.metadata.uid}</td></tr><tr><th>Labels</th><td>${labels(object)}</td></tr>${kind.columns.map(([title, value]) => html`<tr><th>${title}</th><td>${value(object)}</td></tr>`)}</table></section>
${owned}${events}<section class="card"><h2>Edit a resource</h2><form method="post" action="${link({ view: 'object', ...target })}"><input type="hidden" name="formToken" value="${formToken}"><input type="hidden" name="action" value="edit"><textarea name="yaml" spellcheck="false">${printYaml({ ...object, metadata })}</textarea><p><button>Update</button></p></form></section>`
}

/** What a container printed. */
export function logsPage(pod: KubeObject, container: string, text: string, previous: boolean): Html {
  const target = { view: 'logs', resource: 'pods', namespace: pod.metadata.namespace, name: pod.metadata.name }
  const names = [...pod.spec?.initContainers ?? [], ...pod.spec?.containers ?? []].map((each: { name: string }) => each.name)
  return html`<h1>Logs from ${container} in ${pod.metadata.name}</h1><p>${names.map((name) => html`<a href="${link({ ...target, container: name })}">${name}</a> `)}<a href="${link({ ...target, container, previous: previous ? undefined : 'true' })}">${previous ? 'current' : 'previous'}</a></p><pre>${text === '' ? 'This container has printed nothing so far.' : text}</pre>`
}

/** A form for YAML. */
export function createPage({ formToken, namespace }: Frame, text: string): Html {
  return html`<h1>Create from input</h1><section class="card"><form method="post" action="${link({ view: 'create', namespace: namespace ?? '_all' })}"><input type="hidden" name="formToken" value="${formToken}"><p>Objects in YAML or JSON. Those that name no namespace are created in the one that is chosen above.</p><textarea name="yaml" spellcheck="false">${text}</textarea><p><button>Upload</button></p></form></section>`
}
