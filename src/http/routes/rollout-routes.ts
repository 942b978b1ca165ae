import { ROLLOUT_MODES } from '../../../schemas/control/rollout-modes.ts'
import type { RolloutOutcome, RolloutVersion } from '../../rollout/rollout-change.ts'
import type { RolloutChange } from '../../rollout/rollout-value.ts'
import type { Operations } from '../operations.ts'
import { outward } from '../outward.ts'
import { json, problem, type Reply } from '../reply.ts'
import type { RolloutOperations } from '../rollout-operations.ts'
import type { Routes } from '../route.ts'
import { COUNT, FLAG, list, NUMBER, object, oneOf, type Schema, TEXT } from '../schema.ts'
import { overtaken, tagged, versionIn } from '../version-tag.ts'

const SHADOW = object({ reads: COUNT }, { hit_ratio: NUMBER, hit_ratio_with_warming: NUMBER })
const SET = { mode: oneOf(...ROLLOUT_MODES), chains: {}, percent: NUMBER, control_share: NUMBER, killed: FLAG }
const AUTHOR = { version: COUNT, by: TEXT, at_ms: COUNT }
const ROLLOUT = object(
  { ...SET, ...AUTHOR, effective_mode: oneOf(...ROLLOUT_MODES), unknown_chains: list(TEXT) },
  { reason: TEXT, off_because: TEXT, shadow: SHADOW, past: list(object({ ...SET, ...AUTHOR }, { reason: TEXT })) },
)

/** The members are checked by the rollout itself, so that the same sentences come from everywhere. */
const BODY: Schema = {
  type: 'object',
  description: 'an object',
  additionalProperties: false,
  properties: {
    ...{ mode: {}, chains: {}, percent: {}, control_share: {}, killed: {} },
    by: { type: 'string', minLength: 1, maxLength: 200, description: '1 to 200 characters: who asks' },
    reason: { type: 'string', minLength: 1, maxLength: 500, description: '1 to 500 characters: why' },
  },
}

interface RolloutBody extends Omit<RolloutChange, 'controlShare'> {
  readonly control_share?: number
  readonly by?: string
  readonly reason?: string
}

/** How much is warmed, and its change for all nodes of the service. */
export function rolloutRoutes({ rollout }: Pick<Operations, 'rollout'>): Routes {
  return {
    '/rollout': {
      GET: {
        ...{ about: 'how much is warmed, who set it and why, and what shadow predicts', answers: { 200: ROLLOUT } },
        handle: () => shown(rollout),
      },
      PUT: {
        about: 'changes the members that are given, for all nodes; If-Match with the ETag keeps two operators apart',
        ...{ schema: { body: BODY }, answers: { 200: ROLLOUT } },
        handle: async ({ body, headers }) => {
          const { control_share: controlShare, by = 'a caller over HTTP', reason, ...rest } = body as RolloutBody
          const base = versionIn(headers['if-match'])
          const author = { by, ...(reason !== undefined && { reason }) }
          const change = { ...rest, ...(controlShare !== undefined && { controlShare }) }
          // A kill does not wait for who was first.
          const isKill = Object.keys(change).length === 1 && change.killed === true
          if (isKill) return answerTo(await rollout.kill(author), rollout)
          return answerTo(await rollout.set(change, { ...author, ...(base !== undefined && { base }) }), rollout)
        },
      },
    },
  }
}

function answerTo(outcome: RolloutOutcome, rollout: RolloutOperations): Reply {
  switch (outcome.status) {
    case 'set':
      return shown(rollout)
    case 'lost':
      return overtaken(outcome.winner.version, versionNamed(outcome.winner))
    case 'refused': {
      const errors = outcome.problems.map(({ field, detail }) => ({ pointer: `#/${outwardName(field)}`, detail }))
      return problem(400, errors.map(({ detail }) => detail).join('; '), { errors })
    }
    case 'failed':
      return problem(503, `The rollout could not be set: ${outcome.reason}`)
  }
}

function shown(rollout: RolloutOperations): Reply {
  const { mode, offBecause, set, unknownChains, shadow } = rollout.status()
  const body = {
    ...versionNamed(set),
    ...{ effective_mode: mode, unknown_chains: unknownChains },
    ...(offBecause !== undefined && { off_because: offBecause }),
    ...(shadow !== undefined && {
      shadow: outward(shadow),
    }),
    past: set.past.map(outward),
  }
  return tagged(json(200, body), set.version)
}

function versionNamed({ past: _, ...act }: RolloutVersion): object {
  return outward(act)
}

function outwardName(field: string): string {
  return field === 'controlShare' ? 'control_share' : field
}
