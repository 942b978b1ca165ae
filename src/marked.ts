import { AsyncLocalStorage } from 'node:async_hooks'

/** Code of the user. Whatever it starts carries the mark: timers, promises, sockets and what these start. */
export interface Mark {
  /** What the code is called where its errors are counted. */
  readonly name: string
  /** Who is told of its errors; undefined: every node of the process. */
  readonly owner: object | undefined
}

/** Calls a function under a mark, in about 0.1 µs. */
export type Enter = <Args extends unknown[], Result>(run: (...args: Args) => Result, ...args: Args) => Result

const marks = new AsyncLocalStorage<Mark>()

/** Runs code of the user that belongs to no node, such as the body of a module. */
export function runMarked<T>(name: string, run: () => T): T {
  return marks.run({ name, owner: undefined }, run)
}

/** What calls functions under the mark. The context is made once: a call only enters it. */
export function entering(mark: Mark): Enter {
  return marks.run(mark, () => AsyncLocalStorage.snapshot())
}

/** The mark of the code that runs now; undefined for code of ours. */
export function markNow(): Mark | undefined {
  return marks.getStore()
}

/** Runs what is not the user's any more. */
export function runUnmarked<T>(run: () => T): T {
  return marks.exit(run)
}
