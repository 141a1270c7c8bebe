import { expect, test } from 'vitest'
import { prometheusText } from './prometheus.ts'

test("a histogram's buckets share their labels and carry their bound behind them", () => {
  const labels = { verb: 'GET', path: 'a"b\\c\n' }
  expect(prometheusText([
    { name: 'sizes', type: 'histogram', help: 'Sizes.', samples: [{ suffix: '_bucket', labels, le: '1', value: 2 }, { suffix: '_bucket', labels, le: '+Inf', value: 3 }, { suffix: '_sum', labels, value: 1e7 }, { suffix: '_count', labels, value: 3 }] },
    { name: 'count', type: 'counter', help: 'Counts.', samples: [{ labels: { code: '500' }, value: 1 }, { labels: { code: '200' }, value: 0.5 }] },
  ])).toBe(`# HELP count Counts.
# TYPE count counter
count{code="200"} 0.5
count{code="500"} 1
# HELP sizes Sizes.
# TYPE sizes histogram
sizes_bucket{verb="GET",path="a\\"b\\\\c\\n",le="1"} 2
sizes_bucket{verb="GET",path="a\\"b\\\\c\\n",le="+Inf"} 3
sizes_sum{verb="GET",path="a\\"b\\\\c\\n"} 1e+07
sizes_count{verb="GET",path="a\\"b\\\\c\\n"} 3
`)
})
