import { afterEach, describe, expect, test } from '@jest/globals'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { routesOf } from '../../src/http/routes.ts'
import { PROBLEM, type Schema } from '../../src/http/schema.ts'
import { closeAll, started } from './callers.ts'
import { OPERATIONS, PATTERNS, SEEN, TASK_ID } from './told-operations.ts'

afterEach(closeAll)

const ROUTES = routesOf(OPERATIONS, true)
const EACH = Object.entries(ROUTES).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, route]) => ({ method, path, route })),
)

/** A body that each route takes, if it takes one. */
const BODIES: Readonly<Record<string, unknown>> = {
  '/cache/predictor/patterns': PATTERNS,
  '/config': { settings: {} },
  '/cache/warm/intelligent': { strategy: 'on_demand', pairs: ['A'], priority: 'high' },
}

/** Names that the monitoring of before reads, and levels. Names of a document that is also a file stay as in the file. */
const OTHER_NAMES = new Set([
  ...['totalPairs', 'totalUpdates', 'totalWarmingOps', 'totalPairsWarmed', 'successRate'],
  ...['L1', 'L2', 'L3'],
  ...['firstHour', 'lastHour'],
])

function faults(schema: Schema, answer: unknown): readonly string[] {
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true })
  ajv.validate(schema, answer)
  return (ajv.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

function schemasIn(value: unknown): readonly Schema[] {
  if (typeof value !== 'object' || value === null) return []
  return [value as Schema, ...Object.values(value).flatMap(schemasIn)]
}

async function ask(port: number, method: string, pattern: string): Promise<Response> {
  const named = pattern.replace(':chain', SEEN.chain).replace(':pair', encodeURIComponent(SEEN.pair))
  const path = named.replace(':task_id', TASK_ID)
  const body = method === 'GET' ? {} : { body: JSON.stringify(BODIES[pattern] ?? {}) }
  return fetch(`http://127.0.0.1:${port}${path}`, { method, ...body })
}

describe.each(EACH)('$method $path', ({ method, path, route }) => {
  test('answers what its schema says: every member, and no other', async () => {
    const response = await ask(await started(), method, path)
    const answer = response.headers.get('content-type')?.startsWith('application/json')
      ? await response.json()
      : await response.text()
    expect(Object.keys(route.answers)).toContain(`${response.status}`)
    expect(faults(route.answers[response.status] ?? {}, answer)).toEqual([])
    expect(response.headers.get('content-type')).toContain(route.media ?? 'application/json')
  })

  test('has objects in its answers that list all their members, but for the description of all routes', () => {
    const objects = schemasIn(route.answers).filter(({ type }) => type === 'object')
    const open = objects.filter(({ additionalProperties }) => additionalProperties === undefined)
    expect(open).toEqual(path === '/openapi.json' ? [{ type: 'object' }] : [])
  })

  test('names members and parameters in snake_case', () => {
    const names = schemasIn([route.answers, route.schema]).flatMap(({ properties }) => Object.keys(properties ?? {}))
    expect(names.filter((name) => !/^[a-z][a-z\d]*(?:_[a-z\d]+)*$/.test(name) && !OTHER_NAMES.has(name))).toEqual([])
  })

  test('answers a refusal with a problem document', async () => {
    const port = await started()
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'DELETE' })
    expect([response.status, faults(PROBLEM, await response.json())]).toEqual([405, []])
  })
})

describe('/openapi.json', () => {
  test('is a valid description in OpenAPI 3.1 of every route', async () => {
    const description = (await (await ask(await started(), 'GET', '/openapi.json')).json()) as Readonly<
      Record<string, object>
    >
    const validator = new Validator()
    expect(await validator.validate(structuredClone(description))).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
    const described = Object.entries(description.paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const expected = EACH.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    expect(described).toEqual(expected)
  })
})
