import { apiError } from '../kinds/status-error.ts'
import type { Call, Resource } from './resources.ts'

/** Resources in memory, with the API server's conflicts. */
export class TestStore {
  readonly objects = new Map<string, Resource<any>>()
  #version = 0

  readonly call: Call = async <T>(method: string, path: string, body?: unknown) => {
    await Promise.resolve()
    const of = (name: string) => ({ group: 'crd.projectcalico.org', resource: name })
    const object = body as Resource<any>
    switch (method) {
      case 'GET': {
        if (/\/nodes\/|\/[^/]+\/[^/]+$/.test(path.slice(path.indexOf('/v1') + 3))) {
          const found = this.objects.get(path)
          if (!found) throw apiError.notFound(of('x'), path)
          return structuredClone(found) as T
        }
        return { items: [...this.objects].filter(([key]) => key.startsWith(`${path}/`)).sort().map(([, each]) => structuredClone(each)) } as T
      }
      case 'POST': {
        const key = `${path}/${object.metadata.name}`
        if (this.objects.has(key)) throw apiError.alreadyExists(of('x'), key)
        return this.#put(key, object) as T
      }
      case 'PUT': {
        const found = this.objects.get(path)
        if (!found) throw apiError.notFound(of('x'), path)
        if (found.metadata.resourceVersion !== object.metadata.resourceVersion) throw apiError.conflict(of('x'), path, 'the object has been modified')
        return this.#put(path, object) as T
      }
      default: {
        const wanted = (body as { preconditions: { resourceVersion: string } }).preconditions.resourceVersion
        const found = this.objects.get(path)
        if (!found) throw apiError.notFound(of('x'), path)
        if (found.metadata.resourceVersion !== wanted) throw apiError.conflict(of('x'), path, 'precondition')
        this.objects.delete(path)
        return {} as T
      }
    }
  }

  #put(key: string, object: Resource<any>): Resource<any> {
    const stored = structuredClone({ ...object, metadata: { ...object.metadata, uid: key, resourceVersion: String(++this.#version) } })
    this.objects.set(key, stored)
    return structuredClone(stored)
  }

  names(resource: string): string[] {
    return [...this.objects.keys()].filter((key) => key.includes(`/${resource}/`)).map((key) => key.slice(key.lastIndexOf('/') + 1)).sort()
  }
}
