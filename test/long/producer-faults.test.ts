import { expectAcknowledgedAreStored } from '../broker/producer-ledger.ts'
import { testWithJava } from '../harness/java.ts'

const TIMES = process.env.FOREWARM_FULL === undefined ? 3 : 30
const TIMEOUT_MS = 1_800_000

testWithJava.each(['is killed', 'is restarted', 'hangs'] as const)(
  `what the producer acknowledges is in the log once and in order, though ${TIMES} times a broker %s`,
  (fault) => expectAcknowledgedAreStored(Array(TIMES).fill(fault)),
  TIMEOUT_MS,
)
