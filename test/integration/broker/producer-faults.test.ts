import { expectAcknowledgedAreStored } from '../../broker/producer-ledger.ts'
import { testWithJava } from '../../harness/java.ts'

testWithJava(
  'what the producer acknowledges is in the log once and in order, while brokers are killed and restarted',
  () => expectAcknowledgedAreStored(['is killed', 'is restarted', 'is killed']),
)
