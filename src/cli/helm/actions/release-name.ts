const NAME = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'

/** Why a text can't name a release. k8s: chartutil.ValidateReleaseName */
export function releaseNameProblem(name: string): string | undefined {
  if (name === '') return 'no name provided'
  if (name.length > 53 || !new RegExp(NAME).test(name)) return `invalid release name, must match regex ${NAME} and the length must not be longer than 53`
  return undefined
}
