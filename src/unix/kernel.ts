/** What uname -r says, on every machine: containers share their node's kernel. */
export const KERNEL_RELEASE = '6.12.0'
