import { describe, expect, test } from 'vitest'
import { GoTemplate } from '../../cluster/kinds/go-template/go-template.ts'
import { withIntegers } from '../../cluster/kinds/go-template/values.ts'
import { KUBECTL_FUNCTIONS } from './template-functions.ts'

import { JsonPath, relaxedJsonPath } from '../../cluster/kinds/jsonpath.ts'

const kubectlTemplate = (text: string) => {
  const template = new GoTemplate(text, { functions: KUBECTL_FUNCTIONS })
  return { execute: (object: unknown) => template.execute(withIntegers(object)) }
}

const pod = {
  kind: 'Pod', metadata: { name: 'web', labels: { 'app.io/name': 'web', tier: 'front' } },
  spec: { containers: [{ name: 'nginx', image: 'nginx:1.27', ports: [{ containerPort: 80 }] }, { name: 'side', image: 'busybox', command: ['sleep', '3600'] }] }, status: { phase: 'Running' },
}
const list = { kind: 'List', items: [pod, { kind: 'Pod', metadata: { name: 'db' }, spec: { containers: [{ name: 'pg', image: 'postgres' }] } }] }

describe('JSONPath', () => {
  test.each([
    ['{.metadata.name}', 'web'],
    ['{.metadata.name} is {.status.phase}{"\\n"}', 'web is Running\n'],
    ['{.spec.containers[*].name}', 'nginx side'],
    ['{.spec.containers[-1].name}', 'side'],
    ['{.spec.containers[0:1].name}', 'nginx'],
    ["{.spec.containers[0]['name','image']}", 'nginx nginx:1.27'],
    ['{.metadata.labels.app\\.io/name}', 'web'],
    ["{.metadata.labels['app\\.io/name']}", 'web'],
    ['{range .spec.containers[*]}{.name}{"\\t"}{end}', 'nginx\tside\t'],
    ['{.spec.containers[?(@.name=="side")].command[0]}', 'sleep'],
    ['{.spec.containers[?(@.ports)].name}', 'nginx'],
    ['{..image}', 'nginx:1.27 busybox'],
    ['{.metadata.labels..}', '{"app.io/name":"web","tier":"front"} web front'],
    ['{.metadata.labels}', '{"app.io/name":"web","tier":"front"}'],
    ['{.nothing}', ''],
  ])('%s', (template, wanted) => {
    expect(new JsonPath(template, { allowMissingKeys: true }).print(pod)).toBe(wanted)
  })

  test('80.0 is no whole number', () => {
    const by = (value: string) => new JsonPath(`{.spec.containers[0].ports[?(@.containerPort==${value})].containerPort}`)
    expect(by('80').print(pod)).toBe('80')
    expect(() => by('80.0').print(pod)).toThrow('incompatible types for comparison')
  })

  test('ranges may be nested', () => {
    expect(new JsonPath('{range .items[*]}{.metadata.name}:{range .spec.containers[*]} {.name}{end}{"\\n"}{end}').print(list)).toBe('web: nginx side\ndb: pg\n')
  })

  test('missing fields are errors unless allowed', () => {
    expect(() => new JsonPath('{.nothing}').print(pod)).toThrow('nothing is not found')
    expect(() => new JsonPath('{.spec.containers[9].name}').print(pod)).toThrow('array index out of bounds: index 9, length 2')
    expect(() => new JsonPath('{.a')).toThrow('unclosed action')
  })

  test('paths may be written without braces or dot', () => {
    expect(['a.b', '.a.b', '{a.b}', '{.a.b}'].map(relaxedJsonPath)).toEqual(Array(4).fill('{.a.b}'))
  })
})

describe('Go templates', () => {
  test.each([
    ['{{.metadata.name}} runs {{len .spec.containers}}', 'web runs 2'],
    ['{{range .spec.containers}}{{.name}}={{.image}};{{end}}', 'nginx=nginx:1.27;side=busybox;'],
    ['{{range $i, $c := .spec.containers}}{{$i}}{{$c.name}} {{end}}', '0nginx 1side '],
    ['{{range $k, $v := .metadata.labels}}{{$k}}:{{$v}} {{end}}', 'app.io/name:web tier:front '],
    ['{{if eq .status.phase "Running"}}up{{else}}down{{end}}', 'up'],
    ['{{if and .status.phase (not .nothing)}}yes{{else if .x}}x{{end}}', 'yes'],
    ['{{with .metadata}}{{.name}}{{end}}', 'web'],
    ['{{index .metadata.labels "app.io/name"}}', 'web'],
    ['{{printf "%-6s|%03d" .metadata.name 7}}', 'web   |007'],
    ['{{.metadata.name | printf "%s!" | printf "<%s>"}}', '<web!>'],
    ['{{.nothing}}', '<no value>'],
    ['a {{- /* gone */ -}} b', 'ab'],
    ['{{define "t"}}[{{.}}]{{end}}{{template "t" .kind}}', '[Pod]'],
    ['{{$x := 1}}{{range .spec.containers}}{{$x = len .name}}{{end}}{{$x}}', '4'],
    ['{{"aGk=" | base64decode}}', 'hi'],
    ['{{range .spec.containers}}{{if eq .name "side"}}{{break}}{{end}}{{.name}}{{end}}', 'nginx'],
    ['{{.status}}', 'map[phase:Running]'],
  ])('%s', (template, wanted) => {
    expect(kubectlTemplate(template).execute(pod)).toBe(wanted)
  })

  test.each([
    ['{{printf "%d %T %T" 7 7 7.0}}', '7 int float64'],
    ['{{range .spec.containers}}{{range .ports}}{{printf "%T %s %05d" .containerPort .containerPort .containerPort}}{{end}}{{end}}', 'int64 %!s(int64=80) 00080'],
    ['{{printf "%s %d %q" true "a" "b"}}', '%!s(bool=true) %!d(string=a) "b"'],
    ['{{printf "%s"}} {{printf "x" 1}}', '%!s(MISSING) x%!(EXTRA int=1)'],
    ['{{urlquery "it\'s (a) b"}}', 'it%27s+%28a%29+b'],
  ])('format as Go does: %s', (template, wanted) => {
    expect(kubectlTemplate(template).execute(pod)).toBe(wanted)
  })

  test('unknown variables and open quotes are found at once, and the whole command is quoted', () => {
    expect(() => kubectlTemplate('{{$y}}')).toThrow('template: output:1: undefined variable "$y"')
    expect(() => kubectlTemplate('{{range $i, $c := .items}}{{$i}}{{end}}{{$c}}')).toThrow('undefined variable "$c"')
    expect(() => kubectlTemplate('{{"abc}}')).toThrow('template: output:1: unterminated quoted string')
    expect(() => kubectlTemplate('{{index .spec.containers 9}}').execute(pod)).toThrow('at <index .spec.containers 9>: error calling index: index out of range: 9')
    expect(() => kubectlTemplate('{{range .kind}}{{end}}').execute(pod)).toThrow("output:1:8: executing \"output\" at <.kind>: range can't iterate over Pod")
    expect(() => kubectlTemplate('{{gt 3 2.5}}').execute(pod)).toThrow('incompatible types for comparison: int and float64')
  })

  test('say where they fail', () => {
    expect(() => kubectlTemplate('{{.metadata.name.first}}').execute(pod)).toThrow(`template: output:1:11: executing "output" at <.metadata.name.first>: can't evaluate field first in type interface {}`)
    expect(() => kubectlTemplate('{{nofunc}}')).toThrow('function "nofunc" not defined')
    expect(() => kubectlTemplate('{{if .a}}')).toThrow('unexpected EOF')
  })
})
