import v8 from 'node:v8'

/**
 * Settings of V8 for a process that runs a cluster, whose objects live long and whose work is spread thin over many functions: the young
 * generation grows to its full size at once instead of doubling from one megabyte while thousands of objects survive it; functions get
 * baseline code at their first call instead of being interpreted until they are warm; and less is inlined, because the compiler's threads
 * otherwise take the second core from the collector for seconds.
 */
const SETTINGS = ['--always-sparkplug', '--semi-space-growth-factor=16', '--max-inlined-bytecode-size=100', '--max-inlined-bytecode-size-cumulative=200']

/** Sets V8 up for a cluster in this process. To be called before the cluster's code has run. */
export function tuneEngine(): void {
  for (const setting of SETTINGS) v8.setFlagsFromString(setting)
}
