/** What a release tells of itself, and its manifest in Kubernetes' registry. */
export interface CoreDnsRelease {
  version: string
  goVersion: string
  /** Of the source, shortened as git does. */
  commit: string
  digest: string
}

/**
 * The releases that Kubernetes' registry has: 1.8.1, 1.8.2, 1.9.0 to 1.9.2, 1.11.2 and 1.14.5 never came there.
 * k8s: k8s.io registry.k8s.io/images/k8s-staging-coredns/images.yaml
 */
export const CORE_DNS_RELEASES: readonly CoreDnsRelease[] = [
  ['1.8.0', '1.15.3', '054c9ae', 'cc8fb77bc2a0541949d1d9320a641b82fd392b0d3d8145469ca4709ae769980e'],
  ['1.8.3', '1.16', '4293992', '642ff9910da6ea9a8624b0234eef52af9ca75ecbec474c5507cb096bdfbae4e5'],
  ['1.8.4', '1.16.4', '053c4d5', '6e5a02c21641597998b4be7cb5eb1e7b02c0d8d23cce4dd09f4682d463798890'],
  ['1.8.5', '1.17.1', '8ddb631', '43a9f52f5dce39bf1816afe6141724cc2d08811e466dd46e6628c925e2419bdc'],
  ['1.8.6', '1.17.1', '13a9191', '5b6ec0d6de9baaf3e92d0f66cd96a25b9edbce8716f5f15dcd1a616b3abd590e'],
  ['1.9.3', '1.18.2', '45b0a11', '8e352a029d304ca7431c6507b56800636c321cb52289686a581ab70aaa8a2e2a'],
  ['1.9.4', '1.19.1', '1f0a41a', 'b82e294de6be763f73ae71266c8f5466e7e03c69f3a1de96efd570284d35bb18'],
  ['1.10.0', '1.19.1', '596a9f9', '017727efcfeb7d053af68e51436ce8e65edbc6ca573720afb4f79c8594036955'],
  ['1.10.1', '1.20', '055b2c3', 'a0ead06651cf580044aeb0a0feba63591858fb2e43ade8c9dea45a6a89ae7e5e'],
  ['1.11.0', '1.20.7', '9f4aa9d', 'cc3ebb05fbdba439d2d69813f162aa204b027098c8244fb3156e6e7c0f31c548'],
  ['1.11.1', '1.20.7', 'ae2bbc2', '1eeb4c7316bacb1d4c8ead65571cd92dd21e27359f0d4917f1a5822a73b75db1'],
  ['1.11.3', '1.21.11', 'a6338e9', '9caabbf6238b189a65d0d6e6ac138de60d6a1c419e5a341fbbb7c78382559c6e'],
  ['1.11.4', '1.23.2', '6e11ebd', '4190b960ea90e017631e3e1a38eea28e98e057ab60d57d47b3db6e5cf77436f7'],
  ['1.12.0', '1.23.3', '51e11f1', '40384aa1f5ea6bfdc77997d243aec73da05f27aed0c5e9d65bfa98933c519d97'],
  ['1.12.1', '1.24.1', '707c7c1', 'e8c262566636e6bc340ece6473b0eed193cad045384401529721ddbe6463d31c'],
  ['1.12.2', '1.24.4', '0eb5542', 'af8c8d35a5d184b386c4a6d1a012c8b218d40d1376474c7d071bb6c07201f47d'],
  ['1.12.3', '1.24.5', '463fd1c', '1391544c978029fcddc65068f6ad67f396e55585b664ecccd7fefba029b9b706'],
  ['1.12.4', '1.25.0', 'f323295', '986f04c2e15e147d00bdd51e8c51bcef3644b13ff806be7d2ff1b261d6dfbae1'],
  ['1.13.0', '1.25.1', '51f94b0', 'da282c1983a1a330240e6e84eaec9b6120b0de0e7e29e92c44a6acd25f9e0238'],
  ['1.13.1', '1.25.2', '1db4568', '9b9128672209474da07c91439bf15ed704ae05ad918dd6454e5b6ae14e35fee6'],
  ['1.13.2', '1.25.5', '0233f3e', '94caebb89dcfb9d2c4be45bfda34410a3e1092458fbbbc0284365c9e4c9a7818'],
  ['1.14.0', '1.25.5', '1c964f2', '4fbdd8fb53c5d1748aeb98f0799798fb073bb11128c13e8415aa254ad1ae0203'],
  ['1.14.1', '1.25.6', '80527fd', '82b57287b29beb757c740dbbe68f2d4723da94715b563fffad5c13438b71b14a'],
  ['1.14.2', '1.26.1', 'dd1df4f', 'e7e6440cfd1e919280958f5b5a6ab2b184d385bba774c12ad2a9e1e4183f90d9'],
  ['1.14.3', '1.26.2', '17fceec', '884b72dd6d2f7d367902af420605e0288dffedb0516ce29330423ae3f8f5c6fa'],
  ['1.14.4', '1.26.3', '232d7ca', '3e98f280fd601b37411c5fb7075fd9f337833c480f1644970b727ae0af067782'],
  ['1.14.6', '1.26.5', '424d125', '900f9c109f7a33545d3c811516e8376df9019147b750f5ce3e254468769176ea'],
  ['1.14.7', '1.26.6', '427fc80', '7efd3c635b03efd68c4e8398fc45f0d993d0e9ab016f72c1cefb0fd6d01aa286'],
].map(([version, go, commit, hex]) => ({ version: version!, goVersion: `go${go!}`, commit: commit!, digest: `sha256:${hex!}` }))
