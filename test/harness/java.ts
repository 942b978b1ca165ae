import { spawnSync } from 'node:child_process'
import { test } from '@jest/globals'

const found = spawnSync('java', ['-version']).status === 0

/** A test of the local stack itself; skipped where KAFKA_BROKERS and REDIS_URL stand in for a JDK that is not there. */
export const testWithJava = found ? test : test.skip
