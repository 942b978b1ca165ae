import { test } from '@jest/globals'
import { decodeDamagedAnswers, decodeDamagedRecords } from './hostile-bytes.ts'

const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
const runs = { cases: 50_000, seed: SEED }

test('damaged record sets give records as they were made, or none, and the position goes on', () => {
  decodeDamagedRecords(runs)
})

test('damaged fetch answers are malformed, or give records as they were made, or none', () => {
  decodeDamagedAnswers(runs)
})
