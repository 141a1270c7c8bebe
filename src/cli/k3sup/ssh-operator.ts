import { createPipe, readAll } from '../../base/streams.ts'
import type { ByteWriter } from '../../base/streams.ts'
import type { Proc } from '../../unix/types.ts'

/** What a command on another machine printed. */
export interface CommandResult {
  stdout: string
  stderr: string
}

/** Whom k3sup logs in as, where, and with which key. */
export interface Login {
  user: string
  host: string
  port: number
  /** Path of the private key. */
  key: string
}

/** Commands on another machine, over ssh. k3sup: pkg/operator/ssh_operator.go */
export class SshOperator {
  readonly #proc: Proc
  readonly #login: Login

  constructor(proc: Proc, login: Login) {
    this.#proc = proc
    this.#login = login
  }

  /** Logs in with the key. @throws Error in the words of k3sup and of Go's ssh */
  static async connect(proc: Proc, login: Login): Promise<SshOperator> {
    const { key, host, port } = login
    const { fs } = proc
    if (!fs.exists(key)) throw new Error(`unable to load the ssh key with path ${JSON.stringify(key)}: unable to read file: ${key}, open ${key}: no such file or directory`)
    const operator = new SshOperator(proc, login)
    const { code, stdout, stderr } = await operator.#ssh('cat ~/.ssh/authorized_keys 2>/dev/null; true', false)
    const failed = (why: string): never => { throw new Error(`unable to connect to ${host}:${port} over ssh: ${why}`) }
    const refused = 'ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain'
    if (code === 255) {
      const [, problem] = /^ssh: connect to host \S+ port \d+: (.*)$/m.exec(stderr) ?? []
      failed(problem === undefined ? /Permission denied/.test(stderr) ? refused : stderr.trim() : `dial tcp ${host}:${port}: connect: ${problem.toLowerCase()}`)
    }
    const own = fs.exists(`${key}.pub`) ? fs.readText(`${key}.pub`).trim().split(' ')[1] : undefined
    if (own === undefined || !stdout.split('\n').some((line) => line.includes(own))) failed(refused)
    return operator
  }

  /** @param streams whether what it prints is shown as it comes @throws Error for a command that fails */
  async execute(command: string, streams: boolean): Promise<CommandResult> {
    const { code, ...result } = await this.#ssh(command, streams)
    if (code !== 0) throw new Error(`Process exited with status ${code}`)
    return result
  }

  async #ssh(command: string, streams: boolean): Promise<CommandResult & { code: number }> {
    const { user, host, port } = this.#login
    const [out, err] = [createPipe(1 << 24), createPipe(1 << 24)]
    const through = (pipe: ByteWriter, shown: ByteWriter): ByteWriter => ({
      async write(data) {
        await pipe.write(data)
        if (streams) await shown.write(data)
      },
      close: () => pipe.close(),
    })
    const process = this.#proc.spawn(['ssh', '-T', '-p', String(port), `${user}@${host}`, command], { stdin: { read: async () => null, cancel() {} }, stdout: through(out.writer, this.#proc.stdout), stderr: through(err.writer, this.#proc.stderr) })
    const texts = Promise.all([out, err].map(async ({ reader }) => new TextDecoder().decode(await readAll(reader))))
    const { code } = await process.wait()
    out.writer.close()
    err.writer.close()
    const [stdout = '', stderr = ''] = await texts
    return { code, stdout, stderr }
  }
}
