import { expect, it } from 'vitest'
import { parseQuery } from './parser.ts'
import { runPromqlScript } from './test-script.ts'

/** Cases in the format of Prometheus' own tests; what comes out was worked out by its rules. */
const SCRIPT = `
load 1m
  http_requests_total{job="api", instance="a", code="200"} 0+60x60
  http_requests_total{job="api", instance="b", code="200"} 0+120x60
  http_requests_total{job="api", instance="b", code="500"} 0+6x60
  up{job="api", instance="a"} 1x60
  up{job="api", instance="b"} 1x10 0x10 stale
  temperature{room="hall"} 20 22 24 _ 26 21
  latency_bucket{le="0.1"} 0+10x10
  latency_bucket{le="1"} 0+30x10
  latency_bucket{le="+Inf"} 0+40x10
  restarting_total 0 60 120 30 90
  info{instance="a", version="1"} 1x60
  info{instance="b", version="2"} 1x60

eval instant at 10m rate(http_requests_total{instance="a"}[5m])
  {job="api", instance="a", code="200"} 1

eval instant at 10m sum by (instance) (rate(http_requests_total[5m]))
  {instance="a"} 1
  {instance="b"} 2.1

eval instant at 10m sum by (instance) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (instance) (rate(http_requests_total[5m]))
  {instance="b"} 0.047619047619

eval instant at 4m increase(restarting_total[4m])
  {} 200

eval instant at 4m resets(restarting_total[5m])
  {} 1

eval instant at 15m up == 0
  up{job="api", instance="b"} 0

eval instant at 30m up
  up{job="api", instance="a"} 1

eval instant at 30m count_over_time(up{instance="b"}[20m])
  {job="api", instance="b"} 11

eval instant at 10m histogram_quantile(0.5, rate(latency_bucket[5m]))
  {} 0.55

eval instant at 10m histogram_quantile(0.99, rate(latency_bucket[5m]))
  {} 1

eval instant at 10m sum by (instance, version) (http_requests_total * on (instance) group_left (version) info)
  {instance="a", version="1"} 600
  {instance="b", version="2"} 1260

eval instant at 10m http_requests_total * on (instance) info
  expect fail
  expect fail msg: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)

eval instant at 10m topk(1, http_requests_total)
  http_requests_total{job="api", instance="b", code="200"} 1200

eval instant at 5m max_over_time(temperature[5m])
  {room="hall"} 26

eval instant at 5m temperature offset 3m
  temperature{room="hall"} 24

eval instant at 5m temperature @ 120
  temperature{room="hall"} 24

eval instant at 10m max_over_time(rate(http_requests_total{instance="a"}[2m])[5m:1m])
  {job="api", instance="a", code="200"} 1

eval instant at 5m label_replace(temperature, "floor", "first-$1", "room", "(h.*)")
  temperature{room="hall", floor="first-hall"} 21

eval instant at 5m absent(nothing{job="x", instance=~"y.*"})
  {job="x"} 1

eval instant at 5m -2 ^ 2 + 7 % 4
  -1

eval range from 0 to 4m step 2m sum(temperature) > bool 21
  {} 0 1 1

eval instant at 5m count_values("value", up)
  {value="1"} 2

eval instant at 5m quantile(0.5, http_requests_total)
  {} 300

eval instant at 5m {__name__=~"http.*|temp.*", instance!="b"}
  http_requests_total{job="api", instance="a", code="200"} 300
  temperature{room="hall"} 21
`

it('queries give what Prometheus gives', async () => {
  const verdicts = await runPromqlScript(SCRIPT)
  expect(verdicts.length).toBe(24)
  expect(verdicts.filter(({ failure }) => failure !== undefined)).toEqual([])
})

it('a script that expects something else fails', async () => {
  const verdicts = await runPromqlScript('load 1m\n  a 1 2 3\n\neval instant at 2m a\n  a 4\n\neval instant at 2m a\n  expect fail\n')
  expect(verdicts.map(({ failure }) => failure)).toEqual(['got {__name__="a"} 3', 'did not fail'])
})

it.each([
  ['', '1:1: parse error: no expression found in input'],
  ['sum(', '1:5: parse error: unclosed left parenthesis'],
  ['up)', '1:3: parse error: unexpected right parenthesis \')\''],
  ['rate(up)', '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
  ['foo(up)', '1:1: parse error: unknown function with name "foo"'],
  ['up{job}', '1:7: parse error: unexpected "}" in label matching, expected label matching operator'],
  ['{}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
  ['1 == 2', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
  ['up[5m', '1:6: parse error: unclosed left bracket'],
  ['sum by job (up)', '1:8: parse error: unexpected identifier "job" in grouping opts, expected "("'],
  ['up and 1', '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
  ['up up', '1:4: parse error: unexpected identifier "up"'],
  ['up{a=~"("}', '1:4: parse error: error parsing regexp: missing closing ): `(`'],
  ['mad_over_time(up[5m])', '1:1: parse error: function "mad_over_time" is not enabled'],
])('%s is refused in Prometheus’ words', (query, message) => {
  expect(() => parseQuery(query)).toThrow(message)
})
