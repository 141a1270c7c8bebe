/** A failure of an expression, not of the code that runs it. */
export class CelFailure extends Error {}

/** Takes cost from what an evaluation has. @throws when there is none left */
export type Charge = (cost: number) => void
