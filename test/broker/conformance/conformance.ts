import { afterEach, beforeEach, describe, test } from '@jest/globals'
import type { Broker } from '../../../src/broker/port.ts'
import { adminFacts } from './admin.ts'
import { flowFacts } from './flow.ts'
import { groupFacts } from './groups.ts'
import { failureFacts, stopFacts } from './lifecycle.ts'
import { commitFacts, startFacts } from './offsets.ts'
import { recordFacts } from './records.ts'
import { type Facts, type Stage, setStage } from './stage.ts'

const FACTS: Readonly<Record<string, Facts>> = {
  records: recordFacts,
  commits: commitFacts,
  starts: startFacts,
  groups: groupFacts,
  stopping: stopFacts,
  failures: failureFacts,
  flow: flowFacts,
  admin: adminFacts,
}

/** A new broker. `release` ends what `broker.close` does not. */
export interface ConformanceSubject {
  readonly broker: Broker
  readonly release?: () => Promise<void>
}

/** Registers the tests that every adapter behind the port must pass. Each test gets its own broker and closes it. */
export function conformance(name: string, make: () => Promise<ConformanceSubject>): void {
  describe(`the ${name} broker`, () => {
    let subject: ConformanceSubject
    let stage: Stage

    beforeEach(async () => {
      subject = await make()
      stage = await setStage(subject.broker)
    })

    afterEach(async () => {
      await subject.broker.close()
      await subject.release?.()
    })

    for (const [area, facts] of Object.entries(FACTS)) {
      describe(area, () => {
        for (const [title, show] of Object.entries(facts)) test(title, () => show(stage))
      })
    }
  })
}
