/** Who waits for the flush that is next. */
export class FlushWaits {
  #outcome: PromiseWithResolvers<boolean> | undefined
  #onBegin: (() => void)[] = []

  /** Resolves like the flush, to whether L2 has taken all of it. `onBegin` is called when it begins. */
  next(onBegin: () => void): Promise<boolean> {
    this.#onBegin.push(onBegin)
    this.#outcome ??= Promise.withResolvers()
    return this.#outcome.promise
  }

  /** The flush begins. Who waits from now on waits for the one after it. */
  begin(): { resolve(isWhole: boolean): void } | undefined {
    const outcome = this.#outcome
    this.#outcome = undefined
    for (const onBegin of this.#onBegin.splice(0)) onBegin()
    return outcome
  }
}
