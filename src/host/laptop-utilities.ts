import type { Program } from '../unix/types.ts'

export const laptopUtilities: Readonly<Record<string, Program>> = {}
