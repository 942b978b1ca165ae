import { setTimeout as delay } from 'node:timers/promises'
import type { Acceptance } from '../../consumers/acceptance.ts'
import type { DeadLetters } from '../../consumers/loop.ts'
import { createDeadLetters } from '../../producers/dead-letters.ts'
import type { Producer } from '../../src/broker/port.ts'
import type { Clock } from '../../src/clock.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import type { Faults } from '../faults.ts'

export interface LettersOptions {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly version: string
}

export interface LettersParts {
  readonly producer: Producer
  readonly acceptance: Pick<Acceptance, 'refused'>
  readonly faults: Pick<Faults, 'deadLettered' | 'letterLost'>
}

/** Sends records of the group that cannot be handled to the dead-letter topics. */
export function createLetters(
  { clock, metrics, version }: LettersOptions,
  groupId: string,
  { producer, acceptance, faults }: LettersParts,
): DeadLetters {
  const store = createDeadLetters({
    ...{ producer, groupId, clock, metrics, version },
    sleep: (ms) => delay(ms),
    onSent: (letter) => faults.deadLettered(letter),
    onLost: (letter, error) => faults.letterLost(letter, error),
  })
  return (letter) => {
    acceptance.refused(letter)
    return store(letter)
  }
}
