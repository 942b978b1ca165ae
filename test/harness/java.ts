import { spawnSync } from 'node:child_process'
import { test } from '@jest/globals'

export const hasJava = spawnSync('java', ['-version']).status === 0

/**
 * A test that starts Java itself, for the local stack or for Kafka's own client. It is skipped if there is no JDK, and
 * KAFKA_BROKERS and REDIS_URL stand in for it.
 */
export const testWithJava = hasJava ? test : test.skip
