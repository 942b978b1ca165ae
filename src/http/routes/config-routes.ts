import type { ConfigOperations, ConfigOutcome, SetConfig } from '../config-operations.ts'
import type { Operations } from '../operations.ts'
import { json, problem, type Reply } from '../reply.ts'
import type { Routes } from '../route.ts'
import { byName, COUNT, list, object, oneOf, type Schema, TEXT } from '../schema.ts'
import { overtaken, tagged, versionIn } from '../version-tag.ts'

const ANY: Schema = {}
const SETTING = object(
  { name: TEXT, value: TEXT, origin: TEXT, changes: oneOf('while_running', 'at_start') },
  { reason: TEXT },
)
const CONFIG = object(
  { version: COUNT, set: byName(ANY), settings: list(SETTING) },
  { by: TEXT, at_ms: COUNT, reason: TEXT, refused_because: TEXT },
)

/** What all nodes of the service are to have; settings that are left out go back to what each node has of its own. */
const BODY: Schema = {
  type: 'object',
  description: 'an object',
  additionalProperties: false,
  required: ['settings'],
  properties: {
    settings: { type: 'object', description: 'an object of values by the names of their settings' },
    by: { type: 'string', minLength: 1, maxLength: 200, description: '1 to 200 characters: who asks' },
    reason: { type: 'string', minLength: 1, maxLength: 500, description: '1 to 500 characters: why' },
  },
}

interface ConfigBody {
  readonly settings: Readonly<Record<string, unknown>>
  readonly by?: string
  readonly reason?: string
}

/** The settings that are in force, and those that operators change while nodes run. */
export function configRoutes({ config }: Pick<Operations, 'config'>): Routes {
  return {
    '/config': {
      GET: {
        ...{ about: 'every setting in force on this node, and what was set for all', answers: { 200: CONFIG } },
        handle: () => shown(config),
      },
      PUT: {
        about: 'sets values for all nodes of the service; If-Match with the ETag keeps two operators apart',
        ...{ schema: { body: BODY }, answers: { 200: CONFIG } },
        handle: async ({ body, headers }) => {
          const { settings: set, by = 'a caller over HTTP', reason } = body as ConfigBody
          const asked = { set, by, base: versionIn(headers['if-match']), ...(reason !== undefined && { reason }) }
          return answerTo(await config.set(asked), config)
        },
      },
    },
  }
}

function answerTo(outcome: ConfigOutcome, config: ConfigOperations): Reply {
  switch (outcome.status) {
    case 'set':
      return shown(config)
    case 'lost':
      return overtaken(outcome.winner.version, named(outcome.winner))
    case 'refused': {
      const errors = outcome.problems.map(({ setting, received, allowed }) => ({
        pointer: `#/settings/${setting.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        detail: `got ${received}; allowed: ${allowed}`,
      }))
      const names = outcome.problems.map(({ setting }, at) => `${setting}: ${errors[at]?.detail}`)
      return problem(400, names.join('; '), { errors })
    }
    case 'failed':
      return problem(503, `The settings could not be set: ${outcome.reason}`)
  }
}

function shown(config: ConfigOperations): Reply {
  const inForce = config.inForce()
  const settings = config.settings().map(({ name, value, origin, atStart }) => ({
    ...{ name, value, origin },
    ...(atStart === undefined ? { changes: 'while_running' } : { changes: 'at_start', reason: atStart }),
  }))
  return tagged(json(200, { ...named(inForce), settings }), inForce.version)
}

function named({ atMs, refusedBecause, ...rest }: SetConfig): object {
  const refused = refusedBecause !== undefined && { refused_because: refusedBecause }
  return { ...rest, ...(atMs !== undefined && { at_ms: atMs }), ...refused }
}
