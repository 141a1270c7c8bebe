/** The parts that lessons are sorted into, in the order in which a beginner meets them. Apart from the parser, which the page doesn't need: it gets lessons as the build has read them. */
export const PARTS = ['basics', 'workloads', 'storage', 'network', 'security', 'delivery', 'operations'] as const
export type Part = (typeof PARTS)[number]
