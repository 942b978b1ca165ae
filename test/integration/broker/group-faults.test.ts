import { expectAcknowledgedAreHandled } from '../../broker/group-ledger.ts'
import { testWithJava } from '../../harness/java.ts'

testWithJava(
  'a group handles every acknowledged record and never hangs, while brokers are killed and restarted and members replaced',
  () =>
    expectAcknowledgedAreHandled([
      'broker is killed',
      'member is replaced',
      'broker is restarted',
      'member is replaced',
      'broker is killed',
      'member is replaced',
    ]),
)
