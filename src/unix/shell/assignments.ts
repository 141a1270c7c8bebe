import type { Assignment } from './ast.ts'
import { evaluate, expandString, expandWords } from './expand.ts'
import type { Shell } from './shell.ts'

/** Carries out an assignment, of an array and its elements too. */
export async function assign(shell: Shell, assignment: Assignment): Promise<void> {
  const { variables } = shell
  if (assignment.elements) {
    const values = await expandWords(shell, assignment.elements)
    const before = assignment.append ? variables.variable(assignment.name) : undefined
    const elements = new Map(before?.elements ?? (before?.value !== undefined ? [['0', before.value]] : []))
    const isMap = variables.variable(assignment.name)?.isMap ?? false
    let index = elements.size > 0 && !isMap ? Math.max(...[...elements.keys()].map(Number)) + 1 : 0
    for (const value of values) {
      const keyed = /^\[([^\]]+)\](\+?)=([\s\S]*)$/.exec(value)
      if (keyed) {
        const at = isMap ? keyed[1]! : evaluate(shell, keyed[1]!).toString()
        elements.set(at, (keyed[2] ? elements.get(at) ?? '' : '') + keyed[3]!)
        if (!isMap) index = Number(at) + 1
      }
      else elements.set(String(index++), value)
    }
    variables.setElements(assignment.name, elements)
  } else {
    const value = await expandString(shell, assignment.value, { tilde: 'assignment' })
    if (assignment.index) {
      const key = await expandString(shell, assignment.index)
      const variable = variables.variable(assignment.name)
      const at = variable?.isMap ? key : evaluate(shell, key).toString()
      variables.setElement(assignment.name, at, (assignment.append ? variable?.elements?.get(at) ?? '' : '') + value)
    } else variables.set(assignment.name, assignment.append ? (variables.get(assignment.name) ?? '') + value : value)
  }
  if (shell.state.options.has('allexport')) variables.export(assignment.name)
}

/** Assignments that last for one command. */
export async function withAssignments<T>(shell: Shell, assignments: readonly Assignment[], work: () => Promise<T>): Promise<T> {
  if (assignments.length === 0) return work()
  const saved = assignments.map(({ name }) => [name, copyOf(shell.variables.variable(name))] as const)
  try {
    for (const assignment of assignments) {
      await assign(shell, assignment)
      shell.variables.export(assignment.name)
    }
    return await work()
  } finally {
    for (const [name, variable] of saved.reverse()) shell.variables.restore(name, variable)
  }
}

/** A variable as it is now, to be restored later. */
export function copyOf<T extends object>(value: T | undefined): T | undefined {
  return value && { ...value }
}
