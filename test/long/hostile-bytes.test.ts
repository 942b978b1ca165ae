import { test } from '@jest/globals'
import { decodeDamagedAnswers, decodeDamagedRecords } from '../broker/kafka/fetch/hostile-bytes.ts'

const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
const CASES = process.env.FOREWARM_FULL === undefined ? 200_000 : 1_000_000
console.log(`seed ${SEED}, ${CASES} cases; FOREWARM_SEED=${SEED} damages the same bytes again, --full more of them`)
const runs = { cases: CASES, seed: SEED }

test('very many damaged record sets give records as they were made, or none, and the position goes on', () => {
  decodeDamagedRecords(runs)
}, 600_000)

test('very many damaged fetch answers are malformed, or give records as they were made, or none', () => {
  decodeDamagedAnswers(runs)
}, 600_000)
