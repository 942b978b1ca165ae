import type { Cursor } from './cursor.ts'
import type { AvroRecord, AvroType } from './schema.ts'

export type Skip = (cursor: Cursor) => void

/** Makes functions that move past a value, one for each record, however often and wherever it is named. */
export class Skips {
  readonly #ofRecord = new Map<AvroRecord, Skip>()

  of(type: AvroType): Skip {
    switch (type.kind) {
      case 'null':
        return () => undefined
      case 'boolean':
        return (cursor) => void cursor.skip(1)
      case 'int':
      case 'long':
      case 'enum':
        return (cursor) => void cursor.long()
      case 'float':
        return (cursor) => void cursor.skip(4)
      case 'double':
        return (cursor) => void cursor.skip(8)
      case 'bytes':
      case 'string':
        return (cursor) => void cursor.skip(cursor.long())
      case 'fixed':
        return (cursor) => void cursor.skip(type.size)
      case 'array':
        return this.#blocks(this.of(type.items))
      case 'map':
        return this.#blocks(this.#entry(this.of(type.values)))
      case 'union':
        return this.#union(type.branches.map((branch) => this.of(branch)))
      case 'record':
        return this.#record(type)
    }
  }

  #entry(value: Skip): Skip {
    return (cursor) => {
      cursor.skip(cursor.long())
      value(cursor)
    }
  }

  #blocks(item: Skip): Skip {
    return (cursor) => {
      for (let count = blockOf(cursor, true); count !== 0; count = blockOf(cursor, true))
        for (let i = 0; i < count && cursor.fault === undefined; i++) item(cursor)
    }
  }

  #union(branches: readonly Skip[]): Skip {
    return (cursor) => branchOf(cursor, branches)?.(cursor)
  }

  #record(record: AvroRecord): Skip {
    const known = this.#ofRecord.get(record)
    if (known !== undefined) return known
    const fields: Skip[] = []
    const skip: Skip = (cursor) => {
      if (!cursor.enter()) return
      for (const field of fields) field(cursor)
      cursor.leave()
    }
    this.#ofRecord.set(record, skip)
    for (const { type } of record.fields) fields.push(this.of(type))
    return skip
  }
}

/**
 * The number of items of the next block of a list; 0 after the last. A block whose size in bytes is known is moved past if
 * it `maySkip`.
 */
export function blockOf(cursor: Cursor, maySkip: boolean): number {
  for (;;) {
    const count = cursor.long()
    if (count === 0 || cursor.fault !== undefined) return 0
    if (count > 0) return cursor.enterItems(count) ? count : 0
    const bytes = cursor.long()
    if (!maySkip) return cursor.enterItems(count) ? -count : 0
    cursor.skip(bytes)
  }
}

/** What belongs to the branch of a union that comes next. */
export function branchOf<T>(cursor: Cursor, branches: readonly T[]): T | undefined {
  const branch = cursor.long()
  if (cursor.fault !== undefined) return undefined
  return branches[branch] ?? cursor.fail(`a union of ${branches.length} has no branch ${branch}`)
}
