import { describe, expect, test } from 'vitest'
import { GoTemplate } from './go-template.ts'
import { JsonPath, relaxedJsonPath } from '../../cluster/kinds/jsonpath.ts'

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
    ['{.metadata.labels}', '{"app.io/name":"web","tier":"front"}'],
    ['{.nothing}', ''],
  ])('%s', (template, wanted) => {
    expect(new JsonPath(template, { allowMissingKeys: true }).print(pod)).toBe(wanted)
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
    expect(new GoTemplate(template).execute(pod)).toBe(wanted)
  })

  test('say where they fail', () => {
    expect(() => new GoTemplate('{{.metadata.name.first}}').execute(pod)).toThrow(`template: output:1:11: executing "output" at <.metadata.name.first>: can't evaluate field first in type interface {}`)
    expect(() => new GoTemplate('{{nofunc}}')).toThrow('function "nofunc" not defined')
    expect(() => new GoTemplate('{{if .a}}')).toThrow('unexpected EOF')
  })
})
