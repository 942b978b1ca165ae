import { type LoadedConfig, loadConfig } from '../src/config/load.ts'
import { describeProblems } from '../src/config/problem.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { boundTo } from '../src/formats/formats.ts'
import { openRegistry } from '../src/formats/registry/registry.ts'
import { loadFormats } from './modules/formats-file.ts'
import { say, type Terminal } from './terminal/terminal.ts'

export interface SettingsChoice {
  /** A settings file. */
  readonly config?: string
  /** Instead of KAFKA_BROKERS. */
  readonly brokers?: readonly string[]
  /** A module that exports formats. */
  readonly formats?: string
}

/** The settings that a command runs with; warnings are printed. Throws a ForewarmError with code `bad-config`. */
export function loadSettings(terminal: Terminal, { config: file, brokers }: SettingsChoice): LoadedConfig {
  const loaded = loadConfig({
    env: process.env,
    ...(file !== undefined && { file }),
    ...(brokers !== undefined && { overrides: { kafka: { brokers } } }),
  })
  for (const warning of loaded.warnings) say(terminal, `warning: ${warning}`)
  if (loaded.status === 'refused') throw new ForewarmError('bad-config', describeProblems(loaded.problems))
  return loaded
}

/** The same, with the formats of the module before those of the settings file. Rejects with a UsageError, too. */
export async function loadWithFormats(
  terminal: Terminal,
  choice: SettingsChoice,
): Promise<Pick<LoadedConfig, 'config' | 'formats'>> {
  const { config, formats } = loadSettings(terminal, choice)
  const registry = openRegistry(config.schemaRegistry)
  terminal.signal.addEventListener('abort', () => registry?.close(), { once: true })
  return { config, formats: boundTo(registry, [...(await loadFormats(choice.formats)), ...formats]) }
}
