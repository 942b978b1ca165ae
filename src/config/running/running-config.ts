import { isObject } from '../../../schemas/json-value.ts'
import { ForewarmError } from '../../forewarm-error.ts'
import { described } from '../argument.ts'
import type { ConfigChanges } from '../layers/changes.ts'
import type { LoadedConfig } from '../load.ts'
import { type ConfigProblem, describeProblems } from '../problem.ts'
import { type Config, type Overrides, SETTING_PLACES } from '../settings.ts'
import { member } from '../settings-file.ts'

/** The settings of a node that runs. Some of them may change; whoever works by these is told. */
export class RunningConfig {
  readonly #atStart: LoadedConfig
  readonly #followers: ((config: Config) => void)[] = []
  #changes: ConfigChanges = { update: {}, control: {} }
  #now: LoadedConfig

  constructor(atStart: LoadedConfig) {
    this.#atStart = atStart
    this.#now = atStart
  }

  get now(): LoadedConfig {
    return this.#now
  }

  /** All changes since the start. None of them is secret. */
  get changes(): ConfigChanges {
    return this.#changes
  }

  /** `follower` is called after each change, with all settings. */
  follow(follower: (config: Config) => void): void {
    this.#followers.push(follower)
  }

  /**
   * Adds to the changes that were made by calls. A value of `undefined` takes an earlier change back. If anything is
   * refused, nothing changes and a ForewarmError 'bad-config' names every fault.
   */
  update(update: Overrides): void {
    if (!isObject(update))
      throw new ForewarmError('bad-value', `updateConfig: expected an object of settings, got ${described(update)}`)
    const merged: Record<string, unknown> = { ...this.#changes.update }
    for (const [group, rows] of Object.entries(update)) {
      const before = merged[group]
      merged[group] = isObject(before) && isObject(rows) ? { ...before, ...rows } : (rows ?? before)
    }
    const problems = [...this.#change({ ...this.#changes, update: merged }, this.#outvoted(update))]
    if (problems.length > 0) throw new ForewarmError('bad-config', describeProblems(problems))
  }

  /** Replaces what the control topic has set, by the names of settings. Returns why nothing changed; nothing if it did. */
  control(control: ConfigChanges['control']): readonly ConfigProblem[] {
    return this.#change({ ...this.#changes, control })
  }

  #change(changes: ConfigChanges, problems: readonly ConfigProblem[] = []): readonly ConfigProblem[] {
    const changed = this.#atStart.changed(changes)
    if (changed.status === 'refused') return [...changed.problems, ...problems]
    if (problems.length > 0) return problems
    this.#changes = changes
    this.#now = changed
    for (const follower of this.#followers) follower(changed.config)
    return []
  }

  /** The control topic sets a value for all nodes, so that of one node would have no effect. */
  #outvoted(update: Overrides): readonly ConfigProblem[] {
    return SETTING_PLACES.filter(
      ({ group, key, row }) =>
        member(member(update, group), key) !== undefined && member(this.#changes.control, row.name) !== undefined,
    ).map(({ group, key }) => ({
      setting: `${group}.${key}`,
      origin: 'update',
      received: 'a value for this node',
      allowed: 'none, as the control topic sets it for all nodes',
    }))
  }
}
