/** A refusal of the Docker engine, in its words. */
export class DockerError extends Error {
  readonly kind: 'error' | 'not found' | 'conflict' | 'start'
  constructor(message: string, kind: DockerError['kind'] = 'error') {
    super(message)
    this.kind = kind
  }
}
