import { createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../base/random.ts'
import type { Clock } from '../../../base/clock.ts'
import { GoInt } from '../../../cluster/kinds/go-template/values.ts'
import { parseYaml } from '../../yaml.ts'
import { emptyChart } from '../chart/chart.ts'
import { DEFAULT_API_VERSIONS } from './default-api-versions.ts'
import { renderChart } from './render.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const VALUES = 's: hello World\ne: ""\nnum3: 3\nf: 2.5\nbig: 1000000\nt: true\nnul: null\nl: [1, two, 3.5, true, null]\nls: [c, a, b, a]\nm: {b: 2, a: one, c: {d: deep}}\nmulti: "a\\nb\\n"\nlong: "this is a very long text that goes on and on beyond the eighty columns which some emitters fold at"\n'

/** What one template of a chart makes. */
async function render(template: string, lookup?: Parameters<typeof renderChart>[0]['lookup']): Promise<string> {
  const values = parseYaml(VALUES) as Record<string, unknown>
  values['i64'] = new GoInt(7, 'int64')
  const chart = {
    ...emptyChart(), metadata: { name: 'c', version: '1.2.3', apiVersion: 'v2', appVersion: '9' }, files: [{ name: 'a.txt', data: bytes('one\ntwo\n') }, { name: 'conf/b.ini', data: bytes('k=v') }],
    templates: [{ name: 'templates/_h.tpl', data: bytes('{{define "h"}}<{{.}}>{{end}}{{define "bad"}}\n {{.x.y.z}}{{end}}') }, { name: 'templates/t.yaml', data: bytes(template) }],
  }
  const clock = { nowMs: () => 0, breathe: async () => {}, outside: (work: Promise<unknown>) => work } as unknown as Clock
  const made = await renderChart({
    chart, values, release: { name: 'rel', namespace: 'ns', revision: 1, isInstall: true, isUpgrade: false }, capabilities: { kubeVersion: { version: 'v1.36.3', major: '1', minor: '36' }, apiVersions: DEFAULT_API_VERSIONS },
    clock, random: new Random('x'), ...(lookup ? { lookup } : {}),
  })
  return made.get('c/templates/t.yaml')!
}

// What the real Helm makes of them.
describe('templates make what they make in Helm', () => {
  test.each([
    ['{{ .Values.big }} {{ .Values.big | int }} {{ .Values.big | toJson }} {{ .Values.big | quote }} {{ 1e21 }} {{ 100000.0 }}', '1e+06 1000000 1000000 "1e+06" 1e+21 100000'],
    ['{{ .Values.nope }}|{{ .Values.nope | quote }}|{{ .Values.nope | default "d" }}|{{ ((.Values.nope).x).y }}|{{ .Values.nul }}', '||d||'],
    ['{{ .Values.l }} {{ .Values.m }} {{ .Values.i64 }} {{ .Chart.Name }}-{{ .Chart.AppVersion }} {{ .Release.Service }}', '[1 two 3.5 true <nil>] map[a:one b:2 c:map[d:deep]] 7 c-9 Helm'],
    ['{{ typeOf .Values.num3 }} {{ typeOf 3 }} {{ typeOf .Values.i64 }} {{ typeOf (add 1 1) }} {{ typeOf (keys .Values.m) }} {{ typeOf .Values }} {{ kindOf nil }}', 'float64 int int64 int64 []string chartutil.Values invalid'],
    ['{{ eq .Values.i64 7 }} {{ eq (int .Values.num3) 3 }} {{ eq .Values.nope nil }} {{ and 1 0 2 }} {{ or 0 "" "x" }} {{ lt "a" "b" }}', 'true true true 0 x true'],
    ['{{ printf "%05d|%-5s|%5s|%x|%t|%e|%T|%q" 42 "a" "b" 255 true 1234.5 .Values.m "é\\n" }} {{ printf "%d" .Values.num3 }} {{ printf "%s" nil }}', '00042|a    |    b|ff|true|1.234500e+03|map[string]interface {}|"é\\n" %!d(float64=3) %!s(<nil>)'],
    ['{{ range $k, $v := .Values.m }}{{ $k }}={{ $v }},{{ end }}{{ range $i := until 5 }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ $i }}{{ end }}', 'a=one,b=2,c=map[d:deep],02'],
    ['{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}{{ with .Values.nope }}a{{ else with .Values.s }}{{ . }}{{ end }}', '2hello World'],
    ['a {{- /* gone */ -}} b{{- 3 -}}  c', 'ab3c'],
    ['{{ define "z" }}[{{ . }}]{{ end }}{{ include "z" 1 }}{{ template "z" "q" }}{{ include "h" .Values.s | upper }}', '[1][q]<HELLO WORLD>'],
    ['{{ tpl "{{ define \\"q\\" }}Q{{ end }}{{ include \\"q\\" . }}{{ .Values.s | upper }}" . }}', 'QHELLO WORLD'],
    ['{{ toYaml .Values.m | nindent 2 }}', '\n  a: one\n  b: 2\n  c:\n    d: deep'],
    ['{{ .Values.long | toYaml }}|{{ .Values.multi | toYaml }}', 'this is a very long text that goes on and on beyond the eighty columns which some\n  emitters fold at||\n  a\n  b'],
    ['{{ toYamlPretty (dict "a" (list 1 (dict "x" 1))) }}', 'a:\n  - 1\n  - x: 1'],
    ['{{ fromYaml "a: 1\\nb: [x, 2]" | toJson }} {{ fromYaml "[1]" | toJson }} {{ fromJson "x" | toJson }}', '{"a":1,"b":["x",2]} {"Error":"error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"} {"Error":"invalid character \'x\' looking for beginning of value"}'],
    ['{{ merge (dict "a" 1) (dict "a" 2 "b" 3) | toJson }} {{ mergeOverwrite (dict "a" 1 "c" (dict "x" 1)) (dict "a" 2 "c" (dict "y" 2)) | toJson }} {{ dig "c" "zz" "none" .Values.m }}', '{"a":1,"b":3} {"a":2,"c":{"x":1,"y":2}} none'],
    ['{{ .Values.ls | sortAlpha | uniq | join "," }} {{ has 3.5 .Values.l }} {{ without (list 1 2 3) 2 | toJson }} {{ chunk 2 (list 1 2 3) | toJson }} {{ seq 2 2 10 }}', 'a,b,c true [1,3] [[1,2],[3]] 2 4 6 8 10'],
    ['{{ semverCompare ">=1.19-0" .Capabilities.KubeVersion.Version }} {{ semverCompare "^1.2.0" "2.0.0" }} {{ (semver "1.2.3-beta.1").Prerelease }} {{ .Capabilities.APIVersions.Has "apps/v1" }}', 'true false beta.1 true'],
    ['{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }} {{ regexFindAll "[0-9]" "a1b2" -1 | toJson }} {{ snakecase "FirstName" }} {{ camelcase "http_server" }} {{ trunc -3 "abcdef" }} {{ title "hello world" }}', '-W-xxW- ["1","2"] first_name HttpServer def Hello World'],
    ['{{ b64enc "héllo" }} {{ sha256sum "a" | trunc 8 }} {{ sha1sum "a" | trunc 8 }} {{ sha512sum "a" | trunc 8 }} {{ adler32sum "abc" }}', 'aMOpbGxv ca978112 86f7e437 1f40fc92 38600999'],
    ['{{ date "2006-01-02" (toDate "2006-01-02" "2020-03-04") }} {{ dateModify "-1h" (toDate "2006-01-02 15:04" "2020-03-04 10:00") }} {{ durationRound "2h10m5s" }}', '2020-03-04 2020-03-04 09:00:00 +0000 UTC 2h'],
    ['{{ .Files.Get "a.txt" | trim | quote }} {{ .Files.Lines "a.txt" }} {{ (.Files.Glob "conf/*").AsConfig }} {{ range $p, $b := .Files.Glob "**" }}{{ $p }};{{ end }}', '"one\\ntwo" [one two] b.ini: k=v a.txt;conf/b.ini;'],
    ['{{ int "0123" }} {{ int "12abc" }} {{ add 1.9 1 }} {{ divf 10 4 }} {{ round 3.14159 2 }} {{ max 1 5 3 }}', '83 0 2 2.5 3.14 5'],
  ])('%s', async (template, made) => { expect(await render(template)).toBe(made) })
})

describe('templates fail with Helm\'s words', () => {
  test.each([
    ['{{ .Values.nope.x.y }}', 'template: c/templates/t.yaml:1:10: executing "c/templates/t.yaml" at <.Values.nope.x.y>: nil pointer evaluating interface {}.x'],
    ['{{ .Values.s.t }}', 'template: c/templates/t.yaml:1:10: executing "c/templates/t.yaml" at <.Values.s.t>: can\'t evaluate field t in type interface {}'],
    ['{{ $x := .Values.s }}{{ $x.t }}', 'template: c/templates/t.yaml:1:26: executing "c/templates/t.yaml" at <$x.t>: can\'t evaluate field t in type string'],
    ['{{ eq .Values.num3 3 }}', 'template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <eq .Values.num3 3>: error calling eq: incompatible types for comparison: float64 and int'],
    ['{{ upper .Values.nope }}', 'template: c/templates/t.yaml:1:16: executing "c/templates/t.yaml" at <.Values.nope>: wrong type for value; expected string; got interface {}'],
    ['{{ .Values.nope | upper }}', 'template: c/templates/t.yaml:1:18: executing "c/templates/t.yaml" at <upper>: invalid value; expected string'],
    ['{{ include "h" }}', 'template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <include>: wrong number of args for include: want 2 got 1'],
    ['\n{{ include "bad" (dict "x" (dict)) }}', 'template: c/templates/t.yaml:2:3: executing "c/templates/t.yaml" at <include "bad" (dict "x" (dict))>: error calling include: template: c/templates/_h.tpl:2:5: executing "bad" at <.x.y.z>: nil pointer evaluating interface {}.z'],
    ['{{ include "nope" . }}', 'template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <include "nope" .>: error calling include: template: no template "nope" associated with template "gotpl"'],
    ['{{ required "need it" .Values.e }}', 'execution error at (c/templates/t.yaml:1:3): need it'],
    ['{{ fail "oh no" }}', 'execution error at (c/templates/t.yaml:1:3): oh no'],
    ['{{ nofunc }}', 'parse error at (c/templates/t.yaml:1): function "nofunc" not defined'],
    ['{{ if true }}x', 'parse error at (c/templates/t.yaml:1): unexpected EOF'],
    ['x\n{{ end }}', 'parse error at (c/templates/t.yaml:2): unexpected {{end}}'],
    ['{{ .Values. }}', 'parse error at (c/templates/t.yaml:1): unexpected <.> in operand'],
    ['{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}', 'rendering template has a nested reference name: r: unable to execute template'],
  ])('%s', async (template, message) => { await expect(render(template)).rejects.toThrow(message) })
})

test('numbers may be hexadecimal powers of two', async () => {
  expect(await render('{{ mulf 2 0x1p10 }} {{ mulf 1 -0x1.8p+1 }} {{ add 0x1F 1 }}')).toBe('2048 -3 32')
})

test('lookups wait for the cluster\'s answer, and ask for each object once', async () => {
  const asked: string[] = []
  const made = await render('{{ (lookup "v1" "Secret" "ns" "x").data.p }}{{ (lookup "v1" "Secret" "ns" "x").data.p }}{{ lookup "v1" "Pod" "ns" "none" }}', async (apiVersion, kind, namespace, name) => {
    asked.push(`${apiVersion} ${kind} ${namespace}/${name}`)
    return name === 'x' ? { data: { p: 'q' } } : {}
  })
  expect(made).toBe('qqmap[]')
  expect(asked).toEqual(['v1 Secret ns/x', 'v1 Pod ns/none'])
})

test('certificates are made once for each call, and signed by the authority that was made before', async () => {
  const [authority, first, second, key] = (await render('{{ $ca := genCA "ca" 1 }}{{ $ca.Cert }},{{ (genSignedCert "a" nil (list "a") 1 $ca).Cert }},{{ (genSignedCert "a" nil (list "a") 1 $ca).Cert }},{{ $ca.Key }}')).split(',')
  const [ca, ...leaves] = [authority, first, second].map((pem) => new X509Certificate(pem!))
  for (const leaf of leaves) expect(leaf.verify(ca!.publicKey)).toBe(true)
  expect(first).not.toBe(second)
  expect(ca!.subject).toBe('CN=ca')
  expect(leaves[0]!.subjectAltName).toBe('DNS:a')
  expect(ca!.checkPrivateKey(createPrivateKey(key!))).toBe(true)
})
