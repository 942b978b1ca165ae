import type { Telemetry, TelemetryOptions } from './sdk.ts'

/** Starts OpenTelemetry. Loading the SDK takes 0.2–0.3 s, so only the start of a node loads it. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { startSdk } = await import('./sdk.ts')
  return startSdk(options)
}
