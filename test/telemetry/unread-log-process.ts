import { createLog } from '../../src/telemetry/log.ts'
import { standardErrorLog } from '../../src/telemetry/log-stream.ts'

/** The program that log-stream.test.ts starts: it logs more than a pipe holds. */
const log = createLog({ service: 'unread', version: '0' })
const text = 'x'.repeat(1_000)
for (let line = 0; line < 5_000; line++) log.warn({ line, text }, 'a line')
console.log(standardErrorLog().dropped)
