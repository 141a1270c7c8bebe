import { expect, it } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import { nodeExporter } from './program.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

it('shows what the node’s own /proc says, and files that others leave', async () => {
  const on = testMachine({
    programs: { '/bin/node_exporter': (proc) => nodeExporter(proc, '1.10.2') },
    files: { '/host/proc/stat': 'cpu  200 0 100 700 0 0 0 0 0 0\nbtime 1700000000\nprocesses 42\n', '/host/proc/cpuinfo': 'processor\t: 0\n\nprocessor\t: 1\n', '/host/proc/meminfo': 'MemTotal:       2048 kB\nHugePages_Total:       0\n', '/host/proc/loadavg': '0.50 0.25 0.10 1/2 3\n', '/host/proc/net/dev': 'Inter-|\n face |\n  eth0: 100 2 0 0 0 0 0 0 300 4 0 0 0 0 0 0\n', '/text/backup.prom': 'backup_done 1\n' },
  })
  let log = ''
  const write = async (data: Uint8Array | string) => { log += String(data) }
  on.machine.start(['/bin/node_exporter', '--path.procfs=/host/proc', '--collector.textfile.directory=/text', '--no-collector.uname', '--collector.systemd'], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: { write, close() {} }, stderr: { write, close() {} } })
  await on.clock.until(() => log.includes('Listening'), { withinMs: 10_000 })
  const text = await (await on.machine.net.fetch(httpRequest('http://127.0.0.1:9100/metrics'))).text()
  for (const line of ['node_cpu_seconds_total{cpu="0",mode="user"} 1', 'node_cpu_seconds_total{cpu="1",mode="idle"} 3.5', 'node_memory_MemTotal_bytes 2.097152e+06', 'node_memory_HugePages_Total 0', 'node_load5 0.25', 'node_network_transmit_bytes_total{device="eth0"} 300', 'node_boot_time_seconds 1.7e+09', 'backup_done 1', 'node_scrape_collector_success{collector="cpu"} 1']) expect(text).toContain(`${line}\n`)
  expect(text).not.toContain('node_uname_info')
  expect(log).toContain('msg="Collector is not supported by this build" collector=systemd')
})
