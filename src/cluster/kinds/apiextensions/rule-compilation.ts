/** What rules of schemas are compiled with. k8s: apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go */
import { celTypeText, type CelType } from '../cel/cel-checker.ts'
import { programProblem } from '../cel/cel-literal-checks.ts'
import type { Compiled } from '../cel/cel-problem.ts'
import type { ValidationRule } from '../structural/json-schema.ts'
import { namedType } from './cel-schema-types.ts'

/** The types of what a rule may speak of. `at`: where the rule is. */
export function ruleVariables(rule: ValidationRule, type: CelType, at: string): { self: CelType; oldSelf: CelType } {
  const self = namedType(type, `selfType${selfTypeNumber(at)}`)
  return { self, oldSelf: rule.optionalOldSelf ? { name: 'optional_type', params: [self] } : self }
}

/** Upstream names the type of `self` by the nanosecond. */
function selfTypeNumber(at: string): number {
  let hash = 0
  for (let i = 0; i < at.length; i++) hash = (Math.imul(hash, 31) + at.charCodeAt(i)) >>> 0
  return hash % 1_000_000_000
}

/** Why an expression isn't a rule. */
export function ruleProblem(compiled: Compiled): string | undefined {
  if (compiled.problem !== undefined) return `compilation failed: ${compiled.problem}`
  return celTypeText(compiled.type) !== 'bool' ? 'cel expression must evaluate to a bool' : instantiationProblem(compiled)
}

/** Why no program can be made of an expression that is right otherwise. `what` stands before the message. */
export function instantiationProblem(compiled: Compiled, what = ''): string | undefined {
  const problem = compiled.problem === undefined ? programProblem(compiled.node, compiled.checked) : undefined
  return problem === undefined ? undefined : `${what}program instantiation failed: ${problem}`
}
