import { TemplateSet } from '../../../cluster/kinds/go-template/go-template.ts'
import { sprigFunctions } from '../engine/sprig.ts'
import type { Session } from '../session.ts'

/** A name that a template makes. @throws Error */
export function randomName(session: Session, template: string): string {
  const set = new TemplateSet({ functions: sprigFunctions(session.proc) })
  set.parse('name-template', template)
  return set.execute('name-template', undefined)
}
