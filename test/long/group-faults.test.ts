import { expectAcknowledgedAreHandled, type Mishap } from '../broker/group-ledger.ts'
import { testWithJava } from '../harness/java.ts'

const ROUNDS = process.env.FOREWARM_FULL === undefined ? 6 : 30
const TIMEOUT_MS = 3_600_000

function rounds(...mishaps: readonly Mishap[]): Mishap[] {
  return Array.from({ length: ROUNDS }, () => mishaps).flat()
}

testWithJava(
  'a group handles every acknowledged record and never hangs, over many kills of three brokers',
  () => expectAcknowledgedAreHandled(rounds('broker is killed')),
  TIMEOUT_MS,
)

testWithJava(
  'a group handles every acknowledged record and never hangs, over many restarts of three brokers',
  () => expectAcknowledgedAreHandled(rounds('broker is restarted')),
  TIMEOUT_MS,
)

testWithJava(
  'a group handles every acknowledged record and never hangs, over many rolling restarts of its three members',
  () => expectAcknowledgedAreHandled(rounds('member is replaced', 'member is replaced', 'member is replaced')),
  TIMEOUT_MS,
)
