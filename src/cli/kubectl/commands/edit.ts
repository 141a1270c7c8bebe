import type { Invocation } from './handler.ts'

export async function editBeforeCreate(_inv: Invocation): Promise<void> {
  throw new Error('create --edit is not available in Drydock yet')
}
