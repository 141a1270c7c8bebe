/**
 * A value against a schema, with upstream's messages. k8s: kube-openapi/pkg/validation/validate,
 * apiextensions-apiserver/pkg/apiserver/validation
 */
import { deepEqual } from '../../../base/freeze.ts'
import { invalid, invalidText, notSupported, required, tooLong, tooMany, typeInvalid, type Finding } from '../findings.ts'
import { goFloat64, sortKeys } from '../go-text.ts'
import type { Correlation } from './correlation.ts'
import { effectiveFormat, hasFormat } from './formats.ts'
import { goPattern } from '../go-pattern.ts'
import { isJsonObject, propertySchema, shownPath, valuesSchema, type JsonObject, type JsonSchema } from './json-schema.ts'

/** One thing that is wrong. Without a name it concerns the whole. */
interface Problem {
  name?: string
  message: string
  finding(at: string): Finding
}

/** k8s: validate.Result: what is wrong, and how many checks were passed. */
interface Result {
  problems: Problem[]
  matches: number
}

const IN = 'body'

/**
 * All findings about a value.
 * @param at path of the value, before the names in messages (upstream leaves it out of them)
 * @param correlation what the value was before: what hasn't changed isn't held against it
 */
export function validateAgainstSchema(value: unknown, schema: JsonSchema, at = '', correlation?: Correlation): Finding[] {
  const { problems } = ratcheted(value, schema, '', correlation)
  return problems.map((problem) => problem.finding(problem.name === undefined || problem.name === '' || problem.name === '.' ? at : joined(at, problem.name.replace(/^\./, ''))))
}

const joined = (at: string, name: string) => at ? `${at}.${name}` : name

function ratcheted(value: unknown, schema: JsonSchema, path: string, correlation: Correlation | undefined): Result {
  const result = validate(value, schema, path, correlation)
  if (result.problems.length > 0 && correlation?.same) return { problems: [], matches: result.matches }
  return result
}

function validate(value: unknown, schema: JsonSchema, path: string, correlation: Correlation | undefined): Result {
  const result: Result = { problems: [], matches: 0 }
  if (value === null || value === undefined) {
    checkNull(schema, path, result)
    checkEnum(value, schema, path, result)
    return result
  }
  checkType(value, schema, path, result)
  checkAlternatives(value, schema, path, correlation, result)
  if (typeof value === 'string') {
    checkString(value, schema, path, result)
    checkFormat(value, schema, path, result)
  } else if (typeof value === 'number') checkNumber(value, schema, path, result)
  else if (Array.isArray(value)) checkList(value, schema, path, correlation, result)
  checkEnum(value, schema, path, result)
  if (isJsonObject(value)) checkObject(value, schema, path, correlation, result)
  result.matches++
  return result
}

function merge(into: Result, other: Result): void {
  for (const problem of other.problems) add(into, problem)
  into.matches += other.matches
}

/** The same message counts once. */
function add(into: Result, problem: Problem): void {
  if (!into.problems.some((known) => known.message === problem.message)) into.problems.push(problem)
}

const plain = (name: string, value: unknown, message: string): Problem => ({ name, message, finding: (at) => invalid(shownPath(at), sortKeys(value) ?? '', message) })
const whole = (message: string): Problem => ({ message, finding: (at) => invalid(shownPath(at), '', message) })

function typesOf(schema: JsonSchema): readonly string[] {
  return schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : schema.type ? [schema.type] : []
}

function formatOf(schema: JsonSchema): string | undefined {
  if (schema.keepsFormat) return schema.format || undefined
  return schema['x-kubernetes-int-or-string'] ? undefined : effectiveFormat(schema.format, schema.type)
}

/** As the validator names the type of JSON data. */
function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  // Go reads whole numbers beyond 64 bits as floating-point ones.
  if (typeof value === 'number') return Number.isInteger(value) && value < 2 ** 63 && value >= -(2 ** 63) ? 'integer' : 'number'
  return typeof value
}

function invalidType(path: string, expected: string, given: string): Problem {
  const message = `${path} in ${IN} must be of type ${expected}: ${JSON.stringify(given)}`
  return { name: path, message, finding: (at) => typeInvalid(shownPath(at), given, message) }
}

function checkNull(schema: JsonSchema, path: string, result: Result): void {
  const types = typesOf(schema)
  result.matches++
  if (types.length > 0 && !schema.nullable) add(result, invalidType(path, types.join(','), 'null'))
}

function checkType(value: unknown, schema: JsonSchema, path: string, result: Result): void {
  const types = typesOf(schema)
  const format = formatOf(schema)
  if (types.length === 0 && !format) return
  result.matches += 2
  const type = jsonType(value)
  const valueFormat = type === 'integer' ? 'int64' : type === 'number' ? 'float64' : ''
  const asInteger = type === 'integer' && types.includes('integer')
  const asNumber = type === 'integer' && types.includes('number')
  if (typeof value !== 'string' && !Array.isArray(value) && format && !(types.includes(type) || format === valueFormat || asInteger || asNumber)) return add(result, invalidType(path, format, valueFormat))
  if (!types.includes('number') && !types.includes('integer') && format && (typeof value === 'string' || Array.isArray(value))) return
  if (!types.includes(type) && !asInteger && !asNumber) add(result, invalidType(path, types.join(','), type))
}

function checkAlternatives(value: unknown, schema: JsonSchema, path: string, correlation: Correlation | undefined, result: Result): void {
  const { allOf = [], oneOf = [], anyOf = [], not } = schema
  result.matches += 2
  if (allOf.length + oneOf.length + anyOf.length === 0 && !not) return
  if (anyOf.length > 0) {
    let best: Result | undefined
    let success: Result | undefined
    for (const alternative of anyOf) {
      const outcome = validate(value, alternative, path, correlation)
      if (outcome.problems.length === 0) { success = outcome; break }
      if (!best || outcome.matches > best.matches) best = outcome
    }
    if (!success) add(result, whole(`${JSON.stringify(path)} must validate at least one schema (anyOf)`))
    merge(result, success ?? best!)
  }
  if (oneOf.length > 0) {
    let best: Result | undefined
    let success: Result | undefined
    let valid = 0
    for (const alternative of oneOf) {
      const outcome = validate(value, alternative, path, correlation)
      if (outcome.problems.length === 0) { valid++; success ??= outcome; best = undefined }
      else if (valid === 0 && (!best || outcome.matches > best.matches)) best = outcome
    }
    if (valid === 1) merge(result, success!)
    else {
      add(result, whole(`${JSON.stringify(path)} must validate one and only one schema (oneOf). ${valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`}`))
      if (best) merge(result, best)
    }
  }
  if (allOf.length > 0) {
    let valid = 0
    for (const part of allOf) {
      const outcome = validate(value, part, path, correlation)
      if (outcome.problems.length === 0) valid++
      merge(result, outcome)
    }
    if (valid !== allOf.length) add(result, whole(`${JSON.stringify(path)} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`))
  }
  if (not && validate(value, not, path, correlation).problems.length === 0) add(result, whole(`${JSON.stringify(path)} must not validate the schema (not)`))
}

function checkString(value: string, schema: JsonSchema, path: string, result: Result): void {
  result.matches++
  const { maxLength, minLength, pattern } = schema
  if (maxLength === undefined && minLength === undefined && !pattern) return
  const length = value.length === 0 ? 0 : [...value].length
  if (maxLength !== undefined && length > maxLength)
    return add(result, { name: path, message: `${path} in ${IN} should be at most ${maxLength} chars long`, finding: (at) => tooLong(shownPath(at), maxLength) })
  if (minLength !== undefined && length < minLength) return add(result, plain(path, value, `${path} in ${IN} should be at least ${minLength} chars long`))
  if (!pattern) return
  let matches: boolean
  try {
    matches = goPattern(pattern).test(value)
  } catch (error) {
    return add(result, plain(path, value, `${path} in ${IN} should match '${pattern}, but pattern is invalid: ${(error as Error).message}'`))
  }
  if (!matches) add(result, plain(path, value, `${path} in ${IN} should match '${pattern}'`))
}

function checkFormat(value: string, schema: JsonSchema, path: string, result: Result): void {
  const format = formatOf(schema)
  if (!format || schema.type === 'integer' || schema.type === 'number') return
  result.matches++
  if (hasFormat(value, format)) return
  add(result, invalidType(path, format, value))
}

function checkNumber(value: number, schema: JsonSchema, path: string, result: Result): void {
  result.matches += 2
  const type = typesOf(schema).length === 1 ? schema.type : undefined
  // Formats of other types don't narrow a number.
  const format = type === 'integer' || type === 'number' ? effectiveFormat(schema.format, type) : undefined
  const inRange = (of: number, what: string) => {
    const problem = rangeProblem(of, type, format)
    if (problem === undefined) return true
    add(result, whole(`${what} value must be of type ${type} ${problem} in ${path}`))
    return false
  }
  inRange(value, 'Checked')
  const { multipleOf, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  // Whole numbers are compared as Go's integers, unless the limit itself is out of range: then both count, and are shown, as floating-point numbers.
  const terms = (limit: number, what: string) => {
    const asInteger = inRange(limit, what) && jsonType(value) === 'integer'
    return asInteger ? { asInteger, limit: Math.trunc(limit), shown: String } : { asInteger, limit, shown: goFloat64 }
  }
  const breaks = (shown: (of: number) => string, of: number, rule: string) => add(result, { name: path, message: rule, finding: (at) => invalidText(shownPath(at), shown(of), rule) })
  if (multipleOf !== undefined) {
    const { asInteger, limit: factor, shown } = terms(multipleOf, 'MultipleOf')
    if (factor <= 0) breaks(shown, factor, `factor MultipleOf declared for ${path} must be positive: ${shown(factor)}`)
    else if (asInteger ? value % factor !== 0 : !Number.isInteger(factor < 1 ? (1 / factor) * value : value / factor)) breaks(shown, value, `${path} in ${IN} should be a multiple of ${shown(factor)}`)
  }
  if (minimum !== undefined) {
    const { limit, shown } = terms(minimum, 'Minimum boundary')
    if (exclusiveMinimum ? value <= limit : value < limit) breaks(shown, value, `${path} in ${IN} should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${shown(limit)}`)
  }
  if (maximum !== undefined) {
    const { limit, shown } = terms(maximum, 'Maximum boundary')
    if (exclusiveMaximum ? value >= limit : value > limit) breaks(shown, value, `${path} in ${IN} should be less than ${exclusiveMaximum ? '' : 'or equal to '}${shown(limit)}`)
  }
}

/** Why a number doesn't fit a type and format. k8s: validate IsValueValidAgainstRange */
function rangeProblem(value: number, type: string | undefined, format: string | undefined): string | undefined {
  const shown = format ? `with format ${format}` : '(default format)'
  if (type === 'integer') {
    const fits = Number.isInteger(value) && (format === 'int32' ? value >= -(2 ** 31) && value < 2 ** 31 : value >= -(2 ** 63) && value < 2 ** 63)
    return fits ? undefined : shown
  }
  return type === 'number' && format === 'float' && Math.abs(value) > 3.4028234663852886e38 ? shown : undefined
}

function checkList(value: readonly unknown[], schema: JsonSchema, path: string, correlation: Correlation | undefined, result: Result): void {
  const { items, minItems, maxItems, uniqueItems } = schema
  if (items) for (let i = 0; i < value.length; i++) merge(result, ratcheted(value[i], items, `${path}[${i}]`, correlation?.index(i)))
  const { length } = value
  if (minItems !== undefined && length < minItems) add(result, plain(path, length, `${path} in ${IN} should have at least ${minItems} items`))
  if (maxItems !== undefined && length > maxItems)
    add(result, { name: path, message: `${path} in ${IN} should have at most ${maxItems} items`, finding: (at) => tooMany(shownPath(at), length, maxItems) })
  if (uniqueItems && value.some((item, i) => value.slice(0, i).some((other) => deepEqual(item, other)))) add(result, plain(path, undefined, `${path} in ${IN} shouldn't contain duplicates`))
  result.matches += 2
}

function checkEnum(value: unknown, schema: JsonSchema, path: string, result: Result): void {
  result.matches++
  const values = schema.enum
  if (!values || values.length === 0 || (value !== null && value !== undefined && values.some((allowed) => deepEqual(value, allowed)))) return
  const shown = values.map((allowed) => typeof allowed === 'string' ? allowed : JSON.stringify(allowed))
  add(result, { name: path, message: `${path} in ${IN} should be one of [${shown.join(' ')}]`, finding: (at) => notSupported(shownPath(at), sortKeys(value), shown) })
}

function checkObject(value: JsonObject, schema: JsonSchema, path: string, correlation: Correlation | undefined, result: Result): void {
  const keys = Object.keys(value).sort()
  const { minProperties, maxProperties } = schema
  if (minProperties !== undefined && keys.length < minProperties) add(result, plain(path, keys.length, `${path} in ${IN} should have at least ${minProperties} properties`))
  if (maxProperties !== undefined && keys.length > maxProperties)
    add(result, { name: path, message: `${path} in ${IN} should have at most ${maxProperties} properties`, finding: (at) => tooMany(shownPath(at), keys.length, maxProperties) })
  const values = valuesSchema(schema)
  for (const key of keys) {
    if (propertySchema(schema, key)) continue
    if (schema.additionalProperties === false) add(result, plain(path, key, `${path}.${key} in ${IN} is a forbidden property`))
    else if (values) merge(result, ratcheted(value[key], values, `${path}.${key}`, belowOf(correlation, path, key)))
  }
  for (const key of keys) {
    const property = propertySchema(schema, key)
    if (property) merge(result, ratcheted(value[key], property, path ? `${path}.${key}` : key, belowOf(correlation, path, key)))
  }
  for (const name of schema.required ?? []) {
    if (Object.hasOwn(value, name) && value[name] !== undefined) continue
    const at = `${path}.${name}`
    add(result, { name: at, message: `${at} in ${IN} is required`, finding: (field) => required(shownPath(field)) })
  }
  result.matches++
}

/** kind and apiVersion of the object itself are never let be: conversion has made them equal. */
function belowOf(correlation: Correlation | undefined, path: string, key: string): Correlation | undefined {
  return path === '' && (key === 'kind' || key === 'apiVersion') ? undefined : correlation?.key(key)
}
