/** k8s: pkg/apis/resource/v1/defaults.go */

interface DeviceRequest {
  allocationMode?: string
  count?: number
  tolerations?: { operator?: string }[]
}

interface ClaimSpec {
  devices?: { requests?: { exactly?: DeviceRequest; firstAvailable?: DeviceRequest[] }[] }
}

export function defaultClaimSpec(spec: ClaimSpec | undefined): void {
  for (const { exactly, firstAvailable } of spec?.devices?.requests ?? []) {
    for (const request of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])]) {
      request.allocationMode ??= 'ExactCount'
      if (request.allocationMode === 'ExactCount') request.count ??= 1
      for (const toleration of request.tolerations ?? []) toleration.operator ??= 'Equal'
    }
  }
}
