import { expect, test } from 'vitest'
import { zpageForm, statuszObject, statuszText, type ServerState } from './statusz.ts'

const state: ServerState = { startedMs: Date.UTC(2026, 10, 2, 1, 2, 3), nowMs: Date.UTC(2026, 10, 2, 2, 2, 8), version: { gitVersion: 'v1.36.3+x', goVersion: 'go1.26.8', emulationMajor: '1', emulationMinor: '36' } }

test('who asks for an object of a version gets it, everybody else the text', () => {
  expect(zpageForm(null, 'Statusz')).toBe('text')
  expect(zpageForm('application/json, */*', 'Statusz')).toBe('text')
  expect(zpageForm('application/yaml;v=v1beta1;g=config.k8s.io;as=Statusz', 'Statusz')).toEqual({ encoding: 'yaml', version: 'v1beta1', contentType: 'application/yaml;g=config.k8s.io;v=v1beta1;as=Statusz' })
  for (const accept of ['application/json', 'application/json;v=v1;g=config.k8s.io;as=Statusz', 'image/png'])
    expect(() => zpageForm(accept, 'Statusz')).toThrow('only the following media types are accepted: application/json, application/yaml, text/plain')
})

test('both forms tell age and version', () => {
  expect(statuszObject(state, 'v1beta1')).toMatchObject({ apiVersion: 'config.k8s.io/v1beta1', startTime: '2026-11-02T01:02:03Z', uptimeSeconds: 3605, binaryVersion: '1.36.3', emulationVersion: '1.36' })
  expect(statuszText(state)).toContain('Started: Mon Nov  2 01:02:03 UTC 2026\nUp: 1 hr 00 min 05 sec\nGo version: go1.26.8\nBinary version: 1.36.3\n')
})
