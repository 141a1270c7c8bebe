// The format of transcripts, and what is masked on both sides before comparing.
//   # about: what it shows                      (comment lines)
//   --- file: pod.yaml                          a file in the working directory, up to '--- end'
//   $ kubectl apply -f pod.yaml                 a command, run by bash; '> ' lines continue it
//   pod/web created                             its standard output ...
//   2> Warning: ...                             ... its standard error ...
//   => 1                                        ... and its exit code where that isn't 0
//   @ kubectl wait --for=condition=Ready pod/web --timeout=60s     run, must exit 0, output not compared
//   ~ sort                                      after a command: its lines are compared in sorted order
// An output line that begins like one of these markers carries a backslash in front.

export function parse(text) {
  const steps = [], files = {}, head = []; let file, cur;
  for (const line of text.split('\n')) {
    if (file !== undefined) { if (line === '--- end') file = undefined; else files[file] += line + '\n'; continue; }
    let m;
    if ((m = /^--- file: (.+)$/.exec(line))) { file = m[1]; files[file] = ''; }
    else if (/^[$@] /.test(line)) { cur = { kind: line[0], cmd: line.slice(2), out: [], err: [], exit: 0, sort: false }; steps.push(cur); }
    else if (!cur) head.push(line);
    else if (line.startsWith('> ') && !cur.out.length && !cur.err.length) cur.cmd += '\n' + line.slice(2);
    else if ((m = /^=> (\d+)$/.exec(line))) cur.exit = +m[1];
    else if (line === '~ sort') cur.sort = true;
    else if (/^2> ?/.test(line)) cur.err.push(line.replace(/^2> ?/, ''));
    else cur.out.push(line.replace(/^\\/, ''));
  }
  for (const s of steps) { while (s.out.length && s.out.at(-1) === '') s.out.pop(); }
  return { head, files, steps };
}
/** Replaces what differs from run to run or machine to machine; runs of blanks count as two, since column widths follow from them.
 *  `ages`: the line belongs to a table with a column of ages, so a bare '10m' is an age there (elsewhere it may be a quantity). */
const RAND = '[bcdfghjklmnpqrstvwxz2456789]{5}', AGE = '(?:\\d+y)?(?:\\d+d)?(?:\\d+h)?(?:\\d+m)?(?:\\d+s)?';
const age = new RegExp(`(^|\\s{2,}|\\((?=\\d+\\w* ago))((?=\\d)${AGE}|<invalid>)(?=\\s{2,}|$| ago| \\(x\\d)`, 'g');
export function normalise(line, ages) {
  return line.replace(/\bv1\.36\.3\+drydock\b/g, 'v1.36.3')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>')
    .replace(/^([EFIW])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ /, '$1<klog> ').replace(/(sha256:|SHA256=|containerd:\/\/|exec ")[0-9a-f]{12,}/g, '$1<digest>')
    .replace(/((?:Image ID|imageID)"?: *"?)\S+@sha256:<digest>/g, '$1<image>').replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>')
    .replace(/"?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d{2}:?\d{2}( [A-Z]+)?)?"?/g, '<time>')
    .replace(/\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, '<time>')
    .replace(/https:\/\/(127\.0\.0\.1|localhost):\d{4,5}/g, '<server>').replace(/\b(127\.0\.0\.1|\[::1\]):(3[3-9]|4\d|5\d|6\d)\d{3}\b/g, '$1:<port>')
    .replace(/\b(10|172)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/g, '<ip>').replace(/\b10-\d{1,3}-\d{1,3}-\d{1,3}\b/g, '<ip>')
    .replace(/(nodePort"?: ?|NodePort:.*?\s|:)3[0-2]\d{3}(?=$|\/|,)/gi, '$1<nodeport>')
    .replace(/(resourceVersion"?: ?|Resource Version: +)"?\d+"?/g, '$1<rv>').replace(/\S*\/(LIVE|MERGED)-\d+/g, '$1').replace(/\S*\/kubectl-edit-\d+/g, 'kubectl-edit')
    .replace(/in [\d.]+m?s \([\d.]+m?s including waiting\)\. Image size: \d+ bytes/g, 'in <age>').replace(/\b(back-off )[\dms]+( restarting)/g, '$1<age>$2')
    .replace(new RegExp(`-[bcdf4-9]{6,10}-${RAND}\\b`, 'g'), '-<hash>-<rand>')
    .replace(new RegExp(`\\b([a-z0-9]+(?:-[a-z0-9]+)*)-(?!httpd|https)${RAND}(?![\\w-])`, 'g'), (m, n) => n.replace(/-\d{8}$/, '-<minute>') + '-<rand>')
    .replace(/\b([a-z0-9-]+)-\d{8}(?![\w-])/g, '$1-<minute>').replace(/\.[0-9a-f]{16}\b/g, '.<event>')
    .replace(/(pod-template-hash[=:] ?"?)[a-z0-9]+/g, '$1<hash>')
    .replace(/\b[4-9bcdf]{7,10}\b(?=$|[\s",\])])/g, m => /[4-9]/.test(m) && /[bcdf]/.test(m) ? '<hash>' : m)
    .replace(age, (m, b, d, at, all) => (/^\d+m$/.test(d) && !ages) || /^\s*(?!Duration|Age)[A-Z](?:[\w/()-]| (?! ))*:\s+\S+$/.test(all) ? m : b + '<age>')
    .replace(new RegExp(`<age> \\(x\\d+ over ${AGE}\\)`, 'g'), '<age>')
    .replace(/(?<=\S) {2,}/g, '  ').replace(/\s+$/, '');
}
/** The lines to compare. Under 'Events:' the order is free, because the times it follows have whole seconds. */
export function comparable(ls, sort, cmd = '') {
  let ages = /--no-headers/.test(cmd);
  const r = ls.map(l => { if (/(^|\s{2,})(AGE|Age|LAST SEEN|DURATION|LAST SCHEDULE|REQUESTEDDURATION)(\s{2,}|$)/.test(l)) ages = true; else if (l === '') ages = false; return normalise(l, ages); });
  while (r.at(-1) === '') r.pop();
  if (sort) return r.sort();
  for (let i = 0; i < r.length; i++) if (/^Events:$/.test(r[i])) { let e = i + 3; while (e < r.length && r[e].startsWith('  ')) e++; r.splice(i + 3, e - i - 3, ...r.slice(i + 3, e).sort()); }
  return r;
}

