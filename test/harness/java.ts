import { spawnSync } from 'node:child_process'
import { test } from '@jest/globals'

const found = spawnSync('java', ['-version']).status === 0

/** A test of the local stack itself. It is skipped without a JDK, when KAFKA_BROKERS and REDIS_URL replace the stack. */
export const testWithJava = found ? test : test.skip
