import type { Configuration, ConfigurationChange, MemberId } from './types.ts'

/** How many of so many voters decide. */
export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1
}

/** A configuration one change later. */
export function changed({ voters, learners }: Configuration, { type, id }: ConfigurationChange): Configuration {
  const others = (ids: readonly MemberId[]) => ids.filter((each) => each !== id)
  switch (type) {
    case 'add-voter': return { voters: [...others(voters), id], learners: others(learners) }
    case 'add-learner': return voters.includes(id) ? { voters, learners } : { voters, learners: [...others(learners), id] }
    case 'remove': return { voters: others(voters), learners: others(learners) }
  }
}
