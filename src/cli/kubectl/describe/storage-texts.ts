const SHORT_MODES: Record<string, string> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' }

/** `RWO,ROX`. k8s: kubectl/pkg/util/storage GetAccessModesAsString */
export const accessModesText = (modes: string[] | undefined) => Object.keys(SHORT_MODES).filter((m) => modes?.includes(m)).map((m) => SHORT_MODES[m]).join(',')

/** The class of a claim or volume; the annotation of former days counts first. k8s: kubectl/pkg/util/storage GetPersistentVolumeClaimClass */
export const claimClass = (o: any): string => o.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? o.spec?.storageClassName ?? ''
