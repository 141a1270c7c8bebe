import { expect, test } from 'vitest'
import { startLab } from './lab.ts'

test('a machine that was running is taken away with its disk, and then its network goes', async () => {
  const lab = await startLab('undefine')
  try {
    const made = await lab.run(`echo "<network><name>lab</name><ip address='192.168.66.1' netmask='255.255.255.0'/></network>" > lab.xml; virsh net-create lab.xml && virt-install --name vm1 --network network=lab`, { withinMs: 300_000 })
    expect(made).toMatchObject({ code: 0 })
    const gone = await lab.run('sleep 60; virsh destroy vm1 && virsh undefine vm1 && virsh net-destroy lab', { withinMs: 300_000 })
    expect(gone).toMatchObject({ code: 0, stderr: '' })
    expect(gone.stdout).toContain("Domain 'vm1' has been undefined")
  } finally {
    await lab.stop()
  }
}, 120_000)
