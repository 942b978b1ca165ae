import type { WarmingWay, Ways } from '../../consumers/lane-warming.ts'
import { warmCode } from '../../src/cache/l1/usage.ts'
import type { Config } from '../../src/config/settings.ts'
import type { Way } from '../../src/rollout/rollout.ts'
import type { ShadowL1 } from '../../src/rollout/shadow-l1.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import type { Caches } from '../options.ts'
import { strategiesOf } from '../strategies/strategies.ts'
import { LOOK_AHEAD, lookAheadsOf } from './look-aheads.ts'
import { type AskedParts, createTriggers, sightOf, type TriggersParts } from './triggers.ts'
import type { WarmsInto } from './warms-into.ts'

/** What warms, in earnest or in shadow. It is made anew whenever the rollout's way changes; lanes take it at their next update. */
export function createWays(options: TriggersParts, parts: AskedParts): Ways {
  const { rollout, shadow } = options.caches
  const ways: { current: AdjustableWay | undefined } = { current: undefined }
  let made: Way = 'off'
  let turns = 0
  let { config } = options
  const make = () => {
    if (rollout.way === made) return
    made = rollout.way
    // Each way counts its requests from 1, and an id that came before would pass for a repetition.
    const nodeId = `${options.nodeId}.${++turns}`
    const shadowed = made === 'shadow' ? shadow.parts?.l1 : undefined
    if (made === 'off') ways.current = undefined
    else if (shadowed === undefined)
      ways.current = wayOf({ ...options, config, nodeId }, parts, inEarnest(options.caches))
    // The counts of the look-ahead are those of fetches: in shadow there are none.
    else
      ways.current = wayOf(
        { ...options, config, nodeId, metrics: createMetrics() },
        parts,
        inShadow(options.caches, shadowed),
      )
  }
  rollout.onChange(make)
  options.running.follow((changed) => {
    config = changed
    ways.current?.adjust(changed)
  })
  make()
  return ways
}

interface AdjustableWay extends WarmingWay {
  /** Takes new settings. */
  readonly adjust: (config: Config) => void
}

function wayOf(options: TriggersParts, parts: AskedParts, into: WarmsInto): AdjustableWay {
  const asks = options.config.node.roles.includes('correlate')
  const triggers = asks ? createTriggers(options, parts, into) : undefined
  const lookAheads = lookAheadsOf(options, parts, into)
  const { comparison } = options.caches
  let { subject } = comparison
  return {
    lookAhead: lookAheads.make,
    onTrigger: triggers && ((pairId, eventTimeMs) => triggers.onUpdate(pairId, eventTimeMs)),
    adjust: (config) => {
      lookAheads.adjust(config)
      // A strategy that stays goes on with what it has learned.
      if (comparison.subject === subject) return
      subject = comparison.subject
      triggers?.choose(...strategiesOf(config, sightOf(options, parts, into)))
    },
  }
}

function inEarnest(caches: Caches): WarmsInto {
  const { l1, promotion } = caches
  const kindIndexOf = lookAheadKindOf(caches)
  return {
    ...{ l1, isShadow: false, control: leftOut(caches) },
    takesMs: () => promotion.typicalMs,
    late: () => promotion.lateByKind[LOOK_AHEAD] ?? 0,
    promote: (pairIds, timeoutMs) => promotion.promote(pairIds, { timeoutMs, kindIndexOf }),
  }
}

function inShadow(caches: Caches, l1: ShadowL1): WarmsInto {
  const kindIndexOf = lookAheadKindOf(caches)
  return {
    ...{ l1, isShadow: true, control: leftOut(caches), late: () => 0 },
    takesMs: () => caches.hierarchy.fastMs,
    promote: async (pairIds, timeoutMs, waits) => l1.warm(pairIds, kindIndexOf, waits ? timeoutMs : 0),
  }
}

/** The control group, and the updates of pairs that the rollout leaves out. */
function leftOut({ rollout, control }: Caches): WarmsInto['control'] {
  return {
    includes: (pairId, eventTimeMs) => !rollout.includes(pairId) || control.includes(pairId, eventTimeMs),
  }
}

/** The code of a warm of the look-ahead, which tells the strategies apart. */
function lookAheadKindOf({ arms }: Caches): (pairId: number) => number {
  return (pairId) => warmCode(LOOK_AHEAD, arms.areTwo ? arms.wantedBy(pairId) : 0)
}
