import { VERSION } from '../version.ts'
import { json } from './reply.ts'
import type { Route, Routes } from './route.ts'
import { PROBLEM, type Schema } from './schema.ts'

const PARAMETER = /:(\w+)/g
const DESCRIPTIONS: Readonly<Record<string, string>> = { 200: 'Done', 202: 'Begun', 503: 'Not as it should be' }

/** Adds the description of all routes (OpenAPI 3.1), its own included. */
export function withOpenApi(routes: Routes): Routes {
  const own: Route = {
    about: 'this description, in OpenAPI 3.1',
    answers: { 200: { type: 'object' } },
    isCostly: true,
    handle: () => json(200, document),
  }
  const all: Routes = { ...routes, '/openapi.json': { GET: own } }
  const document = openApi(all)
  return all
}

function openApi(routes: Routes): object {
  const paths = Object.entries(routes).map(([path, methods]) => [
    path.replace(PARAMETER, '{$1}'),
    Object.fromEntries(
      Object.entries(methods).map(([method, route]) => [method.toLowerCase(), operation(method, path, route)]),
    ),
  ])
  return {
    openapi: '3.1.0',
    info: {
      title: 'Forewarm',
      version: VERSION,
      description: 'A node over HTTP.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Callers on the same machine need no token.
    security: [{ token: [] }, {}],
    paths: Object.fromEntries(paths),
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  }
}

function operation(method: string, path: string, { about, schema = {}, answers, media }: Route): object {
  const { querystring, body } = schema
  const answered = Object.entries(answers).map(([status, answer]) => [
    status,
    { description: DESCRIPTIONS[status] ?? 'Answered', content: { [media ?? 'application/json']: { schema: answer } } },
  ])
  return {
    operationId: [method.toLowerCase(), ...(path.match(/\w+/g) ?? [])].join('_'),
    summary: about,
    parameters: [...inPath(path), ...inQuery(querystring)],
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: { ...Object.fromEntries(answered), default: REFUSED },
  }
}

const REFUSED = {
  description: 'Refused, with the reason',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

function inPath(path: string): readonly object[] {
  return [...path.matchAll(PARAMETER)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }))
}

function inQuery({ properties = {}, required = [] }: Schema = {}): readonly object[] {
  const needed = new Set(required as readonly string[])
  return Object.entries(properties as Readonly<Record<string, Schema>>).map(([name, { description, ...schema }]) => ({
    ...{ name, in: 'query', required: needed.has(name), description, schema },
  }))
}
