import { type DecodedRecords, decodeRecords } from '../../../../src/broker/kafka/fetch/record-batches.ts'
import type { Fetched, FetchedPartition } from '../../../../src/broker/kafka/wire/fetch.ts'
import { mulberry32 } from '../../../harness/mulberry32.ts'
import { decodeAnswer, encodeAnswer, VERSIONS } from '../wire/fetch-answers.ts'
import { type Row, rowsOf } from './batches.ts'
import { below, mutated, pick, type Random, resealed } from './mutate.ts'
import { type Found, found, LOGS } from './mutated-logs.ts'

export interface Runs {
  readonly cases: number
  readonly seed: number
}

/** Decodes record sets that are damaged in each case. Throws, with seed and case, where what comes out is wrong. */
export function decodeDamagedRecords({ cases, seed }: Runs): void {
  eachCase({ cases, seed }, (random) => {
    const log = pick(LOGS, random)
    const position = BigInt(below(log.end + 2, random))
    const damaged = mutated(log.bytes, random)
    const isResealed = random() < 0.3
    const records = isResealed ? resealed(damaged) : damaged
    const decoded = decodeRecords({ records, position, aborted: log.aborted })
    checkPosition(decoded, { records, position })
    const rows = rowsOf(decoded)
    checkOffsets(decoded, rows, position)
    if (isResealed) return
    const made = found(records)
    checkRows(rows, made)
    // A marker that is cut out takes committed records along.
    if (log.aborted.length === 0) checkComplete(decoded, rows, { ...made, position })
  })
}

/** Decodes fetch answers of several partitions that are damaged anywhere. */
export function decodeDamagedAnswers({ cases, seed }: Runs): void {
  const answers = VERSIONS.map((version) => ({ version, bytes: encodeAnswer(version, { error: 0, partitions }) }))
  eachCase({ cases, seed }, (random) => {
    const { version, bytes } = pick(answers, random)
    for (const { records, aborted } of decodedOrMalformed(version, mutated(bytes, random))) {
      const position = BigInt(below(50, random))
      const decoded = decodeRecords({ records, position, aborted })
      checkPosition(decoded, { records, position })
      const rows = rowsOf(decoded)
      checkOffsets(decoded, rows, position)
      // The list of aborted transactions may be damaged, too.
      checkRows(rows, { ...found(records), aborted: new Set() })
    }
  })
}

const partitions: readonly FetchedPartition[] = LOGS.slice(0, 3).map(({ bytes, aborted, end }, partition) => ({
  ...{ topic: '0123456789abcdef'.repeat(2), partition, error: 0, highWatermark: BigInt(end), stableEnd: BigInt(end) },
  ...{ aborted, records: bytes, leader: partition === 1 ? 3 : undefined },
}))

function decodedOrMalformed(version: number, bytes: Buffer): Fetched['partitions'] {
  try {
    return decodeAnswer(version, bytes).partitions
  } catch (error) {
    if (error instanceof Error && error.name === 'MalformedAnswer') return []
    throw error
  }
}

function eachCase({ cases, seed }: Runs, run: (random: Random) => void): void {
  for (let number = 0; number < cases; number++) {
    try {
      run(mulberry32(seed + number))
    } catch (error) {
      throw new Error(`case ${number} of seed ${seed}, which is the first of seed ${seed + number}`, { cause: error })
    }
  }
}

function checkPosition(
  { next, neededBytes, skipped }: DecodedRecords,
  { records, position }: { readonly records: Buffer; readonly position: bigint },
): void {
  holds(next >= position, `the position goes back to ${next}`)
  const goesOn = next > position ? neededBytes === 0 : neededBytes > records.length
  holds(
    records.length === 0 ? next === position && neededBytes === 0 : goesOn,
    `nothing says how to go on from ${next}`,
  )
  let from = position
  for (const each of skipped) {
    holds(each.from >= from && each.to >= each.from && each.to < next, `${each.from} to ${each.to} are skipped`)
    from = each.to + 1n
  }
}

function checkOffsets({ next, skipped }: DecodedRecords, rows: readonly Row[], position: bigint): void {
  let last = position - 1n
  for (const { offset } of rows) {
    holds(offset > last && offset < next, `offset ${offset} comes behind ${last} and before ${next}`)
    holds(
      skipped.every(({ from, to }) => offset < from || offset > to),
      `offset ${offset} is skipped and read`,
    )
    last = offset
  }
}

/** Rows are those that were made, in their order, and of no transaction that was aborted. */
function checkRows(rows: readonly Row[], { rows: made, aborted, isInPlace }: Found): void {
  let at = 0
  for (const row of rows) {
    while (at < made.length && !isSame(made[at] as Row, row)) at++
    const original = made[at++]
    holds(original !== undefined, `no record is ${JSON.stringify({ ...row, offset: `${row.offset}` })}`)
    holds(!isInPlace || original === undefined || !aborted.has(original), `${row.offset} was aborted`)
  }
}

/** What was made and is not read was skipped, is before the position, or is fetched later. */
function checkComplete(
  { next, skipped }: DecodedRecords,
  rows: readonly Row[],
  { rows: made, isInPlace, position }: Found & { readonly position: bigint },
): void {
  if (!isInPlace) return
  for (const { offset } of made) {
    if (offset < position || offset >= next || rows.some((row) => row.offset === offset)) continue
    holds(
      skipped.some(({ from, to }) => from <= offset && offset <= to),
      `nothing tells that ${offset} is not read`,
    )
  }
}

function isSame(a: Row, b: Row): boolean {
  const isSameRecord = a.offset === b.offset && a.timeMs === b.timeMs && a.key === b.key && a.value === b.value
  return isSameRecord && `${a.headers}` === `${b.headers}`
}

function holds(condition: boolean, fact: string): void {
  if (!condition) throw new Error(fact)
}
