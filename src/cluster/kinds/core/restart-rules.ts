/** Whether containers that ended run again. k8s: pkg/api/v1/pod/util.go */
import type { Container, ContainerRestartRule, EphemeralContainer, PodSpec } from '../generated/types.ts'

type AnyContainer = Readonly<Container | EphemeralContainer>

/** The first of a container's rules that is for the exit code. k8s: FindMatchingContainerRestartRule */
export function matchingRestartRule({ restartPolicyRules }: AnyContainer, exitCode: number): ContainerRestartRule | undefined {
  return restartPolicyRules?.find(({ exitCodes }) => exitCodes && (exitCodes.values ?? []).includes(exitCode) === (exitCodes.operator === 'In'))
}

/** k8s: ContainerShouldRestart */
export function shouldRestartAfter(container: AnyContainer, { restartPolicy }: Readonly<PodSpec>, exitCode: number): boolean {
  if (container.restartPolicy !== undefined && matchingRestartRule(container, exitCode)) return true
  const policy = container.restartPolicy ?? restartPolicy
  return policy === 'Never' ? false : policy === 'OnFailure' ? exitCode !== 0 : true
}

const restartsAll = ({ restartPolicyRules }: AnyContainer) => restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers') ?? false

/** Whether the end of some container may start all of them anew. k8s: AllContainersCouldRestart */
export function allContainersCouldRestart({ initContainers, containers }: Readonly<PodSpec>): boolean {
  return containers.some(restartsAll) || (initContainers?.some(restartsAll) ?? false)
}
