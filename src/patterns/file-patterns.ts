import { Alarm } from '../alarm.ts'
import { ForewarmError } from '../forewarm-error.ts'
import { serviceOfPatterns } from '../prediction/patterns-document.ts'
import { MOST_KEPT, PatternFile } from './pattern-file.ts'
import { type PatternStore, type PatternStoreOptions, SAVE_MS, Saves } from './pattern-store.ts'

export interface FilePatternsOptions extends PatternStoreOptions {
  readonly path: string
}

/** Keeps the predictor's history in a file of the node's own. */
export class FilePatterns implements PatternStore {
  readonly #options: FilePatternsOptions
  readonly #file: PatternFile
  readonly #nextSave: Alarm
  readonly #saves = new Saves()
  #state: 'made' | 'running' | 'closed' = 'made'

  constructor(options: FilePatternsOptions) {
    this.#options = options
    this.#file = new PatternFile(options.path)
    this.#nextSave = new Alarm(() => void this.#save().then(() => this.#nextSave.set(SAVE_MS)), options.timer)
  }

  get failedSaves(): number {
    return this.#saves.failed
  }

  get unsaved(): ForewarmError | undefined {
    return this.#saves.unsaved
  }

  get trouble(): string | undefined {
    return this.unsaved?.message
  }

  /** A file that cannot be read is logged and left alone, and the node begins without history. */
  async start(): Promise<void> {
    if (this.#state !== 'made') return
    const { path, log, service, predictor, clock } = this.#options
    const unusable = await this.#file.problem()
    if (unusable !== undefined)
      throw new ForewarmError(
        'bad-config',
        `PATTERN_STORE: expected a file that can be saved, got ${path}: ${unusable}`,
      )
    this.#state = 'running'
    let refusedPairs = 0
    const { from, problems } = await this.#file.restore((document) => {
      const other = serviceOfPatterns(document) ?? service
      if (other !== service) throw this.#foreign(other)
      const outcome = predictor.importPatterns(document, clock.now())
      if ('problem' in outcome) return outcome.problem
      refusedPairs = outcome.refused
      return undefined
    })
    for (const problem of problems) log.warn({ problem }, 'patterns could not be restored')
    if (from !== undefined) log.info({ from, refused: refusedPairs }, 'patterns restored')
    this.#nextSave.set(SAVE_MS)
  }

  async close(): Promise<void> {
    const wasRunning = this.#state === 'running'
    this.#state = 'closed'
    this.#nextSave.close()
    if (wasRunning) await this.#save()
  }

  /** A save would replace what another service has learned. */
  #foreign(other: string): ForewarmError {
    this.#state = 'closed'
    const { path, service } = this.#options
    return new ForewarmError(
      'bad-config',
      `PATTERN_STORE: expected patterns of service ${service}, got those of service ${other} in ${path}: give each a file of its own`,
    )
  }

  async #save(): Promise<void> {
    const { predictor, service, log, path } = this.#options
    // An empty history must not replace a saved one.
    if (predictor.history.lastHour < 0) return
    try {
      const kept = await this.#file.save(predictor.patternText(service))
      if (kept.length > 0)
        log.warn(
          { kept, mostKept: MOST_KEPT },
          'files that are not patterns were in the way: they have new names, and stay until somebody removes them',
        )
      this.#saves.succeeded()
    } catch (error) {
      this.#saves.failedAt(path, error)
      log.warn({ err: error }, 'patterns could not be saved')
    }
  }
}
