// What differs from run to run in recorded answers, masked on both sides before comparing; paths into bodies; the first difference.
// --- what differs from run to run --------------------------------------------------------------------------------------------
export const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
export const TIME = /\b(?:20[2-9]\d)-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(?:Z| \+0000 UTC)(?: m=\S+)?/g; // years before 2020 count as given
export const AGE = new Set(['Age', 'Duration', 'Last Schedule', 'Last Seen', 'First Seen']);

/** Learns names, hashes and addresses that the server chose, so that they can be masked wherever they occur in the case. */
export function learn(v, ctx) {
  if (Array.isArray(v)) return v.forEach(x => learn(x, ctx));
  if (!v || typeof v !== 'object') return;
  const { generateName: stem, name, labels } = v.metadata ?? {}; // names made by controllers; those asked for in the case are in ctx.stems
  if (stem && name?.startsWith(stem) && name !== stem) ctx.masks.set(name, `${stem}<suffix>`);
  for (const l of ['pod-template-hash', 'controller-revision-hash']) if (labels?.[l] && !ctx.given.includes(labels[l])) ctx.masks.set(labels[l], '<hash>');
  if (v.kind === 'Service') for (const ip of v.spec?.clusterIPs ?? []) if (ip !== 'None' && !ctx.given.includes(ip)) ctx.masks.set(ip, '<ip>');
  for (const x of Object.values(v)) learn(x, ctx);
}
export function mask(s, ctx) {
  for (const [from, to] of ctx.masks) s = s.replaceAll(from, to);
  for (const stem of ctx.stems) s = s.replace(new RegExp(`${stem.replace(/\W/g, '\\$&')}[a-z0-9]{5}\\b`, 'g'), `${stem}<suffix>`);
  if (ctx.ns) s = s.replaceAll(ctx.ns, '{{ns}}');
  return s.replace(/X509SHA256=[0-9a-f]{64}/g, 'X509SHA256=<hash>').replace(UUID, '<uid>').replace(TIME, (_, frac) => frac ? '<microtime>' : '<time>')
    .replace(/kube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<suffix>')
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<jwt>').replace(/-----BEGIN [\s\S]*-----\n?/g, m => ctx.given.includes(JSON.stringify(m).slice(1, -1)) ? m : '<pem>')
    .replace(/Invalid value: "\{\\*"apiVersion[\s\S]*\}": /g, 'Invalid value: "<object>": ')
    .replace(/\n@@[^\n]*(?:\n[ +\-@{}][^\n]*)*\n?/g, '') // a textual diff of two Go structs after a message
    .replace(/(resource version: )\d+ \(\d+\)/gi, '$1<rv> (<rv>)').replace(/(resource version: )\d+, current: \d+/gi, '$1<rv>, current: <rv>')
    .replace(/(ResourceVersion in (?:the )?(?:precondition|object meta|record)(?:: | \())\d+/g, '$1<rv>').replace(/^(\s*resourceVersion: )"\d+"/gm, '$1"<rv>"').replace(/("resourceVersion": ?)"\d+"/g, '$1"<rv>"');
}
export function normalise(v, ctx, key) {
  if (typeof v === 'string') {
    if (key === 'resourceVersion') return v && '<rv>';
    if (key === 'continue') return v && '<continue>';
    if (key === 'uid') return v && '<uid>';
    if ((key === 'clusterIP' || key === 'clusterIPs') && /\d\.\d|:/.test(v) && !ctx.given.includes(v)) return '<ip>';
    if (key === 'certificate' && !ctx.given.includes(v)) return '<certificate>';
    return mask(v, ctx);
  }
  if (typeof v === 'number' && /^(nodePort|healthCheckNodePort)$/.test(key) && v && !ctx.given.includes(String(v))) return '<port>';
  if (Array.isArray(v)) return v.map(x => normalise(x, ctx, key));
  if (!v || typeof v !== 'object') return v;
  const out = {};
  for (const [k, x] of Object.entries(v)) if (k !== 'managedFields' || ctx.managedFields) out[mask(k, ctx)] = normalise(x, ctx, k);
  if (v.kind === 'Table') v.columnDefinitions?.forEach((c, i) => { delete out.columnDefinitions[i].description; if (AGE.has(c.name)) for (const r of out.rows ?? []) if (/^\d+[smhdy]/.test(r.cells[i])) r.cells[i] = '<age>'; });
  return out;
}

// --- paths into a body: a.b.0, a[type=Ready].status, dots in a key escaped with a backslash ------------------------------------
export function split(p) { return p.match(/\[[^\]]*\]|(?:\\.|[^.[])+/g).map(s => s.replace(/\\(.)/g, '$1')); }
export function step(v, s) {
  if (!s.startsWith('[')) return v?.[s];
  const [k, want] = s.slice(1, -1).split('=');
  return Array.isArray(v) ? v.find(x => String(at(x, k)) === want) : undefined;
}
export function at(v, p) { return split(p).reduce(step, v); }
export function drop(v, p) {
  const parts = split(p), last = parts.pop();
  const walk = (x, i) => i === parts.length ? x && delete x[last] : parts[i] === '*' ? Object.values(x ?? {}).forEach(y => walk(y, i + 1)) : walk(step(x, parts[i]), i + 1);
  walk(v, 0);
}
export function sorted(v) { return Array.isArray(v) ? v.map(sorted) : v && typeof v === 'object' ? Object.fromEntries(Object.keys(v).sort().map(k => [k, sorted(v[k])])) : v; }
export function sortAt(v, p) {
  const parts = split(p), last = parts.pop(), owner = parts.reduce(step, v);
  if (Array.isArray(owner?.[last])) owner[last] = owner[last].map(x => [JSON.stringify(sorted(x)), x]).sort((a, b) => a[0] < b[0] ? -1 : 1).map(x => x[1]);
}

/** First difference between what is expected and what came, or undefined. */
export function diff(want, got, where = '') {
  if (Object.is(want, got)) return;
  const kind = x => Array.isArray(x) ? 'array' : x === null ? 'null' : typeof x;
  if (kind(want) !== kind(got) || typeof want !== 'object' || want === null) return { at: where || '(body)', want, got };
  for (const k of new Set([...Object.keys(want), ...Object.keys(got)])) {
    const d = diff(want[k], got[k], where ? `${where}.${k}` : k);
    if (d) return d;
  }
}

