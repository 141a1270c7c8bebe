/** Small rules that validation of many kinds uses. k8s: pkg/apis/core/validation */
import { deepEqual } from '../../base/freeze.ts'
import { forbidden, invalid, notSupported, required, type Finding } from './findings.ts'
import { dnsLabelProblems, dnsSubdomainProblems, labelKeyProblems, portNameProblems, portNumberProblems, type NameRule } from './names.ts'
import { parseQuantity } from './quantity.ts'

const NOT_NEGATIVE = 'must be greater than or equal to 0'
const NOT_POSITIVE = 'must be greater than 0'

export function checkNotNegative(out: Finding[], value: number | undefined, at: string): void {
  if (value !== undefined && value < 0) out.push(invalid(at, value, NOT_NEGATIVE))
}

export function checkPositive(out: Finding[], value: number | undefined, at: string): void {
  if (value !== undefined && value <= 0) out.push(invalid(at, value, NOT_POSITIVE))
}

export function checkNotNegativeQuantity(out: Finding[], text: string | undefined, at: string): void {
  if (text !== undefined && parseQuantity(text).nanos < 0n) out.push(invalid(at, text, NOT_NEGATIVE))
}

/** Names that passed: the same few come again and again. */
const goodLabels = new Set<string>()

export function checkDnsLabel(out: Finding[], value: string, at: string): void {
  if (goodLabels.has(value)) return
  const problems = dnsLabelProblems(value)
  if (problems.length === 0) {
    if (goodLabels.size > 5000) goodLabels.clear()
    goodLabels.add(value)
  }
  for (const problem of problems) out.push(invalid(at, value, problem))
}

export function checkDnsSubdomain(out: Finding[], value: string, at: string): void {
  for (const problem of dnsSubdomainProblems(value)) out.push(invalid(at, value, problem))
}

export function checkQualifiedName(out: Finding[], value: string, at: string): void {
  for (const problem of labelKeyProblems(value)) out.push(invalid(at, value, problem))
}

export function checkName(out: Finding[], value: string, rule: NameRule, at: string): void {
  for (const problem of rule(value, false)) out.push(invalid(at, value, problem))
}

/** A value of a fixed set; absent ones are required when `need`. */
export function checkOneOf(out: Finding[], value: string | undefined, allowed: readonly string[], at: string, need = true): void {
  if (!value) {
    if (need) out.push(required(at))
  } else if (!allowed.includes(value)) out.push(notSupported(at, value, allowed))
}

/** k8s: ValidatePortNumOrName */
export function checkPortNumberOrName(out: Finding[], port: number | string | undefined, at: string): void {
  if (typeof port === 'string') for (const problem of portNameProblems(port)) out.push(invalid(at, port, problem))
  else for (const problem of portNumberProblems(port ?? 0)) out.push(invalid(at, port ?? 0, problem))
}

/** k8s: validatePathNoBacksteps */
export function checkNoBacksteps(out: Finding[], path: string, at: string): void {
  if (path.split('/').includes('..')) out.push(invalid(at, path, "must not contain '..'"))
}

/** k8s: validateLocalDescendingPath */
export function checkRelativePath(out: Finding[], path: string, at: string): void {
  if (path.startsWith('/')) out.push(invalid(at, path, 'must be a relative path'))
  checkNoBacksteps(out, path, at)
}

/** k8s: ValidateLocalNonReservedPath */
export function checkProjectedPath(out: Finding[], path: string, at: string): void {
  checkRelativePath(out, path, at)
  if (path.startsWith('..') && !path.startsWith('../')) out.push(invalid(at, path, "must not start with '..'"))
}

/** Of several alternatives at most one: the later ones are refused. Third: how the path names the field, where upstream writes it differently. `uncounted`: never refused. Returns how many were taken. */
export function checkAlternatives(out: Finding[], of: object, alternatives: readonly [string, (() => void)?, string?][], at: string, message: string, uncounted: readonly string[] = []): number {
  let taken = 0
  for (const [name, check, shown = name] of alternatives) {
    if ((of as Record<string, unknown>)[name] === undefined) continue
    if (taken > 0 && !uncounted.includes(name)) out.push(forbidden(`${at}.${shown}`, message))
    else {
      taken++
      check?.()
    }
  }
  return taken
}

/** k8s: ValidateImmutableField. `shown`: how the message shows the new value, where that isn't its own form. */
export function checkImmutable(out: Finding[], now: unknown, before: unknown, at: string, shown: unknown = now): void {
  if (!deepEqual(now ?? undefined, before ?? undefined)) out.push(invalid(at, shown, 'field is immutable'))
}
