/** A release of Node. */
export interface NodeRelease {
  version: string
  npm: string
  v8: string
  /** NODE_MODULE_VERSION. */
  abi: string
  /** Code name of its long-term support. */
  lts: string | undefined
  yarn: string
}

/** The last releases by major version. */
export const NODE_RELEASES: Readonly<Record<number, NodeRelease>> = {
  4: { version: 'v4.4.2', npm: '2.15.0', v8: '4.5.103.35', abi: '46', lts: 'Argon', yarn: '0.27.5' },
  6: { version: 'v6.3.1', npm: '3.10.3', v8: '5.0.71.57', abi: '48', lts: undefined, yarn: '0.27.5' },
  8: { version: 'v8.17.0', npm: '6.13.4', v8: '6.2.414.78', abi: '57', lts: 'Carbon', yarn: '1.21.1' },
  10: { version: 'v10.24.1', npm: '6.14.12', v8: '6.8.275.32-node.59', abi: '64', lts: 'Dubnium', yarn: '1.22.5' },
  12: { version: 'v12.22.12', npm: '6.14.16', v8: '7.8.279.23-node.57', abi: '72', lts: 'Erbium', yarn: '1.22.18' },
  14: { version: 'v14.21.3', npm: '6.14.18', v8: '8.4.371.23-node.88', abi: '83', lts: 'Fermium', yarn: '1.22.19' },
  16: { version: 'v16.20.2', npm: '8.19.4', v8: '9.4.146.26-node.26', abi: '93', lts: 'Gallium', yarn: '1.22.19' },
  18: { version: 'v18.20.8', npm: '10.8.2', v8: '10.2.154.26-node.36', abi: '108', lts: 'Hydrogen', yarn: '1.22.22' },
  20: { version: 'v20.20.2', npm: '10.8.2', v8: '11.3.244.8-node.33', abi: '115', lts: 'Iron', yarn: '1.22.22' },
  22: { version: 'v22.23.3', npm: '10.9.8', v8: '12.4.254.21-node.57', abi: '127', lts: 'Jod', yarn: '1.22.22' },
  24: { version: 'v24.21.0', npm: '11.9.0', v8: '13.6.233.17-node.53', abi: '137', lts: 'Krypton', yarn: '1.22.22' },
  26: { version: 'v26.10.0', npm: '11.13.0', v8: '14.6.202.33-node.18', abi: '147', lts: 'Lithium', yarn: '1.22.22' },
}
