import type { Ingress } from '../../kinds/generated/types.ts'
import type { AdmissionPlugin } from '../seams.ts'
import { newestDefault } from './default-storage-class.ts'
import { isAbout } from './forbidden.ts'

/** k8s: plugin/pkg/admission/network/defaultingressclass */
export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  mutate(attributes, { reader }) {
    if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'ingresses', 'networking.k8s.io') || !attributes.object) return
    const ingress = attributes.object as Ingress
    if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return
    const found = newestDefault(reader.list('ingressclasses.networking.k8s.io'), ['ingressclass.kubernetes.io/is-default-class'])
    if (found) ingress.spec = { ...ingress.spec, ingressClassName: found.metadata.name! }
  },
}
